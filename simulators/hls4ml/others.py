"""Activations, pools, sums and normalisation: stages and resources of a batch of designs.

In arrays every element has its own circuit, in a stream every element of a pixel. Figures per bit come from single
layers in reports that hls4ml publishes, of 16 bits, 5 ns, Vivado HLS 2020.1: its synthesis baselines (repository,
test/pytest/baselines/Vivado/2020.1: 64 elements of an activation behind a dense layer, of which the same without it is
subtracted, and pools of 14 × 14 × 3 elements), and its SVHN report (see `products`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .batch import Mask, Settings, Table
from .lowering import ADD, AVERAGE_POOL, MAX_POOL, MULTIPLY, SELECT, SOFTMAX, TABLE, LoweredNetwork, Vector
from .product_area import dsp_tiles

#: A figure of each family of layers.
Rates = Mapping[int, float]

#: LUTs per bit of an element in arrays: relu (2224 - 602) / 64 / 16; a look-up with rounding and limits
#: (9884 - 602) / 64 / 16; an adder one; a comparison of a pool 17804 / 441 / 16, a sum 10433 / 441 / 16.
ARRAY_LUT: Rates = {
    SELECT: 1.6, TABLE: 9.1, SOFTMAX: 19.4, ADD: 1.0, MULTIPLY: 1.0, MAX_POOL: 2.5, AVERAGE_POOL: 1.5,
}  # fmt: skip
#: The same in streams, SVHN: relu 3032 / 64 / 16; softmax 3096 / 10 / 16; normalisation 2016 / 42 / 16; a comparison of
#: a pool 2709 / 16 / 3 / 16, its line buffer included; baselines: a look-up (12674 - 3978) / 64 / 16.
STREAM_LUT: Rates = {
    SELECT: 3.0, TABLE: 8.5, SOFTMAX: 19.4, ADD: 1.0, MULTIPLY: 3.0, MAX_POOL: 3.5, AVERAGE_POOL: 3.5,
}  # fmt: skip
#: Flip-flops per bit of an element, in a pool of an element of all windows: a look-up (1047 - 18) / 64 / 16; softmax
#: 788 / 10 / 16; pools in arrays 12962 / 588 / 16, in streams 2008 / 16 / 4 / 16.
ARRAY_FF: Rates = {
    SELECT: 0.0, TABLE: 1.0, SOFTMAX: 4.9, ADD: 0.0, MULTIPLY: 1.0, MAX_POOL: 1.4, AVERAGE_POOL: 1.4,
}  # fmt: skip
STREAM_FF: Rates = {**ARRAY_FF, MAX_POOL: 2.0, AVERAGE_POOL: 2.0}
#: Stages in arrays, beside what the layer before holds in its last cycle. Baselines: relu none, a look-up two, pools
#: none. A softmax finds the largest input, looks up exponentials, sums, looks up the reciprocal, multiplies (derived).
ARRAY_STAGES: Rates = {SELECT: 0, TABLE: 2, SOFTMAX: 6, ADD: 0, MULTIPLY: 1, MAX_POOL: 0, AVERAGE_POOL: 0}
#: Cycles in streams for one pixel, and beside those for the pixels where there are several. SVHN: relu 902 for 900,
#: pools 903 for 900, normalisation 1, softmax 7; baselines: a look-up 2.
ONE_PIXEL: Rates = {SELECT: 0, TABLE: 2, SOFTMAX: 7, ADD: 0, MULTIPLY: 1, MAX_POOL: 3, AVERAGE_POOL: 3}
SEVERAL_PIXELS: Rates = {SELECT: 2, TABLE: 4, SOFTMAX: 7, ADD: 2, MULTIPLY: 3, MAX_POOL: 3, AVERAGE_POOL: 3}
#: Elements that share the two ports of one table of 1024 words of 18 bits, which fills a block RAM (baselines: 32 for
#: 64); a stream's softmax reads each port twice (SVHN: 4 for 10, the table of reciprocals included).
PORTS, SOFTMAX_READS = 2, 4


@dataclass(frozen=True)
class Others:
    """The layers without weights, each field (layers,); the rates are those of their families."""

    window: Vector
    places: Vector
    packets: Vector
    elements: Vector
    channels: Vector
    rows: Vector
    cols: Vector
    width: Vector
    pool: Mask
    softmax: Mask
    table: Mask
    multiplies: Mask
    array_lut: Vector
    stream_lut: Vector
    array_ff: Vector
    stream_ff: Vector
    array_stages: Vector
    one_pixel: Vector
    several_pixels: Vector

    @classmethod
    def of(cls, network: LoweredNetwork) -> Others:
        """Those of a lowered network."""
        names = ("places", "packets", "elements", "channels", "rows", "cols", "width")
        family = [network.layers[i].family for i in network.others]

        def among(*families: int) -> Mask:
            return np.array([f in families for f in family], bool)

        def rate(table: Rates) -> Vector:
            return np.array([table[f] for f in family], np.float64)

        return cls(
            window=network.column(network.others, "n_in"),
            **{name: network.column(network.others, name) for name in names},
            pool=among(MAX_POOL, AVERAGE_POOL),
            softmax=among(SOFTMAX),
            table=among(TABLE, SOFTMAX),
            multiplies=among(MULTIPLY, SOFTMAX),
            array_lut=rate(ARRAY_LUT),
            stream_lut=rate(STREAM_LUT),
            array_ff=rate(ARRAY_FF),
            stream_ff=rate(STREAM_FF),
            array_stages=rate(ARRAY_STAGES),
            one_pixel=rate(ONE_PIXEL),
            several_pixels=rate(SEVERAL_PIXELS),
        )


@dataclass(frozen=True)
class OtherCosts:
    """Costs of each design's layers, float64 (n, layers); as in `ProductCosts`."""

    stages: Table
    interval: Table
    busy: Table
    fill: Table
    drain: Table
    lut: Table
    ff: Table
    dsp: Table
    bram18: Table


def other_costs(layers: Others, s: Settings) -> OtherCosts:
    """Costs of the layers without weights of a batch of designs."""
    bits, pool = s.activation_bits, layers.pool
    lanes = np.where(s.stream, layers.channels, layers.elements)
    results = np.where(s.stream, layers.channels, layers.channels * layers.places)
    work = np.where(pool, results * (layers.window - 1), lanes)
    held = np.where(pool & s.stream, lanes * layers.window, lanes)
    sharing = np.where(layers.softmax & s.stream, SOFTMAX_READS, PORTS)

    several = layers.packets > 1
    busy = np.where(several, layers.packets + layers.several_pixels, layers.one_pixel) + 0 * lanes
    fill = np.minimum((layers.rows - 1) * layers.width + layers.cols + layers.several_pixels, busy)
    return OtherCosts(
        stages=layers.array_stages + 0 * lanes,
        interval=np.where(s.stream & several, busy + 1, 1.0),
        busy=busy,
        fill=fill,
        drain=np.where(several, 1.0, busy),
        lut=np.rint(bits * np.where(s.stream, layers.stream_lut, layers.array_lut) * work),
        ff=np.rint(bits * np.where(s.stream, layers.stream_ff, layers.array_ff) * held),
        dsp=np.where(layers.multiplies, lanes, 0.0) * dsp_tiles(bits, bits),
        bram18=np.where(layers.table, np.ceil(lanes / sharing), 0.0) + layers.softmax,
    )

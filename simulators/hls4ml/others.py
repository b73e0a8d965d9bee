"""Activations, pools, sums and normalisation: stages and resources of a batch of designs.

In arrays every element has its own circuit, in a stream every element of a pixel. The figures per bit come from single
layers in hls4ml's synthesis baselines (its repository, test/pytest/baselines/Vivado/2020.1: 16 bits, 5 ns, 64 elements
of an activation behind a dense layer, and pools of 14 × 14 × 3 elements), less those of the same layer without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .lowering import ADD, AVERAGE_POOL, MAX_POOL, MULTIPLY, SELECT, SOFTMAX, TABLE, LoweredNetwork, Vector
from .products import SHIFT_REGISTER, Mask, Settings, Table, dsp_tiles

#: LUTs per bit of an element: relu (2224 - 602) / 64 / 16; a look-up with its rounding and limits
#: (9884 - 602) / 64 / 16; an adder one; a comparison of a pool 17804 / 441 / 16, a sum 10433 / 441 / 16.
LUT_PER_BIT = {
    SELECT: 1.6, TABLE: 9.1, SOFTMAX: 9.1, ADD: 1.0, MULTIPLY: 1.0, MAX_POOL: 2.5, AVERAGE_POOL: 1.5,
}  # fmt: skip
#: Flip-flops per bit: a look-up (1047 - 18) / 64 / 16; pools 12962 / 588 / 16 for each input.
FF_PER_BIT = {SELECT: 0.0, TABLE: 1.0, SOFTMAX: 1.0, ADD: 0.0, MULTIPLY: 1.0, MAX_POOL: 1.4, AVERAGE_POOL: 1.4}
#: Stages in arrays, where what one cycle holds is part of the layer before: relu none, a look-up two. A softmax finds
#: the largest input, looks up exponentials, sums, looks up the reciprocal and multiplies (derived).
STAGES = {SELECT: 0, TABLE: 2, SOFTMAX: 6, ADD: 0, MULTIPLY: 1, MAX_POOL: 0, AVERAGE_POOL: 0}
#: Elements that share the two ports of one table of 1024 words of 18 bits, which fills a block RAM.
PORTS = 2


@dataclass(frozen=True)
class Others:
    """The layers without weights, each field (layers,)."""

    family: Vector
    window: Vector
    places: Vector
    packets: Vector
    elements: Vector
    channels: Vector
    rows: Vector
    width: Vector

    @classmethod
    def of(cls, network: LoweredNetwork) -> Others:
        """Those of a lowered network."""
        names = ("family", "places", "packets", "elements", "channels", "rows", "width")
        columns = {name: network.column(network.others, name) for name in names}
        return cls(window=network.column(network.others, "n_in"), **columns)

    def rate(self, table: dict[int, float]) -> Vector:
        """A figure of each layer's family."""
        return np.array([table[int(family)] for family in self.family], np.float64)

    def among(self, *families: int) -> Mask:
        """Which layers are of some families."""
        return np.isin(self.family, families)


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
    """Costs of the layers without weights of a batch of designs; `Settings` hold (n, 1) columns."""
    pool, softmax = layers.among(MAX_POOL, AVERAGE_POOL), layers.among(SOFTMAX)
    bits = s.activation_bits
    lanes = np.where(s.stream, layers.channels, layers.elements)
    work = np.where(pool, np.where(s.stream, layers.channels, layers.channels * layers.places) * (layers.window - 1), lanes)
    lines = np.where(pool & s.stream, (layers.rows - 1) * layers.channels * np.ceil(layers.width / SHIFT_REGISTER), 0.0)
    lut = bits * (layers.rate(LUT_PER_BIT) * work + lines)
    held = np.where(pool & s.stream, layers.channels * layers.window, lanes)
    ff = bits * layers.rate(FF_PER_BIT) * held
    tables = np.where(layers.among(TABLE, SOFTMAX), np.ceil(lanes / PORTS), 0.0) + softmax
    multiplied = np.where(layers.among(MULTIPLY, SOFTMAX), lanes, 0.0)
    dsp = multiplied * dsp_tiles(bits, bits)

    shape = np.zeros_like(lanes)
    stages = layers.rate({family: float(stage) for family, stage in STAGES.items()}) + s.stream * 1.0 + shape
    window = (layers.rows - 1) * layers.width + layers.rows
    busy = layers.packets + stages
    fill = np.minimum(window + stages, busy)
    interval = np.where(s.stream, layers.packets, 1.0)
    return OtherCosts(stages, interval, busy, fill, stages + 0.0, lut, ff, dsp, tables + shape)

"""Layers without weights (activations, pools, sums and normalisation): stages and resources.

In arrays every element has its own circuit, in a stream every element of a pixel. Figures per bit come from single
layers in reports that hls4ml publishes, of 16 bits, 5 ns, Vivado HLS 2020.1: its synthesis baselines (repository,
test/pytest/baselines/Vivado/2020.1: 64 elements of an activation behind a dense layer, of which the same without it is
subtracted, and pools of 14 × 14 × 3 elements), and its SVHN report (see `products`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ...fpga.formulas.terms import ceil, rounded, select
from ..lowering.layers import ADD, AVERAGE_POOL, LOOK_UP, MAX_POOL, MULTIPLY, SELECT, SOFTMAX, Layer
from .product_area import dsp_tiles
from .settings import LayerCosts, Settings

#: A figure of each family of layers.
Rates = Mapping[int, float]

#: LUTs per bit of an element in arrays: relu (2224 - 602) / 64 / 16; a look-up with rounding and limits
#: (9884 - 602) / 64 / 16; an adder one; a comparison of a pool 17804 / 441 / 16, a sum 10433 / 441 / 16.
ARRAY_LUT: Rates = {
    SELECT: 1.6, LOOK_UP: 9.1, SOFTMAX: 19.4, ADD: 1.0, MULTIPLY: 1.0, MAX_POOL: 2.5, AVERAGE_POOL: 1.5,
}  # fmt: skip
#: The same in streams, SVHN: relu 3032 / 64 / 16; softmax 3096 / 10 / 16; normalisation 2016 / 42 / 16; a comparison of
#: a pool 2709 / 16 / 3 / 16, its line buffer included; baselines: a look-up (12674 - 3978) / 64 / 16.
STREAM_LUT: Rates = {
    SELECT: 3.0, LOOK_UP: 8.5, SOFTMAX: 19.4, ADD: 1.0, MULTIPLY: 3.0, MAX_POOL: 3.5, AVERAGE_POOL: 3.5,
}  # fmt: skip
#: Flip-flops per bit of an element, in a pool of an element of all windows: a look-up (1047 - 18) / 64 / 16; softmax
#: 788 / 10 / 16; pools in arrays 12962 / 588 / 16, in streams 2008 / 16 / 4 / 16.
ARRAY_FF: Rates = {
    SELECT: 0.0, LOOK_UP: 1.0, SOFTMAX: 4.9, ADD: 0.0, MULTIPLY: 1.0, MAX_POOL: 1.4, AVERAGE_POOL: 1.4,
}  # fmt: skip
STREAM_FF: Rates = {**ARRAY_FF, MAX_POOL: 2.0, AVERAGE_POOL: 2.0}
#: Stages in arrays, beside what the layer before holds in its last cycle. Baselines: relu none, a look-up two, pools
#: none. A softmax finds the largest input, looks up exponentials, sums, looks up the reciprocal, multiplies (derived).
ARRAY_STAGES: Rates = {SELECT: 0, LOOK_UP: 2, SOFTMAX: 6, ADD: 0, MULTIPLY: 1, MAX_POOL: 0, AVERAGE_POOL: 0}
#: Cycles in streams for one pixel, and beside those for the pixels where there are several. SVHN: relu 902 for 900,
#: pools 903 for 900, normalisation 1, softmax 7; baselines: a look-up 2.
ONE_PIXEL: Rates = {SELECT: 0, LOOK_UP: 2, SOFTMAX: 7, ADD: 0, MULTIPLY: 1, MAX_POOL: 3, AVERAGE_POOL: 3}
SEVERAL_PIXELS: Rates = {SELECT: 2, LOOK_UP: 4, SOFTMAX: 7, ADD: 2, MULTIPLY: 3, MAX_POOL: 3, AVERAGE_POOL: 3}
#: Elements that share the two ports of one table of 1024 words of 18 bits, which fills a block RAM (baselines: 32 for
#: 64); a stream's softmax reads each port twice (SVHN: 4 for 10, the table of reciprocals included).
PORTS, SOFTMAX_READS = 2, 4


def unweighted_costs(layer: Layer, s: Settings) -> LayerCosts:
    """Return the costs of a layer without weights."""
    bits, kind = s.activation_bits, layer.family
    pool, softmax = kind in (MAX_POOL, AVERAGE_POOL), kind == SOFTMAX
    lanes = select(s.stream, layer.channels, layer.elements)
    results = select(s.stream, layer.channels, layer.channels * layer.places)
    work = results * (layer.window - 1) if pool else lanes
    held = select(s.stream, lanes * layer.window, lanes) if pool else lanes
    sharing = select(s.stream, SOFTMAX_READS, PORTS) if softmax else PORTS

    several = layer.packets > 1
    busy = layer.packets + SEVERAL_PIXELS[kind] if several else ONE_PIXEL[kind]
    fill = min((layer.rows - 1) * layer.width + layer.cols + SEVERAL_PIXELS[kind], busy)
    return LayerCosts(
        stages=ARRAY_STAGES[kind],
        interval=select(s.stream & several, busy + 1, 1.0),
        busy=busy,
        fill=fill,
        drain=1.0 if several else busy,
        lut=rounded(bits * select(s.stream, STREAM_LUT[kind], ARRAY_LUT[kind]) * work),
        ff=rounded(bits * select(s.stream, STREAM_FF[kind], ARRAY_FF[kind]) * held),
        dsp=lanes * dsp_tiles(bits, bits) if kind in (MULTIPLY, SOFTMAX) else 0.0,
        bram18=(ceil(lanes / sharing) if kind in (LOOK_UP, SOFTMAX) else 0.0) + softmax,
    )

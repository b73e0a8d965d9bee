"""Dense and convolutional layers: cycles, interval and resources.

Two circuits make a product of n_in inputs with a matrix n_in × n_out (hls4ml's `nnet_dense_latency.h` and
`nnet_dense_resource.h`):

- **unrolled** (strategy latency, and resource with a reuse factor of 1): every product has a multiplier of its own,
  and its weight is a constant. A constant of few digits is a handful of adders in LUTs, others take a DSP.
- **shared** (strategy resource): ⌈n_in · n_out / reuse factor⌉ multipliers take turns, their weights come from block
  RAM, and where a multiplier serves k = reuse factor / n_in outputs in turn, its accumulator is chosen among them.

A convolution has one such circuit and goes over the places of its window.

Where a comment says SVHN it means the report that hls4ml's tutorial ships of its convolutional network for street-view
house numbers (fastmachinelearning/hls4ml-tutorial, pruned_cnn: Vivado HLS 2020.1, 5 ns, io_stream, latency, reuse 1).
"""

from __future__ import annotations

import math

from ...fpga.formulas.terms import Term, Truth, ceil, equal, floor, log2, maximum, minimum, no, rounded, select
from ..lowering.layers import Layer
from ..tables.constants import CLOCK_UNCERTAINTY, DSP_BITS, Constants
from .product_area import (
    dsp_fraction,
    dsp_tiles,
    shared_ff,
    shared_lut,
    shared_ram,
    unrolled_ff,
    unrolled_lut,
    windows,
)
from .settings import ProductCosts, Settings

#: Cycles of a stream's convolution beside those for its pixels and for the sum of the last (SVHN: 1027, 229 and 40 for
#: 1024, 225 and 36 pixels), and of a dense layer beside those for its sum (7 with 4 pixels, 3 and 2 with one).
CONV_CYCLES, DENSE_CYCLES = 3, 2
#: Cycles of a shared product beside its reuse factor: to read weights and to store (all of wa-hls4ml's reports).
SHARED_CYCLES = 2


def product_costs(layer: Layer, s: Settings, c: Constants) -> ProductCosts:
    """Return the costs of a layer with weights.

    LUTs and flip-flops are fitted to dense layers; figures of convolutions follow from the same circuits and are
    compared with no more than what comments name.
    """
    matrix = layer.n_in * layer.n_out
    multipliers = ceil(matrix / s.reuse)
    shared = s.resource & (s.reuse > 1)
    with_dsp = dsp_fraction(s.weight_bits, c)
    tiles = dsp_tiles(s.weight_bits, s.activation_bits)
    constant = rounded(matrix * with_dsp)  # multiplications by constants that take a DSP each
    limited = no(s.resource) & (s.reuse > 1)
    dsp = select(limited, minimum(constant, multipliers), constant)
    dsp = select(shared, multipliers * (s.weight_bits >= DSP_BITS), dsp) * tiles

    core, interval = _core_cycles(layer, s, c, shared, limited, constant, multipliers)
    lut = unrolled_lut(layer, s, c, matrix, with_dsp)
    ff = unrolled_ff(layer, s, c, matrix, with_dsp, core, limited)
    lut = select(shared, shared_lut(layer, s, c, multipliers), lut)
    ff = select(shared, shared_ff(layer, s, c, multipliers), ff)
    bram = select(shared, shared_ram(layer, s, multipliers), 0.0)
    conv = layer.is_convolution
    if conv:
        window_lut, window_ff = windows(layer, s, c)
        lut, ff = lut + window_lut, ff + window_ff
    timing = _places_cycles(layer, s, shared, core, interval)
    return ProductCosts(
        *timing,
        lut=rounded(lut),
        ff=rounded(ff),
        dsp=dsp,
        bram18=bram,
        unrolled=select(s.resource, multipliers, matrix),
        reuse_limit=select(conv & shared & no(s.stream), layer.n_in, math.inf),
    )


def sum_cycles(products: Term, weight_bits: Term, clock_ns: float, level_delay_ns: Term) -> Term:
    """Count the whole cycles that multiplying and summing so many products takes, in levels of adders."""
    levels = log2(products) + log2(weight_bits)
    return floor(levels * level_delay_ns / (clock_ns * (1 - CLOCK_UNCERTAINTY)))


def _core_cycles(
    layer: Layer, s: Settings, c: Constants, shared: Truth, limited: Truth, constant: Term, multipliers: Term
) -> tuple[Term, Term]:
    """Return the latency and interval at one place.

    Shared: the reuse factor and two cycles, one where neither DSP nor choice of an accumulator takes a register; the
    interval is the reuse factor. All reports in wa-hls4ml with a reuse factor above 1 obey. Limited multipliers
    (strategy latency): the constants take turns, and the next sample waits until all have had theirs.
    """
    deep = sum_cycles(layer.n_in, s.weight_bits, s.clock_ns, c.level_delay_ns)
    partial = sum_cycles(maximum(layer.n_in / s.reuse, 1.0), 1.0, s.clock_ns, c.level_delay_ns)
    pair = equal(s.reuse, 2 * layer.n_in)
    plain = pair & (s.weight_bits < DSP_BITS)
    turns = select(constant > 0, ceil(constant / minimum(multipliers, maximum(constant, 1))) + 2, deep > 0)
    unrolled = deep + select(limited, turns, 0.0)
    latency = select(shared, s.reuse + SHARED_CYCLES - plain + partial, unrolled)
    interval = select(limited, minimum(s.reuse, unrolled + 1), select(s.resource, unrolled + 1, 1.0))
    return latency, select(shared, s.reuse, interval)


def _places_cycles(
    layer: Layer, s: Settings, shared: Truth, core: Term, interval: Term
) -> tuple[Term, Term, Term, Term, Term]:
    """Return the stages, interval, busy, fill and drain of a whole layer.

    In arrays, a convolution takes one place after the other (hls4ml's baseline: 7 × 7 places in 51 to 52 cycles, every
    49). In a stream it takes a pixel of its input after the other, its first result comes with the first full window.
    """
    conv = layer.is_convolution
    rate = s.reuse + select(shared, SHARED_CYCLES, 0.0)
    stages = select(conv, layer.places * rate + core + 2, core + 1)
    every = select(conv, layer.places * rate, interval)
    several = layer.packets > 1
    pixels = layer.packets * s.reuse + select(shared, layer.places * SHARED_CYCLES, 0.0)
    drain = core + select(conv, CONV_CYCLES, DENSE_CYCLES)
    busy = select(conv, pixels, layer.packets * several) + drain
    window = ((layer.rows - 1) * layer.width + layer.cols) * s.reuse
    fill = select(conv, minimum(window + drain, busy), busy)
    streamed = select(conv | several, busy + 1, interval)
    return stages, select(s.stream, streamed, every), busy, fill, select(conv, 1.0, drain)

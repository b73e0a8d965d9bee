"""Dense and convolutional layers: cycles, interval and resources of a batch of designs.

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

from dataclasses import dataclass

import numpy as np

from .batch import Mask, Products, Settings, Table
from .constants import CLOCK_UNCERTAINTY, DSP_BITS, Constants
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

#: Cycles of a stream's convolution beside those for its pixels and for the sum of the last (SVHN: 1027, 229 and 40 for
#: 1024, 225 and 36 pixels), and of a dense layer beside those for its sum (7 with 4 pixels, 3 and 2 with one).
CONV_CYCLES, DENSE_CYCLES = 3, 2
#: Cycles of a shared product beside its reuse factor: to read weights and to store (all of wa-hls4ml's reports).
SHARED_CYCLES = 2


@dataclass(frozen=True)
class ProductCosts:
    """Costs of each design's layers, float64 (n, layers).

    Attributes:
        stages: cycles from the first input to the first cycle that another layer can use the result.
        interval: cycles from one sample to the next.
        busy: cycles of a stream's layer from its first pixel to its last result.
        fill: the same to its first result.
        drain: cycles by which the last result of a stream's layer is later than that of the layer before.
        unrolled: multiplications that the tool unrolls.
        reuse_limit: the largest reuse factor that the circuit is right for: a multiplier of a convolution in arrays
            works for one output only (asserted in hls4ml's `nnet_conv2d_resource.h`).
    """

    stages: Table
    interval: Table
    busy: Table
    fill: Table
    drain: Table
    lut: Table
    ff: Table
    dsp: Table
    bram18: Table
    unrolled: Table
    reuse_limit: Table


def product_costs(layers: Products, s: Settings, c: Constants) -> ProductCosts:
    """Costs of the product layers of a batch of designs.

    LUTs and flip-flops are fitted to dense layers; figures of convolutions follow from the same circuits and are
    compared with no more than what comments name.
    """
    matrix = layers.n_in * layers.n_out
    multipliers = np.ceil(matrix / s.reuse)
    shared = s.resource & (s.reuse > 1)
    with_dsp = dsp_fraction(s.weight_bits, c)
    tiles = dsp_tiles(s.weight_bits, s.activation_bits)
    constant = np.rint(matrix * with_dsp)  # multiplications by constants that take a DSP each
    limited = ~s.resource & (s.reuse > 1)
    dsp = np.where(limited, np.minimum(constant, multipliers), constant)
    dsp = np.where(shared, multipliers * (s.weight_bits >= DSP_BITS), dsp) * tiles

    core, interval = _core_cycles(layers, s, c, shared, limited, constant, multipliers)
    lut = unrolled_lut(layers, s, c, matrix, with_dsp)
    ff = unrolled_ff(layers, s, c, matrix, with_dsp, core, limited)
    bram = np.zeros_like(lut)
    if shared.any():
        lut = np.where(shared, shared_lut(layers, s, c, multipliers), lut)
        ff = np.where(shared, shared_ff(layers, s, c, multipliers), ff)
        bram = np.where(shared, shared_ram(layers, s, multipliers), 0.0)
    conv = layers.convolution
    if conv.any():
        window_lut, window_ff = windows(layers, s, c)
        lut, ff = lut + np.where(conv, window_lut, 0.0), ff + np.where(conv, window_ff, 0.0)
    timing = _places_cycles(layers, s, shared, core, interval)
    return ProductCosts(
        *timing,
        lut=np.rint(lut),
        ff=np.rint(ff),
        dsp=dsp,
        bram18=bram,
        unrolled=np.where(s.resource, multipliers, matrix),
        reuse_limit=np.where(conv & shared & ~s.stream, layers.n_in, np.inf),
    )


def sum_cycles(products: Table, weight_bits: Table, clock_ns: float, c: Constants) -> Table:
    """Whole cycles that multiplying and summing so many products takes, in levels of adders."""
    levels = np.log2(products) + np.log2(weight_bits)
    cycles: Table = np.floor(levels * c.level_delay_ns / (clock_ns * (1 - CLOCK_UNCERTAINTY)))
    return cycles


def _core_cycles(
    layers: Products, s: Settings, c: Constants, shared: Mask, limited: Mask, constant: Table, multipliers: Table
) -> tuple[Table, Table]:
    """Latency and interval at one place.

    Shared: the reuse factor and two cycles, one where neither DSP nor choice of an accumulator takes a register; the
    interval is the reuse factor. All reports in wa-hls4ml with a reuse factor above 1 obey. Limited multipliers
    (strategy latency): the constants take turns, and the next sample waits until all have had theirs.
    """
    deep = sum_cycles(layers.n_in, s.weight_bits, s.clock_ns, c)
    partial = sum_cycles(np.maximum(layers.n_in / s.reuse, 1.0), np.ones_like(s.weight_bits), s.clock_ns, c)
    pair = s.reuse == 2 * layers.n_in
    plain = pair & (s.weight_bits < DSP_BITS)
    turns = np.where(constant > 0, np.ceil(constant / np.minimum(multipliers, np.maximum(constant, 1))) + 2, deep > 0)
    unrolled = deep + np.where(limited, turns, 0.0)
    latency = np.where(shared, s.reuse + SHARED_CYCLES - plain + partial, unrolled)
    interval = np.where(limited, np.minimum(s.reuse, unrolled + 1), np.where(s.resource, unrolled + 1, 1.0))
    return latency, np.where(shared, s.reuse, interval)


def _places_cycles(
    layers: Products, s: Settings, shared: Mask, core: Table, interval: Table
) -> tuple[Table, Table, Table, Table, Table]:
    """Stages, interval, busy, fill and drain of whole layers.

    In arrays, a convolution takes one place after the other (hls4ml's baseline: 7 × 7 places in 51 to 52 cycles, every
    49). In a stream it takes a pixel of its input after the other, its first result comes with the first full window.
    """
    conv = layers.convolution
    rate = s.reuse + np.where(shared, SHARED_CYCLES, 0.0)
    stages = np.where(conv, layers.places * rate + core + 2, core + 1)
    every = np.where(conv, layers.places * rate, interval)
    if not s.stream.any():
        return stages, every, stages, stages, stages
    several = layers.packets > 1
    pixels = layers.packets * s.reuse + np.where(shared, layers.places * SHARED_CYCLES, 0.0)
    drain = core + np.where(conv, CONV_CYCLES, DENSE_CYCLES)
    busy = np.where(conv, pixels, layers.packets * several) + drain
    window = ((layers.rows - 1) * layers.width + layers.cols) * s.reuse
    fill = np.where(conv, np.minimum(window + drain, busy), busy)
    streamed = np.where(conv | several, busy + 1, interval)
    return stages, np.where(s.stream, streamed, every), busy, fill, np.where(conv, 1.0, drain)

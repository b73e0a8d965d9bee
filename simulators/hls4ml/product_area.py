"""LUTs, flip-flops, DSPs and block RAMs of dense and convolutional layers, whose circuits `products` describes."""

from __future__ import annotations

import numpy as np

from ..fpga import bram18_count
from .batch import Mask, Products, Settings, Table
from .constants import ACCUMULATOR_BITS, BLOCK_RAM_BITS, DSP_BITS, DSP_PORTS, Constants
from .lowering import Vector

#: Pixels that a LUT holds of a line buffer: one bit each of a 32-deep shift register (AMD UG574).
SHIFT_REGISTER = 32


def dsp_fraction(weight_bits: Table, c: Constants) -> Table:
    """The part of constants of a width that Vivado HLS multiplies by in a DSP; the others have few enough digits.

    For weights that are spread over their whole range, as those of wa-hls4ml are.
    """
    return np.maximum(0.0, -np.expm1(-c.dsp_decay * (weight_bits - c.dsp_bits)))


def dsp_tiles(weight_bits: Table, activation_bits: Table) -> Table:
    """DSPs of one multiplier: as many of their ports as cover the operands (as Yosys maps 18 to 32 bits)."""
    wide, narrow = DSP_PORTS
    larger, smaller = np.maximum(weight_bits, activation_bits), np.minimum(weight_bits, activation_bits)
    tiles: Table = np.ceil(larger / wide) * np.ceil(smaller / narrow)
    return tiles


def unrolled_lut(layers: Products, s: Settings, c: Constants, matrix: Vector, with_dsp: Table) -> Table:
    """Adders of every product, more where the constant is shifted and added too."""
    dsp = np.where(s.resource, c.unrolled_lut_dsp_resource, c.unrolled_lut_dsp_latency)
    each = (1 - with_dsp) * c.unrolled_lut_product_bit * s.weight_bits + with_dsp * dsp
    lut: Table = s.activation_bits * (c.unrolled_lut_input_bit * layers.n_in + each * matrix / ACCUMULATOR_BITS)
    return lut


def unrolled_ff(
    layers: Products, s: Settings, c: Constants, matrix: Vector, with_dsp: Table, core: Table, limited: Mask
) -> Table:
    """Registers at one end (inputs with strategy latency, outputs with resource), and one stage of partial sums."""
    bit = np.where(s.resource, c.unrolled_ff_product_bit_resource, c.unrolled_ff_product_bit_latency)
    dsp = np.where(s.resource, c.unrolled_ff_dsp_resource, c.unrolled_ff_dsp_latency)
    each = (1 - with_dsp) * bit * s.weight_bits + with_dsp * dsp
    held = limited & (with_dsp > 0)  # results of multipliers that take turns wait for each other
    each = np.where(held, c.unrolled_ff_held * (1 - 1 / s.reuse) + each / s.reuse, each)
    ends = np.where(s.resource, layers.n_out * ACCUMULATOR_BITS, layers.n_in * s.activation_bits)
    return ends + np.where(core > 0, each * matrix, 0.0)


def shared_lut(layers: Products, s: Settings, c: Constants, multipliers: Table) -> Table:
    """Control, inputs, accumulators, and a choice of accumulators for every multiplier that serves several outputs.

    The choice is among all outputs, rounded up to a power of two, but where it is between two. Where a multiplier
    serves a part of one output instead (reuse factor below n_in: derived, no report has it), a choice of inputs and the
    adders of partial sums stand in its place.
    """
    each = s.reuse / layers.n_in
    many = np.exp2(np.ceil(np.log2(layers.n_out)))
    choice = np.where(each > 2, c.shared_lut_choice_bit * many, np.where(each == 2, c.shared_lut_pair_bit, 0.0))
    inputs = np.where(each < 1, c.shared_lut_choice_bit * layers.n_in * s.activation_bits, 0.0)
    partial = np.maximum(multipliers - layers.n_out, 0.0)
    return (
        c.shared_lut_control
        + c.shared_lut_input_bit * s.activation_bits * layers.n_in
        + inputs
        + ACCUMULATOR_BITS * (c.shared_lut_accumulator_bit * layers.n_out + choice * multipliers + partial)
        + c.shared_lut_small_product * multipliers * (s.weight_bits < DSP_BITS)
    )


def shared_ff(layers: Products, s: Settings, c: Constants, multipliers: Table) -> Table:
    """Control, accumulators, and a register at every multiplier.

    It holds the product cut to the accumulator's width where that is a DSP's, the weight otherwise; with two outputs to
    a multiplier the weight, and nothing where the product is made of LUTs.
    """
    small, pair = s.weight_bits < DSP_BITS, s.reuse == 2 * layers.n_in
    register = np.where(small | pair, s.weight_bits, ACCUMULATOR_BITS) * ~(small & pair)
    ff: Table = c.shared_ff_control + ACCUMULATOR_BITS * layers.n_out + register * multipliers
    return ff


def shared_ram(layers: Products, s: Settings, multipliers: Table) -> Table:
    """Block RAMs of the weights, and of the table that says which output is summed in each cycle where it is large."""
    each = np.maximum(s.reuse / layers.n_in, 1.0)
    bits = s.reuse * np.ceil(np.log2(each))
    return bram18_count(s.weight_bits * multipliers, s.reuse) + ((each > 2) & (bits >= BLOCK_RAM_BITS))


def windows(layers: Products, s: Settings, c: Constants) -> tuple[Table, Table]:
    """LUTs and flip-flops that bring a convolution its windows (derived).

    In a stream: line buffers of shift registers, and the window itself. In arrays: the whole image in registers, and a
    choice among the places for every element of the window.
    """
    many = np.exp2(np.ceil(np.log2(layers.places)))
    lines = (layers.rows - 1) * layers.channels * np.ceil(layers.width / SHIFT_REGISTER)
    lut = np.where(s.stream, lines, c.shared_lut_choice_bit * many * layers.n_in) * s.activation_bits
    ff = np.where(s.stream, layers.n_in, layers.elements) * s.activation_bits
    return lut, ff

"""LUTs, flip-flops, DSPs and block RAMs of dense and convolutional layers, whose circuits `products` describes."""

from __future__ import annotations

from ...fpga.formulas.block_ram import block_rams
from ...fpga.formulas.terms import Term, Truth, ceil, equal, expm1, log2, maximum, minimum, no, power_of_two, select
from ..lowering.layers import Layer
from ..tables.constants import ACCUMULATOR_BITS, BLOCK_RAM_BITS, DSP_BITS, DSP_PORTS, Constants
from .settings import Settings

#: Pixels that a LUT holds of a line buffer: one bit each of a 32-deep shift register (AMD UG574).
SHIFT_REGISTER = 32


def dsp_fraction(weight_bits: Term, c: Constants) -> Term:
    """Return the part of constants of a width that Vivado HLS multiplies by in a DSP; others have few enough digits.

    For weights that are spread over their whole range, as those of wa-hls4ml are.
    """
    return maximum(0.0, 0.0 - expm1(-c.dsp_decay * (weight_bits - c.dsp_bits)))


def dsp_tiles(weight_bits: Term, activation_bits: Term) -> Term:
    """Count DSPs of one multiplier: as many of their ports as cover the operands (as Yosys maps 18 to 32 bits)."""
    wide, narrow = DSP_PORTS
    larger, smaller = maximum(weight_bits, activation_bits), minimum(weight_bits, activation_bits)
    return ceil(larger / wide) * ceil(smaller / narrow)


def unrolled_lut(layer: Layer, s: Settings, c: Constants, matrix: float, with_dsp: Term) -> Term:
    """Count LUTs of the adders of every product, more where the constant is shifted and added too."""
    dsp = select(s.resource, c.unrolled_lut_dsp_resource, c.unrolled_lut_dsp_latency)
    each = (1 - with_dsp) * c.unrolled_lut_product_bit * s.weight_bits + with_dsp * dsp
    return s.activation_bits * (c.unrolled_lut_input_bit * layer.n_in + each * matrix / ACCUMULATOR_BITS)


def unrolled_ff(
    layer: Layer, s: Settings, c: Constants, matrix: float, with_dsp: Term, core: Term, limited: Truth
) -> Term:
    """Count registers at one end (inputs for strategy latency, outputs for resource), and one stage of partial sums."""
    bit = select(s.resource, c.unrolled_ff_product_bit_resource, c.unrolled_ff_product_bit_latency)
    dsp = select(s.resource, c.unrolled_ff_dsp_resource, c.unrolled_ff_dsp_latency)
    each = (1 - with_dsp) * bit * s.weight_bits + with_dsp * dsp
    held = limited & (with_dsp > 0)  # results of multipliers that take turns wait for each other
    each = select(held, c.unrolled_ff_held * (1 - 1 / s.reuse) + each / s.reuse, each)
    ends = select(s.resource, layer.n_out * ACCUMULATOR_BITS, layer.n_in * s.activation_bits)
    return ends + select(core > 0, each * matrix, 0.0)


def shared_lut(layer: Layer, s: Settings, c: Constants, multipliers: Term) -> Term:
    """Count LUTs of control, inputs, accumulators, and their choice for every multiplier that serves several outputs.

    The choice is among all outputs, rounded up to a power of two, but where it is between two. Where a multiplier
    serves a part of one output instead (reuse factor below n_in: derived, no report has it), a choice of inputs and the
    adders of partial sums stand in its place.
    """
    each = s.reuse / layer.n_in
    many = power_of_two(layer.n_out)
    choice = select(each > 2, c.shared_lut_choice_bit * many, select(equal(each, 2.0), c.shared_lut_pair_bit, 0.0))
    inputs = select(each < 1, c.shared_lut_choice_bit * layer.n_in * s.activation_bits, 0.0)
    partial = maximum(multipliers - layer.n_out, 0.0)
    return (
        c.shared_lut_control
        + c.shared_lut_input_bit * s.activation_bits * layer.n_in
        + inputs
        + ACCUMULATOR_BITS * (c.shared_lut_accumulator_bit * layer.n_out + choice * multipliers + partial)
        + c.shared_lut_small_product * multipliers * (s.weight_bits < DSP_BITS)
    )


def shared_ff(layer: Layer, s: Settings, c: Constants, multipliers: Term) -> Term:
    """Count flip-flops of control, accumulators, and a register at every multiplier.

    It holds the product cut to the accumulator's width where that is a DSP's, the weight otherwise; with two outputs to
    a multiplier the weight, and nothing where the product is made of LUTs.
    """
    small, pair = s.weight_bits < DSP_BITS, equal(s.reuse, 2 * layer.n_in)
    register = select(small | pair, s.weight_bits, ACCUMULATOR_BITS) * no(small & pair)
    return c.shared_ff_control + ACCUMULATOR_BITS * layer.n_out + register * multipliers


def shared_ram(layer: Layer, s: Settings, multipliers: Term) -> Term:
    """Count block RAMs of the weights, and of the table, if large, that says which output is summed in each cycle."""
    each = maximum(s.reuse / layer.n_in, 1.0)
    bits = s.reuse * log2(power_of_two(each))  # rounded up exactly, whatever a processor's logarithm is
    return block_rams(s.weight_bits * multipliers, s.reuse) + ((each > 2) & (bits >= BLOCK_RAM_BITS))


def windows(layer: Layer, s: Settings, c: Constants) -> tuple[Term, Term]:
    """Count the LUTs and flip-flops that bring a convolution its windows (derived).

    In a stream: line buffers of shift registers, and the window itself. In arrays: the whole image in registers, and a
    choice among the places for every element of the window.
    """
    many = power_of_two(layer.places)
    lines = (layer.rows - 1) * layer.channels * ceil(layer.width / SHIFT_REGISTER)
    lut = select(s.stream, lines, c.shared_lut_choice_bit * many * layer.n_in) * s.activation_bits
    ff = select(s.stream, layer.n_in, layer.elements) * s.activation_bits
    return lut, ff

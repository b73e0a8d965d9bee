"""The FIFOs between a stream's layers: one for every channel, as deep as there are pixels."""

from __future__ import annotations

from ...fpga.formulas.block_ram import block_rams
from ...fpga.formulas.terms import Term, select
from ..lowering.layers import Layer
from .settings import Settings

#: Bits from which on Vivado HLS makes a FIFO of block RAM and not of shift registers (SVHN: 256 not, 576 so).
BLOCK_RAM_BITS = 512
#: LUTs of a FIFO (SVHN: 13608 for 390).
LUT = 35.0
#: Flip-flops of a FIFO in block RAM: its width, and for every bit of its addresses 3 (SVHN: 49 of 900 words of 16 bits,
#: 33 of 36); of one of shift registers 7 (5 of four words or one).
FF_ADDRESS_BIT, FF_SHALLOW = 3.0, 7.0


def fifo_costs(layer: Layer, s: Settings) -> dict[str, Term]:
    """Return resources of the FIFOs behind a layer that another one reads, by name; 0 where layers hand over arrays."""
    bits, depth = s.activation_bits, layer.places
    deep = depth * bits > BLOCK_RAM_BITS
    address = max(1, (depth - 1).bit_length())  # bits that count its words
    return {
        "lut": select(s.stream, layer.n_out * LUT, 0.0),
        "ff": select(s.stream, layer.n_out * select(deep, bits + FF_ADDRESS_BIT * address, FF_SHALLOW), 0.0),
        "bram18": select(s.stream & deep, layer.n_out * block_rams(bits, depth), 0.0),
    }

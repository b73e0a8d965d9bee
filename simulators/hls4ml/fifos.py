"""The FIFOs between a stream's layers: one for every channel, as deep as there are pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fpga import bram18_count
from .batch import Settings, Table
from .lowering import LoweredNetwork, Vector

#: Bits from which on Vivado HLS makes a FIFO of block RAM and not of shift registers (SVHN: 256 not, 576 so).
BLOCK_RAM_BITS = 512
#: LUTs of a FIFO (SVHN: 13608 for 390).
LUT = 35.0
#: Flip-flops of a FIFO in block RAM: its width, and for every bit of its addresses 3 (SVHN: 49 of 900 words of 16 bits,
#: 33 of 36); of one of shift registers 7 (5 of four words or one).
FF_ADDRESS_BIT, FF_SHALLOW = 3.0, 7.0


@dataclass(frozen=True)
class Fifos:
    """Behind each layer, number and depth of its FIFOs, (layers,); none where the result leaves the circuit.

    Here and in costs layers are in the order of the network's `columns`.
    """

    number: Vector
    depth: Vector

    @classmethod
    def of(cls, network: LoweredNetwork) -> Fifos:
        """Those of a lowered network."""
        read = {j for layer in network.layers for j in layer.sources}
        every = (*network.products, *network.others)
        inside = np.array([i in read for i in every], np.float64)
        return cls(network.column(every, "n_out") * inside, network.column(every, "places"))


def fifo_costs(fifos: Fifos, s: Settings) -> dict[str, Table]:
    """Resources of a batch of designs' FIFOs by name, (n, layers); 0 where layers hand over arrays."""
    bits = s.activation_bits
    deep = fifos.depth * bits > BLOCK_RAM_BITS
    address = np.ceil(np.log2(np.maximum(fifos.depth, 2)))
    number = fifos.number * s.stream
    return {
        "lut": number * LUT,
        "ff": number * np.where(deep, bits + FF_ADDRESS_BIT * address, FF_SHALLOW),
        "bram18": number * np.where(deep, bram18_count(bits, fifos.depth), 0.0),
    }

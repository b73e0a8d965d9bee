"""The roofline of a systolic design: its PEs against its three DRAM interfaces."""

from __future__ import annotations

import numpy as np

from ..core import Breakdown, Columns, Roofline

# Each operand has an interface of `dram_bandwidth` words per cycle to itself.
INTERFACES = 3
DRAM_WORDS = ("dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes", "dram_ofmap_reads")


def systolic_roofline(columns: Columns, layers: Breakdown, operand_bits: int) -> Roofline:
    """Place the matrix products of one feasible design under its ceilings.

    Peak: a multiply-accumulate per PE and cycle. Bandwidth: that of the three interfaces together, which a layer
    reaches only where its inputs, filters and outputs are the same number of words. Operators of the vector unit
    multiply and accumulate nothing and are left out.

    Args:
        columns: of the design, each of shape (1,).
        layers: its metrics layer by layer.
        operand_bits: bits of a DRAM word.
    """
    hz = float(columns["clock_mhz"][0]) * 1e6
    pes = int(columns["rows"][0]) * int(columns["cols"][0]) * int(columns["num_arrays"][0])
    on_array = np.flatnonzero((layers["macs"] > 0) & (layers["latency_s"] > 0))
    words = np.sum([layers[name][on_array] for name in DRAM_WORDS], axis=0)
    return Roofline(
        names=tuple(layers.names[i] for i in on_array),
        macs=layers["macs"][on_array],
        dram_bytes=words * operand_bits / 8,
        latency_s=layers["latency_s"][on_array],
        peak_macs_per_s=pes * hz,
        bandwidth_bytes_per_s=INTERFACES * float(columns["dram_bandwidth"][0]) * operand_bits / 8 * hz,
    )

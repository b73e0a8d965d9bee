"""The roofline of a dataflow design: its PCUs against its off-chip memories, section by section."""

from __future__ import annotations

import numpy as np

from ..core import Breakdown, Columns, Roofline


def dataflow_roofline(columns: Columns, layers: Breakdown, sockets: int) -> Roofline:
    """Place the sections of one feasible design that multiply and accumulate under its ceilings, all sockets together.

    Peak: a multiply-accumulate per lane, stage and cycle. Bandwidth: that of HBM or of DDR, whichever takes a section
    longer for what it moves there.

    Args:
        columns: of the design, each of shape (1,).
        layers: its sections, with their part of the run.
        sockets: that work together.
    """
    at = np.flatnonzero((layers["macs"] > 0) & (layers["latency_s"] > 0))
    lanes = float(columns["pcus"][0]) * float(columns["lanes"][0]) * float(columns["stages"][0])
    ddr = float(columns["ddr_gbps"][0]) * 1e9 * sockets
    hbm = float(columns["hbm_gbps"][0]) * 1e9 * sockets if "hbm_gbps" in columns else np.inf
    near = layers["hbm_bytes"][at] / hbm > layers["ddr_bytes"][at] / ddr
    if np.isfinite(hbm):
        near |= layers["ddr_bytes"][at] == 0
    return Roofline(
        names=tuple(layers.names[i] for i in at),
        macs=layers["macs"][at],
        dram_bytes=np.where(near, layers["hbm_bytes"][at], layers["ddr_bytes"][at]),
        latency_s=layers["latency_s"][at],
        peak_macs_per_s=lanes * float(columns["clock_ghz"][0]) * 1e9 * sockets,
        bandwidth_bytes_per_s=np.where(near, hbm, ddr),
    )

"""A run's metrics from its parts: pipeline stages, microbatches and passes added up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Column, Columns
from .cost import area_mm2, energy_columns, links_area_mm2
from .limits import DDR, HBM, Needs
from .model import answers as a
from .model.batch import sequences_of

if TYPE_CHECKING:
    from .simulator import DataflowSimulator

Array = np.ndarray[Any, np.dtype[Any]]

#: A part's amounts that add up to a run's.
_AMOUNTS = {
    "macs": a.MACS, "ops": a.OPS, "sram_bytes": a.SRAM_BYTES, "noc_bytes": a.NOC_BYTES, "hbm_bytes": a.HBM_BYTES,
    "ddr_bytes": a.DDR_BYTES, "link_bytes": a.LINK_BYTES,
}  # fmt: skip


def run_totals(sim: DataflowSimulator, columns: Columns, found: Array, needs: Needs) -> dict[str, Column]:
    """Metric columns of a run, each of shape (n,), from the kernel's answers (n, parts, PART)."""
    tp, pp, mb = (columns[name].astype(np.float64) for name in ("tp", "pp", "microbatches"))
    sequences = sequences_of(sim.sockets, sim.batch, columns)
    working = sim.batch / sequences  # replicas that have sequences
    link = columns["link_gbps"] * 1e9
    latency, first, sections = np.zeros(len(found)), np.zeros(len(found)), np.zeros(len(found))
    totals = {name: np.zeros(len(found)) for name in _AMOUNTS}
    useful = 0.0
    for number, one in enumerate(sim.passes):
        stage = np.zeros(len(found))
        for at, row in enumerate(sim.rows):
            if not any(one is member for member in row.passes):
                continue
            part, answer = row.part, found[:, at]
            stage = stage + answer[:, a.TIME]
            stages = np.where(part.repeats > 1, pp, 1)  # what does not repeat runs on one stage
            for name, column in _AMOUNTS.items():
                totals[name] += one.times * answer[:, column] * tp * stages * mb * working
            if number == 0 and part.searched:
                sections = sections + answer[:, a.N_SECTIONS]
            useful += one.times * sim.batch * part.repeats * part.graph.macs
        handed = (one.staged or one.parts[0]).graph.kernels[0].out * np.ceil(sequences / mb)
        stage = stage + np.where(pp > 1, handed / tp / link + columns["link_latency_us"] * 1e-6, 0.0)
        totals["link_bytes"] += np.where(pp > 1, one.times * (pp - 1) * handed * mb * working, 0.0)
        latency = latency + one.times * one.turns(mb, pp) * stage
        if number == 0:
            first = latency.copy()
    written = max(sim.tokens[1] - 1, 0)
    area = area_mm2(sim.chip, columns) + (links_area_mm2(sim.chip, columns) if sim.sockets > 1 else 0.0)
    energy = energy_columns(sim.chip, columns, totals, area, sim.sockets * latency)
    joules = np.zeros(len(found))
    for component in energy.values():  # one by one: `np.sum` adds in another order in batches of another size
        joules = joules + component
    peak = columns["pcus"] * columns["lanes"] * columns["stages"] * columns["clock_ghz"] * 1e9 * sim.sockets
    hbm, ddr = needs.need(HBM), needs.need(DDR)
    return {
        "latency_s": latency,
        "ttft_s": first,
        "tpot_s": (latency - first) / max(written, 1),
        "tokens_per_s": sim.tokens[1] * sim.batch / latency,
        "samples_per_s": sim.batch / latency,
        "energy_j": joules,
        "power_w": joules / latency,
        "area_mm2": area,
        "utilization": useful / (latency * peak),
        "sram_bytes": totals["sram_bytes"],
        "hbm_bytes": totals["hbm_bytes"],
        "ddr_bytes": totals["ddr_bytes"],
        "link_bytes": totals["link_bytes"],
        **energy,
        "sections": sections,
        "hbm_used_gb": hbm,
        "ddr_used_gb": ddr,
    }

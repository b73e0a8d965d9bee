"""A run's metrics from its parts: pipeline stages, microbatches and passes added up, and what must fit in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Column, Columns, Limit, relative_excess
from . import part as p
from .cost import area_mm2, energy_columns, links_area_mm2

if TYPE_CHECKING:
    from .simulator import DataflowSimulator

Array = np.ndarray[Any, np.dtype[Any]]

#: A part's amounts that add up to a run's.
_AMOUNTS = {
    "macs": p.MACS, "ops": p.OPS, "sram_bytes": p.SRAM_BYTES, "noc_bytes": p.NOC_BYTES, "hbm_bytes": p.HBM_BYTES,
    "ddr_bytes": p.DDR_BYTES, "link_bytes": p.LINK_BYTES,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Needs:
    """What designs need of what they have: columns of shape (n,) by name, with limits, and units.

    Attributes:
        amounts: needed and available, and the unit, by name.
        violation: sum of how far each is beyond its limit, relative.
    """

    amounts: dict[str, tuple[Column, Column, str]]
    violation: Column

    def broken(self, i: int) -> tuple[Limit, ...]:
        """The limits that design `i` breaks."""
        limits = (Limit(name, need[i], has[i], unit=unit) for name, (need, has, unit) in self.amounts.items())
        return tuple(limit for limit in limits if limit.broken)


def sequences_of(sim: DataflowSimulator, columns: Columns) -> Column:
    """Sequences, or samples, of each replica, (n,): a group of sockets that has all layers, but for experts shared."""
    ep = columns.get("ep", np.ones(1))
    groups = np.maximum(1, np.floor(sim.sockets / (columns["tp"] * columns["pp"] * ep)))
    out: Column = np.ceil(sim.batch / (groups * ep))
    return out


def capacity_needs(sim: DataflowSimulator, columns: Columns, found: Array) -> Needs:
    """What designs need, from the kernel's answers (n, parts, PART).

    Weights lie in their tier, the KV cache of all tokens and the results between sections in the nearest; embedding
    tables beside the weights.
    """
    n = len(found)
    tp, pp, mb = (columns[name].astype(np.float64) for name in ("tp", "pp", "microbatches"))
    ep, sequences = columns.get("ep", np.ones(n)).astype(np.float64), sequences_of(sim, columns)
    parts = sim.passes[0].parts
    kernels = [(part, k) for part in parts for k in part.graph.kernels]
    weights, cache = np.zeros(n), np.zeros(n)
    for part, k in kernels:
        repeats = np.ceil(part.repeats / pp) if part.repeats > 1 else 1
        cut = np.minimum(tp, k.split_cols) * np.minimum(tp, k.split_inner) * np.minimum(tp, k.split_count)
        weights += k.weights * repeats / (cut * ep if k.far else cut)
        if k.write:
            positions = sum(sim.tokens)
            cache += k.write / sim.tokens[0] * positions * repeats * sequences / np.minimum(tp, k.split_cols)
    weights += sum(part.graph.table_bytes for part in parts) / tp
    staged = 2 * sequences * max(k.out for part in sim.blocks for k in part.graph.kernels)
    if sim.chip.has_hbm:
        near = columns["weight_tier"] == "hbm"
        hbm = np.where(near, weights, 0.0) + cache + staged
        ddr = np.where(near, 0.0, weights)
        hbm_has = columns["hbm_gb"] * 1e9
    else:
        hbm, ddr, hbm_has = np.zeros(n), weights + cache + staged, np.zeros(n)
    ones = np.ones(n)
    worst = found.max(axis=1)
    pcus, pmus = columns["pcus"].astype(np.float64), columns["pmus"].astype(np.float64)
    sram = pmus * columns["pmu_kb"] * 1024 / 1e6
    amounts = {
        "sockets": (tp * pp * ep, sim.sockets * ones, ""),
        "pp": (pp, sim.stages * ones, "stages"),
        "microbatches": (mb, sequences, ""),
        "kernels of a section": ((worst[:, p.NEED_PCUS] + 1) * pcus, pcus, "PCUs"),
        "pmus": ((worst[:, p.NEED_PMUS] + 1) * pmus, pmus, ""),
        "sram": ((worst[:, p.NEED_SRAM] + 1) * sram, sram, "MB"),
        "hbm": (hbm / 1e9, hbm_has / 1e9, "GB"),
        "ddr": (ddr / 1e9, columns["ddr_gb"].astype(np.float64), "GB"),
        "fifo depth that some edge lacks": (worst[:, p.NEED_DEPTH], 0 * ones, "samples"),
    }
    violation = worst[:, p.NEED_DEPTH].copy()
    for name, (need, has, _) in amounts.items():
        if name != "fifo depth that some edge lacks":
            violation += relative_excess(need, has)
    return Needs(amounts, violation)


def run_totals(sim: DataflowSimulator, columns: Columns, found: Array, needs: Needs) -> dict[str, Column]:
    """Metric columns of a run, each of shape (n,), from the kernel's answers (n, parts, PART)."""
    tp, pp, mb = (columns[name].astype(np.float64) for name in ("tp", "pp", "microbatches"))
    sequences = sequences_of(sim, columns)
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
            stage = stage + answer[:, p.TIME]
            stages = np.where(part.repeats > 1, pp, 1)  # what does not repeat runs on one stage
            for name, column in _AMOUNTS.items():
                totals[name] += one.times * answer[:, column] * tp * stages * mb * working
            if number == 0 and part.searched:
                sections = sections + answer[:, p.N_SECTIONS]
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
    hbm, ddr = needs.amounts["hbm"][0], needs.amounts["ddr"][0]
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

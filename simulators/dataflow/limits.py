"""What a design needs of what it has: sockets, units, memory and FIFO depths, and the words for what it lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Column, Columns, Limit, relative_excess
from .breakdown import part_label, worst_section
from .model import answers as a
from .model.batch import sequences_of

if TYPE_CHECKING:
    from .simulator import DataflowSimulator

Array = np.ndarray[Any, np.dtype[Any]]

PCUS, PMUS, SRAM, DEPTH, HBM, DDR = "pcus", "pmus", "sram", "fifo_depth", "hbm", "ddr"
#: Where a part's answer has by how much its sections are beyond what there is, and a section's record what it needs.
_NEEDED = {PCUS: a.NEED_PCUS, PMUS: a.NEED_PMUS, SRAM: a.NEED_SRAM, DEPTH: a.NEED_DEPTH}
_RECORDED = {PCUS: a.S_PCUS, PMUS: a.S_PMUS, SRAM: a.S_SRAM}


@dataclass(frozen=True, eq=False)
class Needs:
    """What designs need of what they have: columns of shape (n,).

    Attributes:
        amounts: needed and available, and the unit, by name.
        violation: sum of how far each is beyond its limit, relative.
    """

    amounts: dict[str, tuple[Column, Column, str]]
    violation: Column

    def need(self, name: str) -> Column:
        """How much is needed of something, shape (n,)."""
        return self.amounts[name][0]


def capacity_needs(sim: DataflowSimulator, columns: Columns, found: Array) -> Needs:
    """What designs need, from the kernel's answers (n, parts, PART).

    Weights lie in their tier, the KV cache of all tokens and the results between sections in the nearest; embedding
    tables beside the weights.
    """
    n = len(found)
    tp, pp, mb = (columns[name].astype(np.float64) for name in ("tp", "pp", "microbatches"))
    ep, sequences = columns.get("ep", np.ones(n)).astype(np.float64), sequences_of(sim.sockets, sim.batch, columns)
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
    group, named = tp * pp * ep, "tp * pp * ep" if "ep" in columns else "tp * pp"
    over = np.where(group < sim.sockets, sim.sockets % group, 0.0)
    amounts = {
        named: (group, sim.sockets * ones, "sockets"),
        f"sockets left over by {named}": (over, 0 * ones, ""),
        "pp": (pp, sim.stages * ones, "stages"),
        "microbatches": (mb, sequences, "sequences of a replica"),
        PCUS: ((worst[:, a.NEED_PCUS] + 1) * pcus, pcus, ""),
        PMUS: ((worst[:, a.NEED_PMUS] + 1) * pmus, pmus, ""),
        SRAM: ((worst[:, a.NEED_SRAM] + 1) * sram, sram, "MB"),
        DEPTH: (worst[:, a.NEED_DEPTH], 0 * ones, "samples"),
        HBM: (hbm / 1e9, hbm_has / 1e9, "GB"),
        DDR: (ddr / 1e9, columns["ddr_gb"].astype(np.float64), "GB"),
    }
    violation = over / sim.sockets + worst[:, a.NEED_DEPTH]
    for need, has, _ in amounts.values():
        if has.any():
            violation += relative_excess(need, has)
    return Needs(amounts, violation)


def broken_limits(sim: DataflowSimulator, columns: Columns) -> tuple[Limit, ...]:
    """The limits that a design's columns, each of shape (1,), break, each with whose it is."""
    found = np.zeros((1, len(sim.rows), a.PART))
    sim.run(*sim.design_arrays(columns, 1), found)
    out = []
    for name, (need, has, unit) in capacity_needs(sim, columns, found).amounts.items():
        limit = Limit(name, need[0], has[0], unit=unit)
        if not limit.broken:
            continue
        if name in (HBM, DDR):
            limit = replace(limit, name=f"{name} of a socket")
        elif name in _NEEDED:
            at = int(found[0, :, _NEEDED[name]].argmax())
            whose = (
                f"{name} of {worst_section(sim, columns, at, _RECORDED[name])}"
                if name in _RECORDED
                else f"shortfall of {name} beside a barrier of {part_label(sim.rows[at])}"
            )
            limit = replace(limit, name=whose)
        out.append(limit)
    return tuple(out)

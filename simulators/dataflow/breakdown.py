"""One design told apart: its sections, and its kernels, each with what holds it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Breakdown, Columns, Metrics
from . import part as p
from .metrics import KERNEL_METRICS, SECTION_METRICS

if TYPE_CHECKING:
    from .simulator import DataflowSimulator

Array = np.ndarray[Any, np.dtype[Any]]

_SECTION = {
    "latency_s": p.S_TIME, "runs": p.S_RUNS, "pipeline_s": p.S_PIPELINE, "compute_s": p.S_COMPUTE, "fill_s": p.S_FILL,
    "hbm_s": p.S_HBM, "ddr_s": p.S_DDR, "link_s": p.S_LINK, "noc_s": p.S_NOC, "setup_s": p.S_SETUP, "sync_s": p.S_SYNC,
    "pcus": p.S_PCUS, "pmus": p.S_PMUS, "tiles": p.S_TILES, "utilization": p.S_BUSY,
}  # fmt: skip
_SECTION_BOUNDS = ("compute", "fill", "hbm", "ddr", "link", "noc", "setup", "sync")
_KERNEL = {
    "section": p.K_SECTION, "pcus": p.K_PCUS, "tile_s": p.K_SERVICE, "compute_s": p.K_COMPUTE, "pmu_s": p.K_PMU,
    "noc_s": p.K_NOC, "link_s": p.K_LINK, "utilization": p.K_BUSY,
}  # fmt: skip
_KERNEL_BOUNDS = ("compute", "pmu", "noc", "link")


def section_breakdown(sim: DataflowSimulator, columns: Columns) -> Breakdown:
    """Of a design's columns, each of shape (1,): a row for each section."""
    names, rows = [], []
    for label, graph, sections, kernels in _records(sim, columns):
        for number, row in enumerate(sections):
            inside = [n for n, k in zip(graph, kernels, strict=True) if k[p.K_SECTION] == number and n != graph[0]]
            names.append(f"{label}/{number}: {inside[0]}..{inside[-1]}" if len(inside) > 1 else f"{label}/{inside[0]}")
            rows.append(row)
    table = np.array(rows)
    values = {name: table[:, at].copy() for name, at in _SECTION.items()} | {"sram_mb": table[:, p.S_SRAM] / 1e6}
    kinds = _largest(values, _SECTION_BOUNDS)
    return Breakdown(tuple(names), kinds, Metrics(SECTION_METRICS, values, np.zeros(len(rows))))


def kernel_breakdown(sim: DataflowSimulator, columns: Columns) -> Breakdown:
    """Of a design's columns, each of shape (1,): a row for each kernel but the sources."""
    names, rows = [], []
    for label, graph, _, kernels in _records(sim, columns):
        names += [f"{label}/{name}" for name in graph[1:]]
        rows += list(kernels[1:])
    table = np.array(rows)
    values = {name: table[:, at].copy() for name, at in _KERNEL.items()}
    kinds = _largest(values, _KERNEL_BOUNDS)
    return Breakdown(tuple(names), kinds, Metrics(KERNEL_METRICS, values, np.zeros(len(rows))))


def _largest(values: dict[str, Array], bounds: tuple[str, ...]) -> tuple[str, ...]:
    table = np.array([values[f"{name}_s"] for name in bounds])
    return tuple(bounds[i] for i in table.argmax(axis=0))


def _records(sim: DataflowSimulator, columns: Columns) -> list[tuple[str, tuple[str, ...], Array, Array]]:
    """A label, the names of the kernels, and the records of sections and kernels, of every part of every pass."""
    designs, cuts, shares = sim.design_arrays(columns, 1)
    out = []
    for at, row in enumerate(sim.rows):
        names = row.part.graph.names
        sections, kernels = np.zeros((len(names), p.SECTION)), np.zeros((len(names), p.KERNEL))
        found = np.zeros((1, len(sim.rows), p.PART))
        sim.run(designs, cuts, shares, found, p.Record(at, sections, kernels))
        label = row.first.name if len(row.passes) == 1 else row.first.name.partition("@")[0]
        out.append((f"{label}/{row.part.name}", names, sections[: int(found[0, at, p.N_SECTIONS])], kernels))
    return out

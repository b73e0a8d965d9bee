"""One design told apart: its sections, and its kernels, each with what holds it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Breakdown, Columns, Metrics
from .lowering.rows import Row
from .metrics import KERNEL_METRICS, LAYER_METRICS, SECTION_METRICS
from .model import answers as a
from .model.totals import turns
from .run import Run

Array = np.ndarray[Any, np.dtype[Any]]

_SECTION = {
    "latency_s": a.S_TIME, "runs": a.S_RUNS, "pipeline_s": a.S_PIPELINE, "compute_s": a.S_COMPUTE, "fill_s": a.S_FILL,
    "hbm_s": a.S_HBM, "ddr_s": a.S_DDR, "link_s": a.S_LINK, "noc_s": a.S_NOC, "setup_s": a.S_SETUP, "sync_s": a.S_SYNC,
    "pcus": a.S_PCUS, "pmus": a.S_PMUS, "tiles": a.S_TILES, "utilization": a.S_BUSY,
}  # fmt: skip
#: What adds up over the sections of a run.
_AMOUNTS = {"macs": a.S_MACS, "hbm_bytes": a.S_HBM_BYTES, "ddr_bytes": a.S_DDR_BYTES}
_SECTION_BOUNDS = ("compute", "fill", "hbm", "ddr", "link", "noc", "setup", "sync")
_KERNEL = {
    "section": a.K_SECTION, "pcus": a.K_PCUS, "tile_s": a.K_SERVICE, "compute_s": a.K_COMPUTE, "pmu_s": a.K_PMU,
    "noc_s": a.K_NOC, "link_s": a.K_LINK, "utilization": a.K_BUSY,
}  # fmt: skip
_KERNEL_BOUNDS = ("compute", "pmu", "noc", "link")


@dataclass(frozen=True, eq=False)
class _Told:
    """What is recorded of one part of a pass, or of all passes that share it.

    Attributes:
        label: of the pass and the part, as "prefill/block".
        kernels: names, the source's first.
        sections: (sections, SECTION), a row each.
        records: (kernels, KERNEL), a row each.
        seconds: all runs of one microbatch in one pass.
        working: replicas that have sequences.
    """

    row: Row
    label: str
    kernels: tuple[str, ...]
    sections: Array
    records: Array
    seconds: float
    working: float

    @property
    def names(self) -> list[str]:
        """Of its sections, after their kernels."""
        names = []
        for number in range(len(self.sections)):
            told = zip(self.kernels[1:], self.records[1:], strict=True)
            inside = [name for name, record in told if record[a.K_SECTION] == number]
            span = f"{number}: {inside[0]}..{inside[-1]}" if len(inside) > 1 else inside[0]
            names.append(f"{self.label}/{span}")
        return names


def section_breakdown(run: Run, columns: Columns) -> Breakdown:
    """Break down a design's columns, each of shape (1,): a row for each section."""
    told = _records(run, columns)
    names = [name for part in told for name in part.names]
    table = np.concatenate([part.sections for part in told])
    values = _section_values(table)
    return Breakdown(
        tuple(names), _largest(values, _SECTION_BOUNDS), Metrics(SECTION_METRICS, values, np.zeros(len(table)))
    )


def layer_breakdown(run: Run, columns: Columns) -> Breakdown:
    """Break down a design's columns, each of shape (1,): a row for each section, with its part of the run's time.

    All steps of decoding are one: they have the same sections.
    """
    added: dict[str, Array] = {}  # by section its seconds, and its amounts in the order of `_AMOUNTS`
    first: dict[str, Array] = {}
    microbatches, pp = float(columns["microbatches"][0]), float(columns["pp"][0])
    told = _records(run, columns)
    machines = float(columns["tp"][0]) * microbatches * told[0].working
    for part in told:
        each = part.sections[:, a.S_TIME]
        passes = sum(one.times * turns(one.decode, microbatches, pp) for one in part.row.passes)
        label = _label(part.row, together=True)
        times = sum(one.times for one in part.row.passes) * (pp if part.row.part.repeats > 1 else 1) * machines
        for name, row, share in zip(part.names, part.sections, each / each.sum(), strict=True):
            section = label + name.removeprefix(part.label)
            amounts = times * row[a.S_RUNS] * row[list(_AMOUNTS.values())]
            added[section] = added.get(section, 0.0) + np.array([passes * part.seconds * share, *amounts])
            first.setdefault(section, row)
    values = _section_values(np.array(list(first.values())))
    kinds = _largest(values, _SECTION_BOUNDS)
    table = np.array(list(added.values()))
    metrics = {name: table[:, at].copy() for at, name in enumerate(("latency_s", *_AMOUNTS))}
    metrics["utilization"] = values["utilization"]
    return Breakdown(tuple(added), kinds, Metrics(LAYER_METRICS, metrics, np.zeros(len(table))))


def section_starts(run: Run, columns: Columns) -> dict[str, tuple[float, float]]:
    """Return by section, as `layer_breakdown` names them, the shares of its time that it loads weights and starts."""
    out: dict[str, tuple[float, float]] = {}
    for part in _records(run, columns):
        label = _label(part.row, together=True)
        for name, row in zip(part.names, part.sections, strict=True):
            time = max(float(row[a.S_TIME]), 1e-30)
            shares = min(float(row[a.S_SETUP]) / time, 1.0), min(float(row[a.S_SYNC]) / time, 1.0)
            out.setdefault(label + name.removeprefix(part.label), shares)
    return out


def _section_values(table: Array) -> dict[str, Array]:
    return {name: table[:, at].copy() for name, at in _SECTION.items()} | {"sram_mb": table[:, a.S_SRAM] / 1e6}


def kernel_breakdown(run: Run, columns: Columns) -> Breakdown:
    """Break down a design's columns, each of shape (1,): a row for each kernel but the sources."""
    told = _records(run, columns)
    names = [f"{part.label}/{name}" for part in told for name in part.kernels[1:]]
    table = np.concatenate([part.records[1:] for part in told])
    values = {name: table[:, at].copy() for name, at in _KERNEL.items()}
    kinds = _largest(values, _KERNEL_BOUNDS)
    return Breakdown(tuple(names), kinds, Metrics(KERNEL_METRICS, values, np.zeros(len(table))))


def _largest(values: dict[str, Array], bounds: tuple[str, ...]) -> tuple[str, ...]:
    table = np.array([values[f"{name}_s"] for name in bounds])
    return tuple(bounds[i] for i in table.argmax(axis=0))


def worst_section(run: Run, columns: Columns, part: int, needs: int) -> str:
    """Name the section of a part that needs the most of something, given by its column in a section's record."""
    told = _records(run, columns)[part]
    return told.names[int(told.sections[:, needs].argmax())]


def part_label(row: Row) -> str:
    """Name a part of a run, as "prefill/block": after its pass, or after its stage where several have it."""
    return _label(row, together=len(row.passes) > 1)


def _label(row: Row, together: bool) -> str:
    """Return a part's name after that of its pass, or, of all steps together, of its stage."""
    name = row.first.name
    return f"{name.partition('@')[0] if together else name}/{row.part.name}"


def _records(run: Run, columns: Columns) -> list[_Told]:
    """Return every part of every pass."""
    out = []
    for at, row in enumerate(run.rows):
        names = row.part.graph.names
        sections, kernels = np.zeros((len(names), a.SECTION)), np.zeros((len(names), a.KERNEL))
        answers = run.answers(columns, 1, a.Record(at, sections, kernels))
        n, seconds = int(answers.parts[0, at, a.N_SECTIONS]), float(answers.parts[0, at, a.TIME])
        working = float(answers.totals[0, a.WORKING])
        out.append(_Told(row, part_label(row), names, sections[:n], kernels, seconds, working))
    return out

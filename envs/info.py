"""What an environment says beside observation and reward: the same facts for one design as for a batch.

A batch's infos follow Gymnasium's vector convention: an array of n values per key, and beside it under `_key` a bool
array of which environments have the key; a dict of values becomes a dict of such arrays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..simulators import Indices
from ..simulators.core.parameter import Column
from .assess import Assessment, Flags
from .tasks import Ints, Tasks

Masks = tuple[np.ndarray[Any, np.dtype[np.int8]], ...]
Info = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to say of k designs.

    Attributes:
        rows: index rows, shape (k, p).
        task: which task each is on, shape (k,).
        assessed: the designs evaluated; None where they are not complete.
        masks: legal actions of each, fresh; None where all are.
        noted: further columns, shape (k,).
    """

    rows: Indices
    task: Ints
    assessed: Assessment | None
    masks: list[Any] | None
    noted: dict[str, Column]


class InfoWriter:
    """Writes the infos of designs on some tasks; holds nothing that changes.

    Keys: `design` (complete and canonical), `feasible` (buildable and within every constraint), `violation` (0 where
    feasible), `metrics` (without the cost metrics of a design that the simulator finds infeasible), `action_mask`;
    `workload` where there are several; and what the mode notes.

    A design that is not complete yet is infeasible by an infinite violation, and has no metrics.
    """

    def __init__(self, tasks: Tasks, often: Assessment | None = None) -> None:
        """Prepare for `tasks`; `often` is a batch that is written again and again, as that where episodes start."""
        space = tasks.space
        self._workloads = np.array(tasks.names, dtype=object) if tasks.several else None
        self._names = space.names
        self._values: list[list[Any]] = [p.column_values.tolist() for p in space.parameters]
        # What a vector info holds: numbers as their own type, text as objects, as Gymnasium batches them.
        self._columns: list[Column] = [
            p.column_values.astype(object) if p.column_values.dtype.kind == "U" else p.column_values
            for p in space.parameters
        ]
        specs = tasks.problems[0].simulator.metrics
        self._metrics = [s.name for s in specs]
        self._costs = [s.cost for s in specs]
        self._often = None if often is None else (often, self._judged(often))

    def each(self, facts: Facts) -> list[Info]:
        """Write an info per design of a batch; every object in them is new."""
        designs = [
            {k: v[j] for k, v, j in zip(self._names, self._values, row, strict=True)} for row in facts.rows.tolist()
        ]
        extra: dict[str, list[Any]] = {} if facts.masks is None else {"action_mask": facts.masks}
        extra |= {name: column.tolist() for name, column in facts.noted.items()}
        if self._workloads is not None:
            extra["workload"] = self._workloads[facts.task].tolist()
        if facts.assessed is None:
            judged: list[Info] = [{"feasible": False, "violation": math.inf, "metrics": {}} for _ in designs]
        elif self._often is not None and facts.assessed is self._often[0]:
            judged = [{**verdict, "metrics": verdict["metrics"].copy()} for verdict in self._often[1]]
        else:
            judged = self._judged(facts.assessed)
        return [
            {"design": design, **verdict, **{k: v[i] for k, v in extra.items()}}
            for i, (design, verdict) in enumerate(zip(designs, judged, strict=True))
        ]

    def _judged(self, a: Assessment) -> list[Info]:
        metrics = a.evaluation.metrics
        # Whole columns become lists at once: an array's elements one by one are ten times slower.
        built = metrics["feasible"].tolist()
        figures = zip(*[metrics[name].tolist() for name in self._metrics], strict=True)
        violations = a.evaluation.violation.tolist()
        return [
            {
                "feasible": violation <= 0,
                "violation": violation,
                "metrics": dict(zip(self._metrics, values, strict=True))
                if whole
                else {k: v for k, v, cost in zip(self._metrics, values, self._costs, strict=True) if not cost},
            }
            for whole, violation, values in zip(built, violations, figures, strict=True)
        ]

    def many(self, facts: Facts, which: Flags) -> Info:
        """Write the infos of the k environments marked among n as columns; every array in it is new.

        Args:
            facts: about k designs.
            which: bool (n,), with k marks.
        """
        info: Info = {}
        _put(info, "design", self._designs(facts.rows, which), which)
        if facts.assessed is None:
            k = len(facts.rows)
            _put(info, "feasible", np.zeros(k, np.bool_), which)
            _put(info, "violation", np.full(k, np.inf), which)
            _put(info, "metrics", {}, which)
        else:
            violation = facts.assessed.evaluation.violation.astype(np.float64)
            _put(info, "feasible", violation <= 0, which)
            _put(info, "violation", violation, which)
            _put(info, "metrics", _metrics(facts.assessed, which), which)
        if facts.masks is not None:
            _put(info, "action_mask", _together(facts.masks), which)
        for name, column in facts.noted.items():
            _put(info, name, column.copy(), which)
        if self._workloads is not None:
            _put(info, "workload", self._workloads[facts.task], which)
        return info

    def _designs(self, rows: Indices, which: Flags) -> Info:
        out: Info = {}
        for j, (name, values) in enumerate(zip(self._names, self._columns, strict=True)):
            _put(out, name, values[rows[:, j]], which)
        return out


def _metrics(a: Assessment, which: Flags) -> Info:
    """Make metric columns.

    A cost metric is 0 and not marked where a design is infeasible, and left out where all are.
    """
    metrics = a.evaluation.metrics
    feasible = metrics["feasible"]
    every, some = bool(feasible.all()), bool(feasible.any())
    built = which.copy()
    built[which] = feasible
    out: Info = {}
    for spec in metrics.specs:
        column = metrics[spec.name].astype(np.float64)
        if every or not spec.cost:
            _put(out, spec.name, column, which)
        elif some:
            _put(out, spec.name, column[feasible], built)
    return out


def _together(masks: list[Any]) -> np.ndarray[Any, Any]:
    """Batch masks as Gymnasium does: arrays as one array, tuples of arrays as objects."""
    if isinstance(masks[0], np.ndarray):
        return np.stack(masks)
    out = np.empty(len(masks), dtype=object)
    out[:] = masks
    return out


def place_columns(columns: Mapping[str, Column], which: Flags) -> Info:
    """Place columns of k values each as the infos of the k environments marked among n."""
    info: Info = {}
    for name, column in columns.items():
        _put(info, name, column, which)
    return info


def overlay(infos: Info, others: Info, which: Flags) -> None:
    """Put what is said of the environments marked among n in place of what infos of them all say."""
    for key, value in others.items():
        if key.startswith("_"):
            continue
        if key not in infos:
            infos[key], infos[f"_{key}"] = value, others[f"_{key}"]
        elif isinstance(value, dict):
            overlay(infos[key], value, which)
        else:
            infos[key][which] = value[which]


def _put(info: Info, key: str, value: Any, which: Flags) -> None:
    """Put a column of k values at the k places marked of n, 0 (or None) elsewhere; a dict of such columns as it is."""
    if not isinstance(value, dict) and len(value) != len(which):
        shape = (len(which), *value.shape[1:])
        whole = np.full(shape, None) if value.dtype == object else np.zeros(shape, value.dtype)
        whole[which] = value
        value = whole
    info[key] = value
    info[f"_{key}"] = which.copy()

"""What an environment says beside observation and reward: the same facts for one design as for a batch.

A batch's infos follow Gymnasium's vector convention: an array of n values per key, and beside it under `_key` a bool
array of which environments have the key; a dict of values becomes a dict of such arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..simulators import Indices, Problem
from ..simulators.core.parameter import Column
from .assess import Assessment

Masks = tuple[np.ndarray[Any, np.dtype[np.int8]], ...]
Info = dict[str, Any]


class InfoWriter:
    """Writes the infos of one problem's designs; holds nothing that changes.

    Keys: `design` (complete and canonical), `feasible` (buildable and within every constraint), `violation` (0 where
    feasible), `metrics` (without the cost metrics of a design that the simulator finds infeasible), `action_mask`.
    """

    def __init__(self, problem: Problem) -> None:
        space = problem.space
        self._names = space.names
        self._values: list[list[Any]] = [p.column_values.tolist() for p in space.parameters]
        # What a vector info holds: numbers as their own type, text as objects, as Gymnasium batches them.
        self._columns: list[Column] = [
            p.column_values.astype(object) if p.column_values.dtype.kind == "U" else p.column_values
            for p in space.parameters
        ]
        self._masks: Masks = space.mask()
        self._metrics = [s.name for s in problem.simulator.metrics]
        self._costs = [s.cost for s in problem.simulator.metrics]

    def masks(self) -> Masks:
        """Legal positions of every parameter before any is chosen, int8; fresh arrays."""
        return tuple([m.copy() for m in self._masks])

    def one(self, a: Assessment, i: int = 0) -> Info:
        """The info of design `i` of a batch; every object in it is new."""
        return self.each(a, slice(i, i + 1))[0]

    def each(self, a: Assessment, part: slice = slice(None)) -> list[Info]:
        """An info per design of (a part of) a batch; every object in them is new."""
        metrics = a.evaluation.metrics
        # Whole columns become lists at once: an array's elements one by one are ten times slower.
        built = metrics["feasible"][part].tolist()
        figures = zip(*[metrics[name][part].tolist() for name in self._metrics], strict=True)
        violations = a.evaluation.violation[part].tolist()
        out: list[Info] = []
        for row, whole, violation, values in zip(a.rows[part].tolist(), built, violations, figures, strict=True):
            out.append(
                {
                    "design": {k: v[j] for k, v, j in zip(self._names, self._values, row, strict=True)},
                    "feasible": violation <= 0,
                    "violation": violation,
                    "metrics": dict(zip(self._metrics, values, strict=True))
                    if whole
                    else {k: v for k, v, cost in zip(self._metrics, values, self._costs, strict=True) if not cost},
                    "action_mask": self.masks(),
                }
            )
        return out

    def many(self, a: Assessment) -> Info:
        """The infos of a whole batch of n designs as columns; every array in it is new."""
        n = len(a.rows)
        violation = a.evaluation.violation.astype(np.float64)
        info: Info = {}
        _put(info, "design", self._designs(a.rows), n)
        _put(info, "feasible", violation <= 0, n)
        _put(info, "violation", violation, n)
        _put(info, "metrics", _metrics(a), n)
        masks = np.empty(n, dtype=object)
        masks.fill(self.masks())
        _put(info, "action_mask", masks, n)
        return info

    def _designs(self, rows: Indices) -> Info:
        out: Info = {}
        for j, (name, values) in enumerate(zip(self._names, self._columns, strict=True)):
            _put(out, name, values[rows[:, j]], len(rows))
        return out


def _metrics(a: Assessment) -> Info:
    """Metric columns; a cost metric is 0 and not marked where a design is infeasible, and left out where all are."""
    metrics, n = a.evaluation.metrics, len(a.rows)
    feasible = metrics["feasible"]
    every, some = bool(feasible.all()), bool(feasible.any())
    out: Info = {}
    for spec in metrics.specs:
        column = metrics[spec.name]
        if every or not spec.cost:
            _put(out, spec.name, column.astype(np.float64), n)
        elif some:
            out[spec.name], out[f"_{spec.name}"] = np.where(feasible, column, 0.0), feasible.copy()
    return out


def _put(info: Info, key: str, value: Any, n: int) -> None:
    info[key] = value
    info[f"_{key}"] = np.ones(n, dtype=np.bool_)

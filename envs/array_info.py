"""Infos of arrays alone, for libraries that keep what an environment says in tensors: TorchRL, replay buffers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import unknown
from ..simulators.core.parameter import Column
from .assess import Assessment, Flags
from .info import Facts, Info, InfoWriter, place_columns
from .tasks import Tasks


class ArrayInfoWriter(InfoWriter):
    """Writes the same facts under the same keys as numbers in numpy arrays, of one shape at every step.

    Keys: `design`, positions in the grids, int64 (p,), as `problem.space.design` and `problem.evaluate` take them;
    `feasible`, bool (); `violation`, float64 (), infinite while a design is not complete; `metrics`, float64 (m,) in
    the order of `problem.simulator.metrics`, inf where there is none (-inf where more is better); `action_mask`,
    bool (k,), all parameters in one; `workload`, int64 (), where there are several: which of `tasks.names` it is; and
    what the mode notes.
    """

    def __init__(self, tasks: Tasks, often: Assessment | None = None) -> None:
        super().__init__(tasks)
        # A metric that there is none of is the worst one: unlike NaN, it is equal to itself and ranks last.
        self._none = np.array([-np.inf if s.goal == "max" else np.inf for s in tasks.problems[0].simulator.metrics])

    def each(self, facts: Facts) -> list[Info]:
        """Write an info per design of a batch, of arrays alone; see `InfoWriter.each`."""
        columns = self._arrays(facts)
        return [{name: np.array(column[i]) for name, column in columns.items()} for i in range(len(facts.rows))]

    def many(self, facts: Facts, which: Flags) -> Info:
        """Write infos of the environments marked as columns of numbers; see `InfoWriter.many`."""
        return place_columns(self._arrays(facts), which)

    def _arrays(self, facts: Facts) -> dict[str, Column]:
        """Make every key's column of k values, new arrays."""
        k = len(facts.rows)
        if facts.assessed is None:
            violation = np.full(k, np.inf)
            metrics = np.tile(self._none, (k, 1))
        else:
            violation = facts.assessed.evaluation.violation.astype(np.float64)
            metrics = self._figures(facts.assessed)
        columns: dict[str, Column] = {
            "design": facts.rows.astype(np.int64),
            "feasible": violation <= 0,
            "violation": violation,
            "metrics": metrics,
            **{name: column.copy() for name, column in facts.noted.items()},
        }
        if facts.masks is not None:
            columns["action_mask"] = np.stack([_flat(mask) for mask in facts.masks])
        if self._workloads is not None:
            columns["workload"] = facts.task.copy()
        return columns

    def _figures(self, a: Assessment) -> Column:
        """Return metrics of k designs, (k, m); the worst for the cost of one that cannot be built."""
        metrics = a.evaluation.metrics
        built = metrics["feasible"]
        columns = [
            np.where(built, metrics[spec.name], none) if spec.cost else metrics[spec.name]
            for spec, none in zip(metrics.specs, self._none, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.float64)


def _flat(mask: Any) -> Flags:
    """Join a mask's parts into one bool array."""
    flat: Flags = np.concatenate(mask) if isinstance(mask, tuple) else mask
    return flat.astype(np.bool_)


#: What infos are made of, by the name that `info` takes.
INFO_WRITERS: Mapping[str, type[InfoWriter]] = MappingProxyType({"dicts": InfoWriter, "arrays": ArrayInfoWriter})


def info_writer(info: str, tasks: Tasks, often: Assessment | None = None) -> InfoWriter:
    """Return the writer of infos of a kind; `often` as for `InfoWriter`.

    Raises:
        ChipgymError: for another kind.
    """
    if not isinstance(info, str) or info not in INFO_WRITERS:
        raise unknown("info", info, INFO_WRITERS)
    return INFO_WRITERS[info](tasks, often)

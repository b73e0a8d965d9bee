"""What the episodes of one environment are about: one problem, or one for each of several workloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ChipgymError, shorten, unknown
from ..simulators import DesignSpace, Indices, Problem
from ..simulators.core.suite import workload_names
from .assess import Assessment, assess
from .observation import Observation, workload_observation

Ints = np.ndarray[Any, np.dtype[np.int64]]


class Tasks:
    """Problems that differ in their workload alone.

    Attributes:
        problems: t of them.
        space: of them all.
        names: of their workloads; a further one of the same name has its number behind it.
        several: whether a list was asked for: then episodes say which they are about, and can be told.
        features: what an agent sees of each workload, float32, shape (t, f).
        starts: the default design on each, a batch of t.
        each_objective: whether rewards are vectors, one entry per objective.
    """

    def __init__(self, problems: Sequence[Problem], each_objective: bool = False, several: bool | None = None) -> None:
        """Bind problems together.

        Args:
            problems: at least one.
            each_objective: whether rewards are vectors.
            several: whether episodes say which workload they are about; if there are more than one where None.

        Raises:
            ChipgymError: where two have the same workload, or another space or simulator.
        """
        first = problems[0]
        self.names = workload_names([p.simulator.workload for p in problems])
        for problem, name in zip(problems, self.names, strict=True):
            if problem.space != first.space or type(problem.simulator) is not type(first.simulator):
                raise ChipgymError(
                    f"workload: {shorten(name)} has another design space than {shorten(self.names[0])}; "
                    "one environment takes workloads of one space"
                )
        if each_objective and len(first.objectives) < 2:
            raise ChipgymError(
                f"objective: {first.objectives[0].name!r} is one, and a multi-objective environment takes several"
            )
        self.problems = tuple(problems)
        self.several = len(problems) > 1 if several is None else several
        self.space: DesignSpace = first.space
        self.each_objective = each_objective
        self.features: Observation = np.stack([workload_observation(p.simulator.workload) for p in problems])
        one_each = np.repeat(self.space.default_indices[None, :], len(problems), axis=0)
        self.starts = self.assess(one_each, np.arange(len(problems)))
        self._same: dict[int, Assessment] = {}

    def __len__(self) -> int:
        return len(self.problems)

    @property
    def reward_range(self) -> tuple[float, float]:
        """Least and largest value of a reward, or of one entry of a vector reward."""
        return self.problems[0].reward_range

    def position(self, workload: object) -> int:
        """Tell which of the tasks has the workload of that name.

        Raises:
            ChipgymError: naming the nearest where none has.
        """
        if not isinstance(workload, str) or workload not in self.names:
            raise unknown("reset option workload:", workload, self.names)
        return self.names.index(workload)

    def start(self, task: Ints) -> Assessment:
        """Return the default design on n tasks, shape (n,).

        The same n gives the same object where there is one task only.
        """
        if len(self) > 1:
            return self.starts.take(task)
        if len(task) not in self._same:
            self._same = {len(task): self.starts.take(task)}
        return self._same[len(task)]

    def assess(self, rows: Indices, task: Ints) -> Assessment:
        """Evaluate index rows, shape (n, p), each on its task, shape (n,); one call of the kernel for each task."""
        if len(self.problems) == 1:
            return assess(self.problems[0], rows, self.each_objective)
        order = np.argsort(task, kind="stable")
        parts = [assess(self.problems[t], rows[task == t], self.each_objective) for t in np.unique(task)]
        return Assessment.join(parts).take(np.argsort(order, kind="stable"))

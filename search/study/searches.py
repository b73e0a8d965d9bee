"""Searches of a study as columns: where each one's best design so far improved, and what it was worth then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column

Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Task(NamedTuple):
    """One search: numbers of its problem and configuration in the study, and its seed."""

    problem: int
    configuration: int
    seed: int


class Trace(NamedTuple):
    """What is kept of one search: all of its incumbents, in little room.

    Attributes:
        evaluations: designs evaluated.
        at: numbers of the evaluations, from 1, after which the best so far is less than before, ascending, int32.
        values: the least feasible objective after each of them, float64, as many.
    """

    evaluations: int
    at: Indices
    values: Column

    @staticmethod
    def of(objectives: Column, feasible: Mask) -> Trace:
        """Keep what improved, of objectives in the order of evaluation, shape (n,)."""
        running = np.minimum.accumulate(np.where(feasible & np.isfinite(objectives), objectives, np.inf))
        better = running < np.concatenate([[np.inf], running[:-1]])
        return Trace(len(objectives), (np.flatnonzero(better) + 1).astype(np.int32), running[better])


@dataclass(frozen=True, eq=False)
class Searches:
    """Searches by row, in the order of their tasks.

    Attributes:
        problem: number of the problem, shape (n,).
        configuration: number of the configuration, (n,).
        seed: (n,).
        evaluations: designs evaluated, (n,).
        offsets: row i's improvements are `at[offsets[i]:offsets[i + 1]]`, shape (n + 1,).
        at: see `Trace`.
        values: see `Trace`.
    """

    problem: Indices
    configuration: Indices
    seed: Indices
    evaluations: Indices
    offsets: Indices
    at: Indices
    values: Column

    @staticmethod
    def of(traces: Iterable[tuple[Task, Trace]]) -> Searches:
        """Put traces into columns, sorted by problem, configuration and seed; of equal tasks the first remains."""
        found: dict[Task, Trace] = {}
        for task, trace in traces:
            found.setdefault(task, trace)
        ordered = sorted(found)
        tasks = np.array(ordered, dtype=np.int64).reshape(-1, 3)
        lengths = [len(found[task].at) for task in ordered]
        return Searches(
            tasks[:, 0],
            tasks[:, 1],
            tasks[:, 2],
            np.array([found[task].evaluations for task in ordered], dtype=np.int64),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([np.empty(0, dtype=np.int32), *(found[task].at for task in ordered)]),
            np.concatenate([np.empty(0), *(found[task].values for task in ordered)]),
        )

    def __len__(self) -> int:
        return len(self.problem)

    def tasks(self) -> list[Task]:
        """List whose searches they are."""
        columns = (self.problem.tolist(), self.configuration.tolist(), self.seed.tolist())
        return [Task(*one) for one in zip(*columns, strict=True)]

    def traces(self) -> Iterable[tuple[Task, Trace]]:
        """Go through them one by one."""
        for i, task in enumerate(self.tasks()):
            part = slice(self.offsets[i], self.offsets[i + 1])
            yield task, Trace(int(self.evaluations[i]), self.at[part], self.values[part])

    def take(self, rows: Mask) -> Self:
        """Return some of them, in their order."""
        lengths = np.diff(self.offsets)
        kept = np.repeat(rows, lengths)
        return type(self)(
            self.problem[rows],
            self.configuration[rows],
            self.seed[rows],
            self.evaluations[rows],
            np.concatenate([[0], np.cumsum(lengths[rows])]).astype(np.int64),
            self.at[kept],
            self.values[kept],
        )

    def incumbents(self, budgets: Sequence[int] | Indices) -> Column:
        """Return the least feasible objective after so many evaluations, shape (n, budgets); `inf` before the first.

        A search that ended early keeps its last.
        """
        out = np.full((len(self), len(budgets)), np.inf)
        for j, budget in enumerate(budgets):
            within = np.concatenate([[0], np.cumsum(self.at <= budget)])
            count = within[self.offsets[1:]] - within[self.offsets[:-1]]
            some = count > 0
            out[some, j] = self.values[self.offsets[:-1][some] + count[some] - 1]
        return out

    def first_within(self, most: Column) -> Column:
        """Return after how many evaluations the best so far is at most `most`, both (n,); `inf` where never."""
        good = self.values <= np.repeat(most, np.diff(self.offsets))
        out = np.full(len(self), np.inf)
        rows = np.repeat(np.arange(len(self)), np.diff(self.offsets))[good]
        # Improvements ascend, so that the first good one of a row is the least.
        np.minimum.at(out, rows, self.at[good])
        return out

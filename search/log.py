"""The evaluations of one run as growing columns: what the loop looks repeats up in and agents are told from."""

from __future__ import annotations

import numpy as np

from ..simulators import Evaluation, Indices, Metrics, Problem
from ..simulators.core.parameter import Column
from .keys import row_keys


class Log:
    """Evaluated designs in the order of their evaluation; `numbers` count them from 0.

    Attributes:
        problem: what was evaluated.
        n: how many there are.
        reasons: by number, why a design is infeasible that no limit says it of.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.n = 0
        self.reasons: dict[int, str] = {}
        self.metric_names = tuple(s.name for s in problem.simulator.metrics)
        self._numbers: dict[bytes, int] = {}
        self._rows: Indices = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        # Columns: the metrics, the simulator's own violation, the whole violation, the objectives, the reward.
        self._values: Column = np.empty((0, len(self.metric_names) + 3 + len(problem.objectives)))
        self._asks: Indices = np.empty((0, 2), dtype=np.int64)

    # --- reading -------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> Indices:
        """Index rows, shape (n, p)."""
        return self._rows[: self.n]

    @property
    def asks(self) -> Indices:
        """Ask number and position within the ask, shape (n, 2)."""
        return self._asks[: self.n]

    @property
    def metrics(self) -> Column:
        """Metrics in the simulator's order, shape (n, m)."""
        return self._values[: self.n, : len(self.metric_names)]

    @property
    def simulator_violation(self) -> Column:
        """The simulator's own violation, shape (n,)."""
        return self._values[: self.n, len(self.metric_names)]

    @property
    def violation(self) -> Column:
        """The problem's violation, constraints included, shape (n,)."""
        return self._values[: self.n, len(self.metric_names) + 1]

    @property
    def reward(self) -> Column:
        """The problem's reward, shape (n,)."""
        return self._values[: self.n, len(self.metric_names) + 2]

    @property
    def objectives(self) -> Column:
        """Minimised values, shape (n, k)."""
        return self._values[: self.n, len(self.metric_names) + 3 :]

    def find(self, rows: Indices) -> tuple[Indices, Indices]:
        """Look up canonical rows.

        Returns:
            The number of each row's evaluation, -1 where it has none, and the positions of the rows that have none,
            each different design once.
        """
        keys = row_keys(rows)
        numbers = [self._numbers.get(k, -1) for k in keys]
        fresh: dict[bytes, int] = {}
        for position, number in enumerate(numbers):
            if number < 0:
                fresh.setdefault(keys[position], position)
        return np.array(numbers, dtype=np.int64), np.array(list(fresh.values()), dtype=np.int64)

    def take(self, numbers: Indices) -> Evaluation:
        """Return the evaluations with these numbers, as the problem gave them."""
        # Once: an ask has few designs, and a choice takes longer than the columns of one.
        values = self._values[numbers]
        m = len(self.metric_names)
        columns = {name: values[:, j] for j, name in enumerate(self.metric_names)}
        places = enumerate(numbers.tolist() if self.reasons else ())
        reasons = {i: self.reasons[number] for i, number in places if number in self.reasons}
        metrics = Metrics(self.problem.simulator.metrics, columns, values[:, m], reasons)
        return Evaluation(metrics, values[:, m + 3 :], values[:, m + 1])

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, rows: Indices, evaluation: Evaluation, ask: int, positions: Indices) -> None:
        """Add evaluated designs that the log does not have, proposed by one ask at these positions."""
        metrics = [evaluation.metrics[name] for name in (*self.metric_names, "violation")]
        columns = [*metrics, evaluation.violation, self.problem.reward(evaluation), *evaluation.objectives.T]
        asks = np.stack([np.full(len(rows), ask), positions], axis=1)
        self.reasons |= {self.n + i: reason for i, reason in evaluation.metrics.reasons.items()}
        self.extend(rows, np.stack(columns, axis=1), asks)

    def extend(self, rows: Indices, values: Column, asks: Indices) -> None:
        """Add designs whose values are laid out as the log keeps them."""
        start, stop = self.n, self.n + len(rows)
        if stop > len(self._rows):
            room = max(2 * len(self._rows), stop, 1024) - len(self._rows)
            self._rows = _grown(self._rows, room)
            self._values = _grown(self._values, room)
            self._asks = _grown(self._asks, room)
        self._rows[start:stop] = rows
        self._values[start:stop] = values
        self._asks[start:stop] = asks
        self.n = stop
        self._numbers.update(zip(row_keys(rows), range(start, stop), strict=True))

    def forget(self, start: int) -> None:
        """Drop the evaluations from number `start` on, which could not be written down."""
        for key in row_keys(self._rows[start : self.n]):
            del self._numbers[key]
        self.reasons = {number: reason for number, reason in self.reasons.items() if number < start}
        self.n = start


def _grown(array: Column, room: int) -> Column:
    return np.concatenate([array, np.empty((room, *array.shape[1:]), dtype=array.dtype)])

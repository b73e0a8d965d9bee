"""What a model-based agent was told, each design once, as arrays that a model is fitted to."""

from __future__ import annotations

import numpy as np

from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.parameter import Column
from ..keys import row_keys
from .outcomes import log_objectives, ranked, signed_excess


class History:
    """Designs told so far, in their order.

    Attributes:
        rows: canonical index rows, shape (n, p).
        values: `log_objectives`, shape (n, k), NaN where an infeasible design lacks one.
        excess: `signed_excess`, shape (n,).
        violation: shape (n,), 0 where feasible.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._seen: set[bytes] = set()
        self.rows: Indices = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        self.values: Column = np.empty((0, len(problem.objectives)))
        self.excess: Column = np.empty(0)
        self.violation: Column = np.empty(0)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def feasible(self) -> Column:
        """Which designs are feasible and have every objective, shape (n,), bool."""
        return (self.violation <= 0) & np.isfinite(self.values).all(axis=1)

    def add(self, designs: Indices, evaluation: Evaluation) -> None:
        """Add those of n evaluated designs that were not told before."""
        keys = row_keys(designs)
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        new = sorted(i for key, i in first.items() if key not in self._seen)
        self._seen.update(keys)
        self.rows = np.concatenate([self.rows, designs[new]])
        self.values = np.concatenate([self.values, log_objectives(self._problem, evaluation)[new]])
        self.excess = np.concatenate([self.excess, signed_excess(self._problem, designs, evaluation)[new]])
        self.violation = np.concatenate([self.violation, evaluation.violation[new]])

    def new(self, rows: Indices) -> Column:
        """Tell which of rows (n, p) were not told, shape (n,), bool."""
        return np.array([key not in self._seen for key in row_keys(rows)], dtype=bool)

    def selected(self, n: int, cost: Column, rng: np.random.Generator) -> Indices:
        """Return the numbers of at most `n` designs to fit a model to, ascending: half the best, the rest drawn.

        Args:
            n: how many.
            cost: by which feasible designs are ordered, one per design told.
            rng: draws where there are more than `n`.
        """
        if len(self) <= n:
            return np.arange(len(self), dtype=np.int64)
        order = ranked(cost, self.violation)
        rest = rng.choice(order[n // 2 :], n - n // 2, replace=False)
        return np.sort(np.concatenate([order[: n // 2], rest]))

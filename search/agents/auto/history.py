"""What a search has been told, in the form that proposers and models use."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.objective import limited_values
from ....simulators.core.parameter import Column
from ...keys import row_keys
from ...pareto import non_dominated

# Objectives are decades over the problem's reference, within this many; limits are exceeded by at most this much.
DECADES, MOST_EXCESS = 30.0, 2.0
# Designs that are ordered by front where there are several objectives: more than any model or proposer looks at.
FRONTED = 512


@dataclass(eq=False)
class History:
    """Every design that was told, once, in the order in which they came.

    Attributes:
        problem: what is searched.
        rows: index rows, shape (n, p).
        values: log10(objective / reference), shape (n, k); NaN where a design cannot be built.
        violation: how far beyond the limits, shape (n,); 0 where feasible.
        excess: by limit the logarithm of value over limit, ≤ 0 where it is met, shape (n, c); NaN where not known.
            The problem's constraints in their order, then the simulator's own feasibility.
        seen: keys of the rows.
    """

    problem: Problem
    rows: Indices = field(init=False)
    values: Column = field(init=False)
    violation: Column = field(init=False)
    excess: Column = field(init=False)
    seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        problem = self.problem
        self.rows = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        self.values = np.empty((0, len(problem.objectives)))
        self.violation = np.empty(0)
        self.excess = np.empty((0, len(problem.constraints) + 1))

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: Indices, evaluation: Evaluation) -> Indices:
        """Add what is new of the evaluated rows, and return the positions of those."""
        fresh = []
        for i, key in enumerate(row_keys(rows)):
            if key not in self.seen:
                self.seen.add(key)
                fresh.append(i)
        new = np.array(fresh, dtype=np.int64)
        if not len(new):
            return new
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log10(np.maximum(evaluation.objectives[new], 0.0) / self.problem.reference)
        self.rows = np.vstack([self.rows, rows[new]])
        self.values = np.vstack([self.values, values.clip(-DECADES, DECADES)])
        self.violation = np.append(self.violation, np.nan_to_num(evaluation.violation[new], nan=np.inf))
        self.excess = np.vstack([self.excess, self._excess(rows, evaluation)[new]])
        return new

    def _excess(self, rows: Indices, evaluation: Evaluation) -> Column:
        """Return by limit how far a value is from it, on a scale on which models are smooth, shape (n, c)."""
        problem, metrics = self.problem, evaluation.metrics
        values = limited_values(problem.constraints, metrics, problem.space.values(rows))
        columns = []
        for constraint in problem.constraints:
            beyond = constraint.excess(values)  # value / limit - 1, or 1 - value / limit for one from below
            ratio = np.log1p(np.maximum(beyond, -0.99)) if constraint.upper else -np.log1p(-np.minimum(beyond, 0.99))
            columns.append(ratio.clip(-MOST_EXCESS, MOST_EXCESS))
        own = np.log1p(np.nan_to_num(metrics["violation"], nan=np.inf, posinf=1e9)).clip(0.0, MOST_EXCESS)
        return np.stack([*columns, own], axis=1)

    def order(self) -> Indices:
        """Return every design's position, the best first: feasible before infeasible, nearer misses before others.

        Feasible ones are in the order of their objective, or where there are several of the front that they are on;
        fronts after the first `FRONTED` designs count as one.
        """
        feasible = self.violation <= 0
        rank = np.nan_to_num(self.values[:, 0], nan=np.inf) if self.values.shape[1] == 1 else self._fronts()
        return np.lexsort((np.where(feasible, rank, 0.0), np.where(feasible, 0.0, self.violation)))

    def leaders(self, n: int) -> Indices:
        """Return the positions of the best `n` designs, or with several objectives of all that none dominates."""
        if self.values.shape[1] == 1:
            return self.order()[:n]
        feasible = np.flatnonzero(self.violation <= 0)
        return feasible[non_dominated(self.values[feasible])]

    def front(self) -> Column:
        """Return the values of the feasible designs that none dominates, shape (f, k)."""
        feasible = self.values[self.violation <= 0]
        return feasible[non_dominated(feasible)]

    def _fronts(self) -> Column:
        """Return the number of the front of each design, (n,): 0 where none dominates it, 1 once those are gone."""
        ranks = np.full(len(self), np.inf)
        left = np.flatnonzero((self.violation <= 0) & ~np.isnan(self.values).any(axis=1))
        rank = 0
        while len(left) and np.isfinite(ranks).sum() < FRONTED:
            front = non_dominated(self.values[left])
            ranks[left[front]] = rank
            left, rank = left[~front], rank + 1
        return ranks

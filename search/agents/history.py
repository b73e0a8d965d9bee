"""What a model-based agent was told, each design once, as arrays that models are fitted to."""

from __future__ import annotations

import numpy as np

from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.parameter import Column
from ..pareto import non_dominated
from ..ranking import ranked
from .novelty import Novelty
from .outcomes import limit_excess, log_objectives

# Designs that are ordered by front where there are several objectives: more than any model or proposer looks at.
FRONTED = 512


class History:
    """Designs told so far, in their order.

    Attributes:
        problem: what is searched.
        novel: the same designs as a set, which tells what is new.
        rows: canonical index rows, shape (n, p).
        values: `log_objectives`, shape (n, k), NaN where an infeasible design lacks one.
        violation: how far beyond the limits, shape (n,), 0 where feasible.
        excess: `limit_excess`, shape (n, c), NaN where unknown.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.novel = Novelty(problem.space)
        self.rows: Indices = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        self.values: Column = np.empty((0, len(problem.objectives)))
        self.violation: Column = np.empty(0)
        self.excess: Column = np.empty((0, len(problem.constraints) + 1))

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, designs: Indices, evaluation: Evaluation) -> Indices:
        """Add those of n evaluated designs that were not told before, and return where they stand among the n."""
        new = np.array(self.novel.places(designs), dtype=np.int64)
        if len(new):
            self.novel.add(designs)
            self.rows = np.vstack([self.rows, designs[new]])
            self.values = np.vstack([self.values, log_objectives(self.problem, evaluation)[new]])
            self.violation = np.append(self.violation, np.nan_to_num(evaluation.violation[new], nan=np.inf))
            self.excess = np.vstack([self.excess, limit_excess(self.problem, designs, evaluation)[new]])
        return new

    def part(self, which: Column) -> History:
        """Return the designs that are marked, shape (n,), bool; what is new is new to all of them still."""
        other = History(self.problem)
        other.novel = self.novel
        other.rows, other.values = self.rows[which], self.values[which]
        other.violation, other.excess = self.violation[which], self.excess[which]
        return other

    @property
    def feasible(self) -> Column:
        """Which designs are feasible and have every objective, shape (n,), bool."""
        return (self.violation <= 0) & np.isfinite(self.values).all(axis=1)

    def limits(self) -> Column:
        """Return what models of the limits are fitted to, shape (n, limits): at most 0 within, NaN where unknown.

        That is `excess`, without the simulator's own limits where no design breaks them. Beyond those a simulator says
        how far a design is, but not within: it is taken to be as far within as those beyond are at the median.
        """
        own = self.excess[:, -1]
        broken = own[own > 0]
        if not len(broken):
            return self.excess[:, :-1]
        return np.column_stack([self.excess[:, :-1], np.where(own > 0, own, -np.median(broken))])

    def order(self, cost: Column | None = None) -> Indices:
        """Return every design's position, the best first (`ranked`).

        Args:
            cost: by which feasible designs are ordered, one per design. Where None it is the objective, or of several
                the number of the front that a design is on; fronts after the first `FRONTED` designs count as one.
        """
        if cost is None:
            cost = self.values[:, 0] if self.values.shape[1] == 1 else self._fronts()
        return ranked(cost, self.violation)

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


def thinned(order: Indices, most: int, best: int) -> Indices:
    """Return at most `most` positions of an order to fit a model to: the first `best`, and an even part of the rest."""
    if len(order) <= most:
        return order
    rest = order[best:]
    return np.concatenate([order[:best], rest[np.linspace(0, len(rest) - 1, most - best).astype(np.int64)]])

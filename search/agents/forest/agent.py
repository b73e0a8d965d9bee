"""The agent of random forests (Hutter et al., LION 2011; Lindauer et al., JMLR 23(54), 2022)."""

from __future__ import annotations

import numpy as np

from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..base import Agent, fraction
from ..history import History
from ..local_search import Acquisition, climbed, several, starts
from ..neighborhoods import Exchange, Scale
from ..outcomes import ranked
from .acquisition import log_improvement, log_within, scalarized
from .trees import Forest

# Designs that a forest is fitted to at most.
MOST_FITTED = 1000
# Random designs, of which so many of the best begin local searches; as many begin at designs told.
DRAWS, STARTS = 512, 8
MOST_TREES = 1000


class ForestAgent(Agent):
    """Expected improvement of a random forest, found by local search: SMAC's kind.

    Every ask fits a forest to log10 of the objective and, where a design was infeasible, one to the signed excess
    beyond the limits. Worth most is the design with the greatest expected improvement times probability of being
    feasible; until one is feasible, the greatest expected improvement of the excess. Local searches that exchange one
    knob at a time look for it from the best designs told and from random ones. A batch takes designs that differ in
    two knobs. A part of the designs is drawn at random, so that no model's error lasts.

    With several objectives each ask draws weights of one (ParEGO: Knowles, IEEE TEC 10(1), 2006).

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        n_startup_trials: random designs before the first forest.
        trees: in a forest.
        random_fraction: probability of each design to be drawn at random.
    """

    batch = 4

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        n_startup_trials: int = 10,
        trees: int = 24,
        random_fraction: float = 0.15,
    ) -> None:
        super().__init__(problem, seed)
        self._startup = count("n_startup_trials", n_startup_trials)
        self._trees = count("trees", trees, 2, MOST_TREES)
        self._random = fraction("random_fraction", random_fraction)
        self._scale = Scale(problem.space)
        self._exchange = Exchange(problem.space)
        self._history = History(problem)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Remember what a forest is fitted to."""
        self._history.add(designs, evaluation)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return what the forests think most of, shape (n, p), and random rows while there are none."""
        rows = self.problem.space.sample(n, rng)
        drawn = rng.random(n) < self._random
        if len(self._history) < self._startup or not self._scale.width:
            return rows
        wanted = np.flatnonzero(~drawn)
        found = self._found(len(wanted), rng)
        rows[wanted[: len(found)]] = found
        return rows

    def _found(self, n: int, rng: np.random.Generator) -> Indices:
        """Return at most `n` new rows that are worth most."""
        history = self._history
        cost = scalarized(history.values, history.feasible, rng)
        acquisition = self._fitted(cost, rng)
        told = history.rows[ranked(cost, history.violation)]
        draws = self.problem.space.sample(DRAWS, rng)
        looked, worth = climbed(acquisition, starts(acquisition, told, draws, STARTS), self._exchange, rng)
        new = history.new(looked)
        return several(looked[new], worth[new], n, rng)

    def _fitted(self, cost: Column, rng: np.random.Generator) -> Acquisition:
        """Fit forests and return what they make of rows."""
        history = self._history
        taken = history.selected(MOST_FITTED, cost, rng)
        inputs, cost = self._scale(history.rows[taken]), cost[taken]
        excess, feasible, known = history.excess[taken], history.feasible[taken], np.isfinite(cost)
        limits = None if feasible.all() else Forest(inputs, excess, self._trees, rng)
        if not feasible.any():
            assert limits is not None
            nearest, forest = float(excess.min()), limits
            return lambda rows: log_improvement(*forest(self._scale(rows)), nearest)
        target, best = Forest(inputs[known], cost[known], self._trees, rng), float(cost[feasible].min())

        def worth(rows: Indices) -> Column:
            scaled = self._scale(rows)
            gain = log_improvement(*target(scaled), best)
            return gain if limits is None else gain + log_within(*limits(scaled))

        return worth

"""The agent of random forests (Hutter et al., LION 2011; Lindauer et al., JMLR 23(54), 2022)."""

from __future__ import annotations

import numpy as np

from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ..base import Agent
from ..history import History, thinned
from ..improvement import Weighting, log_improvement, log_within
from ..knobs import Knobs
from ..local_search import Acquisition, climbed, several, starts
from ..neighborhoods import Exchange
from ..settings import number
from .trees import Forest

# Designs that a forest is fitted to at most.
MOST_FITTED = 1000
# Random designs, of which so many of the best begin local searches; as many begin at designs told.
DRAWS, STARTS = 512, 8
MOST_TREES = 1000


class ForestAgent(Agent):
    """Expected improvement of a random forest, found by local search: SMAC's kind.

    Every ask fits a forest to log10 of the objective and one to the excess over each limit that some design breaks.
    Worth most is the design with the greatest expected improvement times probability of being feasible, limits
    independent; until one is feasible, the greatest expected improvement of the largest excess. Local searches that
    exchange one knob at a time look for it from the best designs told and from random ones. A batch takes designs that
    differ in two knobs. A part of the designs is drawn at random, so that no model's error lasts.

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
        self._random = number("random_fraction", random_fraction, high=1.0)
        self._knobs = Knobs.of(problem.space)
        self._exchange = Exchange(problem.space)
        self._history = History(problem)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Remember what a forest is fitted to."""
        self._history.add(designs, evaluation)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return what the forests think most of, shape (n, p), and random rows while there are none."""
        rows = self.problem.space.sample(n, rng)
        drawn = rng.random(n) < self._random
        if len(self._history) < self._startup or not len(self._knobs.columns):
            return rows
        wanted = np.flatnonzero(~drawn)
        found = self._found(len(wanted), rng)
        rows[wanted[: len(found)]] = found
        return rows

    def _found(self, n: int, rng: np.random.Generator) -> Indices:
        """Return at most `n` new rows that are worth most."""
        history = self._history
        cost = _one_cost(history, rng)
        order = history.order(cost)
        acquisition = self._fitted(cost, np.sort(thinned(order, MOST_FITTED, MOST_FITTED // 2)), rng)
        draws = self.problem.space.sample(DRAWS, rng)
        begin = starts(acquisition, history.rows[order], draws, STARTS)
        looked, worth = climbed(acquisition, begin, self._exchange, rng)
        new = history.novel.among(looked)
        return several(looked[new], worth[new], n, rng)

    def _fitted(self, cost: Column, taken: Indices, rng: np.random.Generator) -> Acquisition:
        """Fit forests to the designs at some positions and return what they make of rows."""
        history = self._history
        inputs = self._knobs.one_hot(history.rows[taken])

        def forest(column: Column) -> Forest:
            known = np.isfinite(column)
            return Forest(inputs[known], column[known], self._trees, rng)

        feasible, excess = history.feasible[taken], history.limits()[taken]
        if feasible.any():
            limits = [forest(column) for column in excess.T if (column > 0).any()]
            target, best = forest(cost[taken]), float(cost[taken][feasible].min())
        else:
            largest = np.nanmax(excess, axis=1)
            limits, target, best = [], forest(largest), float(largest.min())

        def worth(rows: Indices) -> Column:
            columns = self._knobs.one_hot(rows)
            mean, deviation = target(columns)
            total = log_improvement(best - mean, deviation)
            for limit in limits:
                total += log_within(*limit(columns))
            return total

        return worth


def _one_cost(history: History, rng: np.random.Generator) -> Column:
    """Return the one objective's values, shape (n,), or of several those of a weighting that is drawn (ParEGO)."""
    values = history.values
    if values.shape[1] == 1:
        return values[:, 0]
    known = np.isfinite(values).all(axis=1)
    among = values[history.feasible if history.feasible.any() else known]
    return Weighting.drawn(among, rng).cost(values) if len(among) else values[:, 0]

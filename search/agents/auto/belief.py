"""What a search expects of designs that it has not evaluated, and which of them is most worth evaluating."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....simulators import Indices
from ....simulators.core.parameter import Column
from .. import matern
from ..history import History, thinned
from ..improvement import Weighting, log_improvement, log_within
from ..knobs import Knobs
from ..process import GaussianProcess, Outlook

# Designs that a model knows, the best of them and an even part of the others, and those that its lengthscales are
# learnt from. What a model costs grows with the square of the first and the cube of the second.
MOST_KNOWN, MOST_LEARNT = 320, 96
# Fewest designs with a value that a model is made of.
LEAST_KNOWN = 3
# Draws by which the improvement of several objectives is averaged.
DRAWS = 32


@dataclass(frozen=True)
class Belief:
    """A model of each objective and of each of the limits (`History.limits`).

    Attributes:
        knobs: what the models' features are.
        objectives: one per objective, of decades over the reference; none where too few designs have values.
        limits: one per limit; a design is expected within it where the value is at most 0.
        front: values of the feasible designs that none dominates, shape (f, k).
    """

    knobs: Knobs
    objectives: tuple[GaussianProcess, ...]
    limits: tuple[GaussianProcess, ...]
    front: Column

    @staticmethod
    def of(history: History, knobs: Knobs) -> Belief:
        """Learn the models from what was told."""
        known = thinned(history.order(), MOST_KNOWN, MOST_KNOWN * 3 // 4)
        x = knobs.places(history.rows[known])

        def fitted(y: Column) -> GaussianProcess | None:
            told = np.flatnonzero(np.isfinite(y))
            if len(told) < LEAST_KNOWN:
                return None
            learnt = thinned(np.arange(len(told)), MOST_LEARNT, MOST_LEARNT // 2)
            first = np.concatenate([learnt, np.setdiff1d(np.arange(len(told)), learnt)])
            return matern.fitted(knobs, x[told[first]], y[told[first]], len(learnt))

        models = [fitted(column) for column in history.values[known].T]
        limits = [fitted(column) for column in history.limits()[known].T]
        complete = tuple(m for m in models if m) if all(models) else ()
        return Belief(knobs, complete, tuple(m for m in limits if m), history.front())

    def survey(self, rows: Indices) -> Survey:
        """Return what is expected of candidates, shape (m, p)."""
        x = self.knobs.places(rows)
        return Survey(
            self, rows, [model.outlook(x) for model in self.objectives], [model.outlook(x) for model in self.limits]
        )


@dataclass(eq=False)
class Survey:
    """What is expected of candidates, and what evaluating each is worth.

    Attributes:
        belief: the models.
        rows: the candidates, shape (m, p).
        objectives: an outlook per objective.
        limits: an outlook per limit.
    """

    belief: Belief
    rows: Indices
    objectives: list[Outlook]
    limits: list[Outlook]

    def feasibility(self) -> Column:
        """Return the logarithm of the probability of being within every limit, shape (m,), limits independent."""
        total = np.zeros(len(self.rows))
        for limit in self.limits:
            total += log_within(limit.mean, limit.deviation)
        return total

    def worth(self, aim: Aim) -> Column:
        """Return the logarithm of expected improvement times the probability of feasibility, shape (m,).

        Where no feasible design is known it is the probability alone: Gelbart, Snoek and Adams (UAI 2014), section 3.
        """
        worth = self.feasibility()
        if not self.objectives or not np.isfinite(aim.best):
            return worth
        return worth + aim.log_improvement(self.objectives)

    def believe(self, i: int) -> None:
        """Take candidate `i` to be evaluated to its expectation."""
        for outlook in (*self.objectives, *self.limits):
            outlook.believe(i)


@dataclass(frozen=True)
class Aim:
    """What counts as an improvement: with several objectives, of a weighting of them.

    Attributes:
        best: least value of the feasible designs, or cost by the weighting; `inf` where none is feasible.
        weighting: of several objectives; None where there is one, or no feasible design.
        draws: standard normal draws, shape (DRAWS, k), by which improvement is averaged.
    """

    best: float
    weighting: Weighting | None
    draws: Column

    @staticmethod
    def of(front: Column, rng: np.random.Generator) -> Aim:
        """Aim beyond a front of values (f, k), with weights drawn where k is more than 1."""
        k = front.shape[1]
        if not len(front) or k == 1:
            return Aim(float(front.min(initial=np.inf)), None, np.zeros((0, k)))
        weighting = Weighting.drawn(front, rng)
        return Aim(float(weighting.cost(front).min()), weighting, rng.standard_normal((DRAWS, k)))

    def reaching(self, value: float) -> Aim:
        """Return the aim of one objective once a design of this value is found."""
        return replace(self, best=min(self.best, value))

    def log_improvement(self, objectives: list[Outlook]) -> Column:
        """Return the logarithm of the expected improvement, shape (m,).

        Of a weighting it is the mean over draws; where none of them improves, less the further the expectation is from
        the best. The forest, which has no covariances to draw by, models the weighted cost itself.
        """
        if self.weighting is None:
            return log_improvement(self.best - objectives[0].mean, objectives[0].deviation)
        mean = np.stack([outlook.mean for outlook in objectives], axis=1)
        deviation = np.stack([outlook.deviation for outlook in objectives], axis=1)
        gain = np.zeros(len(mean))
        for draw in self.draws:
            gain += np.maximum(self.best - self.weighting.cost(mean + deviation * draw), 0.0)
        behind = np.maximum(self.weighting.cost(mean) - self.best, 0.0)
        worth: Column = np.log(gain / len(self.draws) + 1e-9) - behind
        return worth

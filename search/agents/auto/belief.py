"""What a search expects of designs that it has not evaluated, and which of them is most worth evaluating."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_ndtr, ndtr

from ....simulators import Indices
from ....simulators.core.parameter import Column
from .history import History
from .process import GaussianProcess, Knobs, Outlook

# Designs that a model knows, the best of them and an even part of the others, and those that its lengthscales are
# learnt from. What a model costs grows with the square of the first and the cube of the second.
MOST_KNOWN, MOST_LEARNT = 320, 96
# Fewest designs with a value that a model is made of.
LEAST_KNOWN = 3
# Draws by which the improvement of several objectives is averaged.
DRAWS = 32
# The part of the sum in the augmented Tchebycheff function: Knowles, IEEE TEC 10(1), 2006, equation 2.
SUM_PART = 0.05


@dataclass(frozen=True)
class Belief:
    """A model of each objective and of each limit that some design breaks.

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
        order = history.order()
        known = _part(order, MOST_KNOWN, MOST_KNOWN * 3 // 4)
        x = knobs.features(history.rows[known])
        values, excess = history.values[known], history.excess[known]

        def fitted(y: Column) -> GaussianProcess | None:
            told = np.flatnonzero(np.isfinite(y))
            if len(told) < LEAST_KNOWN:
                return None
            learnt = _part(np.arange(len(told)), MOST_LEARNT, MOST_LEARNT // 2)
            first = np.concatenate([learnt, np.setdiff1d(np.arange(len(told)), learnt)])
            return GaussianProcess.fit(knobs, x[told[first]], y[told[first]], len(learnt))

        models = [fitted(column) for column in values.T]
        *constraints, own = excess.T
        limits = [fitted(column) for column in constraints]
        if (own > 0).any():
            # The simulator says how far beyond a limit a design is, not how far within it: as far as misses are beyond.
            limits.append(fitted(np.where(own > 0, own, -np.median(own[own > 0]))))
        complete = tuple(m for m in models if m) if all(models) else ()
        return Belief(knobs, complete, tuple(m for m in limits if m), history.front())

    def survey(self, rows: Indices) -> Survey:
        """Return what is expected of candidates, shape (m, p)."""
        x = self.knobs.features(rows)
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
            total += log_ndtr(-limit.mean / limit.deviation)
        return total

    def worth(self, aim: Aim) -> Column:
        """Return the logarithm of expected improvement times the probability of feasibility, shape (m,).

        Where no feasible design is known it is the probability alone: Gelbart, Snoek and Adams (UAI 2014), section 3.
        """
        worth = self.feasibility()
        if not self.objectives or not np.isfinite(aim.best):
            return worth
        if len(self.objectives) == 1:
            return worth + log_improvement(aim.best - self.objectives[0].mean, self.objectives[0].deviation)
        return worth + aim.log_improvement(self.objectives)

    def joined(self, other: Survey) -> Survey:
        """Return a survey of the candidates of both, before any is taken to be evaluated."""
        return Survey(
            self.belief,
            np.vstack([self.rows, other.rows]),
            [a.joined(b) for a, b in zip(self.objectives, other.objectives, strict=True)],
            [a.joined(b) for a, b in zip(self.limits, other.limits, strict=True)],
        )

    def believe(self, i: int) -> None:
        """Take candidate `i` to be evaluated to its expectation."""
        for outlook in (*self.objectives, *self.limits):
            outlook.believe(i)


@dataclass(frozen=True)
class Aim:
    """What counts as an improvement: a weighting of the objectives, and its best value so far.

    Attributes:
        best: of the feasible designs; `inf` where there is none.
        weights: of the objectives, shape (k,), sum 1.
        low: least value of each objective on the front, shape (k,).
        span: of the front in each objective, shape (k,).
        draws: standard normal draws, shape (DRAWS, k).
    """

    best: float
    weights: Column
    low: Column
    span: Column
    draws: Column

    @staticmethod
    def of(front: Column, rng: np.random.Generator) -> Aim:
        """Draw weights for the objectives of a front of values (f, k): uniform on those of sum 1."""
        k = front.shape[1]
        weights = rng.dirichlet(np.ones(k)) if k > 1 else np.ones(1)
        if not len(front):
            return Aim(np.inf, weights, np.zeros(k), np.ones(k), np.zeros((0, k)))
        low = front.min(axis=0)
        span = np.maximum(front.max(axis=0) - low, 1e-6)
        draws = rng.standard_normal((DRAWS, k)) if k > 1 else np.zeros((0, k))
        aim = Aim(np.inf, weights, low, span, draws)
        best = float(front.min()) if k == 1 else float(aim.value(front).min())
        return Aim(best, weights, low, span, draws)

    def reaching(self, value: float) -> Aim:
        """Return the aim of one objective once a design of this value is found."""
        return replace(self, best=min(self.best, value))

    def value(self, values: Column) -> Column:
        """Return the augmented Tchebycheff function of values (…, k), shape (…)."""
        weighted = self.weights * (values - self.low) / self.span
        value: Column = weighted.max(axis=-1) + SUM_PART * weighted.sum(axis=-1)
        return value

    def log_improvement(self, objectives: list[Outlook]) -> Column:
        """Return the logarithm of the expected improvement of the weighted objectives, shape (m,).

        The mean over draws; where none of them improves, less the further the expectation is from the best.
        """
        mean = np.stack([outlook.mean for outlook in objectives], axis=1)
        deviation = np.stack([outlook.deviation for outlook in objectives], axis=1)
        gain = np.zeros(len(mean))
        for draw in self.draws:
            gain += np.maximum(self.best - self.value(mean + deviation * draw), 0.0)
        behind = np.maximum(self.value(mean) - self.best, 0.0)
        worth: Column = np.log(gain / len(self.draws) + 1e-9) - behind
        return worth


def log_improvement(gap: Column, deviation: Column) -> Column:
    """Return the logarithm of expected improvement, shape (m,), of a normal value `gap` below the best on average.

    Ament et al., NeurIPS 2023, equation 9: its tail is written so that no digits are lost where it is near 0.
    """
    u = gap / deviation
    density = np.exp(-0.5 * u * u) / np.sqrt(2.0 * np.pi)
    near = np.log(np.maximum(u * ndtr(u) + density, 1e-300))
    far = np.minimum(u, -5.0)
    tail = -0.5 * far * far - 0.5 * np.log(2.0 * np.pi) - 2.0 * np.log(-far)
    worth: Column = np.where(u > -5.0, near, tail) + np.log(deviation)
    return worth


def _part(order: Indices, most: int, best: int) -> Indices:
    """Return the first `best` positions and an even part of the others, `most` at the most."""
    if len(order) <= most:
        return order
    rest = order[best:]
    return np.concatenate([order[:best], rest[np.linspace(0, len(rest) - 1, most - best).astype(np.int64)]])

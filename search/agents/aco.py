"""Ant colony optimisation: pheromone for every value of every knob."""

from __future__ import annotations

import numpy as np

from ...errors import count
from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.parameter import Column
from .base import MOST_AT_ONCE, Agent
from .novelty import Novelty
from .outcomes import losses
from .settings import number


class ACOAgent(Agent):
    """MAX-MIN ant system: an ant is a design, and goes from knob to knob by the pheromone of the knob's values.

    Stützle and Hoos (Future Generation Computer Systems 16, 2000). For each knob an ant takes the value with the most
    pheromone with probability `greediness`, and one in proportion to the pheromone otherwise (the pseudo-random
    proportional rule of the ant colony system; Dorigo and Gambardella, IEEE TEC 1(1), 1997). After each iteration a
    share of all pheromone evaporates, and as much is laid, half by its best ant and half by the best so far, on the
    values of their active knobs. So scaled (the hyper-cube framework; Blum and Dorigo, IEEE Trans. SMC B 34(2), 2004)
    the upper bound 1 / (rho · best) of pheromone is 1, where all of it begins. Its lower bound is that at which a
    colony that has converged draws the best design with probability `best_probability` (equation 11 of Stützle and
    Hoos), for each knob by the number of its values.

    The first iteration is the default design and random ones. There is no heuristic beside the pheromone: nothing is
    known of a knob beforehand. Infeasible designs are ranked by violation, after every feasible one.

    Args:
        problem: what is searched, one objective.
        seed: a whole number ≥ 0.
        ants: designs of an iteration, and of the default batch; few at first and up to 64 later where None.
        evaporation: the share of the pheromone that an iteration loses.
        greediness: how often an ant takes the value with the most.
        best_probability: of drawing the best design again once the colony has converged; sets the lower
            bound.
    """

    batch = 64
    several_objectives = False

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        ants: int | None = None,
        evaporation: float = 0.4,
        greediness: float = 0.5,
        best_probability: float = 0.05,
    ) -> None:
        super().__init__(problem, seed)
        self._ants = None if ants is None else count("ants", ants, high=MOST_AT_ONCE)
        self.batch = self._ants or self.batch
        self._evaporation = number("evaporation", evaporation, high=1.0)
        self._greediness = number("greediness", greediness, high=1.0)
        least = number("best_probability", best_probability, high=1.0)
        space = problem.space
        self._novel = Novelty(space)
        self._exists = np.arange(space.sizes.max()) < space.sizes[:, None]
        self._lower = np.where(self._exists, lower_bounds(space.sizes, least)[:, None], 0.0)
        self._upper = self._exists.astype(np.float64)
        self._pheromone = self._upper.copy()
        self._best, self._best_loss = space.default_indices, np.inf

    @property
    def pheromone(self) -> Column:
        """Of each value of each knob, shape (p, most values of a knob), 0 where a knob has fewer values."""
        return self._pheromone.copy()

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return the ways of `n` ants, shape (n, p)."""
        novel = self._novel
        n = novel.paced(n) if self._ants is None else n
        return novel.filled(n, rng, lambda k: self._walks(2 * k, rng)) if len(novel) else novel.first(n, rng)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Let pheromone evaporate, and lay some on the ways of the best ant of these and of all."""
        self._novel.add(designs)
        if not len(designs):
            return
        loss = losses(self.problem, evaluation)
        first = int(loss.argmin())
        if loss[first] < self._best_loss:
            self._best, self._best_loss = designs[first], loss[first]
        self._pheromone *= 1.0 - self._evaporation
        ways = np.stack([designs[first], self._best])
        for way, active in zip(ways, self.problem.space.active(ways), strict=True):
            knobs = np.flatnonzero(active)
            self._pheromone[knobs, way[knobs]] += self._evaporation / 2
        self._pheromone = np.minimum(np.maximum(self._pheromone, self._lower), self._upper)

    def _walks(self, k: int, rng: np.random.Generator) -> Indices:
        """Let `k` ants go, each from knob to knob."""
        share = self._pheromone.cumsum(axis=1)
        share /= share[:, -1:]
        draw, kind = rng.random((2, k, len(share)))
        drawn = (draw[:, :, None] >= share[:, :-1]).sum(axis=2)
        # Rounding may leave a last share of less than 1 before values that do not exist.
        drawn = np.minimum(drawn, self.problem.space.sizes - 1)
        most = self._pheromone.argmax(axis=1)
        return self.problem.space.canonicalize(np.where(kind < self._greediness, most, drawn))


def lower_bounds(sizes: Indices, best_probability: float) -> Column:
    """Return the least pheromone per knob, shape (p,), where the most is 1.

    A colony has converged where each knob has one value with the most and all others the least. It draws the former
    with probability q for each of the m knobs that have several values, and so all of them with q^m, which is to be
    `best_probability`: least = (1 - q) / ((values - 1) q), no more than 1 (Stützle and Hoos, 2000, equation 11, where
    the number of values is a mean).
    """
    several = sizes > 1
    if best_probability == 0.0:
        return np.ones(len(sizes))
    q = best_probability ** (1.0 / max(int(several.sum()), 1))
    return np.where(several, np.minimum((1.0 - q) / (np.maximum(sizes - 1, 1) * q), 1.0), 1.0)

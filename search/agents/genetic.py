"""A genetic algorithm of one small population."""

from __future__ import annotations

import numpy as np

from ...errors import count
from ...simulators import Evaluation, Indices, Problem
from .base import MOST_AT_ONCE, Agent
from .novelty import Novelty
from .outcomes import losses
from .settings import number

# Random designs told before the first children, the default design among them.
FIRST = 16


class GeneticAgent(Agent):
    """A (μ + λ) genetic algorithm: tournaments, uniform crossover, mutation of a knob or more, and elitism.

    Holland, Adaptation in Natural and Artificial Systems, 1975; the uniform crossover is that of Syswerda (ICGA 1989),
    the (μ + λ) survival that of Beyer and Schwefel (Natural Computing 1, 2002). The population is the best μ of all
    designs told, which are of different hardware; the λ children are a batch. Infeasible designs are ranked by their
    violation, after every feasible one (Deb, 2000). A small population finds good designs in few evaluations, a large
    one better designs in many.

    Args:
        problem: what is searched, one objective.
        seed: a whole number ≥ 0.
        population_size: μ, the designs that have children.
        tournament_size: designs drawn for each parent, of which the best is taken; 1 is no selection among the μ.
        crossover_prob: of a child having two parents.
        swapping_prob: of taking each knob from the second of two parents.
        mutation_prob: of changing each active knob of a child, one at least; 1 / active knobs where None.
    """

    batch = 64
    several_objectives = False

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        population_size: int = 8,
        tournament_size: int = 2,
        crossover_prob: float = 0.9,
        swapping_prob: float = 0.5,
        mutation_prob: float | None = None,
    ) -> None:
        super().__init__(problem, seed)
        self._size = count("population_size", population_size, 2, MOST_AT_ONCE)
        self._tournament = count("tournament_size", tournament_size, high=MOST_AT_ONCE)
        self._crossover = number("crossover_prob", crossover_prob, high=1.0)
        self._swapping = number("swapping_prob", swapping_prob, high=1.0)
        self._mutation = None if mutation_prob is None else number("mutation_prob", mutation_prob, high=1.0)
        self._novel = Novelty(problem.space)
        # The population in ascending order of loss.
        self._rows = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        self._losses = np.empty(0)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return children of the population, or random designs where it is too small, shape (n, p)."""
        space = self.problem.space
        n = self._novel.paced(n)
        if not len(self._rows):
            return self._novel.first(n, rng)
        if len(self._novel) < max(FIRST, self._size):
            return self._novel.filled(n, rng, lambda k: space.sample(k, rng))
        return self._novel.filled(n, rng, lambda k: self._children(2 * k, rng))

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Keep the best of parents and children."""
        new = self._novel.among(designs)  # a repeat is in the population already, or was not good enough for it
        self._novel.add(designs)
        rows = np.concatenate([self._rows, designs[new]])
        loss = np.concatenate([self._losses, losses(self.problem, evaluation)[new]])
        best = np.argsort(loss, kind="stable")[: self._size]
        self._rows, self._losses = rows[best], loss[best]

    def _children(self, k: int, rng: np.random.Generator) -> Indices:
        """Make `k` children of parents that won tournaments, shape (k, p)."""
        # In a population in order the winner is the one that stands first.
        winners = rng.integers(0, len(self._rows), size=(2, k, self._tournament)).min(axis=2)
        first, second = self._rows[winners]
        swapped = (rng.random(first.shape) < self._swapping) & (rng.random((k, 1)) < self._crossover)
        children = self.problem.space.canonicalize(np.where(swapped, second, first))
        return self.problem.space.mutate(children, rng, self._mutation)

"""CMA-ES on a grid (CatCMA with margin: Hamano et al., GECCO 2025, arXiv 2504.07884), with growing restarts."""

from __future__ import annotations

from typing import Any

import numpy as np
from cmaes import CatCMAwM

from ...errors import count
from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.parameter import Column
from ..keys import row_keys
from .base import MOST_AT_ONCE, Agent
from .novelty import Novelty
from .outcomes import losses
from .settings import number

# Generations without a better design, beyond which a distribution has converged; pycma's `tolstagnation` is like it.
STAGNATION = 12
# Asks without a new design, beyond which it has converged in the midst of a large generation.
IDLE = 10
# Populations double with each restart, at most so often.
DOUBLINGS = 10


class CMAESAgent(Agent):
    """Draws designs from a distribution that moves towards the better half of each generation.

    Knobs with an order are whole numbers, their places on the grid, of a multivariate normal distribution; a margin
    keeps each value's probability above a bound. Other knobs, and those of two values, are categories with a
    probability each. Generations are ranked by Deb's rules: feasible designs first by objective, others by violation.

    It has converged after a generation in which no design is new, or `STAGNATION` of them without a better one. It
    then starts anew around a random design with twice the population (IPOP: Auger and Hansen, CEC 2005).

    The normal distribution is of real numbers, of which rows keep the rounded ones only. A replayed ask is therefore
    made again. Designs that it did not propose move nothing, but for those that a search begins with: the best of them
    is the first centre.

    Args:
        problem: what is searched; of one objective.
        seed: a whole number ≥ 0.
        population_size: designs per generation and of the default batch; 4 + 3 ln(knobs) where None.
        sigma: standard deviation at the start, as a part of each grid.
    """

    several_objectives = False

    def __init__(
        self, problem: Problem, seed: int = 0, *, population_size: int | None = None, sigma: float = 0.3
    ) -> None:
        super().__init__(problem, seed)
        knobs = problem.space.parameters
        free = [j for j, p in enumerate(knobs) if p.size > 1]
        self._whole = [j for j in free if knobs[j].ordinal and knobs[j].size > 2]
        self._category = [j for j in free if j not in self._whole]
        least = 4 + int(3 * np.log(max(len(free), 1)))
        size = least if population_size is None else count("population_size", population_size, 2, MOST_AT_ONCE)
        self.batch = self._population = size
        self._sigma = number("sigma", sigma, high=1.0, beyond=True)
        self._novel = Novelty(problem.space)
        self._asked: dict[bytes, list[CatCMAwM.Solution]] = {}  # what the last ask drew for each row
        self._restarts = 0
        self._generation: list[tuple[CatCMAwM.Solution, float]] = []  # with the loss of each
        self._fresh = False  # whether a design of the generation is new
        self._idle = 0  # asks in a row without a new design
        self._stale = 0  # generations in a row without a better one
        self._best = np.inf
        self._optimizer: CatCMAwM | None = None
        if free:
            self._start((problem.space.sizes - 1) / 2)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Draw `n` rows, shape (n, p), from the distribution."""
        space = self.problem.space
        rows = np.repeat(space.default_indices[None, :], n, axis=0)
        if self._optimizer is None:
            return rows[:1]
        self._optimizer.reseed_rng(int(rng.integers(2**32)))
        drawn = [self._optimizer.ask() for _ in range(n)]
        if self._whole:
            rows[:, self._whole] = np.stack([s.z for s in drawn])
        if self._category:
            rows[:, self._category] = np.stack([s.c for s in drawn]).argmax(axis=2)
        rows = space.canonicalize(rows)
        self._asked = {}
        for key, solution in zip(row_keys(rows), drawn, strict=True):
            self._asked.setdefault(key, []).append(solution)
        return rows

    def replay(self, designs: Indices, evaluation: Evaluation) -> None:
        """Make an ask of an earlier process again, for the numbers that it drew, and tell its outcome."""
        self.ask(len(designs))
        self.tell(designs, evaluation)

    def begin(self, designs: Indices, evaluation: Evaluation) -> None:
        """Centre the first distribution on the best of the designs that the search begins with."""
        self.asks += 1
        if len(designs) and self._optimizer is not None:
            self._start(designs[losses(self.problem, evaluation).argmin()].astype(np.float64))

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Gather a generation, and move the distribution when it is complete."""
        if self._optimizer is None:
            return
        for key, loss in zip(row_keys(designs), losses(self.problem, evaluation).tolist(), strict=True):
            if waiting := self._asked.get(key):
                self._generation.append((waiting.pop(0), loss))
        fresh = bool(self._novel.among(designs).any())
        self._idle = 0 if fresh else self._idle + 1
        self._fresh = self._fresh or fresh
        self._novel.add(designs)
        self._asked = {}
        if len(self._generation) >= self._optimizer.population_size:
            self._move()
        elif self._idle >= IDLE:
            self._restart()

    def _move(self) -> None:
        """Move the distribution by a generation, and start another where it has converged."""
        assert self._optimizer is not None
        order = np.argsort([loss for _, loss in self._generation], kind="stable")
        best = self._generation[order[0]][1]
        self._stale = 0 if best < self._best else self._stale + 1
        self._best = min(best, self._best)
        chosen = order[: self._optimizer.population_size]
        self._optimizer.tell([(self._generation[i][0], float(rank)) for rank, i in enumerate(chosen)])
        if not self._fresh or self._stale >= STAGNATION or (self._whole and self._optimizer.should_stop()):
            self._restart()
        self._generation, self._fresh = [], False

    def _restart(self) -> None:
        """Start anew around a design that follows from the seed and the number of restarts."""
        self._restarts += 1
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, self._restarts, 1)))  # no ask has this sequence
        self._start(self.problem.space.sample(1, rng)[0].astype(np.float64))

    def _start(self, centre: Column) -> None:
        """Make a distribution around a row, of which nothing is told."""
        self._generation, self._fresh, self._idle, self._stale = [], False, 0, 0
        self._best = np.inf
        sizes = self.problem.space.sizes
        spaces: dict[str, Any] = {}
        if self._whole:
            spaces["z_space"] = [list(range(int(sizes[j]))) for j in self._whole]
            spaces["mean"] = centre[self._whole]
            spaces["cov"] = np.diag((self._sigma * (sizes[self._whole] - 1.0)) ** 2)
        if self._category:
            spaces["c_space"] = [int(sizes[j]) for j in self._category]
        grown = self._population * 2 ** min(self._restarts, DOUBLINGS)
        self._optimizer = CatCMAwM(population_size=min(grown, MOST_AT_ONCE), seed=0, **spaces)

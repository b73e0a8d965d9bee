"""Hill climbing with restarts: what a person does who changes one knob at a time."""

from __future__ import annotations

import numpy as np

from ...errors import count
from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.moves import Moves
from .base import Agent
from .novelty import Novelty
from .outcomes import losses
from .settings import number

# Most knobs that a restart changes.
MOST_KICKS = 1000


class HillClimbingAgent(Agent):
    """Moves to the best of a batch of neighbours while that is better, and starts again where none is.

    Neighbours differ in one active knob: by a step where it has an order, in any other value where it has none
    (`DesignSpace.neighbors`). A batch smaller than the neighbourhood draws from it without repeats, so that the climb
    is between first improvement and steepest ascent (Russell and Norvig, Artificial Intelligence, 4th ed., 4.1.1).
    After an improvement two pattern moves are tried beside the neighbours (Hooke and Jeeves, J. ACM 8(2), 1961): all
    the changes that improved at once, and the last step again.

    The first climb begins at the best of the default design and random ones. At a local optimum, all of whose
    neighbours were told, the next one begins at the best of a batch that is random or of the best design with some
    knobs changed (iterated local search; Lourenço, Martin and Stützle, Handbook of Metaheuristics, 2003).

    Args:
        problem: what is searched, one objective.
        seed: a whole number ≥ 0.
        kicks: how many knobs of the best design a restart changes.
        random_restarts: the share of restarts that are random.
    """

    batch = 64
    several_objectives = False

    def __init__(self, problem: Problem, seed: int = 0, *, kicks: int = 3, random_restarts: float = 0.5) -> None:
        super().__init__(problem, seed)
        self._kicks = count("kicks", kicks, high=MOST_KICKS)
        self._random = number("random_restarts", random_restarts, high=1.0)
        space = problem.space
        self._novel = Novelty(space)
        self._moves = Moves(space)
        self._best = self._current = space.default_indices
        self._best_loss = self._loss = np.inf
        self._starting = True
        nothing = np.empty((0, len(space.parameters)), dtype=np.int64)
        self._near = nothing  # neighbours of the current design that were not told
        self._pattern = nothing

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return neighbours of the current design, or designs to start from, shape (n, p)."""
        space, moves = self.problem.space, self._moves
        n = self._novel.paced(n)
        if not len(self._novel):
            return self._novel.first(n, rng)
        if self._starting and rng.random() < self._random:
            return self._novel.filled(n, rng, lambda k: space.sample(k, rng))
        if self._starting:
            return self._novel.filled(n, rng, lambda k: moves.stepped(_times(self._best, k), rng, self._kicks))
        near = np.concatenate([self._pattern, rng.permutation(self._near)])
        # Where few neighbours are left, two knobs are changed too.
        return self._novel.filled(n, rng, lambda k: near, lambda k: moves.stepped(_times(self._current, k), rng, 2))

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Move where it is better, or where a climb begins, and look whether a neighbour is left."""
        self._novel.add(designs)
        if not len(designs):
            return
        loss = losses(self.problem, evaluation)
        first = int(loss.argmin())
        if loss[first] < self._best_loss:
            self._best, self._best_loss = designs[first], loss[first]
        near, pattern = self._near, self._pattern[:0]
        if self._starting or loss[first] < self._loss:
            if not self._starting:
                pattern = self._continued(designs, loss)
            self._current, self._loss = designs[first], loss[first]
            near = self.problem.space.neighbors(self._current)
        self._near, self._pattern = self._novel.new(near), pattern
        self._starting = not len(self._near)

    def _continued(self, designs: Indices, loss: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Indices:
        """Make the two pattern moves after an ask that improved on the current design, shape (2, p)."""
        better = np.flatnonzero(loss < self._loss)
        together = self._current.copy()
        for row in designs[better[np.argsort(-loss[better], kind="stable")]]:  # the best one's changes stay
            together = np.where(row != self._current, row, together)
        space = self.problem.space
        further = np.clip(2 * designs[int(loss.argmin())] - self._current, 0, space.sizes - 1)
        return space.canonicalize(np.stack([together, further]))


def _times(row: Indices, n: int) -> Indices:
    """Repeat one row, shape (n, p)."""
    return np.repeat(row[None, :], n, axis=0)

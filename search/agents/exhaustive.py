"""Exhaustive search: the ground truth of a space that is small enough."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ...errors import ChipgymError
from ...simulators import Evaluation, Indices, Problem
from .base import Agent

# Grid rows looked through at a time.
CHUNK = 65536


class ExhaustiveAgent(Agent):
    """Every canonical design once, in grid order (the last parameter turns fastest).

    Where it stands follows from the last design told, so that nothing but the history is needed to go on.
    """

    batch = 1024
    seeded: ClassVar[bool] = False

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        """Take any seed: it changes nothing.

        Raises:
            ChipgymError: for a space too large to enumerate.
        """
        super().__init__(problem, seed)
        sizes = problem.space.sizes.tolist()
        if problem.space.size > np.iinfo(np.int64).max:
            raise ChipgymError(f"a space of {problem.space.size:.3g} designs cannot be enumerated; narrow it first")
        # Grid number of a row is its product with these: how many rows one step of each parameter passes.
        self._strides = np.array([math.prod(sizes[j + 1 :]) for j in range(len(sizes))], dtype=np.int64)
        self._next = 0

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return the next `n` canonical rows, fewer at the end of the grid."""
        space = self.problem.space
        found: list[Indices] = []
        start, missing = self._next, n
        while missing > 0 and start < space.size:
            rows = space.enumerate(start, start + max(CHUNK, n))
            start += len(rows)
            rows = rows[(space.canonicalize(rows) == rows).all(axis=1)][:missing]
            found.append(rows)
            missing -= len(rows)
        return np.concatenate(found) if found else np.empty((0, len(space.parameters)), dtype=np.int64)

    def begin(self, designs: Indices, evaluation: Evaluation) -> None:
        """Count the ask: where the enumeration stands does not follow from designs that it did not propose."""
        self.asks += 1

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Move on behind the last row."""
        if len(designs):
            self._next = int(designs[-1] @ self._strides) + 1

"""What an agent was told already, and proposals that are new to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...simulators import DesignSpace, Indices
from ..keys import row_keys

# Further draws of what is still missing, each twice as large as the one before.
ROUNDS = 3
# Grid rows up to which a space is looked through for designs that no draw has found.
FEW = 2**17

# Designs of a small ask, and the share of the designs told that a large one has: one in so many.
FEWEST = 8
SHARE = 12

#: Makes about as many canonical rows, shape (k, p), as it is asked for.
Draw = Callable[[int], Indices]


class Novelty:
    """The designs that an agent was told of, and proposals without them.

    A repeat costs a search no budget, but an agent that only repeats itself is ended.
    """

    def __init__(self, space: DesignSpace) -> None:
        self._space = space
        self._told: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._told)

    def paced(self, n: int) -> int:
        """Return how many of the `n` designs of an ask to propose: few while each of them still teaches much.

        16 of the first ask, then 8, and a twelfth of the designs told once that is more: a local search gains more from
        small asks the less it knows, and spends more time on them.
        """
        return min(n, max(FEWEST, len(self._told) // SHARE) if self._told else 2 * FEWEST)

    def add(self, rows: Indices) -> None:
        """Note canonical rows, shape (n, p), as told."""
        self._told.update(row_keys(rows))

    def among(self, rows: Indices) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which rows, shape (n, p), were not told; shape (n,)."""
        return np.array([key not in self._told for key in row_keys(rows)], dtype=bool)

    def new(self, rows: Indices, most: int = -1) -> Indices:
        """Return the rows that were not told, each once, in their order: the first `most` of them where it is given."""
        told, chosen = self._told, dict[bytes, int]()
        for i, key in enumerate(row_keys(rows)):
            if key not in told and key not in chosen:
                chosen[key] = i
                if len(chosen) == most:
                    break
        return rows if len(chosen) == len(rows) else rows[list(chosen.values())]

    def first(self, n: int, rng: np.random.Generator) -> Indices:
        """Return the designs to begin with: the default, which a person would take, and random ones; shape (n, p)."""
        space = self._space
        return self.filled(n, rng, lambda k: np.concatenate([space.default_indices[None, :], space.sample(k - 1, rng)]))

    def filled(self, n: int, rng: np.random.Generator, *draws: Draw) -> Indices:
        """Return `n` new rows of several sources, each of which is asked for as many as those before it lack.

        The last is asked again for a few rounds, then rows are drawn uniformly, then those that are left of a small
        space are taken. Repeats make up the number where even that finds too few.

        Args:
            n: rows wanted.
            rng: draws the uniform rows.
            draws: the sources.
        """
        found = np.empty((0, len(self._space.parameters)), dtype=np.int64)
        uniform: Draw = lambda k: self._space.sample(k, rng)  # noqa: E731
        plan = [(draw, 1) for draw in draws]
        plan += [(draw, 2**i) for draw in (*draws[-1:], uniform) for i in range(1, ROUNDS + 1)]
        for draw, times in plan:
            drawn = draw(times * (n - len(found)))
            found = self.new(np.concatenate([found, drawn]) if len(found) else drawn, n)
            if len(found) == n:
                return found
        if self._space.size <= FEW:
            rest = self._space.canonicalize(rng.permutation(self._space.enumerate()))
            found = self.new(np.concatenate([found, rest]), n)
        return np.concatenate([found, self._space.sample(n - len(found), rng)])

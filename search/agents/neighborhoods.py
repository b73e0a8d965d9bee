"""Rows near other rows, and rows as numbers between 0 and 1: what searches over a model's answers need of a space."""

from __future__ import annotations

import numpy as np

from ...simulators import DesignSpace, Indices
from ...simulators.core.parameter import Column

# Ordered grids of at most so many values are looked at whole; in larger ones steps double.
WHOLE = 16


class Exchange:
    """All rows that differ from a row in one active knob, for many rows at once.

    A knob takes any other value. In an ordered grid of more than `WHOLE` values it is 1, 2, 4, … steps away.
    """

    def __init__(self, space: DesignSpace) -> None:
        self._space = space
        moves = [(j, step) for j, p in enumerate(space.parameters) for step in _steps(p.size, bool(p.ordinal))]
        self._knob = np.array([j for j, _ in moves], dtype=np.int64)
        self._step = np.array([step for _, step in moves], dtype=np.int64)
        self._wraps = np.array([not p.ordinal or p.size <= WHOLE for p in space.parameters], dtype=bool)

    def __call__(self, rows: Indices) -> tuple[Indices, Indices]:
        """Return the neighbours (m, p) of canonical rows (n, p), canonical, and which row each is one of, (m,)."""
        n, moves = len(rows), len(self._knob)
        sizes = self._space.sizes[self._knob]
        position = rows[:, self._knob] + self._step
        legal = self._space.active(rows)[:, self._knob] & (
            self._wraps[self._knob] | (position >= 0) & (position < sizes)
        )
        out = np.repeat(rows, moves, axis=0)
        out[np.arange(n * moves), np.tile(self._knob, n)] = (position % sizes).ravel()
        origin = np.repeat(np.arange(n, dtype=np.int64), moves)
        kept = legal.ravel()
        return self._space.canonicalize(out[kept]), origin[kept]


class Scale:
    """Rows as columns from 0 to 1: an ordered knob's place on its grid, and one column for each category of another.

    Knobs of one value have none, and knobs of two have one.

    Attributes:
        width: how many columns there are.
    """

    def __init__(self, space: DesignSpace) -> None:
        self._ordered = [j for j, p in enumerate(space.parameters) if p.size == 2 or (p.ordinal and p.size > 1)]
        self._top = (space.sizes[self._ordered] - 1).astype(np.float64)
        self._categories = [
            (j, i) for j, p in enumerate(space.parameters) if not p.ordinal and p.size > 2 for i in range(p.size)
        ]
        self.width = len(self._ordered) + len(self._categories)

    def __call__(self, rows: Indices) -> Column:
        """Return the columns of rows (n, p), shape (n, width), float64."""
        out = np.empty((len(rows), self.width))
        out[:, : len(self._ordered)] = rows[:, self._ordered] / self._top
        for column, (j, i) in enumerate(self._categories, start=len(self._ordered)):
            out[:, column] = rows[:, j] == i
        return out


def _steps(size: int, ordinal: bool) -> list[int]:
    """Return by how many positions a knob may move; modulo its size, but in large ordered grids."""
    if not ordinal or size <= WHOLE:
        return list(range(1, size))
    return [sign * 2**i for i in range((size - 1).bit_length()) for sign in (-1, 1)]

"""Rows one knob away from others: where local searches over a model's answers go."""

from __future__ import annotations

import numpy as np

from ...simulators import DesignSpace, Indices

# Ordered grids of at most so many values are looked at whole; in larger ones steps double.
WHOLE = 16


class Exchange:
    """All rows that differ from a row in one active knob, for many rows at once.

    A knob takes any other value. In an ordered grid of more than `WHOLE` values it is 1, 2, 4, … steps away. To look at
    so many costs a model microseconds each. An evaluation costs more, and hill climbing therefore has the smaller
    neighbourhood of `DesignSpace.neighbors`, where an ordered knob goes a single step.

    Args:
        space: that the rows are of.
        most: neighbours of a row, of which so many are drawn where there are more.
        given: position of a knob that keeps its value; none does where it is -1.
    """

    def __init__(self, space: DesignSpace, most: int | None = None, given: int = -1) -> None:
        self._space = space
        self._most = most
        knobs = [(j, p) for j, p in enumerate(space.parameters) if j != given]
        moves = [(j, step) for j, p in knobs for step in _steps(p.size, bool(p.ordinal))]
        self._knob = np.array([j for j, _ in moves], dtype=np.int64)
        self._step = np.array([step for _, step in moves], dtype=np.int64)
        wraps = np.array([not p.ordinal or p.size <= WHOLE for p in space.parameters], dtype=bool)
        self._wraps, self._sizes = wraps[self._knob], space.sizes[self._knob]

    def __call__(self, rows: Indices, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Return the neighbours (m, p) of canonical rows (n, p), canonical, and which row each is one of, (m,)."""
        position = rows[:, self._knob] + self._step
        legal = self._wraps | ((position >= 0) & (position < self._sizes))
        legal &= self._space.active(rows)[:, self._knob]
        if self._most is not None and len(self._knob) > self._most:
            lots = np.where(legal, rng.random(legal.shape), 2.0)
            legal &= lots <= np.partition(lots, self._most - 1, axis=1)[:, self._most - 1, None]
        origin, move = legal.nonzero()
        out = rows[origin]
        out[np.arange(len(out)), self._knob[move]] = position[origin, move] % self._sizes[move]
        return self._space.canonicalize(out), origin


def _steps(size: int, ordinal: bool) -> list[int]:
    """Return by how many positions a knob may move; modulo its size, but in large ordered grids."""
    if not ordinal or size <= WHOLE:
        return list(range(1, size))
    return [sign * 2**i for i in range((size - 1).bit_length()) for sign in (-1, 1)]

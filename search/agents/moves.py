"""Random moves from designs to others, in batches."""

from __future__ import annotations

import numpy as np

from ...simulators import DesignSpace, Indices
from ...simulators.core.parameter import Column


class Moves:
    """Random changes of canonical index rows of a space.

    A knob with an order goes to a neighbouring value half of the time, and anywhere else otherwise, as in
    `DesignSpace.mutate`, whose checks for each row would take longer than the rest of a search of a table.
    """

    def __init__(self, space: DesignSpace) -> None:
        self._space = space
        self._several = space.sizes > 1
        self._last = np.maximum(space.sizes - 1, 1)
        self._near = np.array([0.5 if p.ordinal else 0.0 for p in space.parameters])
        self._conditional = any(p.condition for p in space.parameters)

    def mutated(self, rows: Indices, rng: np.random.Generator, rate: float | None = None) -> Indices:
        """Change each active knob of rows, shape (n, p), with probability `rate`, and one of them at least.

        Args:
            rows: canonical rows.
            rng: what is drawn from.
            rate: 1 / active knobs where None.

        Returns:
            New canonical rows, shape (n, p).
        """
        able = self._able(rows)
        if rate is None:
            share: Column | float = 1.0 / np.maximum(able.sum(axis=-1, keepdims=able.ndim > 1), 1)
        else:
            share = rate
        change = (rng.random(rows.shape) < share) & able
        still = np.flatnonzero(~change.any(axis=1))
        if len(still):
            self._choose(change, still, able, rng)
        return self._changed(rows, change, rng)

    def stepped(self, rows: Indices, rng: np.random.Generator, knobs: int = 1) -> Indices:
        """Change `knobs` active knobs of each of the rows, shape (n, p), or fewer where one is drawn twice."""
        able = self._able(rows)
        change = np.zeros(rows.shape, dtype=bool)
        for _ in range(knobs):
            self._choose(change, np.arange(len(rows)), able, rng)
        return self._changed(rows, change, rng)

    def _able(self, rows: Indices) -> Column:
        """Tell which knobs can be changed, shape (n, p), or (p,) where that is the same for all rows."""
        return self._space.active(rows) & self._several if self._conditional else self._several

    def _choose(self, change: Column, which: Indices, able: Column, rng: np.random.Generator) -> None:
        """Mark one knob of each of the rows in `which` that has one to change."""
        if not self._several.any():
            return
        possible = able if able.ndim == 1 else able[which]
        lots = np.where(possible, rng.random((len(which), len(self._several))), -1.0)
        change[which, lots.argmax(axis=1)] = True

    def _changed(self, rows: Indices, change: Column, rng: np.random.Generator) -> Indices:
        """Move the marked knobs to other values."""
        at, knob = change.nonzero()
        here, last, near = rows[at, knob], self._last[knob], self._near[knob]
        value, kind = rng.random((2, len(at)))
        anywhere = here + 1 + (value * last).astype(np.int64)
        anywhere -= (anywhere > last) * (last + 1)
        step = here + np.where(kind < near / 2, -1, 1)
        step = np.where((step < 0) | (step > last), 2 * here - step, step)  # at an end of the grid there is one way
        out = rows.copy()
        out[at, knob] = np.where(kind < near, step, anywhere)
        return self._space.canonicalize(out)

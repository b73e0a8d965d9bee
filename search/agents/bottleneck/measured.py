"""What measuring adds to a foretold quantity: a Gaussian process of where the foretelling was wrong."""

from __future__ import annotations

import numpy as np

from ....simulators import DesignSpace, Indices
from ....simulators.core.parameter import Column

# Grid steps over which what was measured still tells of its neighbours, and steps that another category is away.
LENGTH = 2.0
CATEGORY = 2.0
# Share of the variance that single knobs explain; the rest is theirs together.
_ALONE = 0.7
# Variance of what no kernel explains, over that of the process.
_NOISE = 1e-3
# Least standard deviation that errors are taken to have, in the unit of what is corrected.
_LEAST = 0.1


class Corrections:
    """Errors of a model, measured at some designs, told of others.

    The kernel is a sum of one per knob, centred at the design that the model is around, where it is right, and their
    product: a knob whose effect was misjudged once is misjudged in other company too (additive kernels: Duvenaud,
    Nickisch and Rasmussen, NeurIPS 2011).

    Args:
        space: that the designs are of.
        centre: where the model is right, shape (p,).
        rows: that were measured, shape (n, p).
        errors: measured minus foretold, shape (n,).
    """

    def __init__(self, space: DesignSpace, centre: Indices, rows: Indices, errors: Column) -> None:
        self._free = [j for j, p in enumerate(space.parameters) if p.size > 1]
        self._tables = [_similarity(space.parameters[j].size, bool(space.parameters[j].ordinal)) for j in self._free]
        self._centre, self._rows = centre, rows
        self._moved = [bool((rows[:, j] != centre[j]).any()) for j in self._free]
        self._scale = max(_LEAST, float(np.sqrt(np.mean(errors**2))) if len(errors) else 0.0)
        if len(rows):
            self._factor = np.linalg.cholesky(self._kernel(rows, rows) + _NOISE * np.eye(len(rows)))
            self._weights = np.linalg.solve(self._factor.T, np.linalg.solve(self._factor, errors))

    def at(self, rows: Indices) -> tuple[Column, Column]:
        """Return what to add at rows (m, p), and how sure that is: mean and standard deviation, each (m,)."""
        own = self._own(rows)
        if not len(self._rows):
            return np.zeros(len(rows)), self._scale * np.sqrt(own)
        cross = self._kernel(rows, self._rows)
        left = np.linalg.solve(self._factor, cross.T)
        spread = np.sqrt(np.maximum(own - (left**2).sum(axis=0), 0.0))
        return cross @ self._weights, self._scale * spread

    def _kernel(self, a: Indices, b: Indices) -> Column:
        """Return the covariance of rows (m, p) and measured rows (n, p) over the variance, shape (m, n)."""
        alone, together = np.zeros((len(a), len(b))), np.ones((len(a), len(b)))
        for j, table, moved in zip(self._free, self._tables, self._moved, strict=True):
            centre, x, y = self._centre[j], a[:, j], b[:, j]
            if not moved:  # nothing is known of this knob, of which a space may have many
                together *= table[x, centre][:, None]
                continue
            near = table[x[:, None], y[None, :]]
            alone += near - table[x, centre][:, None] - table[centre, y][None, :] + 1.0
            together *= near
        out: Column = _ALONE * alone / 2 + (1 - _ALONE) * together
        return out

    def _own(self, rows: Indices) -> Column:
        """Return the variance at rows over that of the process, (m,)."""
        alone = np.zeros(len(rows))
        for j, table in zip(self._free, self._tables, strict=True):
            alone += 2.0 * (1.0 - table[rows[:, j], self._centre[j]])
        out: Column = _ALONE * alone / 2 + (1 - _ALONE)
        return out


def _similarity(size: int, ordinal: bool) -> Column:
    """Return how alike two values of a knob are, (size, size): 1 of the same."""
    at = np.arange(size)
    apart = np.abs(at[:, None] - at[None, :]) if ordinal else CATEGORY * (at[:, None] != at[None, :])
    out: Column = np.exp(-0.5 * (apart / LENGTH) ** 2)
    return out

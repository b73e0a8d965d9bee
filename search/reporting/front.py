"""Which designs a report lets its reader choose from, and which it begins with."""

from __future__ import annotations

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column
from ..pareto import non_dominated

# Designs that a report of a single objective offers, best first.
BEST_SHOWN = 20


def scaled(objectives: Column, low: Column, high: Column) -> Column:
    """Return objectives (n, k) on a scale where `low` (k,) is 0 and `high` (k,) is 1.

    Logarithmic for each objective whose low is positive, since what matters is by what factor one design beats
    another. Where low and high are equal, a factor of ten (or a difference of one) is 1.
    """
    out = np.empty(objectives.shape)
    for j, (a, b) in enumerate(zip(low, high, strict=True)):
        column, start, width = objectives[:, j], a, b - a
        if a > 0:
            with np.errstate(divide="ignore", invalid="ignore"):
                column, start, width = np.log10(column), np.log10(a), np.log10(b) - np.log10(a)
        out[:, j] = (column - start) / (width if width > 0 else 1.0)
    return out


def candidates(objectives: Column) -> Indices:
    """Return the positions of the designs to choose from, of feasible designs with finite objectives (n, k).

    With several objectives those that no other dominates, by the first objective; with one the best `BEST_SHOWN`.
    """
    if objectives.shape[1] == 1:
        return np.argsort(objectives[:, 0], kind="stable")[:BEST_SHOWN]
    front = np.flatnonzero(non_dominated(objectives))
    return front[np.lexsort(objectives[front].T[::-1])]


def knee(front: Column) -> int:
    """Return the place in a front (m, k) of the design nearest to the ideal point.

    The ideal point has the least of every objective.

    Distances are Euclidean on the front's own scale (see `scaled`), so that no unit decides.
    """
    low, high = front.min(axis=0), front.max(axis=0)
    return int(np.argmin((scaled(front, low, high) ** 2).sum(axis=1)))


def spread(n: int, most: int) -> list[int]:
    """Choose at most `most` of n places, evenly, both ends among them."""
    if n <= most:
        return list(range(n))
    return sorted({round(i * (n - 1) / (most - 1)) for i in range(most)})

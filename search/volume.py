"""How much of the space of objectives a front dominates: one number for the quality of a Pareto search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ChipgymError, shorten
from ..simulators.core.parameter import Column
from .pareto import non_dominated
from .result import SearchResult


def hypervolume(
    found: SearchResult | Sequence[Sequence[float]] | Column, reference: Sequence[float] | None = None
) -> float:
    """Compute the volume that designs dominate, up to a reference point; more is better.

    This is the hypervolume indicator of Zitzler and Thiele (PPSN V, 1998).

    Args:
        found: a search, of which the feasible designs count, or minimised objectives of shape (n, k); of those a design
            with a NaN counts nothing.
        reference: the point of k values that the volume ends at. A design that is beyond it in any objective counts
            nothing. Where left out for a search, what its reward compares with: the default design's objectives, so
            that what counts is better than the default in every one. To compare searches give all of them the same.

    Returns:
        The volume in the product of the objectives' units; 0 where nothing is better than the reference in all.

    Raises:
        ChipgymError: for objectives that are no matrix of numbers, and a reference that is not k finite numbers.
    """
    if isinstance(found, SearchResult):
        table = found.table
        points = table.objectives[table.violation <= 0]
        given = found.provenance.reward["reference"] if reference is None else reference
    else:
        points = _matrix(found)
        given = reference
    corner = _corner(given, points.shape[1])
    points = points[(points < corner).all(axis=1)]  # without NaN, too
    return _volume(points[non_dominated(points)], corner)


def _matrix(found: object) -> Column:
    try:
        points = np.array(found, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ChipgymError(f"found: {shorten(found)} is neither a search's result nor objectives of shape (n, k)")
    return points


def _corner(reference: object, k: int) -> Column:
    try:
        corner = np.array(reference, dtype=np.float64)
    except (TypeError, ValueError):
        corner = np.empty(0)
    if corner.shape != (k,) or not np.isfinite(corner).all():
        raise ChipgymError(f"reference: {shorten(reference)}, expected a finite number for each of {k} objectives")
    return corner


def _volume(front: Column, corner: Column) -> float:
    """Compute the volume that a front of shape (n, k) dominates.

    All of the front is below the corner, and none of it is dominated.
    """
    if not len(front):
        return 0.0
    if front.shape[1] == 1:
        return float(corner[0] - front[:, 0].min())
    if front.shape[1] == 2:
        return _area(front, corner)
    # WFG: what each adds to those after it is its own box without what of it they dominate (While, Bradstreet and
    # Barone, IEEE TEC 16(1), 2012); from the worst in the last objective on, so that boxes shrink soon.
    front = front[np.argsort(-front[:, -1], kind="stable")]
    total = 0.0
    for i, point in enumerate(front):
        box = float(np.prod(corner - point))
        rest = np.maximum(front[i + 1 :], point)
        total += box - _volume(np.unique(rest[non_dominated(rest)], axis=0), corner)
    return total


def _area(front: Column, corner: Column) -> float:
    """Add up the steps of a staircase of two objectives."""
    order = np.argsort(front[:, 0], kind="stable")
    first, second = front[order].T
    above = np.concatenate([[corner[1]], np.minimum.accumulate(second)[:-1]])
    return float(((corner[0] - first) * np.maximum(above - second, 0.0)).sum())

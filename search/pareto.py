"""Which of many designs no other design dominates."""

from __future__ import annotations

import numpy as np

from ..simulators.core.parameter import Column


def non_dominated(objectives: Column) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Mark the designs that none dominates, shape (n,), of minimised objectives of shape (n, k).

    One design dominates another when it is no worse in every objective and better in one, so equals stay together.
    A design with a NaN is never in the front and dominates none.
    """
    out = np.zeros(len(objectives), dtype=bool)
    known = np.flatnonzero(~np.isnan(objectives).any(axis=1))
    if not len(known):
        return out
    points, inverse = np.unique(objectives[known], axis=0, return_inverse=True)
    front = _sweep(points) if points.shape[1] == 2 else _filter(points)
    out[known] = front[inverse.ravel()]
    return out


def _sweep(points: Column) -> Column:
    """Mark the front of different points of two objectives, shape (n, 2).

    In ascending order of the first, every new least value of the second is in the front.
    """
    second = points[:, 1]
    before = np.concatenate([[np.inf], np.minimum.accumulate(second)[:-1]])
    front: Column = second < before
    front[0] = True  # the least of the first objective, also where its second is inf
    return front


def _filter(points: Column) -> Column:
    """Mark the front of different points of any number k of objectives, shape (n, k).

    No point is dominated by a later one in lexicographic order, so each is final when reached.
    """
    front = np.zeros(len(points), dtype=bool)
    left = np.arange(len(points))
    while len(left):
        front[left[0]] = True
        left = left[(points[left] < points[left[0]]).any(axis=1)]
    return front

"""How far a search had come after each evaluation: the least of each objective, and the dominated hypervolume."""

from __future__ import annotations

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column
from ..pareto import non_dominated
from .front import scaled

# Where the reference point lies on the combined front's scale: a tenth beyond its worst, so that its ends count.
REFERENCE = 1.1
# Points of a hypervolume curve.
CURVE_POINTS = 80
# Objectives up to which a hypervolume is computed; for more it is estimated from so many points.
EXACT = 3
SAMPLES = 2**16


def best_so_far(values: Column, feasible: Column) -> tuple[Indices, Column]:
    """Return the least feasible value so far, where it changes and at the end.

    Args:
        values: of one objective in the order of evaluation, shape (n,).
        feasible: shape (n,).

    Returns:
        Numbers of evaluations, from 1, and the least value after each; both empty where nothing is feasible.
    """
    running = np.minimum.accumulate(np.where(feasible & np.isfinite(values), values, np.inf))
    changes = np.flatnonzero(running < np.concatenate([[np.inf], running[:-1]]))
    if not len(changes):
        return np.empty(0, dtype=np.int64), np.empty(0)
    at = np.unique([*changes, len(values) - 1])
    return at + 1, running[at]


def hypervolume_curve(objectives: Column, feasible: Column, front: Column) -> tuple[Indices, Column]:
    """Return the hypervolume that a run dominates over its evaluations, as a share of that of a whole front.

    Args:
        objectives: minimised, in the order of evaluation, shape (n, k).
        feasible: shape (n,).
        front: the combined front of all runs, shape (m, k); its worst values and `REFERENCE` give the reference point.

    Returns:
        Numbers of evaluations, at most `CURVE_POINTS` of them, and the share after each.
    """
    low, high = front.min(axis=0), front.max(axis=0)
    points = scaled(np.where(feasible[:, None], objectives, np.nan), low, high)
    whole = hypervolume(scaled(front, low, high))
    at = np.unique(np.geomspace(1, len(points), CURVE_POINTS).round().astype(np.int64))
    shares = np.empty(len(at))
    kept = np.empty((0, points.shape[1]))
    start = 0
    for i, stop in enumerate(at):
        new = points[start:stop]
        kept = np.concatenate([kept, new[(new < REFERENCE).all(axis=1)]])
        kept = kept[non_dominated(kept)]
        shares[i] = hypervolume(kept) / whole
        start = stop
    return at, shares


def hypervolume(points: Column, reference: float = REFERENCE) -> float:
    """Compute the volume between a point of equal coordinates and the points (n, k) that it does not beat anywhere.

    Exact up to `EXACT` objectives. For more it is the share of `SAMPLES` seeded draws, from the box between the ideal
    point and the reference, that some point dominates. Its standard error is 0.2 % of the box at most.
    """
    inside = points[(points < reference).all(axis=1)]
    inside = inside[non_dominated(inside)]
    if not len(inside):
        return 0.0
    k = inside.shape[1]
    if k == 1:
        return float(reference - inside.min())
    if k > EXACT:
        return _sampled(inside, reference)
    return _area(inside, reference) if k == 2 else _volume(inside, reference)


def _area(points: Column, reference: float) -> float:
    """Add up a staircase of two objectives, each step as wide as the next point's first objective is away."""
    ordered = points[np.lexsort(points.T[::-1])]
    height = np.minimum.accumulate(ordered[:, 1])
    width = np.diff(ordered[:, 0], append=reference)
    return float((width * (reference - height)).sum())


def _volume(points: Column, reference: float) -> float:
    """Add up slices along the third of three objectives, each the area of the points that reach it."""
    ordered = points[np.argsort(points[:, 2], kind="stable")]
    depth = np.diff(ordered[:, 2], append=reference)
    return float(sum(d * _area(ordered[: i + 1, :2], reference) for i, d in enumerate(depth) if d > 0))


def _sampled(points: Column, reference: float) -> float:
    low = points.min(axis=0)
    draws = np.random.default_rng(0).uniform(low, reference, (SAMPLES, points.shape[1]))
    dominated = np.zeros(SAMPLES, dtype=bool)
    for point in points:
        dominated |= (draws >= point).all(axis=1)
    return float(dominated.mean() * np.prod(reference - low))

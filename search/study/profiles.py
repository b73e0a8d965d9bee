"""How soon searches come within a share of the optimum: expected evaluations, profiles, cumulative shares."""

from __future__ import annotations

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column


def expected_evaluations(hits: Column, evaluations: Column) -> Column:
    """Estimate how many evaluations it takes to come within reach of the optimum, restarts included.

    Evaluations of all seeds until they were there, or to their end, over the number of those that were: the expected
    running time of Hansen et al. (COCO, Optimization Methods and Software 36, 2021).

    Args:
        hits: evaluations until each search was there, shape (..., seeds); `inf` where it never was.
        evaluations: that each search made, of the same shape.

    Returns:
        Shape (...,); `inf` where no seed was there.
    """
    there = np.isfinite(hits)
    spent = np.where(there, np.where(there, hits, 0.0), evaluations).sum(axis=-1)
    with np.errstate(divide="ignore"):
        return np.asarray(spent / there.sum(axis=-1), dtype=np.float64)


def performance_ratios(costs: Column) -> Column:
    """Return each solver's cost over the least of all solvers on a problem, shape (problems, solvers).

    The performance profile of a solver is the share of problems on which its ratio is at most τ (Dolan and Moré,
    Benchmarking optimization software with performance profiles, Mathematical Programming 91, 2002, equations 1
    and 2). A problem that nobody solves counts for nobody.

    Args:
        costs: of each solver on each problem, `inf` where it does not solve it; shape (problems, solvers).
    """
    least = costs.min(axis=1, keepdims=True)
    return np.where(np.isfinite(costs), costs / np.where(np.isfinite(least), least, 1.0), np.inf)


def step_points(values: Column) -> tuple[Column, Column]:
    """Return where the share of values that are at most x rises, and to what; `inf` never counts.

    Args:
        values: shape (n,).

    Returns:
        x ascending, and the share of all n that are at most x; both empty where none is finite.
    """
    finite = np.sort(values[np.isfinite(values)])
    at, counts = np.unique(finite, return_counts=True)
    return at, np.cumsum(counts) / max(len(values), 1)


def curve_points(budget: int, most: int = 60) -> Indices:
    """Choose evaluations at which a curve up to a budget is drawn: all of a few, of many those evenly apart in log."""
    if budget <= most:
        return np.arange(1, budget + 1)
    return np.unique(np.geomspace(1, budget, most).round().astype(np.int64))

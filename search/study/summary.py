"""Means over seeds, with confidence bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...simulators.core.parameter import Column

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Band:
    """A mean curve and where it may lie, each of shape (n,).

    Attributes:
        mean: over seeds.
        low: lower end of the confidence interval of that mean.
        high: upper end.
    """

    mean: Column
    low: Column
    high: Column


def mean_band(curves: Column, rng: np.random.Generator) -> Band:
    """Compute the mean of curves of shape (seeds, n) with its pointwise 95 % percentile-bootstrap interval.

    Seeds are drawn with replacement 2000 times (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13). One draw serves all n points, so that a band is as smooth as its curves.
    """
    seeds = len(curves)
    draws = rng.integers(0, seeds, size=(RESAMPLES, seeds))
    weights = np.stack([np.bincount(draw, minlength=seeds) for draw in draws]) / seeds
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(weights @ curves, (tail, 1 - tail), axis=0)
    return Band(curves.mean(axis=0), low, high)

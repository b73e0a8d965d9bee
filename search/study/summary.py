"""Means over searches, with confidence intervals."""

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


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def mean_band(curves: Column, rng: np.random.Generator) -> Band:
    """Compute the mean of curves of shape (seeds, n) with its pointwise 95 % percentile-bootstrap interval.

    Seeds are drawn with replacement 2000 times (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13). One draw serves all n points, so that a band is as smooth as its curves. Of curves of shape
    (problems, seeds, n) it is the mean over problems, and seeds are drawn in each problem by itself.
    """
    strata = curves[None] if curves.ndim == 2 else curves
    resampled = np.mean([_weights(stratum.shape[0], rng) @ stratum for stratum in strata], axis=0)
    low, high = np.quantile(resampled, _tails(), axis=0)
    return Band(strata.mean(axis=(0, 1)), low, high)


def interquartile_mean(scores: Column, rng: np.random.Generator) -> Interval:
    """Compute the mean of the middle half of scores, of shape (problems, seeds), with its 95 % interval.

    The interval is that of the stratified bootstrap: seeds are drawn with replacement in each problem by itself, 2000
    times (Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021,
    sections 4.1 and 4.3).
    """
    problems, seeds = scores.shape
    draws = rng.integers(0, seeds, size=(RESAMPLES, problems, seeds))
    resampled = _trimmed_mean(scores[np.arange(problems)[:, None], draws].reshape(RESAMPLES, -1))
    low, high = np.quantile(resampled, _tails())
    return Interval(float(_trimmed_mean(scores.reshape(1, -1))[0]), float(low), float(high))


def _trimmed_mean(values: Column) -> Column:
    """Mean of each row without its lower and its upper quarter, of which whole entries are left out."""
    n = values.shape[1]
    cut = n // 4
    middle: Column = np.sort(values, axis=1)[:, cut : n - cut]
    return np.asarray(middle.mean(axis=1))


def _weights(seeds: int, rng: np.random.Generator) -> Column:
    """Return how often each seed is in each of the draws, as shares; shape (RESAMPLES, seeds)."""
    draws = rng.integers(0, seeds, size=(RESAMPLES, seeds))
    return np.stack([np.bincount(draw, minlength=seeds) for draw in draws]) / seeds


def _tails() -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    return tail, 1 - tail

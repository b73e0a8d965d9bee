"""What a design is worth to a search by what forests predict of it."""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from ....simulators.core.parameter import Column

# Augmentation of the Chebyshev norm (Knowles, IEEE TEC 10(1), 2006, equation 2).
RHO = 0.05
# Standard deviations beyond which log EI is its leading term.
FAR = 1e4


def log_improvement(mean: Column, std: Column, best: float) -> Column:
    """Return the logarithm of the expected improvement below `best` of normal predictions, shape (n,).

    It is finite where the expectation itself is 0 in floating point (Ament et al., NeurIPS 2023, equation 9 and
    appendix A.2).
    """
    z = (best - mean) / std
    near, low = np.maximum(z, -1.0), np.minimum(z, -1.0)
    direct = np.log(np.exp(-near * near / 2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    middle = np.maximum(low, -FAR)
    tail = np.log1p(np.sqrt(np.pi / 2) * middle * erfcx(-middle / np.sqrt(2)))
    tail = np.where(low < -FAR, -2 * np.log(-low), tail)
    log: Column = np.where(z > -1, direct, -low * low / 2 - np.log(2 * np.pi) / 2 + tail) + np.log(std)
    return log


def log_within(mean: Column, std: Column) -> Column:
    """Return the logarithm of the probability that a signed excess is at most 0, shape (n,)."""
    return np.asarray(log_ndtr(-mean / std))


def scalarized(values: Column, feasible: Column, rng: np.random.Generator) -> Column:
    """Return one cost for several, shape (n,): the augmented Chebyshev norm with weights drawn evenly (ParEGO).

    Args:
        values: log10 objectives, minimised, shape (n, k).
        feasible: which rows the ideal and the worst values are taken of, shape (n,), bool, where there are any.
        rng: draws the weights.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    finite = np.isfinite(values).all(axis=1)
    among = values[feasible if feasible.any() else finite]
    weights = rng.dirichlet(np.ones(values.shape[1]))
    if not len(among):
        return values[:, 0]
    low, high = among.min(axis=0), among.max(axis=0)
    weighted = weights * (values - low) / np.where(high > low, high - low, 1.0)
    cost: Column = weighted.max(axis=1) + RHO * weighted.sum(axis=1)
    return cost

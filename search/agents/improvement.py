"""What a design is worth to a search by what models expect of it: on a logarithmic scale, more is better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from ...simulators.core.parameter import Column

# The part of the sum in the augmented Tchebycheff function.
SUM_PART = 0.05
# Least span of an objective, in decades: weightings divide by it.
LEAST_SPAN = 1e-6
# Standard deviations beyond which log EI is its leading term.
FAR = 1e4


def log_improvement(gap: Column, deviation: Column) -> Column:
    """Return the logarithm of expected improvement, shape (n,), of normal values `gap` below the best on average.

    It is finite where the expectation itself is 0 in floating point (Ament et al., NeurIPS 2023, equation 9 and
    appendix A.2).
    """
    z = gap / deviation
    near, low = np.maximum(z, -1.0), np.minimum(z, -1.0)
    direct = np.log(np.exp(-near * near / 2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    middle = np.maximum(low, -FAR)
    tail = np.log1p(np.sqrt(np.pi / 2) * middle * erfcx(-middle / np.sqrt(2)))
    tail = np.where(low < -FAR, -2 * np.log(-low), tail)
    log: Column = np.where(z > -1, direct, -low * low / 2 - np.log(2 * np.pi) / 2 + tail) + np.log(deviation)
    return log


def log_within(mean: Column, deviation: Column) -> Column:
    """Return the logarithm of the probability that a normal excess over a limit is at most 0, shape (n,)."""
    return np.asarray(log_ndtr(-mean / deviation))


@dataclass(frozen=True)
class Weighting:
    """One cost for several objectives: the augmented Tchebycheff function (Knowles, IEEE TEC 10(1), 2006, equation 2).

    Attributes:
        weights: of the objectives, shape (k,), sum 1.
        low: least value of each objective, shape (k,).
        span: of its values, shape (k,).
    """

    weights: Column
    low: Column
    span: Column

    @staticmethod
    def drawn(values: Column, rng: np.random.Generator) -> Weighting:
        """Draw weights, uniform on those of sum 1, for objectives that have these values, shape (n ≥ 1, k)."""
        low = values.min(axis=0)
        span = np.maximum(values.max(axis=0) - low, LEAST_SPAN)
        return Weighting(rng.dirichlet(np.ones(values.shape[1])), low, span)

    def cost(self, values: Column) -> Column:
        """Return the cost of values (…, k), shape (…)."""
        weighted = self.weights * (values - self.low) / self.span
        cost: Column = weighted.max(axis=-1) + SUM_PART * weighted.sum(axis=-1)
        return cost

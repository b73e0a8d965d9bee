"""Gaussian processes: what some designs tell of others, under any kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from ...simulators.core.parameter import Column

# Added to the noise, so that a matrix of near designs has a Cholesky factor.
JITTER = 1e-6
# The least part of the variance that is taken to be left.
LEAST_SHARE = 1e-9

#: What a kernel compares, a row each: places of knobs, or index rows.
Inputs = np.ndarray[Any, np.dtype[Any]]


class Kernel(Protocol):
    """A covariance over the process's variance."""

    def __call__(self, a: Inputs, b: Inputs) -> Column:
        """Return that of each of n designs with each of m, shape (n, m)."""

    def own(self, a: Inputs) -> Column:
        """Return that of each of n designs with itself, shape (n,)."""


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process given the values of some designs.

    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equations 2.25 and 2.26.

    Attributes:
        kernel: over the process's variance.
        noise: share of the variance that the kernel leaves unexplained.
        x: the designs, n rows.
        y: their values, less `center` and over `spread`, shape (n,).
        center: what values are taken to be where nothing is known.
        spread: unit of `y`.
        lower: Cholesky factor of the designs' kernel matrix, shape (n, n).
        alpha: that matrix's inverse times `y`, shape (n,).
        variance: of the process, in units of `spread`².
    """

    kernel: Kernel
    noise: float
    x: Inputs
    y: Column
    center: float
    spread: float
    lower: Column
    alpha: Column
    variance: float

    def outlook(self, x: Inputs) -> Outlook:
        """Return what it expects of m candidates."""
        covariance = self.kernel(self.x, x)
        if len(self.x):
            explained = solve_triangular(self.lower, covariance, lower=True, check_finite=False)
        else:
            explained = covariance
        share = self.kernel.own(x) - np.einsum("ij,ij->j", explained, explained)
        mean = (self.alpha @ covariance) * self.spread + self.center
        return Outlook(self, x, mean, share, explained)


@dataclass(eq=False)
class Outlook:
    """What a process expects of m candidates, some of which may be taken to be evaluated to its expectation.

    Attributes:
        process: whose expectation it is.
        x: the candidates.
        mean: shape (m,), in the values' unit.
        share: variance over the process's own, shape (m,).
        explained: each candidate's covariance with what is known, whitened, shape (known, m).
    """

    process: GaussianProcess
    x: Inputs
    mean: Column
    share: Column
    explained: Column

    @property
    def deviation(self) -> Column:
        """Standard deviation, shape (m,), in the values' unit."""
        return np.sqrt(np.maximum(self.share, LEAST_SHARE) * self.process.variance) * self.process.spread

    def believe(self, i: int) -> None:
        """Take candidate `i` to be evaluated to its mean, which leaves all means as they are and narrows deviations.

        The Kriging believer of Ginsbourger, Le Riche and Carraro (2010), section 4.2, one row of a Cholesky factor.
        """
        process = self.process
        covariance = process.kernel(self.x[i : i + 1], self.x)[0] - self.explained[:, i] @ self.explained
        row = covariance / np.sqrt(max(self.share[i], 0.0) + process.noise + JITTER)
        self.explained = np.vstack([self.explained, row])
        self.share = self.share - row * row


def conditioned(
    kernel: Kernel, noise: float, x: Inputs, values: Column, center: float, spread: float, variance_weight: float
) -> GaussianProcess:
    """Make a process that knows designs and their values.

    Args:
        kernel: over the process's variance.
        noise: share of the variance that the kernel leaves unexplained.
        x: n designs.
        values: shape (n,), finite.
        center: what values are taken to be where nothing is known.
        spread: their unit.
        variance_weight: how many designs of variance 1 the variance's prior is worth; `inf` for a variance of 1.
    """
    y = (values - center) / spread
    matrix = kernel(x, x)
    matrix[np.diag_indices(len(x))] += noise + JITTER
    lower = np.linalg.cholesky(matrix)
    alpha = cho_solve((lower, True), y, check_finite=False) if len(x) else y
    fitted = (float(y @ alpha) + variance_weight) / (len(x) + variance_weight)
    return GaussianProcess(
        kernel, noise, x, y, center, spread, lower, alpha, fitted if np.isfinite(variance_weight) else 1.0
    )

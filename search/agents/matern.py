"""The Matérn kernel over the knobs of a space, and processes whose lengthscales are learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from ...simulators.core.parameter import Column
from .knobs import Knobs
from .process import JITTER, GaussianProcess, conditioned

# A lengthscale's logarithm is N(√2 + log(d) / 2, 3) for d knobs scaled to [0, 1] before anything is known, so that
# functions of many knobs are taken to be smooth: Hvarfner, Hellsten and Nardi, ICML 2024, equation 8.
LENGTH_MEAN, LENGTH_VARIANCE = np.sqrt(2.0), 3.0
# What a smooth function leaves unexplained: the logarithm of its share of the variance is N(log 0.001, 4). Simulators
# have no noise, and a model that may take cliffs for noise does not look for them: hence a small most. Chosen here, on
# six problems of the shipped simulators.
NOISE_MEAN, NOISE_VARIANCE = np.log(1e-3), 4.0
LEAST_NOISE, MOST_NOISE = 1e-6, 0.03
# The variance's own prior, worth this many designs of variance 1.
VARIANCE_WEIGHT = 2.0
# Steps of the optimiser from each place where it starts, always the same: a model follows from its data alone. They are
# the middle of the prior, and lengthscales shorter by the square of e, from where a cliff is found that is no noise.
STEPS, STARTS = 25, (0.0, 2.0)
ROOT5 = np.sqrt(5.0)


@dataclass(frozen=True)
class Matern:
    """The kernel of smoothness 5/2 with a lengthscale per knob: Rasmussen and Williams (2006), equation 4.17.

    Attributes:
        knobs: whose places, shape (n, d), it compares.
        weights: inverse squared lengthscale of each knob, shape (d,).
    """

    knobs: Knobs
    weights: Column

    def __call__(self, a: Column, b: Column) -> Column:
        """Return the covariance of places (n, d) and (m, d), shape (n, m)."""
        return _matern(self.knobs.distances(a, b, self.weights))[0]

    def own(self, a: Column) -> Column:
        """Return 1 for each, shape (n,)."""
        return np.ones(len(a))


def fitted(knobs: Knobs, x: Column, y: Column, most: int) -> GaussianProcess:
    """Learn lengthscales and noise from at most `most` designs, those first in order, and condition on all.

    Args:
        knobs: what the places are of.
        x: places, shape (n, d), n ≥ 2.
        y: values, shape (n,), finite.
        most: designs that lengthscales are learnt from: their cost grows with its cube.
    """
    center, spread = float(y.mean()), float(y.std())
    spread = spread if spread > 0 else 1.0
    weights, noise = _learnt(knobs, x[:most], (y[:most] - center) / spread)
    return conditioned(Matern(knobs, weights), noise, x, y, center, spread, VARIANCE_WEIGHT)


def _matern(squares: Column) -> tuple[Column, Column]:
    """Return the kernel of squared distances, and its derivative by them."""
    r = np.sqrt(squares)
    decay = np.exp(-ROOT5 * r)
    return (1.0 + ROOT5 * r + (5.0 / 3.0) * squares) * decay, (-5.0 / 6.0) * (1.0 + ROOT5 * r) * decay


def _learnt(knobs: Knobs, x: Column, y: Column) -> tuple[Column, float]:
    """Return the most probable weights (d,) and noise: the marginal likelihood times the priors, by L-BFGS.

    The process's variance is put in where it is most probable, as a function of the others.
    """
    n, d = x.shape
    squares = knobs.squares(x).reshape(d, n * n)
    mean, variance = -2.0 * (LENGTH_MEAN + 0.5 * np.log(d)), 4.0 * LENGTH_VARIANCE  # of the weights' logarithms
    diagonal = np.diag_indices(n)

    def loss(point: Column) -> tuple[float, Column]:
        weights, noise = np.exp(point[:d]), np.exp(point[d])
        kernel, slope = _matern((weights @ squares).reshape(n, n))
        kernel[diagonal] += noise + JITTER
        try:
            lower = np.linalg.cholesky(kernel)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros(d + 1)
        inverse = cho_solve((lower, True), np.eye(n), check_finite=False)
        alpha = inverse @ y
        scale = (float(y @ alpha) + VARIANCE_WEIGHT) / (n + VARIANCE_WEIGHT)
        outer = 0.5 * (inverse - np.outer(alpha, alpha) / scale)
        from_mean, from_noise = point[:d] - mean, point[d] - NOISE_MEAN
        value = 0.5 * (n + VARIANCE_WEIGHT) * np.log(scale) + np.log(np.diag(lower)).sum()
        value += 0.5 * (from_mean @ from_mean / variance + from_noise**2 / NOISE_VARIANCE)
        gradient = np.empty(d + 1)
        gradient[:d] = squares @ (outer * slope).ravel() * weights + from_mean / variance
        gradient[d] = np.trace(outer) * noise + from_noise / NOISE_VARIANCE
        return float(value), gradient

    bounds = [(mean - 6.0, mean + 14.0)] * d + [(np.log(LEAST_NOISE), np.log(MOST_NOISE))]
    ends = []
    for shorter in STARTS:
        start = np.append(np.full(d, mean + 2.0 * shorter), NOISE_MEAN)
        ends.append(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}))
    found = min(ends, key=lambda end: float(end.fun)).x
    return np.exp(found[:d]), float(np.exp(found[d]))

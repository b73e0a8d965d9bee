"""A Gaussian process over the knobs of a space: what a search believes of designs that it has not evaluated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from ....simulators import DesignSpace, Indices
from ....simulators.core.parameter import Column

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
# Steps of the optimiser from the middle of the prior, where it starts each time: a model follows from its data alone.
STEPS = 25
JITTER = 1e-6
ROOT5 = np.sqrt(5.0)


@dataclass(frozen=True)
class Knobs:
    """The knobs of a space that have a choice, as numbers between which there is a distance.

    Attributes:
        columns: their positions in an index row, shape (d,).
        ordered: which have an order, shape (d,), bool; the others are categories.
        scale: of each, by which a grid position is from 0 to 1, shape (d,).
    """

    columns: Indices
    ordered: np.ndarray[tuple[int], np.dtype[np.bool_]]
    scale: Column

    @staticmethod
    def of(space: DesignSpace) -> Knobs:
        """Take the knobs of a space that have more than one value."""
        columns = np.flatnonzero(space.sizes > 1)
        ordered = np.array([bool(space.parameters[j].ordinal) for j in columns], dtype=bool)
        return Knobs(columns, ordered, 1.0 / np.maximum(space.sizes[columns] - 1, 1))

    def features(self, rows: Indices) -> Column:
        """Return index rows (n, p) as places from 0 to 1 on each knob's grid, shape (n, d)."""
        features: Column = rows[:, self.columns] * self.scale
        return features

    def squares(self, x: Column) -> Column:
        """Return the squared distance of each pair in each knob, shape (d, n, n); 1 between different categories."""
        gap = x.T[:, :, None] - x.T[:, None, :]
        squares: Column = np.where(self.ordered[:, None, None], gap * gap, gap != 0)
        return squares

    def distances(self, x: Column, others: Column, weights: Column) -> Column:
        """Return the weighted squared distances of x (n, d) to others (m, d), shape (n, m)."""
        root = np.sqrt(weights[self.ordered])
        a, b = x[:, self.ordered] * root, others[:, self.ordered] * root
        total: Column = np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T), 0.0)
        for j in np.flatnonzero(~self.ordered):
            total += weights[j] * (x[:, j][:, None] != others[:, j][None, :])
        return total


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process with a Matérn kernel of smoothness 5/2 and a lengthscale per knob, given some designs.

    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equations 2.25, 2.26 and 4.17.

    Attributes:
        knobs: what the features are.
        weights: inverse squared lengthscale of each knob, shape (d,).
        noise: share of the variance that the kernel leaves unexplained.
        x: features of the designs, shape (n, d).
        y: their values, standardised, shape (n,).
        center: mean of the values as they were given.
        spread: their standard deviation.
        lower: Cholesky factor of the designs' kernel matrix, shape (n, n).
        alpha: that matrix's inverse times `y`, shape (n,).
        variance: of the process, in units of `spread`².
    """

    knobs: Knobs
    weights: Column
    noise: float
    x: Column
    y: Column
    center: float
    spread: float
    lower: Column
    alpha: Column
    variance: float

    @staticmethod
    def fit(knobs: Knobs, x: Column, y: Column, most: int) -> GaussianProcess:
        """Learn lengthscales and noise from at most `most` designs, those first in order, and condition on all.

        Args:
            knobs: what the features are.
            x: features, shape (n, d), n ≥ 2.
            y: values, shape (n,), finite.
            most: designs that lengthscales are learnt from: their cost grows with its cube.
        """
        center, spread = float(y.mean()), float(y.std())
        spread = spread if spread > 0 else 1.0
        standard = (y - center) / spread
        weights, noise = _learnt(knobs, x[:most], standard[:most])
        return _conditioned(knobs, weights, noise, x, standard, center, spread)

    def outlook(self, x: Column) -> Outlook:
        """Return what it expects of candidates, features (m, d)."""
        covariance, _ = _matern(self.knobs.distances(self.x, x, self.weights))
        explained = solve_triangular(self.lower, covariance, lower=True, check_finite=False)
        share = 1.0 - np.einsum("ij,ij->j", explained, explained)
        mean = (self.alpha @ covariance) * self.spread + self.center
        return Outlook(self, x, mean, share, explained)


@dataclass(eq=False)
class Outlook:
    """What a process expects of m candidates, some of which may be taken to be evaluated to its expectation.

    Attributes:
        process: whose expectation it is.
        x: features, shape (m, d).
        mean: shape (m,), in the values' unit.
        share: variance over the process's own, shape (m,).
        explained: each candidate's covariance with what is known, whitened, shape (known, m).
    """

    process: GaussianProcess
    x: Column
    mean: Column
    share: Column
    explained: Column

    @property
    def deviation(self) -> Column:
        """Standard deviation, shape (m,), in the values' unit."""
        return np.sqrt(np.maximum(self.share, 1e-9) * self.process.variance) * self.process.spread

    def joined(self, other: Outlook) -> Outlook:
        """Return the outlook on the candidates of both."""
        return Outlook(
            self.process,
            np.vstack([self.x, other.x]),
            np.append(self.mean, other.mean),
            np.append(self.share, other.share),
            np.hstack([self.explained, other.explained]),
        )

    def believe(self, i: int) -> None:
        """Take candidate `i` to be evaluated to its mean, which leaves all means as they are and narrows deviations.

        The Kriging believer of Ginsbourger, Le Riche and Carraro (2010), section 4.2, one row of a Cholesky factor.
        """
        process = self.process
        kernel, _ = _matern(process.knobs.distances(self.x[i : i + 1], self.x, process.weights)[0])
        covariance = kernel - self.explained[:, i] @ self.explained
        row = covariance / np.sqrt(max(self.share[i], 0.0) + process.noise + JITTER)
        self.explained = np.vstack([self.explained, row])
        self.share = self.share - row * row


def _matern(squares: Column) -> tuple[Column, Column]:
    """Return the kernel of squared distances, and its derivative by them."""
    r = np.sqrt(squares)
    decay = np.exp(-ROOT5 * r)
    return (1.0 + ROOT5 * r + (5.0 / 3.0) * squares) * decay, (-5.0 / 6.0) * (1.0 + ROOT5 * r) * decay


def _conditioned(
    knobs: Knobs, weights: Column, noise: float, x: Column, y: Column, center: float, spread: float
) -> GaussianProcess:
    kernel, _ = _matern(knobs.distances(x, x, weights))
    kernel[np.diag_indices(len(x))] = 1.0 + noise + JITTER
    lower = np.linalg.cholesky(kernel)
    alpha = cho_solve((lower, True), y, check_finite=False)
    variance = (float(y @ alpha) + VARIANCE_WEIGHT) / (len(x) + VARIANCE_WEIGHT)
    return GaussianProcess(knobs, weights, noise, x, y, center, spread, lower, alpha, variance)


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
    start = np.append(np.full(d, mean), NOISE_MEAN)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}).x
    return np.exp(found[:d]), float(np.exp(found[d]))

"""Ridge regression on features and their products: small, quick, and with an uncertainty in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import ChipgymError
from ...simulators import Column
from .features import FeatureFamily

# Regularisations of which leave-one-out error chooses; features are standardised, so that these are free of units.
_ALPHAS = tuple(10.0**k for k in range(-3, 4))


@dataclass(frozen=True, eq=False)
class QuadraticRidge:
    """A linear model of 1, the features φ and the products of two of which one at least is the design's.

    The spread of a prediction is that of Bayesian linear regression, s √(1 + φᵀ (ΦᵀΦ + αI)⁻¹ φ), with s the root mean
    square of the residuals (Bishop, "Pattern Recognition and Machine Learning", 2006, equation 3.59).

    Attributes:
        shift: what is taken from each feature, (d,).
        scale: what it is divided by then, (d,).
        pairs: features that each product is of, (q, 2), int32.
        coefficients: of 1, the features and the products, (1 + d + q, targets).
        factor: lower triangle L with L Lᵀ = (ΦᵀΦ + αI)⁻¹.
        residual: s of each target, (targets,).
    """

    shift: Column
    scale: Column
    pairs: Column
    coefficients: Column
    factor: Column
    residual: Column
    names: ClassVar[tuple[str, ...]] = ("shift", "scale", "pairs", "coefficients", "factor", "residual")

    def predict(self, x: Column) -> tuple[Column, Column]:
        """Return means and spreads, each (n, targets), of features (n, d)."""
        from .kernel import quadratic

        count, targets = self.coefficients.shape
        mean, leverage = np.empty((len(x), targets)), np.empty(len(x))
        standard = np.ascontiguousarray((x - self.shift) / self.scale)
        room = np.empty((2, count))
        quadratic(standard, self.pairs, self.coefficients, self.factor, mean, leverage, room)
        return mean, np.sqrt(1.0 + leverage)[:, None] * self.residual

    def arrays(self) -> dict[str, Column]:
        """Return all of the model as arrays by name.

        The factor, which only says how sure it is, is in single precision.
        """
        return {**{name: getattr(self, name) for name in self.names}, "factor": self.factor.astype(np.float32)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Column], features: int, designs: int, targets: int) -> QuadraticRidge:
        """Make a model of what `arrays` gave.

        Raises:
            ChipgymError: where it is not that of so many features and targets, or has what is no finite number.
        """
        pairs = product_pairs(features, designs)
        count = 1 + features + len(pairs)
        shapes = {
            "shift": (features,), "scale": (features,), "coefficients": (count, targets), "factor": (count, count),
            "residual": (targets,),
        }  # fmt: skip
        for name, shape in shapes.items():
            kind = np.float32 if name == "factor" else np.float64
            if arrays[name].dtype != kind or arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ChipgymError(f"{name} is not of {shape} finite numbers")
        if not np.array_equal(arrays["pairs"], pairs) or (arrays["scale"] <= 0).any():
            raise ChipgymError("pairs or scale is not that of its features")
        return QuadraticRidge(**{**arrays, "pairs": pairs, "factor": arrays["factor"].astype(np.float64)})


def product_pairs(features: int, designs: int) -> Column:
    """List the features that products are of, (q, 2): all with all, but for two of the workload.

    A few workloads are described by more features than there are workloads: their products would fit them exactly
    and say nothing about another.
    """
    pairs = [(i, j) for i in range(designs) for j in range(i, features)]
    return np.array(pairs, dtype=np.int32).reshape(-1, 2)


@dataclass(frozen=True)
class Ridge(FeatureFamily):
    """Ridge regression of second order; leave-one-out error chooses how much it is regularised."""

    extrapolates: ClassVar[bool] = True
    model: ClassVar = QuadraticRidge

    def fit(self, x: Column, z: Column, designs: int, seed: int) -> QuadraticRidge:
        """Fit a model of standardised targets z (n, t) over features x (n, d), the first of which are the design's."""
        from sklearn.linear_model import RidgeCV

        shift, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 1e-12, scale, 1.0)
        standard = (x - shift) / scale
        pairs = product_pairs(x.shape[1], designs)
        phi = np.hstack([np.ones((len(x), 1)), standard, standard[:, pairs[:, 0]] * standard[:, pairs[:, 1]]])
        # Targets are centred, so that the constant may be regularised as all else is; products are not.
        model = RidgeCV(_ALPHAS, fit_intercept=False).fit(phi, z)
        coefficients = np.ascontiguousarray(np.reshape(model.coef_, (z.shape[1], -1)).T)
        moments = phi.T @ phi + float(model.alpha_) * np.eye(phi.shape[1])
        inverse = np.linalg.inv(moments)
        factor = np.linalg.cholesky((inverse + inverse.T) / 2).astype(np.float32).astype(np.float64)
        residual = np.sqrt(np.mean((z - phi @ coefficients) ** 2, axis=0))
        return QuadraticRidge(shift, scale, pairs, coefficients, np.ascontiguousarray(factor), residual)

"""How metrics grow with the size of a workload: what trees cannot extrapolate, fitted before them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..simulators import Column
from .algebra import one_thread
from .target import Target

if TYPE_CHECKING:
    from .models import FeatureFamily, Fitted

# Workloads below which nothing can be said about how a metric grows from one to another.
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class Sloped:
    """A model of what is left of standardised targets once the size of the workload is accounted for.

    Attributes:
        slopes: of the targets over features that are sizes of a workload, (d, t).
        fitted: the model of the rest.
    """

    slopes: Column
    fitted: Fitted

    def predict(self, x: Column) -> tuple[Column, Column]:
        """Return means and spreads, each (n, t), of standardised targets for features (n, d)."""
        mean, spread = self.fitted.predict(x)
        return mean + along(x, self.slopes), spread

    def arrays(self) -> dict[str, Column]:
        """Return all of the model as arrays by name."""
        return {"slopes": self.slopes, **self.fitted.arrays()}


def fit_sloped(
    family: FeatureFamily,
    x: Column,
    z: Column,
    targets: Sequence[Target],
    workload: Column,
    designs: int,
    sizes: Column,
    seed: int,
) -> Sloped:
    """Fit a model of standardised targets.

    Slopes come first where the model does not extrapolate and targets are logarithms.

    Args:
        family: of the model.
        x: features, (n, d).
        z: standardised targets, (n, t).
        targets: their scales.
        workload: number of each row's workload, (n,).
        designs: how many of the features, the first, belong to the design.
        sizes: which features are log10 of a size of the workload.
        seed: of what is drawn.
    """
    slopes = np.zeros((x.shape[1], len(targets)))
    with one_thread():
        if not family.extrapolates:
            logarithmic = np.array([t.scale != "linear" for t in targets])
            width = np.array([t.width for t in targets])
            slopes = size_slopes(x, z * width, workload, designs, sizes) * logarithmic / width
        return Sloped(slopes, family.fit(x, z - along(x, slopes), designs, seed))


def size_slopes(x: Column, logs: Column, workload: Column, designs: int, sizes: Column) -> Column:
    """Fit slopes of metrics' logarithms over workloads' sizes, shape (features, targets); 0 for all other features.

    Every metric is taken to be a product of the sizes' powers, with exponents that are not negative and add up to 1 at
    most: whatever all sizes are multiplied by, a metric grows by no more. So few workloads as there are cannot tell
    more than a mean of what they are described by, and a metric that does not depend on the workload's size has
    exponents of 0. They are fitted by least squares to the workloads' mean logarithms, once the designs' own
    (linear) part is taken from them.

    Args:
        x: features, (n, d).
        logs: natural logarithms of the targets, (n, t).
        workload: number of each row's workload, (n,).
        designs: how many of the features, the first, belong to the design.
        sizes: which features are log10 of a size of the workload.
    """
    from scipy.optimize import nnls

    slopes = np.zeros((x.shape[1], logs.shape[1]))
    numbers, first, row = np.unique(workload, return_index=True, return_inverse=True)
    if len(numbers) < _FEWEST or not len(sizes):
        return slopes
    of_workload = (row[:, None] == np.arange(len(numbers))).astype(np.float64)
    effects = np.linalg.lstsq(np.hstack([of_workload, x[:, :designs]]), logs, rcond=None)[0][: len(numbers)]
    known = x[first][:, sizes] * math.log(10)
    # The last column takes up what is left of 1.
    centred = np.hstack([known - known.mean(axis=0), np.zeros((len(numbers), 1))])
    for t, effect in enumerate((effects - effects.mean(axis=0)).T):
        weight = 10.0 * float(effect.std()) + 1e-9  # of the row that says that exponents add up to 1
        exponents, _ = nnls(np.vstack([centred, np.full((1, centred.shape[1]), weight)]), np.append(effect, weight))
        slopes[sizes, t] = exponents[:-1] * math.log(10)
    return slopes


def along(x: Column, slopes: Column) -> Column:
    """Return what slopes (d, t) make of features (n, d), shape (n, t); of a row the same whatever is beside it."""
    out = np.zeros((len(x), slopes.shape[1]))
    for j in np.flatnonzero(slopes.any(axis=1)):  # not a matrix product, whose sums depend on how many rows there are
        out += x[:, j, None] * slopes[j]
    return out

"""A model of several quantities over the same designs, with its uncertainty calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..simulators import Column
from .models import Fitted, Learner, Rows
from .target import Scale, Target

#: Share of the designs that a model is not fitted to, which its uncertainty is calibrated on.
CALIBRATION = 0.2
#: Share of the workloads that a second model is not fitted to.
CALIBRATION_WORKLOADS = 0.33
#: Designs below which none can be spared: the model learns from all, and is calibrated by others that each leave out a
#: part of them.
FEWEST = 20
#: Such parts at most.
FOLDS = 5
#: Share of a normal distribution within one standard deviation.
ONE_SIGMA = 0.6826894921370859


@dataclass(frozen=True, eq=False)
class Part:
    """A fitted model and its targets.

    Attributes:
        targets: what it predicts, in order.
        fitted: the model of the standardised targets.
    """

    targets: tuple[Target, ...]
    fitted: Fitted

    def predict(self, x: Rows, known: bool = True) -> tuple[Column, Column]:
        """Return means and standard deviations in the targets' scales, each (n, t).

        Args:
            x: what the model sees of n designs: features (n, d), or designs on graphs.
            known: whether the model has learned from the workload.
        """
        mean, spread = self.fitted.predict(x)
        width, centre, noise, stretch, noise_new, stretch_new = (
            np.array([getattr(t, name) for t in self.targets])
            for name in ("width", "centre", "noise", "stretch", "noise_new", "stretch_new")
        )
        std = stretch * np.sqrt(spread**2 + noise**2)
        if not known:  # never surer than of a workload that was learned from
            std = np.maximum(std, stretch_new * np.sqrt(spread**2 + noise_new**2))
        return mean * width + centre, std * width


def fit_part(
    learn: Learner,
    x: Rows,
    values: Mapping[str, Column],
    scales: Mapping[str, Scale],
    design: Column,
    workload: Column,
    seed: int,
) -> Part:
    """Fit a model to four fifths of the designs and calibrate its uncertainty on the rest.

    The spread s of a prediction becomes c √(s² + m²), with m the median error on the rest and c such that 68.3 % of
    the errors there are within it: split conformal prediction at one standard deviation (Papadopoulos et al.,
    "Inductive confidence machines for regression", ECML 2002; Lei et al., JASA 113, 2018). For workloads that are new
    to the model, c and m are those of a second model on the workloads that it was not fitted to.

    Of fewer than `FEWEST` designs none is kept from the model: others are fitted to four fifths of them in turn, and c
    and m are of all of their errors (Vovk, "Cross-conformal predictors", Ann. Math. Artif. Intell. 74, 2015). One
    design alone says nothing of how others differ: m is then the whole width, which of a logarithm is a factor of e,
    and otherwise the value itself.

    Args:
        learn: fits a model.
        x: what it sees of n designs: features (n, d), or designs on graphs.
        values: by target, each (n,).
        scales: of the targets whose values do not choose their own.
        design: number of each design, (n,): the same design on two workloads is on one side.
        workload: number of each design's workload, (n,).
        seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    # The range is that of all designs: what is known to occur may be predicted.
    targets = [Target.of(name, y, scales.get(name)) for name, y in values.items()]
    z = np.stack([t.standard(y) for t, y in zip(targets, values.values(), strict=True)], axis=1)

    if len(x) >= FEWEST:
        apart = _apart(design, CALIBRATION, rng)
        fitted = learn(x[~apart], z[~apart], targets, workload[~apart])
        noise, stretch = _calibration(*_errors(fitted, x, z, apart if apart.any() else ~apart))
    else:
        fitted = learn(x, z, targets, workload)
        noise, stretch = _of_few(learn, x, z, targets, design, workload, rng)
    noise_new, stretch_new = noise, stretch
    apart = _apart(workload, CALIBRATION_WORKLOADS, rng)
    if apart.any():
        other = learn(x[~apart], z[~apart], targets, workload[~apart])
        noise_new, stretch_new = _calibration(*_errors(other, x, z, apart))
    told = [
        replace(t, noise=float(a), stretch=float(b), noise_new=float(c), stretch_new=float(d))
        for t, a, b, c, d in zip(targets, noise, stretch, noise_new, stretch_new, strict=True)
    ]
    return Part(tuple(told), fitted)


def _apart(group: Column, share: float, rng: np.random.Generator) -> Column:
    """Draw which rows are kept apart, (n,): all of a share of the groups, one at least; none if there is one group."""
    numbers = rng.permutation(np.unique(group))
    return np.isin(group, numbers[: min(max(1, round(share * len(numbers))), len(numbers) - 1)])


def _of_few(
    learn: Learner,
    x: Rows,
    z: Column,
    targets: Sequence[Target],
    design: Column,
    workload: Column,
    rng: np.random.Generator,
) -> tuple[Column, Column]:
    """Calibrate as `_calibration`, on models that each leave out a part of the designs."""
    numbers = rng.permutation(np.unique(design))
    if len(numbers) == 1:
        return np.ones(z.shape[1]), np.ones(z.shape[1])
    folds = [np.isin(design, part) for part in np.array_split(numbers, min(FOLDS, len(numbers)))]
    found = [_errors(learn(x[~fold], z[~fold], targets, workload[~fold]), x, z, fold) for fold in folds]
    error, spread = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _calibration(error, spread)


def _errors(fitted: Fitted, x: Rows, z: Column, check: Column) -> tuple[Column, Column]:
    """Return absolute errors and spreads, each (c, t), on the rows that `check` (n,) says."""
    mean, spread = fitted.predict(x[check])
    return np.abs(mean - z[check]), spread


def _calibration(error: Column, spread: Column) -> tuple[Column, Column]:
    """Return the median error, and what makes spreads as wide as errors, each (t,), of errors and spreads (c, t)."""
    noise: Column = np.median(error, axis=0)
    wide = np.sqrt(spread**2 + noise**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(wide > 0, error / wide, 0.0)
    stretch: Column = np.quantile(ratio, ONE_SIGMA, axis=0, method="higher")
    return noise, stretch

"""A model of several quantities over the same designs, with its uncertainty calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..simulators import Column
from .models import Family, Fitted
from .target import Scale, Target

#: Share of the designs that a model is not fitted to, which its uncertainty is calibrated on.
CALIBRATION = 0.2
#: Designs below which none can be spared: errors on the training itself are taken then, which are too small.
FEWEST = 20
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

    def predict(self, x: Column) -> tuple[Column, Column]:
        """Means and standard deviations in the targets' scales, each (n, t), of features (n, d)."""
        mean, spread = self.fitted.predict(x)
        width, centre, noise, stretch = (
            np.array([getattr(t, name) for t in self.targets]) for name in ("width", "centre", "noise", "stretch")
        )
        return mean * width + centre, stretch * np.sqrt(spread**2 + noise**2) * width


def fit_part(
    family: Family,
    x: Column,
    values: Mapping[str, Column],
    scales: Mapping[str, Scale],
    group: Column,
    designs: int,
    seed: int,
) -> Part:
    """Fits a model to four fifths of the designs and calibrates its uncertainty on the rest.

    The spread s of a prediction becomes c √(s² + m²), with m the median error on the rest and c such that 68.3 % of
    the errors there are within it: split conformal prediction at one standard deviation (Papadopoulos et al.,
    "Inductive confidence machines for regression", ECML 2002; Lei et al., JASA 113, 2018).

    Args:
        family: what is fitted.
        x: features, (n, d).
        values: by target, each (n,).
        scales: of the targets whose values do not choose their own.
        group: number of each design, (n,): the same design on two workloads is on one side.
        designs: how many of the features belong to the design.
        seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    numbers = np.unique(group)
    rng.shuffle(numbers)
    apart = np.isin(group, numbers[: round(CALIBRATION * len(numbers))])
    if len(x) < FEWEST or not apart.any() or apart.all():
        apart = np.zeros(len(x), dtype=bool)
    # The range is that of all designs: what is known to occur may be predicted.
    targets = [Target.of(name, y, scales.get(name)) for name, y in values.items()]
    z = np.stack([t.standard(y) for t, y in zip(targets, values.values(), strict=True)], axis=1)
    fitted = family.fit(x[~apart], z[~apart], designs, seed)
    check = apart if apart.any() else ~apart
    mean, spread = fitted.predict(x[check])
    error = np.abs(mean - z[check])
    noise = np.median(error, axis=0)
    wide = np.sqrt(spread**2 + noise**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(wide > 0, error / wide, 0.0)
    stretch = np.quantile(ratio, ONE_SIGMA, axis=0, method="higher")
    told = [replace(t, noise=float(m), stretch=float(c)) for t, m, c in zip(targets, noise, stretch, strict=True)]
    return Part(tuple(told), fitted)

"""In which scale a metric is learned, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..simulators import Column

Scale = Literal["log", "log1p", "linear"]
SCALES: tuple[Scale, ...] = ("log", "log1p", "linear")


@dataclass(frozen=True, slots=True)
class Target:
    """One quantity that a model learns, in the scale that it is learned in.

    `log` is the natural logarithm, for what is positive; `log1p` is ln(1 + y / unit), for what is 0 at times and never
    negative; `linear` is the quantity itself. Predictions stay within the range of the training designs, widened by
    its own width on either side, so that no extrapolation overflows.

    Attributes:
        name: of the metric.
        scale: "log", "log1p" or "linear".
        unit: of `log1p`: the smallest positive value of the training designs.
        centre: mean of the training designs in that scale.
        width: their standard deviation in that scale; 1 where all are equal, and of a single one that is not a
            logarithm its size.
        low: their least value in that scale; of a single one a width less.
        high: their greatest value in that scale; of a single one a width more.
        noise: error that remains where the model's own spread is 0, in units of `width`.
        stretch: what the model's spread is multiplied by, so that it is as wide as errors are.
        noise_new: as `noise`, on a workload that the model has not learned from.
        stretch_new: as `stretch`, there.
    """

    name: str
    scale: Scale
    unit: float = 1.0
    centre: float = 0.0
    width: float = 1.0
    low: float = 0.0
    high: float = 0.0
    noise: float = 0.0
    stretch: float = 1.0
    noise_new: float = 0.0
    stretch_new: float = 1.0

    @staticmethod
    def of(name: str, y: Column, scale: Scale | None = None) -> Target:
        """Make the target of training values y, shape (n,), in the scale that suits them or the one given."""
        if scale is None:
            scale = "log" if (y > 0).all() else "log1p" if (y >= 0).all() and (y > 0).any() else "linear"
        unit = float(y[y > 0].min()) if scale == "log1p" else 1.0
        z = Target(name, scale, unit).forward(y)
        spread = float(z.std())
        # Equal values have a standard deviation of rounding errors.
        width = spread if spread > 1e-12 * max(1.0, float(np.abs(z).max())) else 1.0
        low, high = float(z.min()), float(z.max())
        if len(z) == 1:  # one value says nothing of how far others are from it, other than its own size
            width = abs(low) or 1.0 if scale == "linear" else 1.0
            low, high = low - width, high + width
        return Target(name, scale, unit, float(z.mean()), width, low, high)

    def forward(self, y: Column) -> Column:
        """Carry values to the scale of learning, (n,)."""
        if self.scale == "log":
            return np.log(y)
        return np.log1p(y / self.unit) if self.scale == "log1p" else y

    def inverse(self, z: Column) -> Column:
        """Carry values of the metric back from the scale of learning, (n,), within the widened range."""
        room = self.high - self.low
        z = np.clip(z, self.low - room, self.high + room)
        amount: Column = z
        if self.scale == "log":
            amount = np.exp(z)
        elif self.scale == "log1p":
            amount = np.maximum(np.expm1(z), 0.0) * self.unit
        return amount

    def standard(self, y: Column) -> Column:
        """Return values as a model sees them: centred, of width 1, (n,)."""
        return (self.forward(y) - self.centre) / self.width

"""What a surrogate says of designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ChipgymError, shorten
from ..simulators import Column
from .target import Target

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Prediction:
    """Metrics of n designs with their uncertainty.

    Attributes:
        targets: by metric, the scale in which it was learned.
        location: by metric, the centre of the prediction in that scale, (n,).
        deviation: by metric, its standard deviation in that scale, (n,).
        feasible: which designs are taken to be feasible, (n,), bool.
        violation: how far the others are taken to be beyond the nearest limit, (n,); 0 where feasible.
        beyond: the features in which the workload is far outside those that the model has learned from, with how far
            in widths of their range, the farthest first; `deviation` is as much wider. Empty where it is not.
    """

    targets: Mapping[str, Target]
    location: Mapping[str, Column]
    deviation: Mapping[str, Column]
    feasible: Column
    violation: Column
    beyond: Mapping[str, float] = field(default_factory=dict)

    @property
    def mean(self) -> dict[str, Column]:
        """The centre of each metric's prediction, (n,).

        Carried back from the scale of learning: of a metric learned as its logarithm it is the geometric mean.
        Costs are predicted of every design; those of an infeasible one mean nothing.
        """
        return {name: target.inverse(self.location[name]) for name, target in self.targets.items()}

    @property
    def std(self) -> dict[str, Column]:
        """Half of the width of each metric's central 68.3 % interval, (n,)."""
        within = {name: self._interval(name, 1.0) for name in self.targets}
        return {name: (high - low) / 2 for name, (low, high) in within.items()}

    def interval(self, level: float = 0.9) -> dict[str, tuple[Column, Column]]:
        """Return by metric the bounds between which so large a share of values is expected, (n,) each.

        The width is calibrated at 68.3 % and widened as a normal distribution is.

        Raises:
            ChipgymError: for a level that is not between 0 and 1.
        """
        if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
            raise ChipgymError(f"level: {shorten(level)} is not between 0 and 1, such as 0.9")
        sigmas = NormalDist().inv_cdf((1 + level) / 2)
        return {name: self._interval(name, sigmas) for name in self.targets}

    def _interval(self, name: str, sigmas: float) -> tuple[Column, Column]:
        target, centre, width = self.targets[name], self.location[name], sigmas * self.deviation[name]
        return target.inverse(centre - width), target.inverse(centre + width)

    def __len__(self) -> int:
        return len(self.violation)

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row per design: each metric and its `_std`, feasible, violation."""
        import pandas as pd

        std = self.std
        columns: dict[str, Column] = {}
        for name, column in self.mean.items():
            columns |= {name: column, f"{name}_std": std[name]}
        return pd.DataFrame({**columns, "feasible": self.feasible, "violation": self.violation})


def least_positive(column: Column) -> Column:
    """Lift violations of designs that are taken to be infeasible above 0."""
    return np.maximum(column, np.finfo(np.float64).eps)

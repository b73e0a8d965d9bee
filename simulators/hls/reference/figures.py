"""How far predictions are from reference rows: the figures that the documentation and `chipgym validate` give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...core import Column
from .reports import RESOURCES, UNCOUNTED, Reports

#: Rows and spread (standard deviation of ln(cycles)) from which ranks mean something.
MOST_FLAT, FEWEST_RANKED = 0.3, 20
#: The share of every resource that a valid row stays below.
BUDGET = 0.8


@dataclass(frozen=True)
class Predicted:
    """What a model says of the rows of one kernel and tool.

    Attributes:
        reports: the rows.
        cycles: (n,).
        utilization: share of the device by resource, (n,).
    """

    reports: Reports
    cycles: Column
    utilization: Mapping[str, Column]

    @property
    def gap(self) -> Column:
        """log2(predicted / reported cycles) / 2 of valid rows."""
        valid = self.reports.valid
        return np.asarray(0.5 * np.log2(self.cycles[valid] / self.reports.cycles[valid]))

    def median_error(self) -> float:
        """Return the median relative error of cycles over valid rows, in percent."""
        return float(np.median(100 * np.abs(2 ** (2 * self.gap) - 1)))

    def spearman(self) -> float:
        """Return the rank correlation of cycles over valid rows; NaN where they are few or alike."""
        from scipy.stats import spearmanr

        valid = self.reports.valid
        theirs = self.reports.cycles[valid]
        if len(theirs) <= FEWEST_RANKED or np.log(theirs).std(ddof=1) <= MOST_FLAT:
            return float("nan")
        return float(spearmanr(self.cycles[valid], theirs).statistic)


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over several kernels, as the field gives them.

    Attributes:
        rows: valid rows.
        median_error: of cycles, in percent.
        rmse: of log2(1e7 / cycles) / 2.
        spearman: median over kernels and tools of the rank correlation of cycles.
        balanced_accuracy: of feasibility, in percent.
        utilization: root mean square error of the share of the device, by resource, where it is not censored.
        censored: share of censored rows that are predicted above 3 % of the device, in percent, by resource.
    """

    rows: int
    median_error: float
    rmse: float
    spearman: float
    balanced_accuracy: float
    utilization: Mapping[str, float]
    censored: Mapping[str, float]


def figures(predicted: Sequence[Predicted]) -> Figures:
    """Return figures over valid, labelled rows of counted kernels; feasibility over all labelled rows."""
    counted = [p for p in predicted if p.reports.kernel not in UNCOUNTED]
    gap = np.concatenate([p.gap for p in counted])
    ranks = np.array([p.spearman() for p in counted])
    valid = np.concatenate([p.reports.valid for p in predicted])
    fits = np.concatenate([np.max([p.utilization[r] for r in RESOURCES], axis=0) <= BUDGET for p in predicted])
    right = [(fits == valid)[valid == v].mean() if (valid == v).any() else np.nan for v in (True, False)]
    errors, censored = {}, {}
    for resource in RESOURCES:
        theirs = np.concatenate([p.reports.utilization[resource][p.reports.valid] for p in counted])
        ours = np.concatenate([p.utilization[resource][p.reports.valid] for p in counted])
        known = theirs > 0
        errors[resource] = float(np.sqrt(np.mean((ours - theirs)[known] ** 2)))
        censored[resource] = float(100 * (ours[~known] > 0.03).mean()) if (~known).any() else 0.0
    return Figures(
        len(gap), float(np.median(100 * np.abs(2 ** (2 * gap) - 1))), float(np.sqrt(np.mean(gap**2))),
        float(np.nanmedian(ranks)), float(100 * np.nanmean(right)), errors, censored,
    )  # fmt: skip

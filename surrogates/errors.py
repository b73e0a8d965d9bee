"""How far predictions are from what a simulator says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import DesignTable, Network
from ..errors import ChipgymError
from ..simulators import Column, Metrics
from ..simulators.core.objective import parse_constraints, total_excess
from .part import ONE_SIGMA
from .samples import Samples, check_alike
from .surrogate import Surrogate
from .target import Target

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class MetricErrors:
    """Errors of one metric over feasible designs; NaN where a figure has no meaning, as a rank among equals.

    Attributes:
        mape: mean of |predicted − actual| / |actual|, a fraction, over designs whose actual value is not 0.
        median_ape: the median of the same.
        r2: share of the variance explained, in the scale of learning, over all workloads together.
        spearman: rank correlation within a workload, the mean over workloads.
        within_1_std: share of designs whose actual value is in the 68.3 % interval.
        within_90: share in the 90 % interval.
    """

    mape: float
    median_ape: float
    r2: float
    spearman: float
    within_1_std: float
    within_90: float


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of a surrogate on designs that it was measured on.

    Attributes:
        metrics: by name.
        designs: how many there were.
        infeasible: how many of them are infeasible, or break a constraint that was given.
        feasible_accuracy: share of designs whose feasibility is predicted right.
        balanced_accuracy: mean of that share among the feasible and among the infeasible ones, which a model that says
            the same of every design has one half of; NaN where there are none of one kind.
        false_feasible: share of the infeasible ones that are taken to be feasible; NaN where there are none.
    """

    metrics: Mapping[str, MetricErrors]
    designs: int
    infeasible: int
    feasible_accuracy: float
    balanced_accuracy: float
    false_feasible: float

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row per metric, indexed by its name, with a column for each of `MetricErrors`."""
        import pandas as pd

        rows = [asdict(errors) for errors in self.metrics.values()]
        columns = [field.name for field in fields(MetricErrors)]
        return pd.DataFrame(rows, index=pd.Index(self.metrics, name="metric"), columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return all of the errors as JSON-able data."""
        out: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("designs", "infeasible", "feasible_accuracy", "balanced_accuracy", "false_feasible")
        }
        return {**out, "metrics": {name: asdict(errors) for name, errors in self.metrics.items()}}


def measure(
    surrogate: Surrogate,
    tables: DesignTable | Sequence[DesignTable],
    constraints: str | Sequence[str] = (),
    networks: Sequence[Network] = (),
) -> Errors:
    """Compare a surrogate's predictions with tables of evaluated designs.

    Args:
        surrogate: that was fitted.
        tables: of designs of its space, on workloads that it has learned from or on others.
        constraints: texts such as "area_mm2 <= 10" that count as limits, on predictions as on the tables' metrics.
        networks: for the model "gnn", of the other tables whose workload's name does not load it.

    Raises:
        ChipgymError: for tables of another space, or of workloads that the surrogate cannot take, and a constraint that
            is none.
    """
    samples = Samples.of(tables)
    limits = parse_constraints(constraints, surrogate.metrics, samples.header.objectives)
    # Without warnings of workloads that are far: how far off the model is there is what is asked.
    found = [
        surrogate.predict_on(table.designs(), surrogate.workload(_workload(surrogate, table, networks)))
        for table in samples.tables
    ]
    actual = samples.feasible
    met, met_too = actual, np.concatenate([p.feasible for p in found])
    if limits:
        columns = {m.name: samples.metric(m.name) for m in surrogate.metrics}
        predicted = {m.name: np.concatenate([p.mean[m.name] for p in found]) for m in surrogate.metrics}
        met = met & (total_excess(limits, Metrics(surrogate.metrics, columns, samples.violation)) <= 0)
        violation = np.concatenate([p.violation for p in found])
        met_too = met_too & (total_excess(limits, Metrics(surrogate.metrics, predicted, violation)) <= 0)
    metrics = {}
    for spec in surrogate.metrics:
        known = actual if spec.cost else np.ones(len(samples), dtype=bool)
        y = samples.metric(spec.name)
        metrics[spec.name] = MetricErrors(
            **_point_errors(
                y[known],
                np.concatenate([p.mean[spec.name] for p in found])[known],
                samples.workload[known],
                found[0].targets[spec.name],
            ),
            within_1_std=_coverage(y, known, [p.interval(ONE_SIGMA)[spec.name] for p in found]),
            within_90=_coverage(y, known, [p.interval(0.9)[spec.name] for p in found]),
        )
    right_feasible, wrong_feasible = (
        float(met_too[rows].mean()) if rows.any() else float("nan") for rows in (met, ~met)
    )
    return Errors(
        metrics,
        len(samples),
        int((~met).sum()),
        float((met_too == met).mean()),
        (right_feasible + 1 - wrong_feasible) / 2,
        wrong_feasible,
    )


def _workload(surrogate: Surrogate, table: DesignTable, networks: Sequence[Network]) -> str | DesignTable | Network:
    """Return what `predict` takes for the workload of a table: its name where the model has learned from it."""
    check_alike(surrogate.header, table.header)
    for known in surrogate.tables:
        if known.header.workload_digest == table.header.workload_digest:
            return known.name
    if table.header.workload in surrogate.workloads:
        raise ChipgymError(f"workload {table.header.workload}: has another content than the model has learned from")
    return next((network for network in networks if network.digest == table.header.workload_digest), table)


def _point_errors(y: Column, predicted: Column, workload: Column, target: Target) -> dict[str, float]:
    """Measure errors of predictions of y, each (n,)."""
    nonzero = y != 0
    relative = np.abs(predicted[nonzero] - y[nonzero]) / np.abs(y[nonzero])
    with np.errstate(divide="ignore", invalid="ignore"):  # a scale of positive values may meet others now
        mine, theirs = target.forward(y), target.forward(predicted)
    told = np.isfinite(mine)
    mine, theirs = mine[told], theirs[told]
    scatter = float(((mine - mine.mean()) ** 2).sum()) if len(mine) else 0.0
    ranks = [_spearman(y[workload == w], predicted[workload == w]) for w in np.unique(workload)]
    known = [rank for rank in ranks if not np.isnan(rank)]
    return {
        "mape": float(relative.mean()) if len(relative) else float("nan"),
        "median_ape": float(np.median(relative)) if len(relative) else float("nan"),
        "r2": 1 - float(((mine - theirs) ** 2).sum()) / scatter if scatter > 1e-12 * len(mine) else float("nan"),
        "spearman": float(np.mean(known)) if known else float("nan"),
    }


def _spearman(y: Column, predicted: Column) -> float:
    """Return the rank correlation, NaN where all are equal, up to rounding."""
    from scipy.stats import spearmanr

    if len(y) < 2 or np.ptp(y) <= 1e-9 * np.abs(y).max() or np.ptp(predicted) == 0:
        return float("nan")
    return float(spearmanr(y, predicted).statistic)


def _coverage(y: Column, known: Column, intervals: Sequence[tuple[Column, Column]]) -> float:
    """Return the share of the known values that are within their intervals, whose ends count up to rounding."""
    low, high = (np.concatenate(ends) for ends in zip(*intervals, strict=True))
    slack = 1e-9 * np.abs(y)
    inside = (low - slack <= y) & (y <= high + slack)
    return float(inside[known].mean()) if known.any() else float("nan")

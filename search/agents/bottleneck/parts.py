"""What a breakdown foretells of other designs: every part of a metric goes with powers of the knobs that loosen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ....simulators import Bottleneck, Constraint, DesignSpace, Indices, Problem
from ....simulators.core.bottleneck import expanded
from ....simulators.core.parameter import Column, Parameter
from ....simulators.core.quantity import Product

# Logarithms beyond this are as good as infinite, and exponentials of them still numbers.
_FAR = 50.0
# Least share of a part that a choice leaves.
_LEAST_LEFT = 0.02


class PartModel:
    """Metrics of designs around one whose breakdown is known, a posynomial of the knobs.

    A metric is its value there times the sum of its parts' shares, each times the ratios of the knobs to the powers
    that its remedies say. Geometric programming of circuits rests on models of this form (Boyd et al., "A tutorial on
    geometric programming", Optimization and Engineering 8, 2007).

    Args:
        problem: that the design is of.
        row: the design, shape (p,).
        metrics: of it by name, NaN where it has none.
        bottlenecks: of it, as `Simulator.bottlenecks` tells them.
    """

    def __init__(
        self, problem: Problem, row: Indices, metrics: Mapping[str, float], bottlenecks: Sequence[Bottleneck]
    ) -> None:
        self._problem, self._sides = problem, sides_of(problem)
        self._values = dict(metrics)
        self._parts: dict[str, list[tuple[float, list[Column]]]] = {}
        self._limits: list[tuple[float, list[Column]]] = []
        for b in bottlenecks:
            part = (b.share, _tables(problem.space, row, b))
            if b.broken:
                self._limits.append(part)
            else:
                self._parts.setdefault(b.metric, []).append(part)

    def objective(self, rows: Indices) -> Column:
        """Return log10 of the objective over the design's own, (n,); 0 where it has none."""
        quantity = self._problem.objectives[0].quantity
        now = {name: self._values.get(name, np.nan) for name in quantity.names}
        then = self._metrics(quantity.names, rows)
        with np.errstate(all="ignore"):
            ratio = quantity(then) / quantity({name: np.array([value]) for name, value in now.items()})
            logs = np.log10(ratio)
        out: Column = np.where(np.isfinite(logs), logs, 0.0)
        return out

    def excess(self, rows: Indices) -> Column:
        """Return how far designs are beyond each of `sides`, ≤ 0 where within, (n, sides); NaN where unknown."""
        out = np.full((len(rows), len(self._sides)), np.nan)
        for c, constraint in enumerate(self._sides):
            names = constraint.quantity.names
            values = self._metrics(names, rows)
            for name in names:
                if name not in self._values:  # a knob
                    at = self._problem.space.names.index(name)
                    values[name] = self._problem.space.parameters[at].column_values[rows[:, at]].astype(np.float64)
            out[:, c] = constraint.excess(values)
        return out

    def beyond(self, rows: Indices) -> Column:
        """Return how far designs are beyond those of the simulator's limits that the design breaks, in all; (n,)."""
        total = np.zeros(len(rows))
        for beyond, tables in self._limits:
            total += np.maximum((1.0 + beyond) * np.exp(_logs(tables, rows)) - 1.0, 0.0)
        return total

    def _metrics(self, names: Sequence[str], rows: Indices) -> dict[str, Column]:
        """Return the metrics among `names` that are foretold of rows, each (n,)."""
        out = {}
        for name in names:
            if name in self._values:
                log = np.zeros(len(rows))
                for part, power in expanded({name: 1.0}, self._problem.simulator.made_of).items():
                    log += power * self._log_ratio(part, rows)
                out[name] = self._values[name] * np.exp(np.clip(log, -_FAR, _FAR))
        return out

    def _log_ratio(self, metric: str, rows: Indices) -> Column:
        """Return the logarithm of a metric over the design's own, (n,); 0 of one that has no parts."""
        parts = self._parts.get(metric)
        if not parts:
            return np.zeros(len(rows))
        whole = sum(share for share, _ in parts)
        ratio = sum(share / whole * np.exp(_logs(tables, rows)) for share, tables in parts)
        out: Column = np.log(ratio)
        return out


def sides_of(problem: Problem) -> tuple[Constraint, ...]:
    """Return what designs must stay within and metrics tell of: the constraints, and the simulator's capacities."""
    capacities = problem.simulator.capacities
    return (*problem.constraints, *(Constraint(Product.of({m: 1.0}), True, top) for m, top in capacities.items()))


def _logs(tables: Sequence[Column], rows: Indices) -> Column:
    """Return the logarithm of a part over the design's own, (n,)."""
    out = np.zeros(len(rows))
    for j, table in enumerate(tables):
        if len(table):
            out += table[rows[:, j]]
    return np.clip(out, -_FAR, _FAR)


def _tables(space: DesignSpace, row: Indices, bottleneck: Bottleneck) -> list[Column]:
    """Return by knob the logarithm of what a part is times at each of its values, (size,); empty where untouched."""
    tables: list[Column] = [np.empty(0) for _ in space.parameters]
    places = {name: j for j, name in enumerate(space.names)}
    for remedy in bottleneck.remedies:
        j = places.get(remedy.knob)
        if j is None or space.parameters[j].size == 1:
            continue
        knob = space.parameters[j]
        if not len(tables[j]):
            tables[j] = np.zeros(knob.size)
        if remedy.change == "try":
            left = np.log(max(1.0 - remedy.strength, _LEAST_LEFT))
            for value in remedy.values:
                if value in knob.values and knob.values.index(value) != row[j]:
                    tables[j][knob.values.index(value)] += left
        else:
            logs = log_values(knob)
            sign = -1.0 if remedy.change == "raise" else 1.0
            tables[j] += sign * remedy.strength * (logs - logs[row[j]])
    return tables


def log_values(knob: Parameter) -> Column:
    """Return the logarithms of a number's values, (size,): of 0 as of half the next, of infinity as of twice the last.

    Values of a knob that is not one are all 0.
    """
    if not knob.ordinal:
        return np.zeros(knob.size)
    values = knob.column_values.astype(np.float64)
    finite = values[np.isfinite(values) & (values > 0)]
    least, most = (finite.min(), finite.max()) if len(finite) else (1.0, 1.0)
    out: Column = np.log(np.clip(values, least / 2, most * 2))
    return out


def knob_names(space: DesignSpace, before: Indices, after: Indices) -> Mapping[str, str]:
    """Return by name what each knob that differs between two rows was and is, as in `8 → 16`."""
    return {
        p.name: f"{p.values[a]} → {p.values[b]}"
        for p, a, b in zip(space.parameters, before.tolist(), after.tolist(), strict=True)
        if a != b
    }

"""Any Optuna search space as a design space, and a study's values as objectives that an agent can compare."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from ...errors import ChipgymError
from ...simulators import Columns, DesignSpace, Indices, MetricSpec, Parameter, Problem, Simulator
from ...simulators.core.objective import parse_objectives
from ...simulators.core.parameter import Column

# Values, relative to a study's first, below which they are compared by difference and no longer by ratio.
LINEAR_BELOW = 0.01
# Decades that transformed values stay within, as rewards do.
RANGE_DECADES = 5.0


@dataclass(frozen=True)
class StudySpace:
    """The distributions of a study's parameters as a grid.

    Attributes:
        distributions: by parameter.
        levels: most values of one; a distribution of more, as of real numbers, is that many of them, evenly spaced.
    """

    distributions: Mapping[str, BaseDistribution]
    levels: int

    @cached_property
    def grids(self) -> dict[str, tuple[Any, ...]]:
        """The values of each parameter that an agent may choose, in order."""
        return {name: _grid(name, d, self.levels) for name, d in self.distributions.items()}

    @cached_property
    def space(self) -> DesignSpace:
        """A design space of grid positions; categories have no order."""
        kinds = {name: not isinstance(d, CategoricalDistribution) for name, d in self.distributions.items()}
        grids = self.grids.items()
        return DesignSpace(tuple(Parameter(name, tuple(range(len(g))), ordinal=kinds[name]) for name, g in grids))

    def params(self, row: Indices) -> dict[str, Any]:
        """Return the parameters of an index row of shape (p,)."""
        return {name: grid[i] for (name, grid), i in zip(self.grids.items(), row.tolist(), strict=True)}

    def row(self, params: Mapping[str, Any]) -> Indices | None:
        """Return the index row, shape (p,), nearest to a trial's parameters; None where it lacks one or has others."""
        out = []
        for name, distribution in self.distributions.items():
            if name not in params:
                return None
            grid, value = self.grids[name], params[name]
            if isinstance(distribution, CategoricalDistribution):
                try:
                    out.append(int(distribution.to_internal_repr(value)))
                except ValueError:
                    return None
            else:
                if not grid[0] <= value <= grid[-1]:
                    return None
                out.append(int(np.argmin(np.abs(np.array(grid, dtype=np.float64) - float(value)))))
        return np.array(out, dtype=np.int64)

    def problem(self, objectives: int) -> Problem:
        """Make the problem that an agent searches, of so many objectives, each with the reference 1."""
        simulator = _Unasked(self.space, objectives)
        names = [spec.name for spec in simulator.metrics]
        targets = (1.0,) * objectives
        return Problem(simulator, self.space, parse_objectives(names, simulator.metrics), targets=targets)


def _grid(name: str, distribution: BaseDistribution, levels: int) -> tuple[Any, ...]:
    """Return the values of a distribution, evenly thinned to `levels` where there are more."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    if not isinstance(distribution, IntDistribution | FloatDistribution):
        raise ChipgymError(f"{name}: {distribution} is no distribution of numbers or categories")
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log or step is None:
        spaced = np.geomspace(low, high, levels) if distribution.log else np.linspace(low, high, levels)
        if isinstance(distribution, FloatDistribution):
            return tuple(np.unique(spaced.clip(low, high)).tolist())
        every = range(int(low), int(high) + 1) if high - low < levels else np.rint(spaced).astype(np.int64).tolist()
        return tuple(sorted(set(every)))
    steps = round((high - low) / step)
    places = range(steps + 1) if steps < levels else np.rint(np.linspace(0, steps, levels)).astype(np.int64).tolist()
    return tuple(min(low + step * i, high) for i in places)


class _Nothing:
    """The workload of a study: it is the study's own."""

    name = "study"
    digest = "0" * 64

    def features(self) -> dict[str, float]:
        return {}


class _Unasked(Simulator):
    """Stands for an objective function that the study calls by itself."""

    name, version, default_objective = "optuna", "1", "value_0"
    metrics: tuple[MetricSpec, ...]  # type: ignore[misc]  # as many as the study has values

    def __init__(self, space: DesignSpace, objectives: int) -> None:
        self.workload, self.space, self.options = _Nothing(), space, {}
        self.metrics = tuple(MetricSpec(f"value_{j}") for j in range(objectives))

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        raise ChipgymError("an Optuna study evaluates its trials itself; its sampler's agent cannot")


class Scale:
    """Turns a study's values, which may have any sign and unit, into positive objectives around 1.

    The first value that is told becomes 1. Beyond a hundredth of it values are compared by their ratio, as rewards do,
    and through zero by their difference; the order is kept throughout, and 10 ** ±5 never reached.
    """

    def __init__(self, maximised: Column) -> None:
        """Take which of the values are maximised, shape (m,), bool."""
        self._sign = np.where(maximised, -1.0, 1.0)
        self._first: Column | None = None

    def __call__(self, values: Column) -> Column:
        """Return objectives, shape (n, m), of values of shape (n, m); those that are no finite number are NaN."""
        given = np.where(np.isfinite(values), values, np.nan) * self._sign
        known = given[~np.isnan(given).any(axis=1)]
        if self._first is None:
            if not len(known):
                return np.full(given.shape, np.nan)
            self._first = known[0]
        unit = 2.0 * LINEAR_BELOW * np.where(self._first == 0.0, 1.0, np.abs(self._first))
        decades = (np.arcsinh(given / unit) - np.arcsinh(self._first / unit)) / math.log(10.0)
        objectives: Column = 10.0 ** (decades / np.sqrt(1.0 + (decades / RANGE_DECADES) ** 2))
        return objectives

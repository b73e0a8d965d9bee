"""A machine bound to a workload: the interface that every simulator, table and surrogate offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Workload
from ...errors import ChipgymError, shorten, unknown
from .bottleneck import Bottleneck
from .limit import Limit
from .metrics import Metrics, MetricSpec
from .parameter import Column
from .space import Columns, Designs, DesignSpace

#: Columns that results have beside knobs, metrics and objectives.
BESIDE = frozenset({"feasible", "violation", "reason", "reward", "number", "ask"})


class Simulator(ABC):
    """Evaluates designs of one machine on one workload.

    Pure and deterministic: no files, no globals, safe in threads and processes. A subclass declares the class
    attributes, sets `workload`, `space` and `options` in its constructor, and implements `simulate`.

    Attributes:
        name: as registered.
        version: changes whenever an answer changes, so that old stores are told apart.
        metrics: what `evaluate` answers, in order.
        objectives: presets by name, each an expression over metrics or a list of them (see `parse_objectives`).
        default_objective: what a problem minimises when it is not told.
        targets: published goals by objective, for the target-distance reward of problems that are not given any.
        option_values: by option what it may be, a list of values or words for them; what it lacks may be anything that
            the constructor says.
        chunk: most designs that one call of `simulate` sees, so that memory stays bounded.
        made_of: metrics that are products of others to powers, such as `power_w` of energy and latency, whose parts
            `bottlenecks` tells.
        workload: what the machine runs.
        space: the design space, with defaults.
        options: the simulator's own settings as JSON-able data; part of a problem's identity.
        workload_source: the names or paths that `make_simulator` made the workload from, so that it can be made again;
            empty where it was an object. No part of a problem's identity.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    metrics: ClassVar[tuple[MetricSpec, ...]]
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({})
    default_objective: ClassVar[str]
    targets: ClassVar[Mapping[str, float]] = MappingProxyType({})
    option_values: ClassVar[Mapping[str, Sequence[Any] | str]] = MappingProxyType({})
    chunk: ClassVar[int] = 65536
    made_of: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({})

    workload: Workload
    space: DesignSpace
    options: Mapping[str, Any]
    workload_source: tuple[str, ...] = ()

    @abstractmethod
    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Run the batch kernel: metric columns and violation of checked columns of values.

        Returns:
            A column for each of `metrics` and no others, and the violation, ≥ 0 and 0 where the design can be built;
            all float64 of shape (n,). A design with a cost that is NaN is infeasible, whatever its violation; less
            than 0 of an amount (see `MetricSpec.amount`) is an error.
        """

    @property
    def pareto_preset(self) -> str:
        """The first preset of several objectives: what a multi-objective environment takes if it is not told.

        Raises:
            ChipgymError: there is none.
        """
        for name, expressions in self.objectives.items():
            if not isinstance(expressions, str):
                return name
        raise ChipgymError(f"objective: {self.name} has no preset of several objectives; give a list of them")

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Tell why one design cannot be built: the limits that it is beyond, none where it can be.

        For a person to read beside the violation. A simulator that does not override this names none. Of several
        designs it is the first.

        Raises:
            ChipgymError: as `evaluate`.
        """
        return ()

    @property
    def capacities(self) -> Mapping[str, float]:
        """Metrics above whose value here a design cannot be built, such as a device's utilisation; empty by default."""
        return {}

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design, and which knobs loosen it: broken limits, then parts of metrics, largest first.

        The parts of one metric have shares that add up to 1. A design that cannot be built has its broken limits and
        the parts of those metrics that it has all the same. A simulator that does not break its answers down has none.

        Raises:
            ChipgymError: as `evaluate`, and for several designs where the simulator tells parts.
        """
        return ()

    def evaluate(self, designs: Designs) -> Metrics:
        """Evaluate one or many designs.

        Args:
            designs: a list of dicts, one dict (n = 1), a dict of columns, a pandas or polars table, an integer index
                array (n, p) into the space's grid, or what a search or a table answered: its rows, one or several,
                whose metrics and other results are left aside. A knob left out takes the space's default.

        Returns:
            Columns of shape (n,) by metric name, with `feasible` and `violation`.

        Raises:
            ChipgymError: naming the knob, value and nearest legal choice where a design is malformed or outside the
                domain. An infeasible design is not an error.
        """
        columns, n = self.space.columns(designs, self.beside)
        return self.evaluate_columns(columns, n)

    def evaluate_columns(self, columns: Columns, n: int) -> Metrics:
        """Evaluate complete columns that `space.columns` or `space.decode` has made, as `evaluate` does."""
        if n <= self.chunk:
            return self._simulated(columns, n)
        parts = []
        for start in range(0, n, self.chunk):
            part = {k: v[start : start + self.chunk] for k, v in columns.items()}
            parts.append(self._simulated(part, min(self.chunk, n - start)))
        return Metrics.concatenate(parts)

    def _simulated(self, columns: Columns, n: int) -> Metrics:
        """Call `simulate` once, and check that its answer is what it has to be.

        Raises:
            ChipgymError: naming the simulator, the metric, what was returned and what was expected.
        """
        answer = self.simulate(columns, n)
        if self._plainly_sound(answer, n):
            return Metrics(self.metrics, *answer)
        if fault := self._misshapen(answer, n):
            raise fault
        values, violation = answer
        violation, reasons = self._without_numbers(values, violation)
        self._check_amounts(values, violation, columns)
        return Metrics(self.metrics, values, violation, reasons)

    def _plainly_sound(self, answer: Any, n: int) -> bool:
        """Tell whether nobody need look closer at an answer: a scalar environment waits for this at every step.

        Nothing is NaN and nothing below 0, which holds of nearly every answer, or nothing can be built.
        """
        try:
            values, violation = answer
            buildable = True
            for column in (violation, *values.values()):
                if type(column) is not np.ndarray or column.dtype.char != "d" or column.ndim != 1 or len(column) != n:
                    return False
                if not buildable:  # costs of what cannot be built may be anything
                    continue
                least: float = column.item() if n == 1 else np.minimum.reduce(column)  # as `min`, in half the time
                if not least >= 0.0:
                    return False
                buildable = column is not violation or not least > 0.0
        except (AttributeError, TypeError, ValueError):
            return False
        complete: bool = values.keys() == self._metric_names
        return complete

    @cached_property
    def beside(self) -> frozenset[str]:
        """What rows of results have beside the knobs, which `evaluate` leaves aside: metrics and `BESIDE`."""
        return self._metric_names | BESIDE

    @cached_property
    def _metric_names(self) -> frozenset[str]:
        return frozenset(m.name for m in self.metrics)

    def _misshapen(self, answer: Any, n: int) -> ChipgymError | None:
        """Return what is wrong with the form of an answer of `simulate`, or its violation, if anything."""
        where = f"simulator {self.name}: simulate returned"
        if not isinstance(answer, tuple | list) or len(answer) != 2 or not isinstance(answer[0], Mapping):
            return ChipgymError(f"{where} {shorten(answer)}, expected (metric columns by name, violation)")
        values, violation = answer
        names = [m.name for m in self.metrics]
        for name in names:
            if name not in values:
                return ChipgymError(f"{where} no metric {name!r}, expected {', '.join(names)}")
        for name in values:
            if name not in names:
                return ChipgymError(f"{where} a metric that is not declared: {unknown('metric', name, names)}")
        for name, column in [*((name, values[name]) for name in names), ("violation", violation)]:
            if not isinstance(column, np.ndarray):
                has = shorten(column)
            elif column.shape != (n,) or column.dtype.char != "d":
                has = f"{column.dtype} of shape {column.shape}"
            else:
                continue
            return ChipgymError(f"{where} {name} as {has}, expected a float64 array of shape {(n,)}")
        if n and (violation < 0).any():
            worst = np.nanargmin(violation)
            return ChipgymError(f"{where} violation {violation[worst]:g} for design {worst}, expected 0 or more")
        return None

    def _without_numbers(self, values: Mapping[str, Column], violation: Column) -> tuple[Column, dict[int, str]]:
        """Mark designs infeasible whose costs or violation are not numbers; return the violation, and what is none."""
        reasons: dict[int, str] = {}
        costs = {spec.name: values[spec.name] for spec in self.metrics if spec.cost}
        for name, column in [("violation", violation), *costs.items()]:
            lacking = np.isnan(column) & ~(violation > 0)
            for i in np.flatnonzero(lacking).tolist():
                reasons[i] = f"{reasons[i]}, {name}" if i in reasons else f"not a number: {name}"
        if reasons:
            violation = violation.copy()
            violation[list(reasons)] = np.inf
        return violation, reasons

    def _check_amounts(self, values: Mapping[str, Column], violation: Column, columns: Columns) -> None:
        """Check that a feasible design takes no less than 0 seconds, joules, or of any other amount.

        Raises:
            ChipgymError: naming the simulator, the metric, its value and the design.
        """
        for spec in self.metrics:
            if not spec.amount:
                continue
            wrong = (values[spec.name] < 0) & (violation <= 0)
            if wrong.any():
                i = int(np.argmax(wrong))
                design = ", ".join(f"{name}={column[i]}" for name, column in columns.items())
                raise ChipgymError(
                    f"simulator {self.name}: simulate returned {spec.name} {values[spec.name][i]:g} {spec.unit} for "
                    f"{design}, expected 0 or more"
                )

    def __repr__(self) -> str:
        settings = "".join(f", {name}={shorten(value)}" for name, value in self.options.items())
        return f"{type(self).__name__}({self.workload.name!r}{settings})"

    def identity(self) -> dict[str, Any]:
        """Return what makes two simulators give the same answers, as JSON-able data."""
        return {
            "simulator": self.name,
            "version": self.version,
            "workload": self.workload.name,
            "workload_digest": self.workload.digest,
            "options": dict(self.options),
        }


def relative_excess(needed: Column, limit: Column | float) -> Column:
    """Tell how far `needed` is beyond `limit` ≥ 0, as a fraction of it; 0 where within, `inf` beyond a limit of 0.

    Shapes broadcast to (n,).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(needed <= limit, 0.0, needed / limit - 1.0)

"""A machine bound to a workload: the interface that every simulator, table and surrogate offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Workload
from .metrics import Metrics, MetricSpec
from .parameter import Column
from .space import Columns, Designs, DesignSpace


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
        chunk: most designs that one call of `simulate` sees, so that memory stays bounded.
        workload: what the machine runs.
        space: the design space, with defaults.
        options: the simulator's own settings as JSON-able data; part of a problem's identity.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    metrics: ClassVar[tuple[MetricSpec, ...]]
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({})
    default_objective: ClassVar[str]
    targets: ClassVar[Mapping[str, float]] = MappingProxyType({})
    chunk: ClassVar[int] = 65536

    workload: Workload
    space: DesignSpace
    options: Mapping[str, Any]

    @abstractmethod
    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """The batch kernel: metric columns and violation (float64, each (n,)) of checked columns of values."""

    def evaluate(self, designs: Designs) -> Metrics:
        """Metrics of one or many designs.

        Args:
            designs: a list of dicts, one dict (n = 1), a dict of columns, or an integer index array (n, p) into the
                space's grid. A knob left out takes the space's default.

        Returns:
            Columns of shape (n,) by metric name, with `feasible` and `violation`.

        Raises:
            ChipgymError: naming the knob, value and nearest legal choice where a design is malformed or outside the
                domain. An infeasible design is not an error.
        """
        columns, n = self.space.columns(designs)
        return self.evaluate_columns(columns, n)

    def evaluate_columns(self, columns: Columns, n: int) -> Metrics:
        """As `evaluate`, for complete columns that `space.columns` or `space.decode` has made."""
        if n <= self.chunk:
            return Metrics(self.metrics, *self.simulate(columns, n))
        parts = []
        for start in range(0, n, self.chunk):
            part = {k: v[start : start + self.chunk] for k, v in columns.items()}
            parts.append(Metrics(self.metrics, *self.simulate(part, min(self.chunk, n - start))))
        return Metrics.concatenate(parts)

    def identity(self) -> dict[str, Any]:
        """What makes two simulators give the same answers, as JSON-able data."""
        return {
            "simulator": self.name,
            "version": self.version,
            "workload": self.workload.name,
            "workload_digest": self.workload.digest,
            "options": dict(self.options),
        }


def relative_excess(needed: Column, limit: Column | float) -> Column:
    """How far `needed` is beyond `limit` ≥ 0, as a fraction of the limit; 0 where within, `inf` beyond a limit of 0.

    Shapes broadcast to (n,).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(needed <= limit, 0.0, needed / limit - 1.0)

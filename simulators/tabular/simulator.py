"""The answers of another simulator, looked up in a table of every design."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ...datasets import DesignTable, load_table
from ...errors import ChipgymError, shorten
from ..core import Bottleneck, Column, Columns, Designs, DesignSpace, Indices, MetricSpec, Simulator, make_simulator
from .fields import metrics_of, space_of

# Grid rows up to which each has its own entry in an index of int32 (256 MiB); beyond, keys are searched in order.
MOST_INDEXED = 2**26


class TabularSimulator(Simulator):
    """Answers from a table that `chipgym.collect` wrote, exactly as the simulator that it was collected from.

    Space, metrics, units, objectives and feasibility are the table's. The domain of a knob is the range of its grid,
    and a value within it that is not on the grid cannot be answered. A table of samples knows those alone.

    Args:
        workload: the table: a name of `chipgym.datasets.table_names()`, the path of a Parquet file, or a `DesignTable`.

    Raises:
        ChipgymError: as `load_table`, and for a table whose header and rows do not fit one another.
    """

    name = "tabular"
    version = "1"
    # Every table brings its own.
    metrics: tuple[MetricSpec, ...]  # type: ignore[misc]
    objectives: Mapping[str, str | tuple[str, ...]]  # type: ignore[misc]
    default_objective: str  # type: ignore[misc]
    targets: Mapping[str, float]  # type: ignore[misc]
    chunk = 2**20

    def __init__(self, workload: str | os.PathLike[str] | DesignTable = "systolic-resnet18") -> None:
        table = workload if isinstance(workload, DesignTable) else load_table(workload)
        self.workload = table
        self.options = {}
        self.metrics = metrics_of(table.header)
        self.objectives = dict(table.header.objectives)
        self.default_objective = table.header.default_objective
        self.targets = dict(table.header.targets)
        self.space = space_of(table.header)
        self._strides = _strides(self.space)
        self._keys = table.positions @ self._strides
        _check_rows(table, self.space, self._keys)
        # A row per design, so that all of a design's metrics are in one place in memory.
        self._rows = np.stack([*(table.metrics[m.name] for m in self.metrics), table.violation], axis=1)
        self._number = _index(self._keys, self.space.size)

    @property
    def complete(self) -> bool:
        """Whether the table has every canonical design of its space."""
        return len(self._keys) == self.space.canonical_size

    @property
    def source(self) -> dict[str, Any]:
        """What identifies the simulator that the table was collected from, as its `identity` gives it."""
        return self.workload.header.source if isinstance(self.workload, DesignTable) else {}

    @cached_property
    def _machine(self) -> Simulator | None:
        """The simulator that the table was collected from, made again; None where that is not to be had."""
        if not isinstance(self.workload, DesignTable):
            return None
        header = self.workload.header
        try:
            made = make_simulator(header.simulator, header.workload, **header.options)
        except ChipgymError:
            return None
        same = made.version == header.version and made.workload.digest == header.workload_digest
        return made if same else None

    @property
    def made_of(self) -> Mapping[str, Mapping[str, float]]:  # type: ignore[override]
        """Those of the simulator that the table was collected from, where it can be made again."""
        return {} if self._machine is None else self._machine.made_of

    @property
    def capacities(self) -> Mapping[str, float]:
        """Those of the simulator that the table was collected from, where it can be made again."""
        return {} if self._machine is None else self._machine.capacities

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design, as the simulator that the table was collected from tells it.

        A table has totals only. Nothing where that simulator cannot be made again from what the table says of it: its
        name, version and options, and the name and content of the workload.

        Raises:
            ChipgymError: as `evaluate`, and for several designs.
        """
        return () if self._machine is None else self._machine.bottlenecks(design)

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Look up columns of values.

        Raises:
            ChipgymError: for a value off the table's grid, or a design that a table of samples does not have.
        """
        keys = self.space.canonicalize(self.space.positions(columns, n)) @ self._strides
        if self._number is not None:
            at = self._number[keys]
            found = at >= 0
        else:
            at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            found = self._keys[at] == keys
        if not found.all():
            raise self._missing({name: column[int(np.argmin(found))] for name, column in columns.items()})
        values = self._rows[at]
        return {m.name: values[:, j] for j, m in enumerate(self.metrics)}, values[:, -1]

    def _missing(self, design: Mapping[str, Any]) -> ChipgymError:
        text = ", ".join(f"{name}={value}" for name, value in design.items())
        return ChipgymError(
            f"design: {text} is not among the {len(self._keys)} designs drawn for table {self.workload.name}; "
            "collect every design to search it"
        )


def _strides(space: DesignSpace) -> Indices:
    """Return what one step of each knob adds to a row's number in the grid, shape (p,).

    Raises:
        ChipgymError: for a grid whose rows cannot be numbered with 63 bits.
    """
    if space.size > np.iinfo(np.int64).max:
        raise ChipgymError(f"table: a grid of {space.size:.3g} rows is too large to be looked up; narrow it first")
    sizes = space.sizes.tolist()
    return np.array([math.prod(sizes[j + 1 :]) for j in range(len(sizes))], dtype=np.int64)


def _check_rows(table: DesignTable, space: DesignSpace, keys: Indices) -> None:
    if not len(table):
        raise ChipgymError(f"table {table.name}: has no designs")
    if (np.diff(keys) <= 0).any():
        raise ChipgymError(f"table {table.name}: its designs are not in grid order, or one is in it twice")
    positions = table.positions.astype(np.int64)
    if (space.canonicalize(positions) != positions).any():
        raise ChipgymError(f"table {table.name}: has a design with an inactive knob off its default")
    expected = space.canonical_size if table.header.samples is None else table.header.samples
    if len(table) != expected:
        raise ChipgymError(f"table {table.name}: has {len(table)} designs where its header says {shorten(expected)}")


def _index(keys: Indices, size: int) -> np.ndarray[Any, np.dtype[np.int32]] | None:
    """Return the table's row by number of the grid's row, -1 where it has none; None for a grid too large."""
    if size > MOST_INDEXED:
        return None
    number = np.full(size, -1, dtype=np.int32)
    number[keys] = np.arange(len(keys), dtype=np.int32)
    return number

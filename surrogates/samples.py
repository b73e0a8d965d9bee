"""Evaluated designs of one simulator on several workloads, as models see them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..datasets import DesignTable, KnobField, TableHeader
from ..datasets.table.table import check_numbers
from ..errors import ChipgymError, shorten
from ..files import in_file
from ..simulators import Column, DesignSpace
from ..simulators.tabular import space_of
from .encoding import Encoder

# What the tables of one model share; the workload, and how the designs were drawn, may differ.
_SHARED = ("simulator", "version", "options", "default_objective", "objectives", "targets", "knobs", "metrics")


@dataclass(frozen=True, eq=False)
class Samples:
    """Designs of one or several tables, one after the other.

    Attributes:
        tables: as given, in that order.
    """

    tables: tuple[DesignTable, ...]

    @staticmethod
    def of(tables: DesignTable | Sequence[DesignTable]) -> Samples:
        """Check and join tables that one model can learn from.

        Raises:
            ChipgymError: for none, an empty one, tables of other simulators, spaces or kinds of workload, and
                costs that are no numbers.
        """
        given = (tables,) if isinstance(tables, DesignTable) else tuple(tables)
        for table in given:
            if not isinstance(table, DesignTable):
                raise ChipgymError(f"tables: {shorten(table)} is not a table; chipgym.load_table reads one")
        if not any(len(table) for table in given):
            raise ChipgymError("tables: there is no design to learn from; expected one table or more")
        check_headers([table.header for table in given])
        for table in given:
            with in_file(f"table of {table.header.workload}"):
                check_numbers(table)
        return Samples(given)

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    @property
    def header(self) -> TableHeader:
        """Header of the first table: simulator, knobs and metrics are those of all."""
        return self.tables[0].header

    @cached_property
    def space(self) -> DesignSpace:
        """Design space of the tables."""
        return space_of(self.header)

    @cached_property
    def encoder(self) -> Encoder:
        """What makes features of the designs."""
        return Encoder(self.space, tuple(sorted(self.header.features)))

    @cached_property
    def workload(self) -> Column:
        """Number of each design's table, (n,)."""
        return np.repeat(np.arange(len(self.tables)), [len(table) for table in self.tables])

    @cached_property
    def positions(self) -> Column:
        """Places of each design's values in the grid, (n, p)."""
        return np.concatenate([table.positions for table in self.tables]).astype(np.int64)

    @cached_property
    def design(self) -> Column:
        """A number for each design, (n,): the same for the same design on another workload."""
        _, number = np.unique(self.positions, axis=0, return_inverse=True)
        return number.reshape(-1)

    @cached_property
    def x(self) -> Column:
        """Features, (n, d)."""
        parts = [
            self.encoder.with_workload(self.encoder.designs(table.designs(), len(table)), table.features())
            for table in self.tables
        ]
        return np.concatenate(parts)

    @cached_property
    def violation(self) -> Column:
        """How far beyond the nearest limit, (n,)."""
        return np.concatenate([table.violation for table in self.tables])

    @property
    def feasible(self) -> Column:
        """Which designs can be built, (n,)."""
        return self.violation <= 0

    def metric(self, name: str) -> Column:
        """Return a metric of all designs, (n,), NaN where it means nothing."""
        return np.concatenate([table.metrics[name] for table in self.tables])

    def take(self, chosen: Column) -> Samples:
        """Select some of the designs, by a mask (n,); tables of which none is left are gone."""
        parts = np.split(chosen, np.cumsum([len(table) for table in self.tables])[:-1])
        tables = [_rows(table, part) for table, part in zip(self.tables, parts, strict=True) if part.any()]
        return Samples(tuple(tables))


def _rows(table: DesignTable, chosen: Column) -> DesignTable:
    return dataclasses.replace(
        table,
        header=dataclasses.replace(table.header, samples=int(chosen.sum())),
        positions=table.positions[chosen],
        metrics={name: column[chosen] for name, column in table.metrics.items()},
        violation=table.violation[chosen],
    )


def check_headers(headers: Sequence[TableHeader]) -> None:
    """Check that tables are of the same simulator, space and kind of workload, each workload once.

    Raises:
        ChipgymError: naming the first thing in which two of them differ.
    """
    seen: set[str] = set()
    for header in headers:
        check_alike(headers[0], header)
        if header.workload in seen:
            raise ChipgymError(f"tables: two are of workload {header.workload}; expected one of each")
        seen.add(header.workload)


def check_alike(ours: TableHeader, theirs: TableHeader) -> None:
    """Check that two tables are of the same simulator, space and kind of workload.

    Raises:
        ChipgymError: naming the first thing in which they differ.
    """
    for name in _SHARED:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            raise ChipgymError(
                f"{name}: the table of {theirs.workload} has {_shown(other, mine)}, that of {ours.workload} "
                f"{_shown(mine, other)}; one model is of one simulator and space"
            )
    if set(theirs.features) != set(ours.features):
        raise ChipgymError(f"workload {theirs.workload}: of another kind than {ours.workload}, with other features")


def _shown(value: object, other: object) -> str:
    """Show what tells an entry of a header from another: of knobs and metrics the first that differs."""
    if not isinstance(value, tuple) or not isinstance(other, tuple):
        return shorten(value)
    first = next((v for v in value if v not in other), None)
    if first is None:
        return f"{len(value)} of them"
    if isinstance(first, KnobField):
        return f"{first.name} of {', '.join(map(str, first.values))}"
    return str(first.name)

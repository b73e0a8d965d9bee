"""Evaluated designs of one simulator on one workload, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ChipgymError
from .header import FEASIBLE, VIOLATION, TableHeader

if TYPE_CHECKING:
    import pandas

Column = np.ndarray[Any, np.dtype[Any]]

_DTYPES = {"integer": np.int64, "real": np.float64, "text": np.str_}


class ContentHash:
    """The checksum of a table that arrives in parts: sha256 of the header and of each column's numbers.

    Positions count as little-endian int32, metrics and violation as little-endian float64, so that the checksum
    depends neither on the machine nor on how a file is compressed.
    """

    def __init__(self, header: TableHeader) -> None:
        self._text = header.to_json()
        names = [*(k.name for k in header.knobs), *(m.name for m in header.metrics), VIOLATION]
        self._columns = {name: hashlib.sha256() for name in names}

    def update(self, positions: Column, metrics: Mapping[str, Column], violation: Column) -> None:
        """Take the next rows: positions (n, p), and columns (n,)."""
        columns = iter(self._columns.values())
        for j in range(positions.shape[1]):
            next(columns).update(np.ascontiguousarray(positions[:, j], dtype="<i4").data)
        for column in (*metrics.values(), violation):
            next(columns).update(np.ascontiguousarray(column, dtype="<f8").data)

    def hexdigest(self) -> str:
        """Return the checksum of everything so far."""
        whole = hashlib.sha256(self._text.encode())
        for name, column in self._columns.items():
            whole.update(b"\0" + name.encode() + b"\0" + column.digest())
        return whole.hexdigest()


def check_costs(table: DesignTable) -> None:
    """Check that every feasible design has all of its costs: NaN says that one means nothing.

    Raises:
        ChipgymError: naming the metric, the row and what it has.
    """
    for field in table.header.metrics:
        if field.cost:
            _check_rows(field.name, table.metrics[field.name], table.feasible & np.isnan(table.metrics[field.name]))


def check_numbers(table: DesignTable) -> None:
    """Check that everything that a model may learn is a finite number.

    That is the costs of feasible designs, and all other metrics.

    Raises:
        ChipgymError: naming the metric, the row and what it has.
    """
    for field in table.header.metrics:
        wrong = ~np.isfinite(table.metrics[field.name])
        _check_rows(field.name, table.metrics[field.name], wrong & table.feasible if field.cost else wrong)


def _check_rows(name: str, column: Column, wrong: Column) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ChipgymError(f"{name}: row {row} has {column[row]}, expected a finite number")


@dataclass(frozen=True, eq=False, repr=False)
class DesignTable:
    """n evaluated designs, in grid order (the last knob turns fastest), none twice.

    It stands in for the workload of the simulator that answers from it: it has a name, a digest and features.

    Attributes:
        header: provenance, knobs and metrics.
        positions: each design as places in the knobs' `values`, shape (n, p), int32.
        metrics: by name in the header's order, each (n,) float64, NaN where a cost of an infeasible design is meant.
        violation: how far beyond the nearest limit, shape (n,); 0 where feasible.
    """

    header: TableHeader
    positions: Column
    metrics: Mapping[str, Column]
    violation: Column

    def __len__(self) -> int:
        return len(self.violation)

    def __repr__(self) -> str:
        what = f"{len(self)} designs, {len(self.header.knobs)} knobs, {len(self.metrics)} metrics"
        return f"DesignTable({self.name}: {what})"

    @property
    def name(self) -> str:
        """Simulator and workload, as in `systolic:resnet18`."""
        return f"{self.header.simulator}:{self.header.workload}"

    @cached_property
    def digest(self) -> str:
        """Checksum of header and rows, sha256 in hex."""
        content = ContentHash(self.header)
        content.update(self.positions, self.metrics, self.violation)
        return content.hexdigest()

    def features(self) -> dict[str, float]:
        """Return the features of the workload that the designs were evaluated on."""
        return dict(self.header.features)

    @property
    def feasible(self) -> Column:
        """Which designs can be built and run, shape (n,), bool."""
        return self.violation <= 0

    def designs(self) -> dict[str, Column]:
        """Return the values by knob, each (n,): int64, float64 or text."""
        return {
            k.name: np.array(k.values, dtype=_DTYPES[k.kind])[self.positions[:, j]]
            for j, k in enumerate(self.header.knobs)
        }

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame of one row per design: knobs, metrics, feasible, violation."""
        import pandas as pd

        return pd.DataFrame(
            {**self.designs(), **self.metrics, FEASIBLE: self.feasible, VIOLATION: self.violation},
        )

"""What a simulator answers: columns of numbers with declared units, and how far each design is from feasible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...errors import ChipgymError, unknown
from .parameter import Column

if TYPE_CHECKING:
    import pandas

Goal = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric.

    Attributes:
        name: with its SI unit as the suffix where it has one, as in `latency_s`.
        unit: the unit as text; empty for a count or a fraction.
        doc: one line.
        goal: "max" where more is better (throughput), else "min".
        cost: whether it means nothing for an infeasible design, and is NaN there.
    """

    name: str
    unit: str = ""
    doc: str = ""
    goal: Goal = "min"
    cost: bool = True


FEASIBLE = MetricSpec("feasible", doc="whether the design can be built and run", goal="max", cost=False)
VIOLATION = MetricSpec("violation", doc="how far beyond the nearest limit, 0 where feasible", cost=False)


class Metrics(Mapping[str, Column]):
    """Columns of shape (n,) by metric name, read like a dict; plus `feasible` (bool) and `violation` (≥ 0).

    An infeasible design is a result: its cost columns are NaN.
    """

    __slots__ = ("_columns", "specs")

    def __init__(self, specs: Sequence[MetricSpec], columns: Mapping[str, Column], violation: Column) -> None:
        """Takes float64 columns of shape (n,) for every spec; a design with `violation` > 0 is infeasible."""
        self.specs: tuple[MetricSpec, ...] = tuple(specs)
        feasible = violation <= 0
        whole = np.count_nonzero(feasible) == len(feasible)  # as `all`, of which the call alone takes longer
        table = {spec.name: columns[spec.name] for spec in self.specs}
        if not whole:
            blank = np.where(feasible, 1.0, np.nan)  # once: a choice takes longer than a product
            table |= {spec.name: table[spec.name] * blank for spec in self.specs if spec.cost}
        table["feasible"] = feasible
        table["violation"] = violation
        self._columns = table

    def __getitem__(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            raise unknown("metric", name, self._columns) from None

    def get(self, name: str, default: Any = None) -> Any:
        """The column called `name`, or `default` where there is none."""
        return self._columns.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    # Comparing columns element by element has no single truth value: two answers are equal if they are the same one.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Metrics({self.n} designs: {', '.join(self._columns)})"

    @property
    def n(self) -> int:
        """How many designs were evaluated."""
        return len(self._columns["violation"])

    @property
    def units(self) -> dict[str, str]:
        """Unit by metric name."""
        return {s.name: s.unit for s in self.specs}

    def row(self, i: int) -> dict[str, float]:
        """The metrics of design `i` as plain numbers, without the cost metrics where it is infeasible."""
        feasible = bool(self._columns["feasible"][i])
        return {s.name: float(self._columns[s.name][i]) for s in self.specs if feasible or not s.cost}

    def to_pandas(self) -> pandas.DataFrame:
        """All columns as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(dict(self._columns))

    @staticmethod
    def concatenate(parts: Sequence[Metrics]) -> Metrics:
        """Several batches of one simulator as one."""
        if not parts:
            raise ChipgymError("no metrics to join")
        specs = parts[0].specs
        columns = {s.name: np.concatenate([m[s.name] for m in parts]) for s in specs}
        return Metrics(specs, columns, np.concatenate([m["violation"] for m in parts]))


@dataclass(frozen=True, eq=False)
class Breakdown:
    """The metrics of one design's parts: the layers of a network, the sections of a mapping.

    Attributes:
        names: of the parts, in order.
        kinds: what each part is.
        metrics: one row per part.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    metrics: Metrics

    def __getitem__(self, name: str) -> Column:
        return self.metrics[name]

    def __len__(self) -> int:
        return len(self.names)

    def to_pandas(self) -> pandas.DataFrame:
        """One row per part, indexed by its name."""
        table = self.metrics.to_pandas()
        table.insert(0, "kind", list(self.kinds))
        return table.set_axis(list(self.names), axis=0)


def spec_of(specs: Sequence[MetricSpec], name: str) -> MetricSpec:
    """The spec called `name`.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    for s in (*specs, FEASIBLE, VIOLATION):
        if s.name == name:
            return s
    raise unknown("metric", name, [s.name for s in specs])


def row_dict(columns: Mapping[str, Column], i: int) -> dict[str, Any]:
    """Row `i` of columns as plain Python values."""
    return {name: column[i].item() for name, column in columns.items()}

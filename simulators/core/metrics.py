"""What a simulator answers: columns of numbers with declared units, and how far each design is from feasible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...errors import ChipgymError, unknown
from .parameter import Column

if TYPE_CHECKING:
    import pandas

Goal = Literal["min", "max"]

# What the end of a name says of a metric whose unit was left out.
SUFFIXES: Mapping[str, str] = MappingProxyType({"s": "s", "j": "J", "w": "W", "mm2": "mm2"})
# Units of amounts, of which there is never less than none. A number without a unit may be anything.
AMOUNTS = frozenset(
    {
        *(
            prefix + unit
            for unit in ("s", "J", "W", "Hz")
            for prefix in ("", "f", "p", "n", "u", "µ", "m", "k", "M", "G")
        ),
        *("m2", "mm2", "um2", "µm2", "mm^2", "um^2", "mm²", "µm²"),
        *("cycles", "words", "bytes", "bits", "B", "kB", "KB", "MB", "GB", "KiB", "MiB", "GiB", "TB"),
        *("1/s", "B/s", "KB/s", "MB/s", "GB/s", "bit", "requests"),
    }
)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric.

    Attributes:
        name: with its SI unit as the suffix where it has one, as in `latency_s`.
        unit: the unit as text; empty for a count or a fraction.
        doc: one line.
        goal: "max" where more is better (throughput), else "min".
        cost: whether it means nothing for an infeasible design, and is NaN there.
        signed: whether less than 0 means something though the unit is one of `AMOUNTS`, as of a timing slack.
    """

    name: str
    unit: str = ""
    doc: str = ""
    goal: Goal = "min"
    cost: bool = True
    signed: bool = False

    @property
    def amount(self) -> bool:
        """Whether it is an amount, of which there is never less than none; told by its unit or else its suffix."""
        unit = self.unit or SUFFIXES.get(self.name.rpartition("_")[2], "")
        return unit in AMOUNTS and not self.signed


FEASIBLE = MetricSpec("feasible", doc="whether the design can be built and run", goal="max", cost=False)
VIOLATION = MetricSpec("violation", doc="how far beyond the nearest limit, 0 where feasible", cost=False)


# Shared by nearly all answers, and picklable, which a read-only view is not.
NO_REASONS: Mapping[int, str] = {}


class Metrics(Mapping[str, Column]):
    """Columns of shape (n,) by metric name, read like a dict; plus `feasible` (bool) and `violation` (≥ 0).

    An infeasible design is a result: its cost columns are NaN.

    Attributes:
        specs: of the metrics, in order.
        reasons: by position among the n, why a design is infeasible that no limit says it of: what is not a number,
            or what its simulation raised. Most answers have none.
    """

    __slots__ = ("_columns", "reasons", "specs")

    def __init__(
        self,
        specs: Sequence[MetricSpec],
        columns: Mapping[str, Column],
        violation: Column,
        reasons: Mapping[int, str] = NO_REASONS,
    ) -> None:
        """Take float64 columns of shape (n,) for every spec; a design with `violation` > 0 is infeasible."""
        self.reasons = reasons
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
        """Return the column called `name`, or `default` where there is none."""
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
        """Return the metrics of design `i` as plain numbers, without the cost metrics where it is infeasible."""
        feasible = bool(self._columns["feasible"][i])
        return {s.name: float(self._columns[s.name][i]) for s in self.specs if feasible or not s.cost}

    def to_pandas(self) -> pandas.DataFrame:
        """Return all columns as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(dict(self._columns))

    @staticmethod
    def concatenate(parts: Sequence[Metrics]) -> Metrics:
        """Join several batches of one simulator."""
        if not parts:
            raise ChipgymError("no metrics to join")
        specs = parts[0].specs
        columns = {s.name: np.concatenate([m[s.name] for m in parts]) for s in specs}
        reasons: dict[int, str] = {}
        start = 0
        for part in parts:
            reasons |= {start + i: reason for i, reason in part.reasons.items()}
            start += part.n
        return Metrics(specs, columns, np.concatenate([m["violation"] for m in parts]), reasons)


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
        """Return one row per part, indexed by its name."""
        table = self.metrics.to_pandas()
        table.insert(0, "kind", list(self.kinds))
        return table.set_axis(list(self.names), axis=0)


def spec_of(specs: Sequence[MetricSpec], name: str) -> MetricSpec:
    """Return the spec called `name`.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    for s in (*specs, FEASIBLE, VIOLATION):
        if s.name == name:
            return s
    raise unknown("metric", name, [s.name for s in specs])


def row_dict(columns: Mapping[str, Column], i: int) -> dict[str, Any]:
    """Return row `i` of columns as plain Python values."""
    return {name: column[i].item() for name, column in columns.items()}

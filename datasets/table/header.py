"""What a table of evaluated designs says of itself: where its rows come from, its knobs and its metrics."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_type_hints

from ...errors import ChipgymError, shorten, unknown
from ...files import reading

#: The layout of header and columns; a reader refuses any other.
FORMAT = 2

Kind = Literal["integer", "real", "text"]
Value = int | float | str

# Columns that every table has beside its knobs and metrics.
FEASIBLE, VIOLATION = "feasible", "violation"

_PYTHON: Mapping[str, type | tuple[type, ...]] = {"integer": int, "real": (int, float), "text": str}

F = TypeVar("F", "KnobField", "MetricField")


@dataclass(frozen=True, slots=True)
class KnobField:
    """One knob of the table's designs.

    Attributes:
        name: of the knob and its column.
        kind: "integer", "real" or "text".
        values: the grid that the designs are taken from, in its order.
        default: one of the values.
        unit: as text, empty for a plain number.
        ordinal: whether the order of the values means something.
        condition: the settings of earlier knobs under which the knob is active, as (name, values); all must hold.
        subsystem: the part of the machine that it belongs to.
        doc: one line.
    """

    name: str
    kind: Kind
    values: tuple[Value, ...]
    default: Value
    unit: str = ""
    ordinal: bool = True
    condition: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    subsystem: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class MetricField:
    """One metric of the table's designs.

    Attributes:
        name: of the metric and its column.
        unit: as text, empty for a count or a fraction.
        doc: one line.
        goal: "min" or "max".
        cost: whether it is NaN where a design is infeasible.
        signed: whether less than 0 means something though the unit is one of amounts; written only where it does.
    """

    name: str
    unit: str = ""
    doc: str = ""
    goal: Literal["min", "max"] = "min"
    cost: bool = True
    signed: bool = False


@dataclass(frozen=True)
class TableHeader:
    """Provenance and columns of a table.

    Attributes:
        chipgym: version of the package that evaluated the designs.
        simulator: registered name.
        version: the simulator's own version.
        sources: sha256 in hex of the simulator's source files.
        options: the simulator's settings.
        workload: its name.
        workload_digest: sha256 in hex of its content.
        features: the workload's features.
        default_objective: what a problem on the table minimises when it is not told.
        objectives: presets by name, each an expression over metrics or several.
        targets: published goals by objective.
        knobs: the design space, in order.
        metrics: in order.
        samples: how many designs were drawn; None where the table has every canonical design of the space.
        seed: of the draw; None where there was none.
        agents: names of those that proposed the designs; None where no agent did.
        searched: what those searched for, each an expression; None for the default objective.
    """

    chipgym: str
    simulator: str
    version: str
    sources: str
    options: Mapping[str, Any]
    workload: str
    workload_digest: str
    features: Mapping[str, float]
    default_objective: str
    objectives: Mapping[str, str | tuple[str, ...]]
    targets: Mapping[str, float]
    knobs: tuple[KnobField, ...]
    metrics: tuple[MetricField, ...]
    samples: int | None = None
    seed: int | None = None
    agents: tuple[str, ...] | None = None
    searched: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        names = [*(k.name for k in self.knobs), *(m.name for m in self.metrics), FEASIBLE, VIOLATION]
        for name in names:
            if names.count(name) > 1:
                raise ChipgymError(f"table: two of its columns would be called {name!r}")

    @property
    def source(self) -> dict[str, Any]:
        """What identifies the simulator that evaluated the designs, as `Simulator.identity` gives it."""
        return {
            "simulator": self.simulator,
            "version": self.version,
            "workload": self.workload,
            "workload_digest": self.workload_digest,
            "options": dict(self.options),
        }

    @property
    def identity(self) -> dict[str, Any]:
        """What tells two tables apart, the most telling first, as JSON-able data."""
        return {
            **self.source,
            "space": {k.name: list(k.values) for k in self.knobs},
            "samples": self.samples,
            "seed": self.seed,
            **{name: list(texts) for name in _OPTIONAL if (texts := getattr(self, name))},
            "sources": self.sources,
            "chipgym": self.chipgym,
        }

    def to_json(self) -> str:
        """Write compact JSON, the same text for equal headers."""
        data = {"format": FORMAT, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}}
        for name in _OPTIONAL:
            if data[name] is None:  # as in tables from before there were any
                del data[name]
        data["knobs"] = [dataclasses.asdict(k) for k in self.knobs]
        data["metrics"] = [dataclasses.asdict(m) for m in self.metrics]
        for metric in data["metrics"]:
            if not metric["signed"]:  # as in tables from before there were any
                del metric["signed"]
        return json.dumps(_plain(data), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> TableHeader:
        """Read a header as `to_json` writes it.

        Raises:
            ChipgymError: for another format, or naming the first entry that is not what it should be.
        """
        with reading("header is not JSON"):
            data = json.loads(text, parse_constant=_no_number)
        if not isinstance(data, dict):
            raise ChipgymError("header is not a JSON object")
        found = data.pop("format", None)
        if found != FORMAT:
            raise ChipgymError(f"format: the table has {shorten(found)}, this version of chipgym reads {FORMAT}")
        for name in _OPTIONAL:
            data[name] = _listed_texts(name, data[name]) if name in data else None
        _check_entries(data, TableHeader, "header")
        for name, kind in _HEADER_TYPES.items():
            if not isinstance(data[name], kind) or isinstance(data[name], bool):
                raise ChipgymError(f"header: {name} is {shorten(data[name])}")
        data["objectives"] = {name: _texts(name, value) for name, value in data["objectives"].items()}
        data["features"] = {name: _number("feature", name, value) for name, value in data["features"].items()}
        data["targets"] = {name: _number("target", name, value) for name, value in data["targets"].items()}
        data["knobs"] = tuple(_knob(entry) for entry in data["knobs"])
        data["metrics"] = tuple(_metric(entry) for entry in data["metrics"])
        header = TableHeader(**data)
        with reading("header has what cannot be written again"):  # half of a letter, or nested too deeply
            header.to_json().encode()
        return header


# Entries of tables that agents had a part in, each a list of texts; no other table has them.
_OPTIONAL = ("agents", "searched")

_NUMBER = (int, type(None))
_HEADER_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "chipgym": str, "simulator": str, "version": str, "sources": str, "options": dict, "workload": str,
    "workload_digest": str, "features": dict, "default_objective": str, "objectives": dict, "targets": dict,
    "knobs": list, "metrics": list, "samples": _NUMBER, "seed": _NUMBER,
}  # fmt: skip


def _plain(value: object) -> Any:
    """Return JSON data in which an infinite number is the text "inf" or "-inf", as JSON has none."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _no_number(text: str) -> object:
    """Refuse NaN and Infinity, which Python would read: JSON as this module writes it has none."""
    raise ValueError(f"it has {text}")


def _check_entries(data: object, cls: type, what: str) -> None:
    """Check that a JSON object has exactly the fields of a dataclass."""
    if not isinstance(data, dict):
        raise ChipgymError(f"{what}: {shorten(data)} is not a JSON object")
    expected = {f.name for f in dataclasses.fields(cls)}
    for name in sorted(set(data) - expected):
        raise unknown(f"entry of the {what}", name, expected)
    for name in sorted(expected - set(data)):
        raise ChipgymError(f"{what}: there is no entry {name}")


def _field(entry: object, cls: type[F], what: str) -> F:
    """Make a field from a JSON object whose entries have the types that the class declares."""
    _check_entries(entry, cls, what)
    data = cast(dict[str, Any], entry)
    hints = get_type_hints(cls)
    for name, value in data.items():
        if hints[name] in (str, bool) and not isinstance(value, hints[name]):
            raise ChipgymError(f"{what}: {name} is {shorten(value)}")
    return cls(**data)


def _metric(entry: object) -> MetricField:
    field = _field({"signed": False, **entry} if isinstance(entry, dict) else entry, MetricField, "metric")
    if field.goal not in ("min", "max"):
        raise ChipgymError(f"metric {shorten(field.name)}: goal is {shorten(field.goal)}, expected min or max")
    return field


def _knob(entry: object) -> KnobField:
    field = _field(entry, KnobField, "knob")
    if not isinstance(field.kind, str) or field.kind not in _PYTHON:
        raise ChipgymError(f"knob {shorten(field.name)}: kind is {shorten(field.kind)}, expected {', '.join(_PYTHON)}")
    if not isinstance(field.values, list) or not isinstance(field.condition, list):
        raise ChipgymError(f"knob {shorten(field.name)}: values or condition is not a list")
    condition = []
    for clause in field.condition:
        if not (isinstance(clause, list) and len(clause) == 2 and isinstance(clause[0], str)):
            raise ChipgymError(f"knob {shorten(field.name)}: {shorten(clause)} is not a condition")
        condition.append((clause[0], _texts_or_numbers(field.name, clause[1])))
    return dataclasses.replace(
        field,
        values=tuple(_value(field, v) for v in field.values),
        default=_value(field, field.default),
        condition=tuple(condition),
    )


def _value(field: KnobField, value: object) -> Value:
    if field.kind == "real" and value in ("inf", "-inf"):
        return float(value)
    if not isinstance(value, _PYTHON[field.kind]) or isinstance(value, bool) or not _is_in_range(value):
        raise ChipgymError(f"knob {shorten(field.name)}: {shorten(value)} is not of kind {field.kind}")
    return float(cast(float, value)) if field.kind == "real" else cast(Value, value)


def _is_in_range(value: object) -> bool:
    """Tell whether a column has room for a number: whole ones have 64 bits."""
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _texts_or_numbers(name: str, values: object) -> tuple[Value, ...]:
    if not isinstance(values, list) or not all(isinstance(v, int | float | str) for v in values):
        raise ChipgymError(f"knob {shorten(name)}: {shorten(values)} is not a list of values")
    return tuple(values)


def _listed_texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ChipgymError(f"header: {name} is {shorten(value)}")
    return tuple(value)


def _texts(name: str, value: object) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise ChipgymError(f"objective {shorten(name)}: {shorten(value)} is neither an expression nor a list of them")


def _number(what: str, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_in_range(value):
        raise ChipgymError(f"{what} {shorten(name)}: {shorten(value)} is not a number")
    if not math.isfinite(value):
        raise ChipgymError(f"{what} {shorten(name)}: {value} is not a finite number")
    return float(value)

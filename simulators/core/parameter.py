"""A design knob: the finite grid that search walks, and the wider domain that `evaluate` accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ChipgymError, shorten, unknown

Value = int | float | str
Column = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Integers:
    """Whole numbers in [low, high]."""

    low: int
    high: int
    dtype = np.dtype(np.int64)

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def column(self, name: str, values: object) -> Column:
        """`values` as an int64 column of shape (n,).

        Raises:
            ChipgymError: for the first value that is not a whole number within the bounds.
        """
        raw = _plain_column(values)
        if raw.dtype.kind not in "iu":
            try:
                real = np.asarray(raw, dtype=np.float64)
            except (TypeError, ValueError, OverflowError):
                real = np.full(len(raw), np.nan)
            wrong = ~((real >= self.low) & (real <= self.high) & (real == np.floor(real)))
            wrong |= _is_bool(raw)
        else:
            wrong = (raw < self.low) | (raw > self.high)
        if wrong.any():
            raise _outside(name, raw[int(np.argmax(wrong))], self)
        return raw.astype(np.int64) if raw.dtype != np.int64 else raw


@dataclass(frozen=True, slots=True)
class Reals:
    """Real numbers in [low, high], and `inf` where `infinite` says that no limit is a meaningful setting."""

    low: float
    high: float
    infinite: bool = False
    dtype = np.dtype(np.float64)

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}" + (" or inf" if self.infinite else "")

    def column(self, name: str, values: object) -> Column:
        """`values` as a float64 column of shape (n,).

        Raises:
            ChipgymError: for the first value that is not a number within the bounds.
        """
        raw = _plain_column(values)
        try:
            real = np.asarray(raw, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            real = np.array([_float_or_nan(v) for v in raw])
        wrong = ~((real >= self.low) & (real <= self.high)) | _is_bool(raw) | (raw.dtype.kind in "US")
        if self.infinite:
            wrong &= ~np.isposinf(real)
        if wrong.any():
            raise _outside(name, raw[int(np.argmax(wrong))], self)
        return real


@dataclass(frozen=True, slots=True)
class Choices:
    """One of a few named values."""

    names: tuple[str, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(f"<U{max(len(n) for n in self.names)}")

    def __str__(self) -> str:
        return "one of " + ", ".join(self.names)

    def column(self, name: str, values: object) -> Column:
        """`values` as a text column of shape (n,).

        Raises:
            ChipgymError: for the first value that is not one of the names.
        """
        raw = _plain_column(values)
        known = np.isin(raw, self.names) if raw.dtype.kind == "U" else np.array([v in self.names for v in raw], bool)
        if not known.all():
            raise unknown(f"value of {name}:", _python(raw[int(np.argmin(known))]), self.names)
        return raw.astype(self.dtype)


Domain = Integers | Reals | Choices


@dataclass(frozen=True, slots=True)
class Condition:
    """The settings of other knobs under which a knob means anything: every clause must hold."""

    clauses: tuple[tuple[str, tuple[Value, ...]], ...]

    def __str__(self) -> str:
        return " and ".join(f"{name} is {' or '.join(map(str, values))}" for name, values in self.clauses)


def when(**clauses: Value | Iterable[Value]) -> Condition:
    """A condition, as in `when(refresh_policy="all_bank", arbiter=("fifo", "reorder"))`."""
    return Condition(tuple((k, _tuple(v)) for k, v in clauses.items()))


@dataclass(frozen=True)
class Parameter:
    """One knob of a design.

    Attributes:
        name: the name used in designs, constraints and tables.
        values: the grid that search walks, in order; never empty, no repeats.
        domain: what `evaluate` accepts beyond the grid; the grid's own range by default.
        default: the value of a design that leaves the knob out; the first of the grid by default.
        unit: SI or the field's unit, empty for a plain number.
        ordinal: whether the order of the values means something (sizes), or not (policies).
        condition: when the knob is active; None is always. An inactive knob changes nothing.
        subsystem: the part of the machine that it belongs to, for searches with one agent per part.
        doc: one line.
    """

    name: str
    values: tuple[Value, ...]
    domain: Domain | None = None
    default: Value | None = None
    unit: str = ""
    ordinal: bool | None = None
    condition: Condition | None = None
    subsystem: str = ""
    doc: str = ""
    column_values: Column = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.values:
            raise ChipgymError(f"{self.name}: values is empty, expected at least one")
        if len(set(self.values)) != len(self.values):
            raise ChipgymError(f"{self.name}: values {shorten(self.values)} repeat one")
        text = any(isinstance(v, str) for v in self.values)
        if self.domain is None:
            object.__setattr__(self, "domain", _domain_of(self.values))
        if self.ordinal is None:
            object.__setattr__(self, "ordinal", not text)
        if self.ordinal and list(self.values) != sorted(self.values):  # type: ignore[type-var]
            raise ChipgymError(f"{self.name}: values {shorten(self.values)} of an ordinal knob must ascend")
        if self.default is None:
            object.__setattr__(self, "default", self.values[0])
        column = self.accepts.column(self.name, list(self.values))
        column.setflags(write=False)
        object.__setattr__(self, "column_values", column)
        if self.default not in self.values:
            raise ChipgymError(f"{self.name}: default {shorten(self.default)} is not one of {shorten(self.values)}")

    @property
    def accepts(self) -> Domain:
        """The domain, resolved."""
        assert self.domain is not None
        return self.domain

    @property
    def size(self) -> int:
        """How many values the grid has."""
        return len(self.values)

    @property
    def default_index(self) -> int:
        """The grid position of the default."""
        assert self.default is not None
        return self.values.index(self.default)

    def nearest_index(self, value: Value) -> int:
        """The grid position of `value`, or of the value closest to it (the first for a categorical knob)."""
        if value in self.values:
            return self.values.index(value)
        if not self.ordinal:
            return 0
        with np.errstate(invalid="ignore"):
            gaps = np.abs(self.column_values.astype(np.float64) - float(value))
        return int(np.argmin(np.nan_to_num(gaps, nan=np.inf)))

    def describe(self) -> Mapping[str, Any]:
        """The knob as JSON-able data: what a store keeps, and what another program reads."""
        return {
            "name": self.name,
            "values": list(self.values),
            "accepts": str(self.accepts),
            "default": self.default,
            "unit": self.unit,
            "ordinal": bool(self.ordinal),
            "active_when": str(self.condition) if self.condition else None,
            "doc": self.doc,
        }


def _tuple(values: Value | Iterable[Value]) -> tuple[Value, ...]:
    return (values,) if isinstance(values, str | int | float) else tuple(values)


def _domain_of(values: tuple[Value, ...]) -> Domain:
    if all(isinstance(v, str) for v in values):
        return Choices(tuple(str(v) for v in values))
    if any(isinstance(v, str) for v in values):
        raise ChipgymError(f"values {shorten(values)} mix text and numbers")
    if all(isinstance(v, int) for v in values):
        return Integers(int(min(values)), int(max(values)))
    return Reals(float(min(values)), float(max(values)))


def _plain_column(values: object) -> Column:
    """A 1-d array; objects (and so Python's own types) where numpy would silently convert a mixture."""
    if isinstance(values, np.ndarray):
        return values.reshape(-1) if values.ndim == 0 else values
    items = list(values)  # type: ignore[call-overload]
    if len({type(v) for v in items}) == 1 and isinstance(items[0], int | float | str | np.generic):
        try:
            return np.array(items)
        except OverflowError:  # an int beyond 64 bits
            pass
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out


def _is_bool(raw: Column) -> Column:
    if raw.dtype.kind == "b":
        return np.ones(len(raw), bool)
    if raw.dtype.kind == "O":
        return np.array([isinstance(v, bool | np.bool_ | str | bytes) for v in raw], bool)
    return np.zeros(len(raw), bool)


def _float_or_nan(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _python(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _outside(name: str, value: object, domain: Domain) -> ChipgymError:
    value = _python(value)
    hint = ""
    if isinstance(domain, Integers | Reals) and isinstance(value, int | float) and not isinstance(value, bool):
        if value == value:  # not NaN
            near = min(max(value, domain.low), domain.high)
            hint = f"; nearest is {round(near) if isinstance(domain, Integers) else near:g}"
    return ChipgymError(f"{name}: {shorten(value)} is not {domain}{hint}")

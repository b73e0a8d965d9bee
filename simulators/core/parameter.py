"""A design knob: the finite grid that search walks, and the wider domain that `evaluate` accepts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ChipgymError, shorten, unknown

Value = int | float | str
Column = np.ndarray[Any, np.dtype[Any]]

# Entries of a column up to which a dict answers before numpy has begun.
FEW = 8
# Legal numbers that a message lists.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Integers:
    """Whole numbers in [low, high], or of these `only` some, ascending from low to high."""

    low: int
    high: int
    only: tuple[int, ...] = ()
    dtype = np.dtype(np.int64)

    def __post_init__(self) -> None:
        ends = (self.only[0], self.only[-1]) if self.only else (self.low, self.high)
        if ends != (self.low, self.high) or list(self.only) != sorted(set(self.only)):
            raise ChipgymError(f"only: {shorten(self.only)} does not ascend from {self.low} to {self.high}")

    def __str__(self) -> str:
        if self.only:
            shown = ", ".join(map(str, self.only[:SHOWN])) + (f", … {self.high}" if len(self.only) > SHOWN else "")
            return f"one of {shown}"
        return f"a whole number from {self.low} to {self.high}"

    def column(self, name: str, values: object) -> Column:
        """Return `values` as an int64 column of shape (n,).

        Raises:
            ChipgymError: for the first value that is not a whole number within the bounds.
        """
        raw = _plain_column(values)
        numbers = _numbers(raw)
        right = (numbers >= self.low) & (numbers <= self.high)
        if numbers.dtype.kind == "f":
            right &= numbers == np.floor(numbers)
        if self.only:
            right &= np.isin(numbers, self.only)
        if not right.all():
            raise _outside(name, raw[int(np.argmin(right))], self)
        return raw.astype(np.int64)


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
        """Return `values` as a float64 column of shape (n,).

        Raises:
            ChipgymError: for the first value that is not a number within the bounds.
        """
        raw = _plain_column(values)
        real = _numbers(raw).astype(np.float64)
        right = (real >= self.low) & (real <= self.high)
        if self.infinite:
            right |= np.isposinf(real)
        if not right.all():
            raise _outside(name, raw[int(np.argmin(right))], self)
        return real + 0.0  # one zero: -0.0 is the same hardware as 0.0


@dataclass(frozen=True, slots=True)
class Choices:
    """One of a few named values."""

    names: tuple[str, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Text as long as the longest name."""
        return np.dtype(f"<U{max(len(n) for n in self.names)}")

    def __str__(self) -> str:
        return "one of " + ", ".join(self.names)

    def column(self, name: str, values: object) -> Column:
        """Return `values` as a text column of shape (n,).

        Raises:
            ChipgymError: for the first value that is not one of the names.
        """
        raw = _plain_column(values)
        if raw.dtype.kind == "U":
            known = among(raw, self.names)
        else:
            known = np.array([isinstance(v, str) and v in self.names for v in raw], bool)
        if not known.all():
            raise unknown(f"value of {name}:", _python(raw[int(np.argmin(known))]), self.names)
        return raw.astype(self.dtype)


Domain = Integers | Reals | Choices


@dataclass(frozen=True, slots=True)
class Condition:
    """The settings of other knobs under which a knob means anything: every clause must hold."""

    clauses: tuple[tuple[str, tuple[Value, ...]], ...]

    def holds(self, design: Mapping[str, Value]) -> bool:
        """Tell whether a complete design meets it."""
        return all(design[name] in values for name, values in self.clauses)

    def __str__(self) -> str:
        return " and ".join(f"{name} is {' or '.join(map(str, values))}" for name, values in self.clauses)


def when(**clauses: Value | Iterable[Value]) -> Condition:
    """Make a condition, as in `when(refresh_policy="all_bank", arbiter=("fifo", "reorder"))`."""
    return Condition(tuple((k, (v,) if isinstance(v, str | int | float) else tuple(v)) for k, v in clauses.items()))


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
    _place: Mapping[Value, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.values:
            raise ChipgymError(f"{self.name}: values is empty, expected at least one")
        if self.domain is None:
            object.__setattr__(self, "domain", domain_of(self.name, self.values))
        column = self.accepts.column(self.name, self.values)
        column.setflags(write=False)
        object.__setattr__(self, "column_values", column)
        # As the domain has them, so that a grid of 100, 200 over real numbers reads 100.0, 200.0 everywhere.
        object.__setattr__(self, "values", tuple(column.tolist()))
        if len(set(self.values)) != len(self.values):
            raise ChipgymError(f"{self.name}: values {shorten(self.values)} repeat one")
        object.__setattr__(self, "_place", {value: i for i, value in enumerate(self.values)})
        text = isinstance(self.accepts, Choices)
        if self.ordinal is None:
            object.__setattr__(self, "ordinal", not text)
        if self.ordinal and (text or list(self.values) != sorted(self.values)):
            raise ChipgymError(
                f"{self.name}: values {shorten(self.values)} of an ordinal knob are not ascending numbers"
            )
        if self.default is not None and self.default not in self.values:
            raise ChipgymError(f"{self.name}: default {shorten(self.default)} is not one of {shorten(self.values)}")
        position = 0 if self.default is None else self.values.index(self.default)
        object.__setattr__(self, "default", self.values[position])

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
        """Return the grid position of `value`, or of the value closest to it (the first for a categorical knob)."""
        if value in self.values:
            return self.values.index(value)
        if not self.ordinal:
            return 0
        with np.errstate(invalid="ignore"):
            gaps = np.abs(self.column_values.astype(np.float64) - float(value))
        return int(np.argmin(np.nan_to_num(gaps, nan=np.inf)))

    def positions(self, column: Column) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the grid position of each entry of a column of the domain's type, shape (n,); -1 where off grid."""
        if len(column) <= FEW:
            return np.array([self._place.get(value, -1) for value in column.tolist()], dtype=np.int64)
        if self.ordinal:
            at = np.minimum(np.searchsorted(self.column_values, column), self.size - 1)
            return np.where(self.column_values[at] == column, at, -1)
        found = np.full(len(column), -1, dtype=np.int64)
        for i, value in enumerate(self.values):
            found[column == value] = i
        return found

    def describe(self) -> Mapping[str, Any]:
        """Return the knob as JSON-able data: what a store keeps, and what another program reads."""
        return {
            "name": self.name,
            "values": list(self.values),
            "accepts": str(self.accepts),
            "default": self.default,
            "unit": self.unit,
            "ordinal": bool(self.ordinal),
            "active_when": str(self.condition) if self.condition else None,
            "subsystem": self.subsystem,
            "doc": self.doc,
        }


def is_column(values: object) -> bool:
    """Tell whether `values` is several values (a list, an array, a column of a table) and not one."""
    return isinstance(values, list | tuple | range) or getattr(values, "ndim", 0) > 0


def among(column: Column, values: Iterable[Value]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which entries of a column are one of a few values, shape (n,); quicker than `np.isin`, which sorts."""
    found = np.zeros(len(column), dtype=bool)
    for value in values:
        found |= column == value
    return found


def domain_of(name: str, values: tuple[Value, ...]) -> Domain:
    """Return the smallest domain that holds the values.

    Raises:
        ChipgymError: naming the knob, where they are text and numbers.
    """
    if all(isinstance(v, str) for v in values):
        return Choices(tuple(str(v) for v in values))
    if any(isinstance(v, str) for v in values):
        raise ChipgymError(f"{name}: values {shorten(values)} mix text and numbers")
    if all(isinstance(v, int | np.integer) for v in values):
        return Integers(int(min(values)), int(max(values)))
    return Reals(float(min(values)), float(max(values)))


def _plain_column(values: object) -> Column:
    """Make a 1-d array of numbers or text; of objects where numpy would silently convert or spread what it is given."""
    if getattr(values, "ndim", 0) > 0:
        values = np.asarray(values)
        if values.ndim == 1 and values.dtype.kind in "iufU":
            return values
    items = [v.item() if isinstance(v, np.ndarray) and v.ndim == 0 else v for v in values]  # type: ignore[attr-defined]
    kinds = {type(v) for v in items}
    if len(kinds) == 1 and issubclass(kind := kinds.pop(), int | float | str | np.integer | np.floating):
        plain = np.array(items)
        if plain.dtype.kind in ("iu" if issubclass(kind, int | np.integer) else "fU"):  # no bool, no int beyond 64 bits
            return plain
    out = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        out[i] = item
    return out


def _numbers(raw: Column) -> Column:
    """Return a plain column as numbers, NaN where an entry is none: text, bools and numbers beyond a float are none."""
    return raw if raw.dtype.kind in "iuf" else np.array([_float_or_nan(v) for v in raw], dtype=np.float64)


def _float_or_nan(value: object) -> float:
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _python(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _outside(name: str, wrong: object, domain: Domain) -> ChipgymError:
    value: Any = _python(wrong)
    hint = ""
    near: Any = None
    number = isinstance(value, int | float) and not isinstance(value, bool) and value == value  # not NaN
    if number and isinstance(domain, Integers | Reals):
        near = bound = min(max(value, domain.low), domain.high)
        if isinstance(domain, Integers):
            near = min(domain.only, key=lambda legal: abs(legal - bound)) if domain.only else round(bound)
        hint = f"; nearest is {near if isinstance(near, int) else format(near, 'g')}"
    return ChipgymError(
        f"{name}: {shorten(value)} is not {domain}{hint}",
        field=name, value=value, expected=str(domain), nearest=near, code="bad_value",
    )  # fmt: skip

"""The designs that a search may propose: a finite grid over parameters, and the designs it stands for.

In search and environments a design is a row of an integer index matrix of shape (n, p); a simulator's kernel and a
store see columns of values. A batch is the normal case and one design is n = 1.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...errors import ChipgymError, shorten, unknown
from .canonical import canonical_size
from .moves import Moves
from .parameter import Column, Condition, Parameter, Value, among, is_column

if TYPE_CHECKING:
    from gymnasium.spaces import MultiDiscrete

Design = Mapping[str, Any]
Indices = np.ndarray[Any, np.dtype[np.int64]]
Columns = dict[str, Column]


#: What the names of objectives begin with in tables of results.
OBJECTIVE = "objective:"


class Table(Protocol):
    """A table with a column per knob, as pandas and polars have them."""

    @property
    def columns(self) -> Any:
        """Names of the columns."""

    def __getitem__(self, name: Any, /) -> Any: ...


Designs = Design | Sequence[Design] | np.ndarray[Any, np.dtype[Any]] | Table


@dataclass(frozen=True)
class DesignSpace:
    """An ordered tuple of parameters.

    A parameter's condition may only name parameters that come before it.
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        seen: dict[str, Parameter] = {}
        for p in self.parameters:
            if p.name in seen:
                raise ChipgymError(f"{p.name}: declared twice")
            for name, values in p.condition.clauses if p.condition else ():
                if name not in seen:
                    raise ChipgymError(f"{p.name}: its condition names {name!r}, which is not declared before it")
                seen[name].accepts.column(f"{p.name}: its condition on {name}", values)
            seen[p.name] = p

    # --- what there is -------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names, in order."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def sizes(self) -> Indices:
        """Grid size of each parameter, shape (p,)."""
        return np.array([p.size for p in self.parameters], dtype=np.int64)

    @cached_property
    def size(self) -> int:
        """How many index rows there are: the exact product of the grid sizes."""
        return math.prod(p.size for p in self.parameters)

    @cached_property
    def canonical_size(self) -> int:
        """How many different machines there are: `size` with inactive parameters at their defaults."""
        return canonical_size(self.parameters)

    @cached_property
    def default(self) -> dict[str, Value]:
        """The design that a person would start from; what a knob left out takes."""
        return {p.name: p.default for p in self.parameters if p.default is not None}

    @cached_property
    def default_indices(self) -> Indices:
        """The default design as an index row, shape (p,)."""
        return np.array([p.default_index for p in self.parameters], dtype=np.int64)

    def __repr__(self) -> str:
        size = f"{self.size:,}" if self.size < 10**15 else f"10^{math.log10(self.size):.0f}"
        return f"DesignSpace({', '.join(self.names)}: {size} designs)"

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Parameter:
        for p in self.parameters:
            if p.name == name:
                return p
        raise unknown("parameter", name, self.names)

    def subsystems(self) -> dict[str, tuple[str, ...]]:
        """Return the parameter names by the subsystem that they belong to."""
        groups: dict[str, tuple[str, ...]] = {}
        for p in self.parameters:
            groups[p.subsystem] = (*groups.get(p.subsystem, ()), p.name)
        return groups

    def describe(self) -> list[Mapping[str, Any]]:
        """Return the space as JSON-able data."""
        return [p.describe() for p in self.parameters]

    # --- index rows ----------------------------------------------------------------------------------------------

    def sample(self, n: int, rng: np.random.Generator) -> Indices:
        """Draw `n` rows uniformly from the grid, made canonical; shape (n, p)."""
        return self.canonicalize(rng.integers(0, self.sizes, size=(n, len(self.parameters))))

    def enumerate(self, start: int = 0, stop: int | None = None) -> Indices:
        """Return rows `start` to `stop` of the whole grid in mixed-radix order (the last parameter turns fastest).

        Raises:
            ChipgymError: for a negative start, and for rows beyond the 2**63rd.
        """
        stop = self.size if stop is None else min(stop, self.size)
        if start < 0:
            raise ChipgymError(f"start: {start} is not a row of the grid; nearest is 0")
        if max(start, stop) > np.iinfo(np.int64).max:
            raise ChipgymError(f"a grid of 10^{math.log10(self.size):.0f} rows cannot be enumerated; narrow it first")
        numbers = np.arange(start, max(stop, start), dtype=np.int64)
        out = np.empty((len(numbers), len(self.parameters)), dtype=np.int64)
        for j in range(len(self.parameters) - 1, -1, -1):
            numbers, out[:, j] = np.divmod(numbers, self.sizes[j])
        return out

    def canonical_rows(self, chunk: int = 65536) -> Iterator[Indices]:
        """Yield every canonical design once, in grid order, at most `chunk` rows at a time."""
        for start in range(0, self.size, chunk):
            rows = self.enumerate(start, start + chunk)
            rows = rows[(self.canonicalize(rows) == rows).all(axis=1)]
            if len(rows):
                yield rows

    def active(self, indices: Indices) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which parameters mean anything in each row; shape (n, p)."""
        return self._canonical_and_active(np.array(indices, dtype=np.int64, ndmin=2))

    def canonicalize(self, indices: Indices) -> Indices:
        """Return rows with every inactive parameter at its default, so that the same hardware is the same row."""
        rows = np.array(indices, dtype=np.int64, ndmin=2)
        self._make_canonical(rows)
        return rows.reshape(np.shape(indices))

    def mutate(self, indices: Indices, rng: np.random.Generator, rate: float | None = None) -> Indices:
        """Return rows, shape (n, p), in which each active parameter changes with probability `rate`, and one at least.

        The rate is 1 / active parameters by default. An ordinal parameter steps to a neighbouring value half of the
        time, and anywhere else otherwise. Rows come back canonical, and as they were only where no active parameter has
        another value.
        """
        return self._moves.mutated(self.canonicalize(np.atleast_2d(indices)), rng, rate)

    @cached_property
    def _moves(self) -> Moves:
        return Moves(self)

    def neighbors(self, row: Indices) -> Indices:
        """List the rows that differ from `row` in one active parameter: one step of an ordinal, any other category."""
        row = self.canonicalize(row)
        out = []
        for j, p in enumerate(self.parameters):
            here = int(row[j])
            others = [here - 1, here + 1] if p.ordinal else [i for i in range(p.size) if i != here]
            for i in others:
                if 0 <= i < p.size:
                    other = row.copy()
                    other[j] = i
                    out.append(other)
        if not out:
            return np.empty((0, len(self.parameters)), dtype=np.int64)
        rows: Indices = np.unique(self.canonicalize(np.array(out)), axis=0)
        different: Indices = rows[(rows != row).any(axis=1)]
        return different

    def mask(self, chosen: Mapping[str, int] | None = None) -> tuple[np.ndarray[Any, np.dtype[np.int8]], ...]:
        """Tell the legal grid positions of each parameter, 1 or 0, given the positions already chosen for some.

        A parameter that the choices made so far make inactive may only take its default, and so may one that it
        would have activated. A parameter with a single value counts as chosen.
        """
        known = {p.name: 0 for p in self.parameters if p.size == 1} | dict(chosen or {})
        masks = []
        for p in self.parameters:
            legal = np.ones(p.size, dtype=np.int8)
            for name, values in p.condition.clauses if p.condition else ():
                if name in known and self[name].values[known[name]] not in values:
                    legal[:] = 0
                    legal[p.default_index] = 1
                    known[p.name] = p.default_index
            masks.append(legal)
        return tuple(masks)

    def to_gymnasium(self, seed: int | None = None) -> MultiDiscrete:
        """Return the grid as a `gymnasium.spaces.MultiDiscrete`."""
        from gymnasium.spaces import MultiDiscrete

        return MultiDiscrete(self.sizes, seed=seed)

    def rows(self, indices: Indices) -> Indices:
        """Make new canonical rows, shape (n, p), of index rows of shape (n, p) or (p,).

        Raises:
            ChipgymError: as `decode`.
        """
        return self.canonicalize(self._checked(indices))

    def values(self, rows: Indices) -> Columns:
        """Decode rows that are checked already, as those of `rows` and `sample` are."""
        return {p.name: p.column_values[column] for p, column in zip(self.parameters, rows.T, strict=True)}

    # --- values --------------------------------------------------------------------------------------------------

    def decode(self, indices: Indices) -> Columns:
        """Return columns of values, each of shape (n,), of index rows of shape (n, p) or (p,).

        Raises:
            ChipgymError: where the array is not of whole numbers, has another width or an index out of range.
        """
        return self.values(self._checked(indices))

    def design(self, row: Indices) -> dict[str, Value]:
        """Return one index row as a dict of plain Python values."""
        return {p.name: p.values[i] for p, i in zip(self.parameters, row.tolist(), strict=True)}

    def encode(self, designs: Designs) -> Indices:
        """Return index rows, shape (n, p), of designs whose values are all on the grid.

        Raises:
            ChipgymError: naming the first value that is not on the grid, and the nearest that is.
        """
        return self.positions(*self.columns(designs))

    def positions(self, columns: Columns, n: int) -> Indices:
        """Encode complete columns that `columns` or `decode` has made, as `encode` does."""
        out = np.empty((n, len(self.parameters)), dtype=np.int64)
        for j, p in enumerate(self.parameters):
            found = p.positions(columns[p.name])
            if n and found.min() < 0:
                value = columns[p.name][int(np.argmin(found))].item()
                near = p.values[p.nearest_index(value)] if p.ordinal else None
                hint = "" if near is None else f"; nearest is {near}"
                raise ChipgymError(
                    f"{p.name}: {shorten(value)} is not on the grid {shorten(p.values, 200)}{hint}",
                    field=p.name, value=value, expected=list(p.values), nearest=near, code="bad_value",
                )  # fmt: skip
            out[:, j] = found
        return out

    def columns(self, designs: Designs, beside: Collection[str] = ()) -> tuple[Columns, int]:
        """Return any accepted form of designs as complete, checked, canonical columns of values, and their number n.

        Accepts a list of dicts, one dict, a dict of columns (scalars are repeated; a column is a list, an array or
        what pandas has), a pandas or polars table, a row of one, an integer index array, or results: an object with a
        `design`, a list of those, or one with columns of `designs`. A knob left out takes the default; a value outside
        the grid but inside the domain is kept. The columns returned are new: what was passed is never shared.

        Args:
            designs: in any of these forms.
            beside: names that rows of results have beside knobs; they are left aside, and so are objectives, whose
                names begin with "objective:". Any other name that is no knob is an error.

        Raises:
            ChipgymError: naming the knob, the value, what was expected, and the nearest legal choice.
        """
        if isinstance(designs, np.ndarray):
            rows = self.rows(designs)
            return self.values(rows), len(rows)
        given, n = _given_columns(designs, self.default)
        for name in given:
            if name not in self.default and name not in beside and not name.startswith(OBJECTIVE):
                raise unknown("knob", name, self.names)
        columns = {
            p.name: p.accepts.column(p.name, given[p.name])
            if p.name in given
            else np.full(n, p.default, dtype=p.accepts.dtype)
            for p in self.parameters
        }
        return self._canonical_columns(columns, n), n

    def one_design(self, design: Designs, asker: str, beside: Collection[str] = ()) -> Columns:
        """Return the columns, each of shape (1,), of what is to be one design.

        Args:
            design: in any form that `columns` takes.
            asker: what takes one design, as the message begins.
            beside: as for `columns`.

        Raises:
            ChipgymError: as `columns`, and for several designs or none.
        """
        columns, n = self.columns(design, beside)
        if n != 1:
            raise ChipgymError(f"{asker} takes one design, not {n}")
        return columns

    def narrow(self, restrictions: Mapping[str, Value | Sequence[Value]] | None) -> DesignSpace:
        """Make a space whose grids are restricted, as in `{"rows": [16, 32], "dataflow": "ws"}`.

        Values need not have been on the grid, only in the domain. A default outside the new grid moves to its
        nearest value, or for a categorical knob to the first.

        Raises:
            ChipgymError: naming the knob, the value, what was expected, and the nearest legal choice.
        """
        if restrictions is None:
            return self
        if not isinstance(restrictions, Mapping):
            raise ChipgymError(f"space: {shorten(restrictions)} is not a dict such as {{'rows': [16, 32]}}")
        for name in restrictions:
            if name not in self.default:
                raise unknown("knob", name, self.names)
        out = []
        for p in self.parameters:
            if p.name not in restrictions:
                out.append(p)
                continue
            given: Any = restrictions[p.name]
            if isinstance(given, set | frozenset):  # in an order that is the same in every process
                given = sorted(given, key=repr)
            column = p.accepts.column(p.name, given if is_column(given) else [given])
            values = tuple(dict.fromkeys(column.tolist()))
            if not values:
                raise ChipgymError(f"{p.name}: an empty list leaves no design; expected at least one value")
            values = tuple(sorted(values)) if p.ordinal else values
            fresh = replace(p, values=values, default=values[0])
            out.append(replace(fresh, default=values[fresh.nearest_index(self.default[p.name])]))
        return DesignSpace(tuple(out))

    # --- indices, conditions -------------------------------------------------------------------------------------

    def _checked(self, indices: Indices) -> Indices:
        """Return index rows of shape (n, p), checked to be within the grid."""
        rows = np.asarray(indices)
        if rows.dtype.kind not in "iu":
            raise ChipgymError(
                f"designs: an index array holds integers, not {rows.dtype}; pass values as dicts or columns"
            )
        if rows.ndim not in (1, 2) or rows.shape[-1] != len(self.parameters):
            raise ChipgymError(f"designs: an index array has shape {rows.shape}, expected (n, {len(self.parameters)})")
        rows = np.atleast_2d(rows)
        wrong = (rows < 0) | (rows >= self.sizes)
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            top = self.sizes[j] - 1
            near = 0 if rows[i, j] < 0 else top
            raise ChipgymError(f"{self.names[j]}: index {rows[i, j]} is not from 0 to {top}; nearest is {near}")
        return rows

    @cached_property
    def _rules(self) -> list[tuple[slice | Indices, list[tuple[int, Column]]]]:
        """The positions of parameters that share a condition, and which of the grids of those that control it activate.

        In the order of the first of each: what controls a condition comes before all that have it.
        """
        position = {name: j for j, name in enumerate(self.names)}
        groups: dict[Condition, list[int]] = {}
        for j, p in enumerate(self.parameters):
            if p.condition:
                groups.setdefault(p.condition, []).append(j)
        return [
            (
                _together(members),
                [(position[name], among(self[name].column_values, values)) for name, values in condition.clauses],
            )
            for condition, members in groups.items()
        ]

    def _canonical_and_active(self, rows: Indices) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Make rows (n, p) canonical where they stand; return which of their parameters are active, shape (n, p)."""
        active = np.ones(rows.shape, dtype=bool)
        self._make_canonical(rows, active)
        return active

    def _make_canonical(self, rows: Indices, active: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> None:
        """Make rows (n, p) canonical where they stand, and unmark in `active`, shape (n, p), what is not active."""
        for members, clauses in self._rules:
            (controller, legal), *others = clauses
            means = legal[rows[:, controller]]
            for controller, legal in others:
                means = means & legal[rows[:, controller]]
            if np.count_nonzero(means) < len(means):
                (idle,) = np.logical_not(means).nonzero()
                at = idle if isinstance(members, slice) else idle[:, None]
                rows[at, members] = self.default_indices[members]
                if active is not None:
                    active[at, members] = False

    def _canonical_columns(self, columns: Columns, n: int) -> Columns:
        out = dict(columns)
        for p in self.parameters:
            if p.condition:
                active = np.ones(n, dtype=bool)
                for name, values in p.condition.clauses:
                    active &= among(out[name], values)
                out[p.name] = np.where(active, out[p.name], np.array(p.default, dtype=p.accepts.dtype))
        return out


def _plain_designs(given: Any) -> Any:
    """Return results, tables and rows of tables as dicts of values or columns; anything else as it is."""
    if isinstance(given, Mapping | list | tuple):
        return given
    for name in ("design", "designs"):  # an evaluated design, and the columns of many
        found = getattr(given, name, None)
        found = found() if callable(found) else found
        if isinstance(found, Mapping):
            return found
    if getattr(given, "columns", None) is not None:
        return {name: given[name] for name in given.columns}
    if getattr(given, "ndim", 0) == 1 and hasattr(given, "items"):  # a row of a pandas table
        return dict(given.items())
    return given


def _together(positions: list[int]) -> slice | Indices:
    """Return positions as a slice where they follow one another: assigning to it takes a fifth of the time."""
    if positions == list(range(positions[0], positions[-1] + 1)):
        return slice(positions[0], positions[-1] + 1)
    return np.array(positions, dtype=np.int64)


def _given_columns(designs: object, default: Mapping[str, Value]) -> tuple[dict[str, Any], int]:
    """Return columns as the user gave them (lists or arrays of one length), and their length."""
    designs = _plain_designs(designs)
    if isinstance(designs, Mapping):
        lengths = {k: len(v) for k, v in designs.items() if is_column(v)}
        if len(set(lengths.values())) > 1:
            raise ChipgymError(f"columns of different lengths: {shorten(lengths, 200)}; expected one length")
        n = next(iter(lengths.values()), 1)
        return {str(k): v if k in lengths else [v] * n for k, v in designs.items()}, n
    if not isinstance(designs, list | tuple):
        raise ChipgymError(
            f"designs: {shorten(designs)} is not a dict, a list of dicts, a dict of columns, a table "
            "or an integer index array"
        )
    designs = [_plain_designs(d) for d in designs]
    for d in designs:
        if not isinstance(d, Mapping):
            raise ChipgymError(f"designs: {shorten(d)} in the list is not a dict")
    given = dict.fromkeys(str(k) for d in designs for k in d)
    return {name: [d.get(name, default.get(name)) for d in designs] for name in given}, len(designs)

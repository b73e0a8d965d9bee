"""JSON text of designs and metrics, column by column, and back; floats keep every bit (see `jsonable`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...jsonable import parse_number, plain
from ...simulators import DesignSpace, Indices, Value
from ...simulators.core.parameter import Column


def value_text(value: Value) -> str:
    """Write one value as JSON text."""
    return json.dumps(plain(value))


def number_texts(column: Column) -> list[str]:
    """Write a float64 column of shape (n,) as n JSON texts.

    `repr` is the shortest text that gives the same float back.
    """
    texts = list(map(repr, column.tolist()))
    for i in np.flatnonzero(~np.isfinite(column)).tolist():
        texts[i] = value_text(float(column[i]))
    return texts


def design_texts(space: DesignSpace, rows: Indices) -> list[str]:
    """Write index rows of shape (n, p) as n JSON objects of values by knob."""
    columns = []
    for j, p in enumerate(space.parameters):
        texts = np.array([f"{json.dumps(p.name)}: {value_text(v)}" for v in p.column_values.tolist()], dtype=object)
        columns.append(texts[rows[:, j]].tolist())
    return ["{" + ", ".join(parts) + "}" for parts in zip(*columns, strict=True)]


def object_texts(names: Sequence[str], matrix: Column) -> list[str]:
    """Write a float64 matrix of shape (n, m) as n JSON objects of m numbers by name."""
    template = "{" + ", ".join(json.dumps(name).replace("%", "%%") + ": %s" for name in names) + "}"
    return [template % parts for parts in zip(*(number_texts(c) for c in matrix.T), strict=True)]


def array_texts(matrix: Column) -> list[str]:
    """Write a float64 matrix of shape (n, k) as n JSON arrays of k numbers."""
    return ["[" + ", ".join(parts) + "]" for parts in zip(*(number_texts(c) for c in matrix.T), strict=True)]


def parse_all(texts: Iterable[str]) -> list[Any]:
    """Parse many JSON texts at once."""
    parsed: list[Any] = json.loads("[" + ",".join(texts) + "]")
    return parsed


def parse_matrix(objects: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Column:
    """Parse numbers by name into a float64 matrix of shape (n, m).

    Raises:
        KeyError, TypeError, ValueError: where one is missing or is no number.
    """
    columns = [[parse_number(o[name]) for o in objects] for name in names]
    return np.array(columns, dtype=np.float64).reshape(len(names), len(objects)).T


def parse_arrays(arrays: Sequence[Sequence[Any]], n: int, k: int) -> Column:
    """Parse n arrays of k numbers, as `array_texts` writes them, into a float64 matrix of shape (n, k).

    Raises:
        TypeError, ValueError: where there are others than n, or one is of another length or has what is no number.
    """
    numbers = [[parse_number(v) for v in array] for array in arrays]
    return np.array(numbers, dtype=np.float64).reshape(n, k)


def parse_rows(space: DesignSpace, designs: Sequence[Mapping[str, Any]]) -> Indices:
    """Parse designs of values by knob into index rows, shape (n, p).

    Raises:
        KeyError: where a knob is missing or its value is not on the grid.
    """
    out = np.empty((len(designs), len(space.parameters)), dtype=np.int64)
    for j, p in enumerate(space.parameters):
        index = {json.loads(value_text(v)): i for i, v in enumerate(p.values)}
        out[:, j] = [index[d[p.name]] for d in designs]
    return out


def parse_values(values: Sequence[Any], grid: Sequence[Any]) -> Column:
    """Parse one knob's values into a column of shape (n,); `grid` tells a number that is infinite from a name."""
    text = any(isinstance(v, str) for v in grid)
    whole = all(isinstance(v, int) for v in (*grid, *values))
    return np.array(values, dtype=np.str_ if text else np.int64 if whole else np.float64)

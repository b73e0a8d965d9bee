"""The rows of one run, whole or refused: what a search that goes on and a reader of its result both begin with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from ...simulators import Indices
from . import schema


def read_reasons(connection: sa.Connection, run: int) -> dict[int, str]:
    """By number of a run's evaluations, why a design is infeasible where no limit says so."""
    table = schema.reasons
    if not sa.inspect(connection).has_table(table.name):
        return {}
    query = sa.select(table.c.number, table.c.reason).where(table.c.run == run)
    return {int(number): str(reason) for number, reason in connection.execute(query)}


def read_start(connection: sa.Connection, run: int) -> list[dict[str, Any]]:
    """The designs that a run began with, values by knob.

    Raises:
        ValueError: where the store is damaged.
    """
    table = schema.starts
    if not sa.inspect(connection).has_table(table.name):
        return []
    text = connection.execute(sa.select(table.c.designs).where(table.c.run == run)).scalar()
    designs: list[dict[str, Any]] = [] if text is None else json.loads(text)
    return designs


def read_rows(connection: sa.Connection, run: int) -> tuple[Sequence[sa.Row[Any]], list[Indices]]:
    """A run's evaluations in order, and for each ask that was told the numbers of its designs' evaluations.

    Raises:
        ValueError: where a row is missing.
    """
    # Asks first: evaluations that another process adds in between are then more than they refer to, never fewer.
    table = schema.asks
    told = connection.execute(sa.select(table).where(table.c.run == run).order_by(table.c.ask)).all()
    evaluated = schema.evaluations
    query = sa.select(evaluated).where(evaluated.c.run == run).order_by(evaluated.c.number)
    rows = connection.execute(query).all()
    if [r.number for r in rows] != list(range(len(rows))):
        raise ValueError("evaluations are missing")
    asked = [np.array(json.loads(r.numbers), dtype=np.int64) for r in told]
    if [r.ask for r in told] != list(range(len(told))):
        raise ValueError("asks are missing")
    if any(((numbers < 0) | (numbers >= len(rows))).any() for numbers in asked):
        raise ValueError("evaluations are missing")
    return rows, asked

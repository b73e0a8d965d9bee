"""The rows of one run, whole or refused: what a search that goes on and a reader of its result both begin with."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from ...errors import ChipgymError
from ...files import reason
from ...simulators import Indices
from . import schema
from .seals import Seal, check_begun, check_rows, read_seals


@dataclass(frozen=True, eq=False)
class StoredRows:
    """What a store has of a run.

    Attributes:
        evaluations: rows in order.
        asked: for each ask that was told, the numbers of its designs' evaluations.
        seal: of the last transaction; None in a store without checksums.
        reasons: by number, why a design is infeasible where no limit says so.
        start: the designs that the run began with, values by knob.
    """

    evaluations: Sequence[sa.Row[Any]]
    asked: list[Indices]
    seal: Seal | None
    reasons: dict[int, str]
    start: list[dict[str, Any]]


def read_reasons(connection: sa.Connection, run: int) -> dict[int, str]:
    """Read why designs are infeasible where no limit says so, by number of a run's evaluations."""
    table = schema.reasons
    if not sa.inspect(connection).has_table(table.name):
        return {}
    query = sa.select(table.c.number, table.c.reason).where(table.c.run == run)
    return {int(number): str(reason) for number, reason in connection.execute(query)}


def read_start(connection: sa.Connection, run: int) -> str:
    """Read the designs that a run began with as JSON; empty where there are none."""
    table = schema.starts
    if not sa.inspect(connection).has_table(table.name):
        return ""
    return str(connection.execute(sa.select(table.c.designs).where(table.c.run == run)).scalar() or "")


def read_rows(connection: sa.Connection, run: sa.Row[Any], sealed: bool) -> StoredRows:
    """Read a run's rows, with their checksums verified where the store has any.

    Args:
        connection: in a transaction that sees one state of the store.
        run: the run's own row.
        sealed: whether the store has checksums.

    Raises:
        ValueError: where a row is missing, or is not what was written.
    """
    table = schema.asks
    told = connection.execute(sa.select(table).where(table.c.run == run.id).order_by(table.c.ask)).all()
    evaluated = schema.evaluations
    query = sa.select(evaluated).where(evaluated.c.run == run.id).order_by(evaluated.c.number)
    rows = connection.execute(query).all()
    if [r.number for r in rows] != list(range(len(rows))):
        raise ValueError("evaluations are missing")
    if [r.ask for r in told] != list(range(len(told))):
        raise ValueError("asks are missing")
    seal, reasons, start = None, read_reasons(connection, run.id), read_start(connection, run.id)
    if sealed:
        seals = read_seals(connection, run.id)
        if [s.number for s in seals] != list(range(len(seals))) or not seals:
            raise ValueError("checksums are missing")
        check_begun(run, start, seals[0])
        if len(rows) < seals[-1].evaluations:
            raise ValueError("evaluations are missing")
        if len(told) < seals[-1].asks:
            raise ValueError("asks are missing")
        evaluations, asks = (list(zip(*found, strict=True))[1:] for found in (rows, told))
        seal = check_rows(seals, evaluations, asks, reasons)
    asked = [np.array(json.loads(r.numbers), dtype=np.int64) for r in told]
    if any(numbers.ndim != 1 for numbers in asked):
        raise ValueError("an ask is not a list of evaluations")
    if any(((numbers < 0) | (numbers >= len(rows))).any() for numbers in asked):
        raise ValueError("evaluations are missing")
    return StoredRows(rows, asked, seal, reasons, json.loads(start) if start else [])


def read_runs(connection: sa.Connection, sealed: bool) -> Sequence[sa.Row[Any]]:
    """Read every run's own row, in the order in which they began.

    Its checksum is verified where the store has any.

    Raises:
        ValueError: where a row is not what was written.
    """
    runs = connection.execute(sa.select(schema.runs).order_by(schema.runs.c.id)).all()
    if sealed:
        table = schema.seals
        found = connection.execute(sa.select(table).where(table.c.number == 0)).all()
        first = {r.run: Seal(r.number, r.evaluations, r.asks, r.checksum) for r in found}
        for run in runs:
            check_begun(run, read_start(connection, run.id), first.get(run.id))
    return runs


def warn_unsealed(label: str) -> None:
    """Warn that a store is from before there were checksums."""
    warnings.warn(
        f"store: {label} was written by an older chipgym and has no checksums: a change in it would not be noticed",
        stacklevel=3,
    )


@contextmanager
def intact(what: str, hint: str = "") -> Iterator[None]:
    """Turn whatever comes of damaged content into one line.

    Args:
        what: the store, or the run of it.
        hint: what to do about it, after a semicolon.

    Raises:
        ChipgymError: saying that it is damaged, and how.
    """
    try:
        yield
    except ChipgymError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError, AssertionError) as error:
        raise ChipgymError(f"store: {what} is damaged ({reason(error)}){hint}") from error

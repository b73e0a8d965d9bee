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


def read_start(connection: sa.Connection, run: int) -> list[dict[str, Any]]:
    """The designs that a run began with, values by knob.

    Raises:
        ValueError: where the store is damaged.
    """
    text = _start_texts(connection).get(run)
    designs: list[dict[str, Any]] = [] if text is None else json.loads(text)
    return designs


def _start_texts(connection: sa.Connection) -> dict[int, str]:
    """By run, the JSON text of the designs that it began with, of those that began with any."""
    table = schema.starts
    if not sa.inspect(connection).has_table(table.name):  # a store from before there were any
        return {}
    return {int(run): str(text) for run, text in connection.execute(sa.select(table.c.run, table.c.designs))}


def _read_reasons(connection: sa.Connection, run: int) -> list[tuple[int, str]]:
    """The numbers of a run's designs that are infeasible where no limit says so, in order, and why."""
    table = schema.reasons
    if not sa.inspect(connection).has_table(table.name):
        return []
    query = sa.select(table.c.number, table.c.reason).where(table.c.run == run).order_by(table.c.number)
    return [(int(number), str(reason)) for number, reason in connection.execute(query)]


@dataclass(frozen=True, eq=False)
class StoredRows:
    """What a store has of a run.

    Attributes:
        evaluations: rows in order.
        asked: for each ask that was told, the numbers of its designs' evaluations.
        reasons: by number of an evaluation, why its design is infeasible where no limit says so.
        seal: of the last transaction; None in a store without checksums.
    """

    evaluations: Sequence[sa.Row[Any]]
    asked: list[Indices]
    reasons: dict[int, str]
    seal: Seal | None


def read_rows(connection: sa.Connection, run: sa.Row[Any], sealed: bool) -> StoredRows:
    """A run's rows, with their checksums verified where the store has any.

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
    reasons, seal = _read_reasons(connection, run.id), None
    if sealed:
        seals = read_seals(connection, run.id)
        if [s.number for s in seals] != list(range(len(seals))) or not seals:
            raise ValueError("checksums are missing")
        check_begun(run, _start_texts(connection).get(run.id), seals[0])
        if len(rows) < seals[-1].evaluations:
            raise ValueError("evaluations are missing")
        if len(told) < seals[-1].asks:
            raise ValueError("asks are missing")
        columns, asks = (list(zip(*found, strict=True))[1:] for found in (rows, told))
        seal = check_rows(seals, columns, asks, reasons)
    asked = [np.array(json.loads(r.numbers), dtype=np.int64) for r in told]
    if any(((numbers < 0) | (numbers >= len(rows))).any() for numbers in asked):
        raise ValueError("evaluations are missing")
    return StoredRows(rows, asked, dict(reasons), seal)


def read_runs(connection: sa.Connection, sealed: bool) -> Sequence[sa.Row[Any]]:
    """Every run's own row, in the order in which they began, with its checksum verified where the store has any.

    Raises:
        ValueError: where a row is not what was written.
    """
    runs = connection.execute(sa.select(schema.runs).order_by(schema.runs.c.id)).all()
    if sealed:
        table = schema.seals
        found = connection.execute(sa.select(table).where(table.c.number == 0)).all()
        first = {r.run: Seal(r.number, r.evaluations, r.asks, r.checksum) for r in found}
        starts = _start_texts(connection)
        for run in runs:
            check_begun(run, starts.get(run.id), first.get(run.id))
    return runs


def warn_unsealed(label: str) -> None:
    """Says that a store is from before there were checksums."""
    warnings.warn(
        f"store: {label} was written by an older chipgym and has no checksums: a change in it would not be noticed",
        stacklevel=3,
    )


@contextmanager
def intact(what: str, hint: str = "") -> Iterator[None]:
    """Turns whatever comes of damaged content into one line.

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

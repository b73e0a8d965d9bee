"""Checksums of a run: of what it is, and then, chained, of each transaction that added to it.

A changed digit of a stored design, metric or setting gives another result without any sign of damage: JSON stays JSON.
Every transaction therefore ends with a checksum of what it wrote and of the checksum before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from . import schema

# Between the values of a row and between rows: characters that JSON text and numbers do not have.
_VALUE, _ROW, _KIND = "\x1f", "\x1e", "\x1d"

#: The columns of `schema.evaluations` or `schema.asks`, in their order, without the run that rows belong to.
Columns = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Seal:
    """The checksum of a run up to the end of a transaction.

    Attributes:
        number: of the transaction, from 0, in which the run began.
        evaluations: how many evaluations the run has then.
        asks: how many told asks it has then.
        checksum: sha256 in hex.
    """

    number: int
    evaluations: int
    asks: int
    checksum: str

    @staticmethod
    def of_run(run: Mapping[str, Any], start: str) -> Seal:
        """Make the first seal: of all that the run's own row says, and of the designs that it begins with as JSON."""
        values = (str(run[column.name]) for column in schema.runs.columns if column.name != "id")
        return Seal(0, 0, 0, _hash("", _VALUE.join((*values, start))))

    def after(self, evaluations: Columns, asks: Columns, reasons: Mapping[int, str]) -> Seal:
        """Make the seal of a transaction that added these rows; no columns where there are no rows.

        Args:
            evaluations: columns.
            asks: columns.
            reasons: why designs are infeasible, by number; those of other evaluations are left aside.
        """
        text = f"{_evaluations(*evaluations) if evaluations else ''}{_KIND}{_asks(*asks) if asks else ''}"
        rows = self.evaluations + _count(evaluations), self.asks + _count(asks)
        if reasons:
            mine = [(number, reasons[number]) for number in range(self.evaluations, rows[0]) if number in reasons]
            text += f"{_KIND}{mine}" if mine else ""
        return Seal(self.number + 1, *rows, _hash(self.checksum, text))

    def record(self, run: int) -> dict[str, Any]:
        """Return the seal as a row of the store."""
        return {
            "run": run,
            "number": self.number,
            "evaluations": self.evaluations,
            "asks": self.asks,
            "checksum": self.checksum,
        }


def read_seals(connection: sa.Connection, run: int) -> list[Seal]:
    """Read a run's seals in order."""
    table = schema.seals
    found = connection.execute(sa.select(table).where(table.c.run == run).order_by(table.c.number))
    return [Seal(r.number, r.evaluations, r.asks, r.checksum) for r in found]


def check_begun(run: sa.Row[Any], start: str, first: Seal | None) -> Seal:
    """Check the first seal of a run, and return it.

    Raises:
        ValueError: where the run's row is not what was sealed.
    """
    if first is None or first != Seal.of_run(run._asdict(), start):
        raise ValueError("its settings have another checksum than they were written with")
    return first


def check_rows(seals: Sequence[Seal], evaluations: Columns, asks: Columns, reasons: Mapping[int, str]) -> Seal:
    """Check that a run's rows are what was sealed, and return its last seal.

    Args:
        seals: in order; the first has been checked.
        evaluations: columns of all rows in order.
        asks: columns of all rows in order.
        reasons: why designs are infeasible, by number.

    Raises:
        ValueError: naming the first evaluations that are not.
    """
    seal = seals[0]
    for told in seals[1:]:
        new = _part(evaluations, seal.evaluations, told.evaluations), _part(asks, seal.asks, told.asks)
        found = seal.after(*new, reasons)
        if found != told:
            last = max(told.evaluations, seal.evaluations + 1) - 1
            raise ValueError(
                f"evaluations from {seal.evaluations} to {last} have another checksum than they were written with"
            )
        seal = told
    if (seal.evaluations, seal.asks) != (_count(evaluations), _count(asks)):
        raise ValueError(f"what follows evaluation {seal.evaluations - 1} has no checksum")
    return seal


def _count(columns: Columns) -> int:
    return len(columns[0]) if columns else 0


def _part(columns: Columns, start: int, stop: int) -> Columns:
    """Return the columns of some of the rows; none where there are no rows."""
    return [column[start:stop] for column in columns] if start < stop else []


def _evaluations(
    number: Sequence[int],
    ask: Sequence[int],
    position: Sequence[int],
    design: Sequence[str],
    metrics: Sequence[str],
    objectives: Sequence[str],
    violation: Sequence[float | None],
    simulator_violation: Sequence[float | None],
    feasible: Sequence[bool],
) -> str:
    """Write columns as text, which takes a fifth of the time of row by row."""
    counts = (repr((*column,)) for column in (number, ask, position, map(bool, feasible)))
    numbers = (repr((*map(_number, column),)) for column in (violation, simulator_violation))
    return _VALUE.join((*counts, *numbers, *map(_ROW.join, (design, metrics, objectives))))


def _asks(ask: Sequence[int], numbers: Sequence[str]) -> str:
    return f"{(*ask,)}{_VALUE}{_ROW.join(numbers)}"


def _number(value: float | None) -> float | None:
    """Return a number as every database gives it back: SQLite has NULL for NaN, and 0 for -0."""
    return None if value is None or value != value else value + 0.0


def _hash(before: str, text: str) -> str:
    return hashlib.sha256((before + _KIND + text).encode(errors="surrogatepass")).hexdigest()

"""What verbs print: tables for people, JSON for programs, both on standard output."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import printable
from ..jsonable import plain

if TYPE_CHECKING:
    from ..simulators import Limit

# Columns: wide enough that rich folds no table.
UNLIMITED = 100_000
#: Most limits that one sentence tells.
MOST_LIMITS = 6


class UserInterruptError(Exception):
    """The user stopped a verb; the message says what is safe."""


def text(value: object) -> str:
    """Write a value for people: thousands separators, about six digits, a dash for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else printable(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if 1e3 <= abs(value) < 1e15:
        return f"{value:,.1f}" if abs(value) < 1e5 else f"{value:,.0f}"
    return f"{value:.6g}"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print rows under headings; numbers stand to the right.

    Nothing is ever cut or folded inside a cell. On a terminal that is too narrow headings break after underscores, and
    what is wider even then is left to the terminal to wrap.
    """
    cells = [list(row) for row in rows]
    lines = _lines(headings, cells, title)
    if sys.stdout.isatty() and max(map(len, lines)) > shutil.get_terminal_size().columns:
        lines = _lines([heading.replace("_", "_\n") for heading in headings], cells, title, gap=1)
    # Padding at the end of lines is of no use to anyone, and folds on a narrow screen.
    sys.stdout.writelines(f"{row.rstrip()}\n" for row in lines)


def _lines(headings: Sequence[str], cells: Sequence[Sequence[object]], title: str, gap: int = 2) -> list[str]:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, gap, 0, 0), header_style="none")
    for j, heading in enumerate(headings):
        numbers = [_is_number(row[j]) for row in cells if row[j] is not None]
        made.add_column(Text(heading), justify="right" if numbers and all(numbers) else "left", no_wrap=True)
    for row in cells:
        made.add_row(*(Text(text(cell)) for cell in row))
    # Standard output, though nothing goes there yet: rich draws rules in letters that its encoding has.
    console = Console(file=sys.stdout, width=UNLIMITED, force_terminal=False, highlight=False)
    with console.capture() as printed:
        if title:
            console.print(Text(printable(title)))
        console.print(made)
    return printed.get().splitlines()


def line(message: str) -> None:
    """Print one line as it is."""
    sys.stdout.write(f"{printable(message)}\n")


def why(limits: Sequence[Limit], reason: str | None = None) -> str:
    """Name the limits that a design breaks, or another reason, as the end of a sentence.

    Nothing where none has a name.

    Of more than `MOST_LIMITS`, as a network with many layers breaks, those that are exceeded most.
    """
    worst = sorted(limits, key=_times, reverse=True)[:MOST_LIMITS]
    told = [str(limit) for limit in limits if limit in worst][:MOST_LIMITS]
    if reason and not told:
        told = [reason]
    if len(limits) > len(told):
        told.append(f"{len(limits) - len(told)} more")
    return f": {' and '.join(told)}" if told else ""


def _times(limit: Limit) -> float:
    """Return how many times its limit a value is, or a limit its value where it is the least."""
    value, bound = (limit.value, limit.limit) if limit.upper else (limit.limit, limit.value)
    return value / bound if bound else math.inf


def note(message: str) -> None:
    """Print one line about the work, on standard error, where it does not mix with results."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def as_json(value: object) -> None:
    """Print a value as JSON: `null` for what has no value, "inf" for infinity."""
    sys.stdout.write(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

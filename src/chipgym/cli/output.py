"""What verbs print: tables for people, JSON for programs, both on standard output."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Wide enough that no table is folded where it is not a terminal that is read but a program or a file.
UNLIMITED = 100_000


class UserInterruptError(Exception):
    """The user stopped a verb; the message says what is safe."""


def text(value: object) -> str:
    """A value for people: thousands separators, about six digits, a dash for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if 1e3 <= abs(value) < 1e15:
        return f"{value:,.1f}" if abs(value) < 1e5 else f"{value:,.0f}"
    return f"{value:.6g}"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Prints rows under headings; numbers stand to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    numeric = [
        any(_is_number(row[j]) for row in cells) and all(_is_number(row[j]) or row[j] is None for row in cells)
        for j in range(len(headings))
    ]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading, right in zip(headings, numeric, strict=True):
        made.add_column(Text(heading), justify="right" if right else "left", overflow="fold")
    for row in cells:
        made.add_row(*(Text(text(cell)) for cell in row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else UNLIMITED, highlight=False)
    with console.capture() as printed:
        if title:
            console.print(Text(title, style="bold"))
        console.print(made)
    # Padding at the end of lines is of no use to anyone, and folds on a narrow screen.
    sys.stdout.writelines(f"{row.rstrip()}\n" for row in printed.get().splitlines())


def line(message: str) -> None:
    """Prints one line as it is."""
    sys.stdout.write(f"{message}\n")


def note(message: str) -> None:
    """Prints one line about the work, on standard error, where it does not mix with results."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def as_json(value: object) -> None:
    """Prints a value as JSON: `null` for what has no value, "inf" for infinity."""
    sys.stdout.write(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def plain(value: object) -> Any:
    """A value as JSON data."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    item = getattr(value, "item", None)  # numpy's scalars
    return plain(item()) if callable(item) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

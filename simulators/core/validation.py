"""What a comparison of a simulator with its reference answers.

`SimulatorEntry.validation` names a function `validate(reference: Path) -> Sequence[Finding]`. It gets a folder with one
sub-folder per simulator, reads that simulator's reference tables from its own, and raises ChipgymError where one is
missing or malformed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ChipgymError, shorten
from ...files import open_file, status

#: Bytes of a reference table, of which the largest has some megabytes.
MAX_REFERENCE = 2**28


@dataclass(frozen=True, slots=True)
class Finding:
    """How one quantity compares with the reference.

    Attributes:
        quantity: what is compared.
        figure: the error, ratio or rate found; NaN where the quantity is left out on purpose, as the note says.
        unit: of the figure.
        rows: how many rows of the reference it was found on.
        reference: what it was compared with.
        note: what a reader must know to judge the figure.
    """

    quantity: str
    figure: float
    unit: str
    rows: int
    reference: str
    note: str = ""


Validate = Callable[[Path], Sequence[Finding]]


def read_reference(path: Path, columns: Collection[str] = (), origin: str = "") -> list[dict[str, str]]:
    """Read the rows of a reference table in CSV, as texts by column.

    Args:
        path: of the file.
        columns: that it must have.
        origin: who publishes its rows, for a reader who lacks them.

    Raises:
        ChipgymError: where it is missing, cannot be read, lacks a column or has no rows.
    """
    if status(path) is None:
        whose = f"; its rows are {origin}" if origin else ""
        raise ChipgymError(f"reference: there is no file {path}{whose}")
    try:
        with open_file(path, MAX_REFERENCE) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            reader = csv.DictReader(text)
            rows, names = list(reader), reader.fieldnames or ()
    except (OSError, ValueError, csv.Error) as error:
        raise ChipgymError(f"reference: {path} cannot be read ({shorten(str(error), 200)})") from None
    for name in columns:
        if name not in names:
            raise ChipgymError(f"reference: {path} has no column {name!r}")
    if not rows:
        raise ChipgymError(f"reference: {path} has no rows")
    return rows

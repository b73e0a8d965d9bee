"""What a comparison of a simulator with its reference answers.

`SimulatorEntry.validation` names a function `validate(reference: Path) -> Sequence[Finding]`. It gets a folder with one
sub-folder per simulator, reads that simulator's reference tables from its own, and raises ChipgymError where one is
missing or malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


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

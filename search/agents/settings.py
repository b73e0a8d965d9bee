"""Checks of agents' options: each returns the value, or says which option is wrong and what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...errors import ChipgymError, count, shorten, unknown

#: More neurons in a layer than this are a mistake.
WIDEST = 4096


def number(name: str, value: object, low: float = 0.0, high: float = math.inf, beyond: bool = False) -> float:
    """Return a finite number from `low` to `high`, or `beyond` low where that is so, as a float.

    Raises:
        ChipgymError: naming the option, the value and what was expected.
    """
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= float(value) <= high or (beyond and float(value) == low):  # type: ignore[arg-type]
        least, to = (f"above {low:g}", "and at most") if beyond else (f"from {low:g}", "to")
        raise ChipgymError(
            f"{name}: {shorten(value)} is not a number {least}{f' {to} {high:g}' if high < math.inf else ''}"
        )
    return float(value)  # type: ignore[arg-type]


def flag(name: str, value: object) -> bool:
    """Return True or False.

    Raises:
        ChipgymError: naming the option and the value.
    """
    if not isinstance(value, bool):
        raise ChipgymError(f"{name}: {shorten(value)} is neither True nor False")
    return value


def widths(name: str, value: object) -> tuple[int, ...]:
    """Return widths of hidden layers as a tuple of whole numbers ≥ 1; none is a linear policy.

    Raises:
        ChipgymError: naming the option and the value.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ChipgymError(f"{name}: {shorten(value)} is not a list of widths such as [64, 64]")
    return tuple(count(name, width, 1, WIDEST) for width in value)


def choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return one of some names.

    Raises:
        ChipgymError: naming the option, the value and the nearest choice.
    """
    if not isinstance(value, str) or value not in choices:
        raise unknown(name, value, choices)
    return value

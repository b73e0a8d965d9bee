"""The one exception that bad input raises, and the wording it shares.

A message is one line that names the field, the value, what was expected and, where there is one, the nearest
legal choice. The command line prints it as it is and exits with 2.
"""

from __future__ import annotations

import difflib
import math
import numbers
import re
from collections.abc import Iterable

# A name with a number in it, such as 22nm or resnet18: what comes before its last number, the number, what follows.
_NUMBERED = re.compile(r"(.*?)(\d+(?:\.\d+)?)(\D*)")

#: Largest whole number that databases have room for.
LARGEST = 2**63 - 1


class ChipgymError(ValueError):
    """Bad input from a user: one clear line, never a bug in chipgym itself.

    Attributes:
        field: what is wrong, such as a knob or an argument; None where only the line says, as with those below.
        value: what it was given.
        expected: what was expected of it, in words or as a list.
        nearest: the nearest legal choice.
        code: what kind of fault it is, for programs: "unknown_name", "bad_value", or "bad_input" for any other.
    """

    code: str = "bad_input"

    def __init__(
        self,
        message: object = "",
        *,
        field: str | None = None,
        value: object = None,
        expected: object = None,
        nearest: object = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.field, self.value, self.expected, self.nearest = field, value, expected, nearest
        if code is not None:
            self.code = code


class UnexpectedKeywordError(ChipgymError, TypeError):
    """A keyword that a function has no argument for: a `TypeError`, as Python's own, which other libraries look for."""


def shorten(value: object, limit: int = 60) -> str:
    """Cut `repr(value)` to `limit` characters, so that a message stays one readable line whatever was passed."""
    try:
        text = " ".join(repr(value).splitlines())
    except ValueError:  # Python does not write out a whole number of thousands of digits
        text = f"{type(value).__name__} too long to write"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    """Escape the characters of a text that would break a line, that a terminal obeys, or that it cannot show."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that `name` most likely means, or None when nothing is like it.

    One that `name` and its last number begin comes first (sn40l for sn40). Next is one that differs in its number
    alone (22nm for 7nm), then one that `name` begins or that begins it (technology for tech). Last is the one that
    looks most like it.
    """
    pool = {c.lower().lstrip("-"): c for c in choices}
    given = name.lower().lstrip("-")
    found = _by_whole_number(given, pool) or _by_number(given, pool) or _by_beginning(given, pool)
    found = found or difflib.get_close_matches(given, list(pool), n=1, cutoff=0.5)
    return pool[found[0]] if found else None


def nearest_number(value: object, choices: Iterable[int]) -> str:
    """Write the end of a message that suggests the nearest of some numbers; empty where `value` is none."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        return ""
    return f"; nearest is {min(choices, key=lambda choice: abs(choice - value))}"


def count(field: str, value: object, low: int = 1, high: int = LARGEST) -> int:
    """Check that `value` is a whole number from `low` to `high`, and return it.

    Raises:
        ChipgymError: naming the field, the value and the nearest whole number.
    """
    near: int | None = None
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        if low <= int(value) <= high:
            return int(value)
        near = low if int(value) < low else high
    elif isinstance(value, float) and math.isfinite(value):
        near = max(low, round(value))
    expected = f"a whole number {f'of at most {high}' if near == high else f'from {low}'}"
    hint = "" if near is None else f"; nearest is {near}"
    raise ChipgymError(
        f"{field}: {shorten(value)} is not {expected}{hint}",
        field=field, value=value, expected=expected, nearest=near, code="bad_value",
    )  # fmt: skip


def _by_number(name: str, choices: Iterable[str]) -> list[str]:
    """Find the choice with the nearest number among those that have `name`'s words around one."""
    mine = _NUMBERED.fullmatch(name)
    if not mine:
        return []
    matches = [m for m in map(_NUMBERED.fullmatch, choices) if m and m.group(1, 3) == mine.group(1, 3)]
    return [min(matches, key=lambda m: abs(float(m[2]) - float(mine[2]))).string] if matches else []


def _by_whole_number(name: str, choices: Iterable[str]) -> list[str]:
    """Find the shortest choice that a `name` with a number at its end begins, where the number is the choice's too."""
    if not name[-1:].isdigit():
        return []
    longer = (c for c in choices if c.startswith(name) and not c[len(name) : len(name) + 1].isdigit())
    return sorted(longer, key=len)[:1]


def _by_beginning(name: str, choices: Iterable[str]) -> list[str]:
    """Find the shortest choice that `name` begins, or else the longest that begins `name`; of two letters or more."""
    if len(name) < 2:
        return []
    longer = sorted((c for c in choices if c.startswith(name)), key=len)
    shorter = sorted((c for c in choices if len(c) > 1 and name.startswith(c)), key=len, reverse=True)
    return (longer or shorter)[:1]


def unknown(kind: str, name: object, choices: Iterable[str]) -> ChipgymError:
    """Make the error for a name that is not one of `choices`: it lists them, and suggests the nearest."""
    known = sorted(choices)
    return ChipgymError(
        f"unknown {kind} {shorten(name)}{_suggestion(name, known)}",
        field=kind.removeprefix("value of ").rstrip(":"), value=name, expected=known,
        nearest=nearest(name, known) if isinstance(name, str) else None, code="unknown_name",
    )  # fmt: skip


def unexpected_keyword(owner: str, name: str, choices: Iterable[str]) -> UnexpectedKeywordError:
    """Make the error for a keyword that is not one of `choices`: it lists them, and suggests the nearest.

    It has the words of Python's own error: TorchRL, which probes environments with keywords of its own, looks for them.
    """
    known = sorted(choices)
    return UnexpectedKeywordError(
        f"{owner}: unexpected keyword argument {shorten(name)}{_suggestion(name, known)}",
        field=f"option of {owner}", value=name, expected=known, nearest=nearest(name, known), code="unknown_name",
    )  # fmt: skip


def _suggestion(name: object, choices: Iterable[str]) -> str:
    """Write the end of a message about a name that is none of `choices`: the nearest of them, and which there are."""
    known = sorted(choices)
    guess = nearest(name, known) if isinstance(name, str) else None
    hint = f"; did you mean {guess!r}?" if guess else ""
    listed = ", ".join(known[:40]) + (", …" if len(known) > 40 else "")
    return f"{hint} ({f'known: {listed}' if known else 'there are none'})"

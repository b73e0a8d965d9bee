"""The one exception that bad input raises, and the wording it shares.

A message is one line that names the field, the value, what was expected and, where there is one, the nearest
legal choice; the command line prints it as it is and exits with 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ChipgymError(ValueError):
    """Bad input from a user: one clear line, never a bug in chipgym itself."""


def shorten(value: object, limit: int = 60) -> str:
    """`repr(value)` cut to `limit` characters, so that a message stays one readable line whatever was passed."""
    try:
        text = " ".join(repr(value).splitlines())
    except ValueError:  # Python does not write out a whole number of thousands of digits
        text = f"{type(value).__name__} too long to write"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that looks most like `name`, or None when nothing does."""
    pool = {c.lower(): c for c in choices}
    found = difflib.get_close_matches(name.lower(), list(pool), n=1, cutoff=0.5)
    return pool[found[0]] if found else None


def unknown(kind: str, name: object, choices: Iterable[str]) -> ChipgymError:
    """The error for a name that is not one of `choices`: lists them, and suggests the nearest."""
    known = sorted(choices)
    guess = nearest(name, known) if isinstance(name, str) else None
    hint = f"; did you mean {guess!r}?" if guess else ""
    listed = ", ".join(known[:40]) + (", …" if len(known) > 40 else "")
    return ChipgymError(f"unknown {kind} {shorten(name)}{hint} (known: {listed})")

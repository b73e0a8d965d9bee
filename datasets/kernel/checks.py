"""What the fields of a kernel's parts may be, and the errors for what they are not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...errors import ChipgymError, shorten, unknown


def settle(part: object, field: str, where: str, kind: type, hint: str = "") -> None:
    """Sets a frozen part's field, given as a tuple or a list, to a tuple.

    Raises:
        ChipgymError: naming the field and what is no `kind`; `hint` says how to make one.
    """
    given = getattr(part, field)
    if not isinstance(given, list | tuple):
        raise ChipgymError(f"{field} of {where}: {shorten(given)} is not a list")
    for one in given:
        if not isinstance(one, kind):
            raise ChipgymError(f"{field} of {where}: {shorten(one)} is not of type {kind.__name__}{hint}")
    object.__setattr__(part, field, tuple(given))


def check_type(part: object, field: str, where: str, kind: type, words: str) -> None:
    """Raises a ChipgymError where a field is no `kind`, which `words` tell the user."""
    if not isinstance(getattr(part, field), kind):
        raise ChipgymError(f"{field} of {where}: {shorten(getattr(part, field))} is not {words}")


def check_counts(counts: object, field: str, where: str, known: Collection[str]) -> None:
    """Raises a ChipgymError where operations are no whole numbers by known name."""
    if not isinstance(counts, Mapping):
        raise ChipgymError(f"{field} of {where}: {shorten(counts)} is not a count by name")
    for name, count in counts.items():
        if name not in known:
            raise unknown(f"operation of {where}:", name, known)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ChipgymError(f"{name} of {where}: {shorten(count)} is not a whole number from 0")


def positive(value: object) -> bool:
    """Whether `value` is a whole number from 1 that fits 32 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31

"""What the fields of a kernel's parts may be, and the errors for what they are not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ...errors import ChipgymError, shorten, unknown

if TYPE_CHECKING:
    from .loop import Loop

#: What a kernel may have at most; far beyond any that a tool takes, and little enough to work out in seconds.
MOST_ARRAYS, MOST_LOOPS, MOST_ACCESSES, MOST_NESTED = 500, 500, 2000, 64
#: Numbers that a kernel's file may have stay below this; sizes and iterations in all below its square.
MOST = 2**31
#: Characters of a name.
MOST_CHARACTERS = 200


def settle(part: object, field: str, where: str, kind: type, hint: str = "") -> None:
    """Set a frozen part's field, given as a tuple or a list, to a tuple.

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
    """Raise a ChipgymError where a field is no `kind`, which `words` tell the user."""
    if not isinstance(getattr(part, field), kind):
        raise ChipgymError(f"{field} of {where}: {shorten(getattr(part, field))} is not {words}")


def check_counts(counts: object, field: str, where: str, known: Collection[str]) -> None:
    """Raise a ChipgymError where operations are no whole numbers by known name."""
    if not isinstance(counts, Mapping):
        raise ChipgymError(f"{field} of {where}: {shorten(counts)} is not a count by name")
    for name, count in counts.items():
        if name not in known:
            raise unknown(f"operation of {where}:", name, known)
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < MOST:
            raise ChipgymError(f"{name} of {where}: {shorten(count)} is not a whole number from 0 below 2**31")


def positive(value: object) -> bool:
    """Tell whether `value` is a whole number from 1 that fits 32 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST


def check_one_of(value: object, what: str, known: Collection[str]) -> None:
    """Raise a ChipgymError where `value` is none of the known texts."""
    if not isinstance(value, str) or value not in known:
        raise unknown(what, value, known)


def check_name(value: object, what: str) -> None:
    """Raise a ChipgymError where a name is no text of one line that can be shown."""
    if not isinstance(value, str) or not value:
        raise ChipgymError(f"{what}: {shorten(value)} is no text")
    if not value.isprintable() or len(value) > MOST_CHARACTERS:
        raise ChipgymError(
            f"{what}: {shorten(value)} is not of at most {MOST_CHARACTERS} characters that can be printed"
        )


def check_extent(where: str, arrays: int, root: Loop) -> None:
    """Raise a ChipgymError where a kernel has more parts, or more iterations, than any that a tool takes."""
    if root.depth - 1 > MOST_NESTED:
        raise ChipgymError(f"{where}: loops are nested {root.depth - 1} deep, expected at most {MOST_NESTED}")
    loops = list(root.walk())
    for what, found, most in (
        ("arrays", arrays, MOST_ARRAYS),
        ("loops", len(loops) - 1, MOST_LOOPS),
        ("loads and stores", sum(len(loop.accesses) for loop in loops), MOST_ACCESSES),
    ):
        if found > most:
            raise ChipgymError(f"{where}: {found} {what}, expected at most {most}")
    if root.iterations >= MOST**2:
        raise ChipgymError(f"{where}: its loops run {root.iterations:.3g} iterations, expected fewer than 2**62")

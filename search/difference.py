"""Where two pieces of JSON data differ, for messages that say why something cannot be continued."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import shorten


def first_difference(field: str, theirs: object, ours: object) -> tuple[str, str, str]:
    """Find the first entry of `field` that differs, and what each has there.

    Where both have a table there, the first entry of theirs that differs, and so on down.
    """
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for name in dict.fromkeys((*ours, *theirs)):
            if theirs.get(name) != ours.get(name):
                return first_difference(f"{field} {name}".lstrip(), theirs.get(name), ours.get(name))
    has, this = (value if isinstance(value, str) else shorten(value) for value in (theirs, ours))
    return field, has, this

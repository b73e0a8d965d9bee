"""Damage for tests: JSON with something wrong in it, and bytes with a bit flipped, a piece gone or a tail torn off."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from chipgym import ChipgymError

# What nobody expects where a number, a text or a list belongs.
JUNK = (
    None, True, False, 0, -1, 3.5, 1e400, -1e400, float("nan"), 10**30, 2**63, "", "x", "inf", "\0", "\ud800", "=1+1",
    "k" * 5000, [], [[]], [None], {}, {"": None}, {"x": {"y": []}}, [[[[[[1]]]]]],
)  # fmt: skip


def attempt(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str | None]:
    """What a function answers, or the one line that it refuses with; anything else that it raises is a failure."""
    try:
        return function(*arguments), None
    except ChipgymError as error:
        line = str(error)
    assert "\n" not in line
    return None, line


def broken_json(data: Any, rng: random.Random) -> Any:
    """A copy of JSON data in which one to three things are replaced, removed or added."""
    out = copy.deepcopy(data)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(out))
        if not places:
            return rng.choice(JUNK)
        holder, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(("extra", "", "\ud800", "name"))] = rng.choice(JUNK)
        elif kind == 2 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(rng.choice(JUNK))
    return out


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield data, key
        yield from _places(value)


def broken_bytes(data: bytes, rng: random.Random) -> bytes:
    """A copy of bytes with one to three bits flipped, bytes replaced, a piece gone, repeated or zeroed, or cut off."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(max(len(out), 1))
        piece = slice(at, at + rng.choice((1, 2, 8, 64)))
        kind = rng.randrange(8)
        if not out:
            return bytes(out)
        if kind < 3:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 3:
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 4:
            del out[piece]
        elif kind == 5:
            out[at:at] = out[piece]
        elif kind == 6:
            out[piece] = bytes(len(out[piece]))
        else:
            del out[at:]
    return bytes(out)

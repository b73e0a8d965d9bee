"""Addresses that are vectors (channel, rank, bank group, bank, row, column) as one number each, for `Trace.address`.

Which level a place stands for is the memory's affair, so that a vector is packed by places counted from its last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]

#: Bytes of a column, as a bus of 64 bits has it: neighbouring columns pack to neighbouring addresses.
COLUMN_BITS = 3
#: Bits of each place from the last one: column, row, bank, bank group, rank, channel. Above those of any JEDEC device.
PLACE_BITS = (12, 20, 6, 5, 6, 10)
#: Numbers in a vector.
FEWEST, MOST = 2, len(PLACE_BITS)


def pack(places: Sequence[Ints]) -> Ints:
    """Pack vectors into addresses, int64 (n,); places of shape (n,) each, the last one first, within `PLACE_BITS`."""
    address, shift = np.zeros(len(places[0]), np.int64), COLUMN_BITS
    for place, bits in zip(places, PLACE_BITS, strict=False):
        address |= place << shift
        shift += bits
    return address


def unpack(address: Ints, levels: int) -> list[Ints]:
    """Return the `levels` places of packed vectors (n,), int64 (n,) each, the last one first."""
    places, rest = [], address >> COLUMN_BITS
    for bits in PLACE_BITS[:levels]:
        places.append(rest & ((1 << bits) - 1))
        rest = rest >> bits
    return places

"""A memory trace: when which address is read or written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import ChipgymError, shorten
from .features import TRACE_FEATURE_NAMES, trace_features

__all__ = ["MAX_ADDRESS", "MAX_CYCLE", "MAX_REQUESTS", "TRACE_FEATURE_NAMES", "Trace"]

#: Most requests of one trace: 17 bytes each are held in memory.
MAX_REQUESTS = 2**24
#: Latest arrival, in memory-clock cycles, so that int64 sums of times never overflow.
MAX_CYCLE = 2**53
#: Highest byte address.
MAX_ADDRESS = 2**62

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests in the order in which they are made; each asks for one burst of the memory that it meets.

    Attributes:
        name: for people.
        cycle: arrival of each request in memory-clock cycles, never falling, int64 (n,).
        is_write: whether each request writes, bool (n,).
        address: first byte of each request, int64 (n,).

    Raises:
        ChipgymError: the columns are not of one length ≥ 1, or hold what is no time or address.
    """

    name: str
    cycle: Ints = field(repr=False)
    is_write: Flags = field(repr=False)
    address: Ints = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ChipgymError(f"trace name: expected a text, got {shorten(self.name)}")
        cycle = _whole_numbers("cycle", self.cycle, MAX_CYCLE)
        address = _whole_numbers("address", self.address, MAX_ADDRESS)
        is_write = np.array(self.is_write)
        if is_write.dtype != np.bool_ or is_write.ndim != 1:
            raise ChipgymError("trace is_write: expected a flat array of bools")
        if not len(cycle) == len(is_write) == len(address):
            raise ChipgymError(f"trace: {len(cycle)} cycles, {len(is_write)} is_write, {len(address)} addresses")
        if not 1 <= len(cycle) <= MAX_REQUESTS:
            raise ChipgymError(f"trace: {len(cycle)} requests, expected 1 to {MAX_REQUESTS}")
        falls = np.flatnonzero(np.diff(cycle) < 0)
        if len(falls):
            i = int(falls[0]) + 1
            raise ChipgymError(f"trace cycle: request {i} arrives at {cycle[i]}, before the one ahead of it")
        for attribute, column in (("cycle", cycle), ("is_write", is_write), ("address", address)):
            column.setflags(write=False)
            object.__setattr__(self, attribute, column)

    def __len__(self) -> int:
        return len(self.cycle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    @cached_property
    def digest(self) -> str:
        """sha256 in hex of the requests; the name is left out."""
        digest = hashlib.sha256(b"trace")
        for column in (self.cycle.astype("<i8"), self.is_write.astype("u1"), self.address.astype("<i8")):
            digest.update(column.tobytes())
        return digest.hexdigest()

    def features(self) -> dict[str, float]:
        """Numbers that describe the trace, under the keys `TRACE_FEATURE_NAMES`, all finite."""
        return trace_features(self.cycle, self.is_write, self.address)


def join_traces(name: str, parts: Sequence[Trace]) -> Trace:
    """Traces one after the other, such as the parts of a large file, as one."""
    return Trace(
        name,
        np.concatenate([p.cycle for p in parts]),
        np.concatenate([p.is_write for p in parts]),
        np.concatenate([p.address for p in parts]),
    )


def _whole_numbers(what: str, values: object, most: int) -> Ints:
    column = np.array(values)
    if column.ndim != 1 or column.dtype.kind not in "iu":
        raise ChipgymError(f"trace {what}: expected a flat array of whole numbers")
    wrong = (column < 0) | (column > most)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ChipgymError(f"trace {what}: {column[i]} of request {i} is not from 0 to {most}")
    return column.astype(np.int64)

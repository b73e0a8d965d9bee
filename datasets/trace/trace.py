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
from .vectors import FEWEST, MOST

__all__ = ["MAX_ADDRESS", "MAX_CYCLE", "MAX_REQUESTS", "MAX_SIZE", "TRACE_FEATURE_NAMES", "Trace"]

#: Most requests of one trace: 17 bytes each are held in memory, 25 where they have sizes.
MAX_REQUESTS = 2**24
#: Latest arrival, in memory-clock cycles, so that int64 sums of times never overflow.
MAX_CYCLE = 2**53
#: Highest byte address.
MAX_ADDRESS = 2**62
#: Most bytes of one request.
MAX_SIZE = 2**30

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests in the order in which they are made; each asks for one burst of the memory that it meets, or for a size.

    Attributes:
        name: for people.
        cycle: arrival of each request in cycles of the trace's clock, never falling, int64 (n,).
        is_write: whether each request writes, bool (n,).
        address: first byte of each request, int64 (n,).
        size: bytes of each request, int64 (n,), 0 for one burst; None where that is so of all.
        relative: whether cycles count from when the request before was issued, as in DRAMSys's `.rstl` files; `cycle`
            then holds the sums of these waits, the arrivals where no request is held up.
        levels: numbers in each address where addresses are vectors such as channel, rank, bank, row, column, packed
            with `vectors.pack`; 0 where they are bytes.

    Raises:
        ChipgymError: the columns are not of one length ≥ 1, or hold what is no time, address or size.
    """

    name: str
    cycle: Ints = field(repr=False)
    is_write: Flags = field(repr=False)
    address: Ints = field(repr=False)
    size: Ints | None = field(repr=False, default=None)
    relative: bool = False
    levels: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ChipgymError(f"trace name: expected a text, got {shorten(self.name)}")
        cycle = _whole_numbers("cycle", self.cycle, MAX_CYCLE)
        address = _whole_numbers("address", self.address, MAX_ADDRESS)
        size = None if self.size is None else _whole_numbers("size", self.size, MAX_SIZE)
        is_write = np.array(self.is_write)
        if is_write.dtype != np.bool_ or is_write.ndim != 1:
            raise ChipgymError("trace is_write: expected a flat array of bools")
        if not len(cycle) == len(is_write) == len(address):
            raise ChipgymError(f"trace: {len(cycle)} cycles, {len(is_write)} is_write, {len(address)} addresses")
        if size is not None and len(size) != len(cycle):
            raise ChipgymError(f"trace: {len(cycle)} cycles, {len(size)} sizes")
        if not 1 <= len(cycle) <= MAX_REQUESTS:
            raise ChipgymError(f"trace: {len(cycle)} requests, expected 1 to {MAX_REQUESTS}")
        falls = np.flatnonzero(np.diff(cycle) < 0)
        if len(falls):
            i = int(falls[0]) + 1
            raise ChipgymError(f"trace cycle: request {i} arrives at {cycle[i]}, before the one ahead of it")
        if not isinstance(self.relative, bool | np.bool_):
            raise ChipgymError(f"trace relative: expected True or False, got {shorten(self.relative)}")
        if isinstance(self.levels, bool) or self.levels not in (0, *range(FEWEST, MOST + 1)):
            raise ChipgymError(f"trace levels: {shorten(self.levels)} is not 0 or from {FEWEST} to {MOST}")
        if size is not None and not size.any():
            size = None
        if size is not None and self.levels:
            raise ChipgymError("trace size: an address that is a vector asks for one burst, expected no sizes")
        for attribute, column in (("cycle", cycle), ("is_write", is_write), ("address", address), ("size", size)):
            if column is not None:
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
        # Traces without these have the digest that they had before there were any.
        if self.size is not None:
            digest.update(b"size" + self.size.astype("<i8").tobytes())
        if self.relative or self.levels:
            digest.update(f"relative={int(self.relative)} levels={self.levels}".encode())
        return digest.hexdigest()

    def features(self) -> dict[str, float]:
        """Compute the numbers that describe the trace, under the keys `TRACE_FEATURE_NAMES`, all finite."""
        return trace_features(self.cycle, self.is_write, self.address)


def join_traces(name: str, parts: Sequence[Trace]) -> Trace:
    """Join traces of one kind (relative, levels) one after the other, such as the parts of a large file."""
    sizes = [np.zeros(len(p), np.int64) if p.size is None else p.size for p in parts]
    return Trace(
        name,
        np.concatenate([p.cycle for p in parts]),
        np.concatenate([p.is_write for p in parts]),
        np.concatenate([p.address for p in parts]),
        np.concatenate(sizes) if any(p.size is not None for p in parts) else None,
        relative=parts[0].relative,
        levels=parts[0].levels,
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

"""A trace as the compiled model reads it: split by channel, decoded, and who follows whom known in advance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.bank import REQUEST
from .bursts import Bursts
from .mapping import AddressMap

Array = np.ndarray[Any, np.dtype[Any]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Positions = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(frozen=True, eq=False)
class Workset:
    """Requests grouped by channel, in trace order within each; n in all.

    Attributes:
        start: first row of each channel, and the end, int64 (channels + 1,).
        requests: `REQUEST` (n + 2 × channels,): each channel's, then the two that are none. Positions count from the
            channel's start.
        rows: row of each request, int64 (n,).
        order: position in the trace of each request, int64 (n,), as `rows`.
        first: position of the first request of each bank, the channel's number of requests where there is none; uint32
            (channels, banks).
    """

    start: Ints
    requests: Array
    rows: Ints
    order: Ints
    first: Positions

    @property
    def mixed(self) -> bool:
        """Whether the trace both reads and writes."""
        writes = self.requests["is_write"][self.rows]
        return bool(writes.any()) and not bool(writes.all())


def make_workset(trace: Bursts, where: AddressMap, channels: int, banks: int, burst_bytes: int) -> Workset:
    """Decode bursts for a memory of `channels` with `banks` each (all ranks)."""
    decoded = where.decode(trace.address)
    order = np.argsort(decoded["channel"], kind="stable")
    rows = np.arange(len(trace)) + 2 * decoded["channel"][order]
    requests = np.zeros(len(trace) + 2 * channels, REQUEST)
    requests["arrival"][rows] = trace.cycle[order]
    requests["is_write"][rows] = trace.is_write[order]
    requests["bank"][rows] = decoded["bank"][order]
    requests["row"][rows] = decoded["row"][order]
    line = np.zeros(len(requests), np.int64)
    line[rows] = trace.address[order] % where.size // burst_bytes
    start = np.searchsorted(decoded["channel"][order], np.arange(channels + 1)) + 2 * np.arange(channels + 1)
    first = np.zeros((channels, banks), np.uint32)
    for c in range(channels):
        n = int(start[c + 1] - start[c]) - 2
        part = slice(int(start[c]), int(start[c]) + n)
        own = requests[part]
        if trace.relative and n:
            own["arrival"] = _waits(own["arrival"], trace.request[order[start[c] - 2 * c :][:n]])
        own["next_bank"] = _next(own["bank"], n)
        own["next_row"] = _next(own["bank"].astype(np.int64) << 32 | own["row"], n)
        # Counted from the last one back: n becomes -1, and that n + 1.
        previous = n - 1 - _next(line[part][::-1], n)[::-1].astype(np.int64)
        own["previous_same"] = np.where(previous < 0, n + 1, previous)
        first[c] = n
        found, place = np.unique(own["bank"], return_index=True)
        first[c, found] = place
    return Workset(start, requests, rows, order, first)


def _waits(cycle: Ints, request: Ints) -> Ints:
    """Count cycles of each burst of a channel since the request before, -1 for further bursts of one; int64 (n,)."""
    waits = np.diff(cycle, prepend=0)
    waits[1:][request[1:] == request[:-1]] = -1
    return waits


def _next(key: Array, none: int) -> Positions:
    """Return the position of the next entry with the same key, or `none`; uint32 (n,)."""
    out = np.full(len(key), none, dtype=np.uint32)
    by_key = np.argsort(key, kind="stable")
    same = key[by_key][1:] == key[by_key][:-1]
    out[by_key[:-1][same]] = by_key[1:][same]
    return out

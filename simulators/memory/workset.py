"""A trace as the kernel reads it: split by channel, addresses decoded, and who follows whom known in advance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Trace
from .bank import Requests
from .mapping import AddressMap

Ints = np.ndarray[Any, np.dtype[np.int64]]
Links = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, eq=False)
class Workset:
    """Requests grouped by channel, in trace order within each; n in all, positions count from a channel's start.

    Attributes:
        start: first position of each channel and n, int64 (channels + 1,).
        order: position in the trace of each request, int64 (n,).
        requests: none of them served.
        first: the first request of each bank; the channel's number of requests where there is none. int32
            (channels, banks).
    """

    start: Ints
    order: Ints
    requests: Requests
    first: Links

    @property
    def mixed(self) -> bool:
        """Whether the trace both reads and writes."""
        writes = self.requests.is_write
        return bool(writes.any()) and not bool(writes.all())


def make_workset(trace: Trace, where: AddressMap, channels: int, banks: int, burst_bytes: int) -> Workset:
    """Decodes a trace for a memory of `channels` with `banks` each (all ranks)."""
    decoded = where.decode(trace.address)
    order = np.argsort(decoded["channel"], kind="stable")
    start = np.searchsorted(decoded["channel"][order], np.arange(channels + 1))
    bank, row = (decoded[name][order].astype(np.int32) for name in ("bank", "row"))
    line = trace.address[order] % where.size // burst_bytes
    n = len(trace)
    links = {name: np.empty(n, np.int32) for name in ("next_bank", "next_row", "previous_same")}
    first = np.zeros((channels, banks), np.int32)
    for c in range(channels):
        part = slice(int(start[c]), int(start[c + 1]))
        size = part.stop - part.start
        links["next_bank"][part] = _next(bank[part], size)
        links["next_row"][part] = _next(bank[part].astype(np.int64) << 32 | row[part], size)
        links["previous_same"][part] = size - 1 - _next(line[part][::-1], size)[::-1]
        first[c] = size
        found, place = np.unique(bank[part], return_index=True)
        first[c, found] = place
    requests = Requests(
        trace.cycle[order], trace.is_write[order], bank, row, links["next_bank"], links["next_row"],
        links["previous_same"], np.zeros(n + 1, np.bool_),
    )  # fmt: skip
    return Workset(start.astype(np.int64), order, requests, first)


def _next(key: Ints | Links, none: int) -> Links:
    """Position of the next entry with the same key, or `none`; int32 (n,)."""
    out = np.full(len(key), none, dtype=np.int32)
    by_key = np.argsort(key, kind="stable")
    same = key[by_key][1:] == key[by_key][:-1]
    out[by_key[:-1][same]] = by_key[1:][same]
    return out

"""The transfers of a layer as requests of whole bursts, each to a place in memory.

Operands lie one after the other, each aligned to a page, and the pieces of an operand too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .timeline import Floats, Parts
from .traffic import PAGE_BYTES, Flags, Ints, Traffic


@dataclass(frozen=True, eq=False)
class Bursts:
    """The r requests of a layer in the order of asking, each column of shape (r,).

    Attributes:
        parts: which requests are asked for together.
        part: whose request it is.
        address: bytes from the start of the layer's memory.
        is_write: whether it writes.
        nbytes: of the layer's memory.
    """

    parts: Parts
    part: Ints
    address: Ints
    is_write: Flags
    nbytes: int

    def __len__(self) -> int:
        return len(self.part)

    def cycles(self, marks: Floats, held: Floats, cycle_s: float) -> tuple[Ints, Ints]:
        """Tell the memory cycle of each request, and their order by it, (r,) each; arguments as of `serve`."""
        asked = np.maximum(marks[self.parts.mark], held[self.parts.transfer])
        # Marks are sums of whole cycles and of computing; a millionth of a cycle is their rounding.
        cycle = np.ceil(asked / cycle_s - 1e-6).astype(np.int64)[self.part]
        return cycle, np.argsort(cycle, kind="stable")


def count_bursts(traffic: Traffic, burst_bytes: int) -> tuple[Ints, Ints]:
    """Return the first burst of each transfer within its operand, and how many bursts it has, (t,) each."""
    first, count = np.zeros(len(traffic), np.int64), np.zeros(len(traffic), np.int64)
    for operand, (pieces, nbytes) in enumerate(zip(traffic.pieces, traffic.nbytes, strict=True)):
        own = traffic.operand == operand
        bounds = np.floor(np.arange(pieces + 1) * (nbytes / pieces / burst_bytes)).astype(np.int64)
        bounds[-1] = -(-int(np.ceil(nbytes)) // burst_bytes)
        piece = traffic.piece[own]
        first[own], count[own] = bounds[piece], np.diff(bounds)[piece]
    return first, count


def lay_out(traffic: Traffic, burst_bytes: int, kept: Ints) -> Bursts:
    """Lay transfers out as bursts of `burst_bytes`: those asked for at the marks of the stretches `kept`, (s, 2).

    Marks are counted as `traffic.only(kept)` counts them.
    """
    first, count = count_bursts(traffic, burst_bytes)
    over = traffic.last - traffic.start + 1  # marks, of which each has an equal part
    some = [_between(traffic, count, over, int(begin), int(end)) for begin, end in kept]
    owner, low, sizes = (np.concatenate(columns) for columns in zip(*some, strict=True))
    transfer = np.repeat(owner, sizes)
    number = np.arange(len(transfer)) + np.repeat(low - np.cumsum(sizes) + sizes, sizes)
    mark = traffic.start[transfer] + number * over[transfer] // count[transfer]

    begins = np.flatnonzero((np.diff(transfer, prepend=-1) != 0) | (np.diff(mark, prepend=-1) != 0))
    sizes = np.diff(begins, append=len(transfer))
    order = Parts.order(traffic, transfer[begins], mark[begins])
    begins, sizes = begins[order], sizes[order]
    place = np.arange(len(transfer)) + np.repeat(begins - np.cumsum(sizes) + sizes, sizes)
    transfer, number = transfer[place], number[place]

    pages = [-(-int(np.ceil(nbytes)) // PAGE_BYTES) for nbytes in traffic.nbytes]
    base = PAGE_BYTES * np.concatenate([[0], np.cumsum(pages)])
    return Bursts(
        Parts(transfer[np.cumsum(sizes) - sizes], traffic.numbers(kept)[mark[begins]]),
        np.repeat(np.arange(len(begins)), sizes),
        base[traffic.operand[transfer]] + burst_bytes * (first[transfer] + number),
        traffic.is_write[transfer],
        int(base[-1]),
    )


def _between(traffic: Traffic, count: Ints, over: Ints, begin: int, end: int) -> tuple[Ints, Ints, Ints]:
    """List the transfers with bursts at marks from `begin` to before `end`, the first of these and their number."""
    owner = np.flatnonzero((traffic.start < end) & (traffic.last >= begin) & (count > 0))
    n, marks, start = count[owner], over[owner], traffic.start[owner]
    low, high = (-((-np.clip(at - start, 0, marks) * n) // marks) for at in (begin, end))
    return owner, low, high - low

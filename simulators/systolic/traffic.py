"""The DRAM traffic of a network on a systolic design as memory requests, tile by tile in time.

The tiles, their order and what moves are the kernel's own (see `tiling`). While a tile is in use the next ones come in,
and an output tile goes out as the next is computed; requests are made when that transfer may begin, at the pace of an
array that never stalls. Operands of every layer lie one after the other in memory, tiles of an operand too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Trace
from ...errors import ChipgymError
from .tiling import LOOPS

#: Requests of one trace; larger networks or designs that fetch their operands very often are refused.
MOST_REQUESTS = 2**23
#: Tiles of one layer.
MOST_TILES = 2**22
#: Bytes that operands are aligned to, and that an operator on the vector unit streams at a time: a page of memory.
PAGE_BYTES = 4096

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Transfer:
    """Pieces of one operand that move: when they may begin, and which part of the operand each is.

    Attributes:
        time_s: seconds, (n,).
        piece: which of the operand's `pieces` equal parts, (n,).
        nbytes: of the whole operand.
        is_write: whether it goes out.
    """

    time_s: Floats
    piece: Ints
    pieces: int
    nbytes: float
    operand: str
    is_write: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How one layer is cut: the kernel's answer, and its words.

    Attributes:
        order: loop order code; a, b, c: tiles over m, n, k; groups: independent products.
        words_i, words_f, words_o: of one group's operands in one pass.
        resident: whether input, filters and outputs stay on chip whole.
        word_bytes, sum_bytes: of an operand and of a partial sum.
    """

    order: int
    a: int
    b: int
    c: int
    groups: int
    words_i: float
    words_f: float
    words_o: float
    resident: tuple[bool, bool, bool]
    word_bytes: float
    sum_bytes: float


def product_transfers(plan: Plan, start_s: float, compute_s: float) -> Iterator[Transfer]:
    """What a matrix product moves, from `start_s` on, if it computes for `compute_s`.

    Raises:
        ChipgymError: it is cut into more than `MOST_TILES` tiles.
    """
    trips = (plan.a, plan.b, plan.c)
    steps = plan.groups * plan.a * plan.b * plan.c
    if steps > MOST_TILES:
        raise ChipgymError(f"dram_trace: a layer in {steps} tiles, expected at most {MOST_TILES}; use larger SRAMs")
    loops = LOOPS[plan.order]
    index = np.indices((plan.groups, *(trips[d] for d in loops))).reshape(4, -1)
    group, place = index[0], {int(d): index[1 + i] for i, d in enumerate(loops)}
    m, n, k = place[0], place[1], place[2]
    each = compute_s / steps
    begins: Floats = start_s + each * np.maximum(
        np.arange(steps) - 1, 0
    )  # a tile is fetched while the one before is in use
    stay_i, stay_f, stay_o = plan.resident
    for operand, piece, pieces, words, stays in (
        ("ifmap", (group * plan.a + m) * plan.c + k, plan.a * plan.c, plan.words_i, stay_i),
        ("filter", (group * plan.b + n) * plan.c + k, plan.b * plan.c, plan.words_f, stay_f),
    ):
        comes = _firsts(piece) if stays else _changes(piece)
        nbytes = words * plan.groups * plan.word_bytes
        yield Transfer(begins[comes], piece[comes], pieces * plan.groups, nbytes, operand, False)

    piece, pieces = (group * plan.a + m) * plan.b + n, plan.a * plan.b * plan.groups
    ends = np.asarray(start_s + each * (np.arange(steps) + 1), np.float64)
    last = _firsts(piece[::-1])[::-1]
    leaves = last if stay_o else _changes(piece[::-1])[::-1]
    returns = np.zeros(steps, bool) if stay_o else _changes(piece) & ~_firsts(piece)
    partial, whole = plan.words_o * plan.groups * plan.sum_bytes, plan.words_o * plan.groups * plan.word_bytes
    spills = leaves & ~last
    yield Transfer(begins[returns], piece[returns], pieces, partial, "psum", False)
    yield Transfer(ends[spills], piece[spills], pieces, partial, "psum", True)
    yield Transfer(ends[last], piece[last], pieces, whole, "ofmap", True)


def vector_transfers(read: float, written: float, start_s: float, busy_s: float) -> Iterator[Transfer]:
    """What an operator on the vector unit streams: bytes in and out, evenly while it is busy."""
    for nbytes, operand, is_write in ((read, "in", False), (written, "out", True)):
        pieces = max(1, int(nbytes) // PAGE_BYTES)
        time = start_s + busy_s * np.arange(pieces) / pieces
        yield Transfer(time, np.arange(pieces), pieces, nbytes, operand, is_write)


def make_trace(name: str, layers: list[list[Transfer]], burst_bytes: int, cycle_s: float) -> Trace:
    """Transfers of all layers as requests of whole bursts, one a burst.

    Raises:
        ChipgymError: there are none, or more than `MOST_REQUESTS`.
    """
    times, addresses, writes, total, base = [], [], [], 0, 0
    for transfers in layers:
        places: dict[str, int] = {}
        for t in transfers:
            if t.operand not in places:
                places[t.operand], base = base, base + -(-int(np.ceil(t.nbytes)) // PAGE_BYTES) * PAGE_BYTES
            bounds = np.floor(np.arange(t.pieces + 1) * (t.nbytes / t.pieces / burst_bytes)).astype(np.int64)
            bounds[-1] = -(-int(np.ceil(t.nbytes)) // burst_bytes)
            first, count = bounds[t.piece], np.diff(bounds)[t.piece]
            total += int(count.sum())
            if total > MOST_REQUESTS:
                raise ChipgymError(f"dram_trace: more than {MOST_REQUESTS} requests; use a smaller network or batch")
            within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
            addresses.append(places[t.operand] + burst_bytes * (np.repeat(first, count) + within))
            times.append(np.repeat(t.time_s, count))
            writes.append(np.full(int(count.sum()), t.is_write))
    if not total:
        raise ChipgymError(f"dram_trace: {name} moves nothing to or from DRAM")
    cycle = np.floor(np.concatenate(times) / cycle_s).astype(np.int64)
    order = np.argsort(cycle, kind="stable")
    return Trace(name, cycle[order], np.concatenate(writes)[order], np.concatenate(addresses)[order])


def _changes(piece: Ints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where another piece than just before is in use."""
    return np.concatenate([[True], piece[1:] != piece[:-1]])


def _firsts(piece: Ints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a piece is in use for the first time."""
    out = np.zeros(len(piece), bool)
    out[np.unique(piece, return_index=True)[1]] = True
    return out

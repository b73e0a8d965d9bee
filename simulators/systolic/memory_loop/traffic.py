"""What a layer moves to and from DRAM, tile by tile, and when each transfer may begin and must be over.

The tiles, their order and what moves are the kernel's own (see `tiling` and `schedule`). Time is counted in *marks*,
not in seconds: mark 0 is the start of the layer, mark j (1 … steps) the moment at which its j-th tile comes into use,
mark steps + 1 the end of computing and mark steps + 2 the end of the layer. When a mark is reached follows from
computing and from the transfers that must be over by it (see `timeline`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....errors import ChipgymError
from ..model.tiling import LOOPS

#: Tiles of one layer; each takes some hundred bytes of memory while its layer is looked at.
MOST_TILES = 2**22
#: Bytes that operands are aligned to, and that an operator on the vector unit streams at a time: a page of memory.
PAGE_BYTES = 4096
#: Of a layer with too many requests, so many stretches of tiles are looked at, each of so many tiles at least.
STRETCHES, SHORTEST = 32, 16
#: What a transfer moves. Partial sums have a place of their own, as they may be wider than outputs.
IFMAP, FILTER, PSUM, OFMAP = range(4)

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Traffic:
    """The t transfers of a layer in the order in which they are needed, each column of shape (t,).

    Attributes:
        steps: tiles of the layer.
        step_s: seconds to compute one of them.
        operand: which operand a transfer is a piece of, and `piece` which one of the operand's equal pieces.
        start: the mark from which on it may move.
        last: the mark at which the last of it is asked for. A tile that has the time of several others to come in is
            asked for in equal parts, one as each of these comes into use.
        need: the mark that is not reached before it is over; above `last`.
        after: the transfer that must be over before this one begins, -1 where there is none; an earlier one.
        is_write: whether it goes out.
        pieces, nbytes: of each operand as a whole, (4,).
        stands_for: tiles of the layer that each of the steps stands for; more than one where only some are looked at.
    """

    steps: int
    step_s: float
    operand: Ints
    piece: Ints
    start: Ints
    last: Ints
    need: Ints
    after: Ints
    is_write: Flags
    pieces: tuple[int, int, int, int]
    nbytes: tuple[float, float, float, float]
    stands_for: float = 1.0

    def __len__(self) -> int:
        return len(self.operand)

    def every(self) -> Ints:
        """Return all marks, as a stretch for `only`, (1, 2)."""
        return np.array([[0, self.steps + 3]])

    def stretches(self, fraction: float) -> Ints:
        """Return about a `fraction` of the marks: `STRETCHES` of them at even distances, from and to, (s, 2)."""
        length = max(int(self.steps * fraction / STRETCHES), SHORTEST)
        if length * STRETCHES >= self.steps:
            return self.every()
        begins = 1 + np.linspace(0, self.steps - length, STRETCHES).astype(np.int64)
        kept = np.stack([begins, begins + length], axis=1)
        kept[0, 0], kept[-1, 1] = 0, self.steps + 3
        return kept

    def only(self, kept: Ints) -> Traffic:
        """Return the layer as if it had no other marks than those of the stretches `kept`, (s, 2).

        What is needed at another mark is needed at the next one that is left.
        """
        number = self.numbers(kept)
        steps = int(number[-1]) - 2
        marks = {name: number[getattr(self, name)] for name in ("start", "last", "need")}
        return replace(self, steps=steps, stands_for=self.steps / steps, **marks)

    def numbers(self, kept: Ints) -> Ints:
        """Return each mark's number where only stretches `kept` are left, else that of the next one, (steps + 3,)."""
        left = np.zeros(self.steps + 3, np.int64)
        for begin, end in kept:
            left[begin:end] = 1
        return np.cumsum(left) - left


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


@dataclass(frozen=True, eq=False)
class _Part:
    """Some transfers of one operand; columns as in `Traffic`."""

    operand: int
    piece: Ints
    start: Ints
    last: Ints
    need: Ints
    is_write: bool


def product_traffic(plan: Plan, compute_s: float) -> Traffic:
    """Return what a matrix product moves that computes for `compute_s`.

    A tile is fetched while the one before it of its operand is in use; a tile of outputs goes out while the next one is
    in use, and where that one's successor has been in use before, its partial sums come back after that.

    Raises:
        ChipgymError: it is cut into more than `MOST_TILES` tiles.
    """
    trips = (plan.a, plan.b, plan.c)
    steps = plan.groups * plan.a * plan.b * plan.c
    if steps > MOST_TILES:
        raise ChipgymError(f"dram_limited: a layer in {steps} tiles, expected at most {MOST_TILES}; use larger SRAMs")
    loops = LOOPS[plan.order]
    index = np.indices((plan.groups, *(trips[d] for d in loops))).reshape(4, -1)
    group, place = index[0], {int(d): index[1 + i] for i, d in enumerate(loops)}
    m, n, k = place[0], place[1], place[2]
    stay_i, stay_f, stay_o = plan.resident
    parts = [
        _fetched(IFMAP, (group * plan.a + m) * plan.c + k, stay_i),
        _fetched(FILTER, (group * plan.b + n) * plan.c + k, stay_f),
        *_outputs((group * plan.a + m) * plan.b + n, steps, stay_o),
    ]
    groups, word, total = plan.groups, plan.word_bytes, plan.words_o * plan.groups
    return _ordered(
        parts, steps, compute_s,
        (plan.a * plan.c * groups, plan.b * plan.c * groups, plan.a * plan.b * groups, plan.a * plan.b * groups),
        (plan.words_i * groups * word, plan.words_f * groups * word, total * plan.sum_bytes, total * word),
    )  # fmt: skip


def stream_traffic(read: float, written: float, busy_s: float, held_in: int, held_out: int) -> Traffic:
    """Return what an operator on the vector unit streams that works for `busy_s`: bytes in and out, page by page.

    Args:
        read: bytes in.
        written: bytes out.
        busy_s: seconds that the unit works.
        held_in: pages that the input's SRAM holds: a page is asked for as soon as there is room for it.
        held_out: pages that the output's SRAM holds: work waits where there is no room for its results.
    """
    steps = max(1, int(max(read, written)) // PAGE_BYTES)
    page = np.arange(steps)
    parts = []
    if read:
        start = np.maximum(page + 1 - max(held_in, 1), 0)
        parts.append(_Part(IFMAP, page, start, start, page + 1, False))
    if written:
        start = page + 2
        need = np.minimum(start + max(held_out, 1), steps + 2)
        parts.append(_Part(OFMAP, page, start, start, need, True))
    return _ordered(parts, steps, busy_s, (steps, 1, 1, steps), (read, 0.0, 0.0, written))


def _fetched(operand: int, piece: Ints, stays: bool) -> _Part:
    """Return tiles of an operand that come in, where `piece` (steps,) is in use at each step."""
    enters = np.flatnonzero(_changes(piece))
    before = np.concatenate([[0], enters[:-1] + 1])
    comes = _firsts(piece[enters]) if stays else np.ones(len(enters), np.bool_)
    need = enters[comes] + 1
    return _Part(operand, piece[enters][comes], before[comes], need - 1, need, False)


def _outputs(piece: Ints, steps: int, stays: bool) -> list[_Part]:
    """Return tiles of outputs that go out finished, and of partial sums that go out and come back."""
    enters = np.flatnonzero(_changes(piece))
    visits = piece[enters]
    leaves = np.append(enters[1:], steps) + 1  # the mark at which each visit's tile is left
    gone = np.append(leaves[1:], steps + 2)  # and by which its half of the SRAM is wanted again
    finished, fresh = _firsts(visits[::-1])[::-1], _firsts(visits)
    parts = [_Part(OFMAP, visits[finished], leaves[finished], gone[finished] - 1, gone[finished], True)]
    if not stays and not finished.all():
        spills, back = ~finished, np.flatnonzero(~fresh)
        parts.append(_Part(PSUM, visits[spills], leaves[spills], gone[spills] - 1, gone[spills], True))
        need = enters[back] + 1
        parts.append(_Part(PSUM, visits[back], enters[back - 1] + 1, need - 1, need, False))
    return parts


def _ordered(
    parts: list[_Part], steps: int, compute_s: float, pieces: tuple[int, int, int, int],
    nbytes: tuple[float, float, float, float],
) -> Traffic:  # fmt: skip
    def column(name: str) -> Ints:
        return np.concatenate([np.zeros(0, np.int64), *(getattr(part, name) for part in parts)]).astype(np.int64)

    sizes = [len(part.piece) for part in parts]
    operand = np.repeat(np.array([part.operand for part in parts], np.int64), sizes)
    is_write = np.repeat(np.array([part.is_write for part in parts], np.bool_), sizes)
    piece, start, last, need = (column(name) for name in ("piece", "start", "last", "need"))
    order = np.argsort(need, kind="stable")
    operand, is_write, piece = operand[order], is_write[order], piece[order]
    start, last, need = start[order], last[order], need[order]
    # Partial sums come back into the half of the SRAM that outputs just left: these are what was to be gone by then.
    after = np.full(len(need), -1, np.int64)
    going = np.flatnonzero(is_write)
    back = np.flatnonzero((operand == PSUM) & ~is_write)
    if len(back):
        at = going[np.searchsorted(need[going], need[back])]
        after[back] = np.where(need[at] == need[back], at, -1)
    return Traffic(steps, compute_s / steps, operand, piece, start, last, need, after, is_write, pieces, nbytes)


def _changes(piece: Ints) -> Flags:
    """Tell where another piece than just before is in use."""
    return np.concatenate([[True], piece[1:] != piece[:-1]])


def _firsts(piece: Ints) -> Flags:
    """Tell where a piece is in use for the first time."""
    out = np.zeros(len(piece), bool)
    out[np.unique(piece, return_index=True)[1]] = True
    return out

"""The batch kernel: every design on every part of every pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core import Column, Columns
from ...core.compiled import compiled
from . import columns as c
from .part import RESIDENT, Fixed, Shape, make_scratch, run_part

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of the part index, int64 (parts, INDEX).
# FETCHED: whether what it reads is fetched from memory by each kernel. FIRST_CUT, FIRST_SHARE: where its knobs begin.
(
    FIRST, LAST, FIRST_EDGE, LAST_EDGE, REPEATS, SEARCHED, SAMPLE_ROWS, DECODE, PASS, MAPPED, FETCHED, FIRST_CUT,
    FIRST_SHARE, INDEX,
) = range(14)  # fmt: skip


class Tables(NamedTuple):
    """The parts of all passes, one after another.

    Attributes:
        kernels: float64 (kernels of all parts, FIELDS).
        links: int64 (edges of all parts, 3), numbered within their part.
        parts: int64 (parts, INDEX).
        most_kernels, most_edges: of one part.
    """

    kernels: Array
    links: Array
    parts: Array
    most_kernels: int
    most_edges: int


@compiled
def stage_repeats(part: Array, pp: float) -> int:
    """Repeats of a part in one pipeline stage; what does not repeat is not divided."""
    return int(np.ceil(part[REPEATS] / pp)) if part[REPEATS] > 1 else 1


def sequences_of(sockets: int, batch: int, columns: Columns) -> Column:
    """Sequences, or samples, of each replica, (n,): a group of sockets that has all layers, but for experts shared."""
    ep = columns.get("ep", np.ones(1))
    groups = np.maximum(1, np.floor(sockets / (columns["tp"] * columns["pp"] * ep)))
    out: Column = np.ceil(batch / (groups * ep))
    return out


@compiled
def resident_bytes(tables: Tables, d: Array, number: int) -> float:
    """Weights of one pass on one socket, of the stage that has its head."""
    total = 0.0
    for part in tables.parts:
        if part[PASS] == number and part[MAPPED] == 0:
            for i in range(part[FIRST], part[LAST]):
                k = tables.kernels[i]
                cut = min(d[c.TP], k[c.SPLIT_COLS]) * min(d[c.TP], k[c.SPLIT_INNER]) * min(d[c.TP], k[c.SPLIT_COUNT])
                cut *= d[c.EP] if k[c.FAR] > 0 else 1.0
                total += k[c.WEIGHTS] / cut * stage_repeats(part, d[c.PP])
    return total


@compiled
def shape_of(tables: Tables, p: int, d: Array, batch: int, sockets: int) -> Shape:
    """How a design runs a part: repeats of one pipeline stage, and the tiles of one microbatch."""
    part = tables.parts[p]
    tp, pp = d[c.TP], d[c.PP]
    replicas = max(1.0, np.floor(sockets / (tp * pp * d[c.EP]))) * d[c.EP]
    sequences = np.ceil(batch / replicas)
    spread = max(1.0, d[c.EP] * batch / (replicas * sequences)) if d[c.EP] > 1 else 1.0
    samples = np.ceil(sequences / d[c.MICROBATCHES])
    tiles = max(1, int(np.ceil(samples * part[SAMPLE_ROWS] / d[c.TILE])))
    span = max(1, int(np.ceil(tiles / samples)))
    resident = resident_bytes(tables, d, part[PASS]) if int(d[c.RESIDENCY]) == RESIDENT else 0.0
    return Shape(
        part[FIRST], part[LAST], part[FIRST_EDGE], part[LAST_EDGE], part[SEARCHED] == 1, part[DECODE] == 1,
        stage_repeats(part, pp), samples / tiles, tiles, span, resident, part[MAPPED] == 1, part[FETCHED] == 1,
        spread,
    )  # fmt: skip


@compiled
def run_batch(
    tables: Tables, designs: Array, cuts: Array, shares: Array, batch: int, sockets: int, fixed: Fixed, out: Array,
    recorded: int, sections: Array, kernels: Array,
) -> None:  # fmt: skip
    """Fills `out` (n, parts, PART) for designs (n, N_DESIGN), cuts (n, edges) and shares (n, kernels), both of
    all searched parts one after another.

    Args:
        recorded: number of the part whose sections (its kernels, SECTION) and kernels (its kernels, KERNEL) are
            recorded, of the last design; -1 for none.
    """
    none = np.empty((0, 1))
    one = int(np.int64(1))  # a plain number is a type of its own to Numba, which would compile for it once more
    scratch = make_scratch(tables.most_kernels, tables.most_edges, one)
    for i in range(len(designs)):
        if fixed.event:
            most = one
            for p in range(len(tables.parts)):
                most = max(most, 3 * shape_of(tables, p, designs[i], batch, sockets).tiles)
            if scratch.finish.shape[1] < most:
                scratch = make_scratch(tables.most_kernels, tables.most_edges, most)
        for p in range(len(tables.parts)):
            shape, part = shape_of(tables, p, designs[i], batch, sockets), tables.parts[p]
            run_part(
                designs[i], cuts[i, part[FIRST_CUT] :], shares[i, part[FIRST_SHARE] :], tables.kernels,
                tables.links[shape.first_edge : shape.last_edge], shape, fixed, scratch, out[i, p],
                sections if p == recorded else none, kernels if p == recorded else none,
            )  # fmt: skip

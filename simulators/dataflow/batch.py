"""The batch kernel: every design on every part of every pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.compiled import compiled
from . import columns as c
from .part import RESIDENT, Fixed, Shape, make_scratch, run_part

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of the part index, int64 (parts, INDEX).
FIRST, LAST, FIRST_EDGE, LAST_EDGE, REPEATS, SEARCHED, SAMPLE_ROWS, DECODE, PASS, MAPPED, INDEX = range(11)


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


@compiled
def resident_bytes(tables: Tables, d: Array, number: int) -> float:
    """Weights of one pass on one socket, of the stage that has its head."""
    total = 0.0
    for part in tables.parts:
        if part[PASS] == number and part[MAPPED] == 0:
            for i in range(part[FIRST], part[LAST]):
                k = tables.kernels[i]
                cut = min(d[c.TP], k[c.SPLIT_COLS]) * min(d[c.TP], k[c.SPLIT_INNER]) * min(d[c.TP], k[c.SPLIT_COUNT])
                total += k[c.WEIGHTS] / cut * stage_repeats(part, d[c.PP])
    return total


@compiled
def shape_of(tables: Tables, p: int, d: Array, batch: int, sockets: int) -> Shape:
    """How a design runs a part: repeats of one pipeline stage, and the tiles of one microbatch."""
    part = tables.parts[p]
    tp, pp = d[c.TP], d[c.PP]
    replicas = max(1.0, np.floor(sockets / (tp * pp)))
    samples = np.ceil(np.ceil(batch / replicas) / d[c.MICROBATCHES])
    tiles = max(1, int(np.ceil(samples * part[SAMPLE_ROWS] / d[c.TILE])))
    span = max(1, int(np.ceil(tiles / samples)))
    resident = resident_bytes(tables, d, part[PASS]) if int(d[c.RESIDENCY]) == RESIDENT else 0.0
    return Shape(
        part[FIRST], part[LAST], part[FIRST_EDGE], part[LAST_EDGE], part[SEARCHED] == 1, part[DECODE] == 1,
        stage_repeats(part, pp), samples / tiles, tiles, span, resident, part[MAPPED] == 1,
    )  # fmt: skip


@compiled
def run_batch(
    tables: Tables, designs: Array, cuts: Array, shares: Array, batch: int, sockets: int, fixed: Fixed, out: Array
) -> None:
    """Fills `out` (n, parts, PART) for designs (n, N_DESIGN), cuts (n, edges) and shares (n, kernels)."""
    none = np.empty((0, 1))
    scratch = make_scratch(tables.most_kernels, tables.most_edges, 1)
    for i in range(len(designs)):
        for p in range(len(tables.parts)):
            shape = shape_of(tables, p, designs[i], batch, sockets)
            if fixed.event and scratch.finish.shape[1] < 3 * shape.tiles:
                scratch = make_scratch(tables.most_kernels, tables.most_edges, 3 * shape.tiles)
            links = tables.links[shape.first_edge : shape.last_edge]
            run_part(
                designs[i], cuts[i], shares[i], tables.kernels, links, shape, fixed, scratch, out[i, p], none, none
            )


@compiled
def run_one(
    tables: Tables, design: Array, cuts: Array, shares: Array, batch: int, sockets: int, fixed: Fixed, p: int,
    out: Array, sections: Array, kernels: Array,
) -> None:  # fmt: skip
    """As `run_batch` for part `p` of one design, with a record of its sections (n, SECTION) and kernels (k, KERNEL)."""
    none = np.empty((0, 1))
    begin = p
    while tables.parts[begin, MAPPED] == 1:
        begin -= 1
    tiles = shape_of(tables, p, design, batch, sockets).tiles
    scratch = make_scratch(tables.most_kernels, tables.most_edges, 3 * tiles if fixed.event else 1)
    for q in range(begin, p + 1):
        shape = shape_of(tables, q, design, batch, sockets)
        links = tables.links[shape.first_edge : shape.last_edge]
        last = q == p
        run_part(
            design, cuts, shares, tables.kernels, links, shape, fixed, scratch, out, sections if last else none,
            kernels if last else none,
        )  # fmt: skip

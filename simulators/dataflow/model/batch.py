"""The batch model: every design on every part of every pass, what it needs, what the run adds up to and costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from . import columns as c
from .answers import Answers
from .needs import fill_needs, sequences_of, stage_repeats, weight_bytes
from .part import Shape, make_scratch, run_part
from .policies import RESIDENT
from .prices import Prices, fill_prices
from .program import (
    DECODE,
    FETCHED,
    FIRST,
    FIRST_CUT,
    FIRST_EDGE,
    FIRST_SHARE,
    LAST,
    LAST_EDGE,
    MAPPED,
    SAMPLE_ROWS,
    SEARCHED,
    Fixed,
    Program,
)  # fmt: skip
from .totals import fill_totals

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def shape_of(program: Program, p: int, d: Array) -> Shape:
    """Tell how a design runs a part: repeats of one pipeline stage, and the tiles of one microbatch."""
    part, sequences = program.parts[p], sequences_of(program, d)
    groups = max(1.0, np.floor(program.sockets / (d[c.TP] * d[c.PP] * d[c.EP])))
    spread = max(1.0, program.batch / (groups * sequences)) if d[c.EP] > 1 else 1.0
    samples = np.ceil(sequences / d[c.MICROBATCHES])
    tiles = max(1, int(np.ceil(samples * part[SAMPLE_ROWS] / d[c.TILE])))
    span = max(1, int(np.ceil(tiles / samples)))
    resident = weight_bytes(program, d, part[DECODE]) if int(d[c.RESIDENCY]) == RESIDENT else 0.0
    return Shape(
        part[FIRST], part[LAST], part[FIRST_EDGE], part[LAST_EDGE], part[SEARCHED] == 1, part[DECODE] == 1,
        int(stage_repeats(part, d[c.PP])), samples / tiles, tiles, span, resident, part[MAPPED] == 1,
        part[FETCHED] == 1, spread,
    )  # fmt: skip


@compiled
def run_batch(
    program: Program, prices: Prices, fixed: Fixed, designs: Array, cuts: Array, shares: Array, answers: Answers,
    recorded: int, sections: Array, kernels: Array,
) -> None:  # fmt: skip
    """Fill `answers` for designs (n, N_DESIGN), cuts (n, edges) and shares (n, kernels).

    Edges and kernels are those of all searched parts one after another.

    Args:
        program: the parts of all passes.
        prices: of the chip's parts and of the run's actions.
        fixed: what no design changes.
        designs: numbers and codes, (n, N_DESIGN).
        cuts: int64 (n, edges), 1 cuts; read where a design's fusion is "custom".
        shares: of each kernel in the PCUs of its section, (n, kernels); read where PCUs are allotted "custom".
        answers: filled.
        recorded: number of the part whose sections (its kernels, SECTION) and kernels (its kernels, KERNEL) are
            recorded, of the last design; -1 for none.
        sections: filled with the sections of the part `recorded`, (its kernels, SECTION).
        kernels: filled with the kernels of that part, (its kernels, KERNEL).
    """
    none = np.empty((0, 1))
    one = int(np.int64(1))  # a plain number is a type of its own to Numba, which would compile for it once more
    scratch = make_scratch(program.most_kernels, program.most_edges, one)
    for i in range(len(designs)):
        d, found = designs[i], answers.parts[i]
        if fixed.event:
            most = one
            for p in range(len(program.parts)):
                most = max(most, 3 * shape_of(program, p, d).tiles)
            if scratch.finish.shape[1] < most:
                scratch = make_scratch(program.most_kernels, program.most_edges, most)
        for p in range(len(program.parts)):
            shape, part = shape_of(program, p, d), program.parts[p]
            run_part(
                d, cuts[i, part[FIRST_CUT] :], shares[i, part[FIRST_SHARE] :], program.kernels,
                program.links[shape.first_edge : shape.last_edge], shape, fixed, scratch, found[p],
                sections if p == recorded else none, kernels if p == recorded else none,
            )  # fmt: skip
        answers.violation[i] = fill_needs(program, d, found, answers.needed[i], answers.has[i])
        fill_totals(program, d, found, answers.totals[i])
        fill_prices(program, prices, d, answers.totals[i])

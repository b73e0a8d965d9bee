"""A run from its parts: pipeline stages, microbatches and passes added up."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from . import answers as a
from . import columns as c
from .needs import sequences_of
from .program import HANDED, REPEATS, SEARCHED, STEP, TIMES, Program

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def turns(step: bool, microbatches: float, pp: float) -> float:
    """Tell how many times over a pipeline stage's time a pass takes.

    A step of decoding needs the one before; with as many microbatches as stages none of them waits.
    """
    return max(microbatches, pp) if step else microbatches + pp - 1


@compiled
def fill_totals(program: Program, d: Array, found: Array, out: Array) -> None:
    """Fill the totals (TOTALS,) of one design from its parts' answers (parts, PART)."""
    tp, pp, mb, sequences = d[c.TP], d[c.PP], d[c.MICROBATCHES], sequences_of(program, d)
    working = program.batch / sequences
    link = d[c.LINK_GBPS] * 1e9
    out[:] = 0.0
    out[a.WORKING] = working
    out[a.PEAK] = d[c.PCUS] * d[c.LANES] * d[c.STAGES] * d[c.CLOCK] * 1e9 * program.sockets
    for number in range(len(program.passes)):
        times, step, handed = program.passes[number, TIMES], program.passes[number, STEP] > 0, 0.0
        stage = 0.0
        for at in range(len(program.parts)):
            if not program.members[number, at]:
                continue
            part = program.parts[at]
            stage += found[at, a.TIME]
            stages = pp if part[REPEATS] > 1 else 1.0  # what does not repeat runs on one stage
            for amount in range(a.MACS, a.LINK_BYTES + 1):
                out[amount] += times * found[at, amount] * tp * stages * mb * working
            if number == 0 and part[SEARCHED] == 1:
                out[a.SECTIONS] += found[at, a.N_SECTIONS]
        if pp > 1:
            handed = program.passes[number, HANDED] * np.ceil(sequences / mb)
            stage += handed / tp / link + d[c.LINK_LATENCY] * 1e-6
            out[a.LINK_BYTES] += times * (pp - 1) * handed * mb * working
        out[a.TIME] += times * turns(step, mb, pp) * stage
        if number == 0:
            out[a.FIRST_TOKEN] = out[a.TIME]

"""What a design needs of what it has: sockets, stages, units, memory and FIFO depths."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from . import answers as a
from . import columns as c
from .policies import FROM_HBM
from .program import DECODE, FIRST, LAST, MAPPED, REPEATS, Program

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def stage_repeats(part: Array, pp: float) -> float:
    """Count the repeats of a part in one pipeline stage; what does not repeat is not divided."""
    return float(np.ceil(part[REPEATS] / pp)) if part[REPEATS] > 1 else 1.0


@compiled
def sequences_of(program: Program, d: Array) -> float:
    """Count sequences, or samples, of each replica: a group of sockets that has all layers, but for experts shared."""
    groups = max(1.0, np.floor(program.sockets / (d[c.TP] * d[c.PP] * d[c.EP])))
    return float(np.ceil(program.batch / (groups * d[c.EP])))


@compiled
def shards(k: Array, tp: float) -> float:
    """Count the parts that tensor parallelism cuts the weights of a kernel into."""
    return float(min(tp, k[c.SPLIT_COLS]) * min(tp, k[c.SPLIT_INNER]) * min(tp, k[c.SPLIT_COUNT]))


@compiled
def weight_bytes(program: Program, d: Array, decode: int) -> float:
    """Return bytes of weights of prefill (`decode` 0) or decoding (1) on one socket, of the stage that has its head."""
    total = 0.0
    for part in program.parts:
        # All steps of decoding share their weights.
        if part[DECODE] == decode and part[MAPPED] == 0:
            for i in range(part[FIRST], part[LAST]):
                k = program.kernels[i]
                cut = shards(k, d[c.TP]) * (d[c.EP] if k[c.FAR] > 0 else 1.0)
                total += k[c.WEIGHTS] * stage_repeats(part, d[c.PP]) / cut
    return total


@compiled
def cache_bytes(program: Program, d: Array) -> float:
    """Return the bytes of the KV cache of all tokens on one socket, of one pipeline stage."""
    sequences, total = sequences_of(program, d), 0.0
    for part in program.parts:
        if part[DECODE] == 0:
            for i in range(part[FIRST], part[LAST]):
                k = program.kernels[i]
                if k[c.WRITE] > 0:
                    kept = k[c.WRITE] / program.read * program.positions * stage_repeats(part, d[c.PP])
                    total += kept * sequences / min(d[c.TP], k[c.SPLIT_COLS])
    return total


@compiled
def fill_needs(program: Program, d: Array, found: Array, needed: Array, has: Array) -> float:
    """Fill what one design needs and has (NEEDS,) from its parts' answers (parts, PART); return its violation.

    Weights lie in their tier, the KV cache of all tokens and the results between sections in the nearest; embedding
    tables beside the weights.
    """
    tp, pp, sequences = d[c.TP], d[c.PP], sequences_of(program, d)
    group = tp * pp * d[c.EP]
    over = program.sockets % group if group < program.sockets else 0.0
    weights = weight_bytes(program, d, 0) + program.table_bytes / tp
    beside = not program.hbm or int(d[c.TIER]) == FROM_HBM  # whether weights lie where all the rest does
    nearest = (weights if beside else 0.0) + cache_bytes(program, d) + 2 * sequences * program.widest
    beyond = 0.0 if beside else weights
    pcus = pmus = sram = depth = -np.inf
    for part in found:
        pcus, pmus = max(pcus, part[a.NEED_PCUS]), max(pmus, part[a.NEED_PMUS])
        sram, depth = max(sram, part[a.NEED_SRAM]), max(depth, part[a.NEED_DEPTH])
    needed[a.GROUP], has[a.GROUP] = group, program.sockets
    needed[a.LEFT_OVER], has[a.LEFT_OVER] = over, 0.0
    needed[a.STAGES], has[a.STAGES] = pp, program.stages
    needed[a.MICROBATCHES], has[a.MICROBATCHES] = d[c.MICROBATCHES], sequences
    needed[a.PCUS], has[a.PCUS] = (pcus + 1) * d[c.PCUS], d[c.PCUS]
    needed[a.PMUS], has[a.PMUS] = (pmus + 1) * d[c.PMUS], d[c.PMUS]
    megabytes = d[c.PMUS] * d[c.PMU_KB] * 1024 / 1e6
    needed[a.SRAM], has[a.SRAM] = (sram + 1) * megabytes, megabytes
    needed[a.DEPTH], has[a.DEPTH] = depth, 0.0
    needed[a.HBM], has[a.HBM] = (nearest if program.hbm else 0.0) / 1e9, d[c.HBM_GB]
    needed[a.DDR], has[a.DDR] = (beyond if program.hbm else nearest) / 1e9, d[c.DDR_GB]
    violation = over / program.sockets + depth  # what there is none of has no relative excess
    for i in range(a.NEEDS):
        if has[i] > 0 and needed[i] > has[i]:
            violation += needed[i] / has[i] - 1
    return violation

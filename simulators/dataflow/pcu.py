"""Cycles of one tile on the pattern compute units that a kernel has, and how a section's units are shared out.

A product of M × N outputs over K takes ⌈M / (P_lane · lanes)⌉ · ⌈N / (P_stage · stages)⌉ · K cycles on P_lane · P_stage
units (DFModel, Ko et al., arXiv:2412.16432); the transposed product, N on the lanes, is the same result. Independent
products take units of their own. A vector kernel streams its elements over all lanes, `stages` operations a pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .columns import ALLOCATIONS, PRODUCT, SOURCE, SPLITS
from .work import T_COLS, T_COUNT, T_INNER, T_KIND, T_OPS, T_PART, T_ROWS

Array = np.ndarray[Any, np.dtype[Any]]

AUTO, BY_LANES, BY_STAGES = SPLITS.index("auto"), SPLITS.index("lanes"), SPLITS.index("stages")
EQUAL, BALANCED, CUSTOM = ALLOCATIONS.index("equal"), ALLOCATIONS.index("balanced"), ALLOCATIONS.index("custom")
#: Times that a balanced allocation is weighed again by what each kernel then takes.
ROUNDS = 8


@compiled
def product_cycles(m: float, n: float, k: float, p: float, split: int, lanes: float, stages: float) -> float:
    """Cycles of one M × N product over K on `p` units, split over lanes and stages as `split` says."""
    if split == BY_LANES:
        return np.ceil(m / (p * lanes)) * np.ceil(n / stages) * k
    if split == BY_STAGES:
        return np.ceil(m / lanes) * np.ceil(n / (p * stages)) * k
    best, side = np.inf, 1.0
    while side <= p:
        other = np.floor(p / side)
        if split == AUTO:
            best = min(best, np.ceil(m / (side * lanes)) * np.ceil(n / (other * stages)))
            best = min(best, np.ceil(n / (side * lanes)) * np.ceil(m / (other * stages)))
        elif side * side <= p:  # "square": the last that is left is the most even
            best = np.ceil(m / (side * lanes)) * np.ceil(n / (other * stages))
        side *= 2
    return best * k


@compiled
def tile_cycles(work: Array, i: int, p: float, split: int, lanes: float, stages: float) -> float:
    """Cycles of one tile of kernel `i` of a work table on `p` units."""
    if work[i, T_KIND] == SOURCE:
        return 0.0
    if work[i, T_KIND] != PRODUCT:
        return np.ceil(work[i, T_ROWS] / (p * lanes)) * np.ceil(work[i, T_OPS] / stages) * work[i, T_PART]
    abreast = min(work[i, T_COUNT], p)
    rounds = np.ceil(work[i, T_COUNT] / abreast)
    each = product_cycles(
        work[i, T_ROWS], work[i, T_COLS], work[i, T_INNER], np.floor(p / abreast), split, lanes, stages
    )
    return rounds * each * work[i, T_PART]


@compiled
def allocate(
    work: Array, shares: Array, section: Array, here: int, units: float, how: int, split: int, lanes: float,
    stages: float, pcus: Array, weight: Array, trial: Array,
) -> int:  # fmt: skip
    """Shares `units` PCUs out among the kernels of section `here`; fills `pcus` where `section` is `here`.

    Every kernel has one unit at least. Beyond it: equal parts, parts in proportion to `shares` ("custom") or to the
    cycles on a single unit ("work"), or ("balanced") such parts weighed again and again by the cycles that they lead
    to, of which the best is kept.

    Returns:
        How many kernels want a unit; nothing is filled where they are more than `units`.
    """
    kernels, total = 0, 0.0
    for i in range(len(section)):
        if section[i] == here and work[i, T_KIND] != SOURCE:
            kernels += 1
            if how == EQUAL:
                weight[i] = 1.0
            elif how == CUSTOM:
                weight[i] = shares[i]
            else:
                weight[i] = tile_cycles(work, i, 1.0, AUTO, lanes, stages)
            total += weight[i]
    if kernels == 0 or kernels > units:
        return kernels
    best = np.inf
    for _ in range(ROUNDS if how == BALANCED else 1):
        slowest, fresh = 0.0, 0.0
        for i in range(len(section)):
            if section[i] == here and work[i, T_KIND] != SOURCE:
                trial[i] = 1.0 + np.floor((units - kernels) * weight[i] / total)
                cycles = tile_cycles(work, i, trial[i], split, lanes, stages)
                slowest = max(slowest, cycles)
                weight[i] = cycles * trial[i]  # what it would take of one unit, had it no rounding
                fresh += weight[i]
        if slowest < best:
            best = slowest
            for i in range(len(section)):
                if section[i] == here and work[i, T_KIND] != SOURCE:
                    pcus[i] = trial[i]
        total = fresh
    return kernels

"""Cycles of one tile on the pattern compute units that a kernel has, and how a section's units are shared out.

A product of M × N outputs over K takes ⌈M / (P_lane · lanes)⌉ · ⌈N / (P_stage · stages)⌉ · K cycles on P_lane · P_stage
units (DFModel, Ko et al., arXiv:2412.16432); the transposed product, N on the lanes, is the same result. Independent
products take units of their own. Where every output has a lane and a stage of its own and units are left, they divide K
and add up, which a vector of one token needs to be quick. A vector kernel streams its elements over all lanes, `stages`
operations a pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from .columns import PRODUCT, SOURCE
from .policies import AUTO, BALANCED, BY_LANES, BY_STAGES, CUSTOM_SHARES, EQUAL, SQUARE
from .work import T_COLS, T_COUNT, T_FRACTION, T_INNER, T_KIND, T_OPS, T_OUT, T_ROWS

Array = np.ndarray[Any, np.dtype[Any]]

#: Halvings of the interval (of logarithms) in which a balanced allocation's pace is sought.
ROUNDS = 16


@compiled
def product_cycles(m: float, n: float, k: float, p: float, split: int, lanes: float, stages: float) -> float:
    """Count the cycles of one M × N product over K on `p` units, split over lanes and stages as `split` says."""
    if split == BY_LANES:
        return float(np.ceil(m / (p * lanes)) * np.ceil(n / stages) * k)
    if split == BY_STAGES:
        return float(np.ceil(m / lanes) * np.ceil(n / (p * stages)) * k)
    if split == AUTO:
        whole = min(np.ceil(m / lanes) * np.ceil(n / stages), np.ceil(n / lanes) * np.ceil(m / stages))
        if whole <= p:
            return float(np.ceil(k / np.floor(p / whole)))
    best, side = np.inf, 1.0
    if split == AUTO:
        best = min(np.ceil(m / (p * lanes)) * np.ceil(n / stages), np.ceil(n / (p * lanes)) * np.ceil(m / stages))
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
    """Count the cycles of one tile of kernel `i` of a work matrix on `p` units."""
    if work[i, T_KIND] == SOURCE:
        return 0.0
    if work[i, T_KIND] != PRODUCT:
        return float(np.ceil(work[i, T_ROWS] / (p * lanes)) * np.ceil(work[i, T_OPS] / stages) * work[i, T_FRACTION])
    abreast = min(work[i, T_COUNT], p)
    rounds = np.ceil(work[i, T_COUNT] / abreast)
    each = product_cycles(
        work[i, T_ROWS], work[i, T_COLS], work[i, T_INNER], np.floor(p / abreast), split, lanes, stages
    )
    return float(rounds * each * work[i, T_FRACTION])


@compiled
def fewest_pcus(work: Array, i: int, cycles: float, split: int, lanes: float, stages: float) -> float:
    """Return the fewest units on which a tile of kernel `i` takes at most `cycles`; inf where none do.

    Found side by side: with so many units over the lanes, how many over the stages bring it within the cycles.
    """
    if work[i, T_KIND] != PRODUCT:
        most = np.floor(cycles / (np.ceil(work[i, T_OPS] / stages) * work[i, T_FRACTION]) * (1 + 1e-12))
        return np.ceil(work[i, T_ROWS] / (most * lanes)) if most >= 1 else np.inf
    m, n, count = work[i, T_ROWS], work[i, T_COLS], work[i, T_COUNT]
    budget = cycles / (work[i, T_INNER] * work[i, T_FRACTION]) * (1 + 1e-12)  # blocks of outputs, one after another
    alone = tile_cycles(work, i, 1.0, split, lanes, stages) / (count * work[i, T_INNER] * work[i, T_FRACTION])
    if alone <= budget:
        return float(np.ceil(count / np.floor(budget / alone)))
    if budget < 1 and split == AUTO:  # every output at once, and K divided
        whole = min(np.ceil(m / lanes) * np.ceil(n / stages), np.ceil(n / lanes) * np.ceil(m / stages))
        each = np.floor(budget * work[i, T_INNER])
        return float(whole * np.ceil(work[i, T_INNER] / each) * count) if each >= 1 else np.inf
    best = np.inf
    for turned in range(2 if split == AUTO else 1):
        rows, cols = (n, m) if turned else (m, n)
        side = 1.0
        while True:
            high = np.ceil(rows / (side * lanes))
            wide = np.floor(budget / high)
            if wide >= 1:
                other = np.ceil(np.ceil(cols / stages) / wide)
                if split == SQUARE:
                    other = max(side, other)
                    fits = other < 4 * side  # or it would be split otherwise
                else:
                    fits = split == AUTO or (split == BY_LANES and other == 1) or (split == BY_STAGES and side == 1)
                if fits:
                    best = min(best, side * other)
            if (high == 1 and split != SQUARE) or side > 65536:
                break
            side *= 2
    return float(best * count)


@compiled
def even_out(
    work: Array, section: Array, here: int, units: float, split: int, lanes: float, stages: float, per_cycle: float,
    pcus: Array, trial: Array,
) -> bool:  # fmt: skip
    """Fill the fewest PCUs with which every kernel keeps up with the slowest; return False where no pace fits.

    The pace is the fastest that fits on `units`, by bisection; a kernel that puts out more than its links carry
    (`per_cycle` bytes a unit) gets more units.
    """
    slow, fast = 0.0, 0.0
    for i in range(len(section)):
        if section[i] == here and work[i, T_KIND] != SOURCE:
            one = tile_cycles(work, i, 1.0, split, lanes, stages)
            slow = max(slow, max(one, work[i, T_OUT] / per_cycle))
            fast += one
    fast /= units * 4
    found = False
    for step in range(ROUNDS + 1):
        pace = slow if step == 0 else np.sqrt(slow * fast)
        total = 0.0
        for i in range(len(section)):
            if section[i] == here and work[i, T_KIND] != SOURCE:
                fewest = fewest_pcus(work, i, pace, split, lanes, stages)
                trial[i] = max(1.0, max(fewest, np.ceil(work[i, T_OUT] / per_cycle / pace)))
                total += trial[i]
        if total <= units:
            slow, found = pace, True
            for i in range(len(section)):
                if section[i] == here and work[i, T_KIND] != SOURCE:
                    pcus[i] = trial[i]
        elif step == 0:
            return False
        else:
            fast = pace
    return found


@compiled
def allocate(
    work: Array, shares: Array, section: Array, here: int, units: float, how: int, split: int, lanes: float,
    stages: float, per_cycle: float, pcus: Array, weight: Array, trial: Array,
) -> int:  # fmt: skip
    """Share `units` PCUs out among the kernels of section `here`; fill `pcus` where `section` is `here`.

    Every kernel has one unit at least. Beyond it: equal parts, parts in proportion to `shares` ("custom") or to the
    cycles on a single unit ("work"), or what evens out their times ("balanced").

    Returns:
        How many kernels want a unit; nothing is filled where they are more than `units`.
    """
    kernels, total = 0, 0.0
    for i in range(len(section)):
        if section[i] == here and work[i, T_KIND] != SOURCE:
            kernels += 1
            if how == EQUAL:
                weight[i] = 1.0
            elif how == CUSTOM_SHARES:
                weight[i] = shares[i]
            else:
                weight[i] = tile_cycles(work, i, 1.0, int(np.int64(AUTO)), lanes, stages)
            total += weight[i]
    if kernels == 0 or kernels > units:
        return kernels
    if how == BALANCED and even_out(work, section, here, units, split, lanes, stages, per_cycle, pcus, trial):
        return kernels
    for i in range(len(section)):
        if section[i] == here and work[i, T_KIND] != SOURCE:
            pcus[i] = 1.0 + np.floor((units - kernels) * weight[i] / total)
    return kernels

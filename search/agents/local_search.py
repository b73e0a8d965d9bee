"""Where an acquisition is greatest on a grid: local searches side by side, and a choice of several designs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column
from .neighborhoods import Exchange

#: Rows (n, p) to what each is worth, (n,); more is better.
Acquisition = Callable[[Indices], Column]

# Moves of a local search at most.
MOVES = 12


def starts(acquisition: Acquisition, told: Indices, draws: Indices, n: int) -> Indices:
    """Return where local searches begin: `n` designs told, which come best first, and the `n` best of random ones."""
    return np.concatenate([told[:n], draws[np.argsort(-acquisition(draws), kind="stable")[:n]]])


def climbed(
    acquisition: Acquisition, rows: Indices, exchange: Exchange, rng: np.random.Generator
) -> tuple[Indices, Column]:
    """Move every row to its best neighbour while that is better; return all rows that were looked at.

    Of neighbours that are worth the same, one is drawn.

    Returns:
        Different rows in the order of the grid, shape (m, p), and what each is worth, (m,).
    """
    here, worth = rows, acquisition(rows)
    looked, worths = [here], [worth]
    for _ in range(MOVES):
        near, origin = exchange(here)
        if not len(near):
            break
        value = acquisition(near)
        looked.append(near)
        worths.append(value)
        order = np.lexsort((rng.random(len(near)), -value, origin))
        best = order[np.unique(origin[order], return_index=True)[1]]  # one for each row that has neighbours
        better = best[value[best] > worth[origin[best]]]
        if not len(better):
            break
        here, first = np.unique(near[better], axis=0, return_index=True)
        worth = value[better][first]
    different, first = np.unique(np.concatenate(looked), axis=0, return_index=True)
    return different, np.concatenate(worths)[first]


def several(rows: Indices, worth: Column, n: int, rng: np.random.Generator) -> Indices:
    """Choose at most `n` of rows (m, p), the best first, shape (k, p).

    Those that differ from all chosen before in two knobs at least go first: what one teaches of a neighbour need not
    be asked twice at a time. Equals, of which a forest has many, come in an order that is drawn.
    """
    left = np.lexsort((rng.random(len(rows)), -worth))
    chosen: list[int] = []
    for differences in (2, 1):
        for i in left:
            if len(chosen) == n:
                break
            if all((rows[i] != rows[c]).sum() >= differences for c in chosen):
                chosen.append(int(i))
    return rows[chosen]

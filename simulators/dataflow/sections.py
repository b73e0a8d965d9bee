"""How a graph is cut into sections, how deep its FIFOs must be, and where kernels lie on the mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .columns import (
    BARRIER,
    CONSUMER,
    FIFOS,
    FUSIONS,
    KIND,
    PLACEMENTS,
    PRODUCER,
    PRODUCT,
    SOURCE,
)

Array = np.ndarray[Any, np.dtype[Any]]

NONE, LAYER, CUSTOM = FUSIONS.index("none"), FUSIONS.index("layer"), FUSIONS.index("custom")
SINGLE, DOUBLE = FIFOS.index("single"), FIFOS.index("double")
SNAKE = PLACEMENTS.index("snake")


@compiled
def cut_sections(table: Array, first: int, links: Array, fusion: int, cuts: Array, section: Array) -> int:
    """Numbers the section of every kernel, in the order in which sections run; returns how many there are.

    A kernel runs as early as its producers allow: in the last of their sections, or the one after where the edge is
    cut. So every choice of cuts is a legal mapping, and sections never wait for each other in a circle. The source
    belongs to the first section, and its edges are never cut.

    Args:
        links: edges of this graph, (edges, 3), sorted by consumer.
        cuts: (edges,), read where `fusion` is "custom"; 1 cuts.
        section: (kernels,), filled.
    """
    section[:] = 0
    if fusion == NONE:
        for i in range(1, len(section)):
            section[i] = i - 1
        return max(len(section) - 1, 1)
    last = 0
    for e in range(len(links)):
        producer, consumer = links[e, PRODUCER], links[e, CONSUMER]
        cut = 0
        if table[first + producer, KIND] != SOURCE:
            if fusion == LAYER:
                cut = 1 if table[first + consumer, KIND] == PRODUCT else 0
            elif fusion == CUSTOM:
                cut = cuts[e]
        section[consumer] = max(section[consumer], section[producer] + cut)
        last = max(last, section[consumer])
    return last + 1


@compiled
def size_fifos(links: Array, section: Array, depth: int, span: int, level: Array, capacity: Array) -> float:
    """Fills the capacity, in tiles, of every edge within a section; returns how many tiles too few the worst one has.

    A level is the most tiles that may be on the way to a kernel, counted from its section's start; a barrier holds
    `span`. Matched FIFOs hold the difference of levels and one more. An edge beside a path with a barrier must hold
    all that the path does, or the section locks up (Lee and Messerschmitt's bounded-buffer condition, as a longest
    path in the graph of what waits for what).

    Args:
        depth: the code of `fifo_depth`.
        span: tiles of a sample.
    """
    level[:] = 0
    barriers = False
    for e in range(len(links)):
        producer, consumer = links[e, PRODUCER], links[e, CONSUMER]
        if section[producer] == section[consumer]:
            held = span if links[e, BARRIER] else 1
            barriers |= held > 1
            level[consumer] = max(level[consumer], level[producer] + held)
    for e in range(len(links)):
        producer, consumer = links[e, PRODUCER], links[e, CONSUMER]
        if section[producer] == section[consumer]:
            capacity[e] = 1 if depth == SINGLE else 2 if depth == DOUBLE else level[consumer] - level[producer] + 1
    return missing_depth(links, section, span, level, capacity) if barriers else 0.0


@compiled
def missing_depth(links: Array, section: Array, span: int, lead: Array, capacity: Array) -> float:
    """Tiles by which some FIFO is too shallow for its section to run; 0 where none is. Overwrites `lead`.

    Kernel v's first tile waits for tile d of u where d sums what barriers hold on the way forward, less what FIFOs
    hold on the way back. A section locks up where a kernel's first tile waits for itself or a later one of its own:
    where the longest path around some circle is not negative. By how much the FIFOs are short is found by deepening
    all of them together until no such circle is left.
    """
    n = len(lead)
    short = 0
    while short <= span * len(links):
        lead[:] = 0
        locked = False
        for sweep in range(n + 1):
            moved = False
            for e in range(len(links)):
                producer, consumer = links[e, PRODUCER], links[e, CONSUMER]
                if section[producer] != section[consumer]:
                    continue
                # In units of 1 / (n + 1) tile, so that a circle of length exactly 0 counts as locked too.
                ahead = (span - 1 if links[e, BARRIER] else 0) * (n + 1) + 1
                back = -(capacity[e] + short) * (n + 1) + 1
                if lead[consumer] < lead[producer] + ahead:
                    lead[consumer] = lead[producer] + ahead
                    moved = True
                if lead[producer] < lead[consumer] + back:
                    lead[producer] = lead[consumer] + back
                    moved = True
            if not moved:
                break
            locked = sweep == n
        if not locked:
            return float(short)
        short = max(1, 2 * short)
    return float(short)


@compiled
def place(pcus: Array, section: Array, here: int, units: float, how: int, centre: Array) -> None:
    """Where the middle of each kernel of a section lies on a square mesh: (kernels, 2) of row and column.

    Kernels take neighbouring units in graph order, along rows that turn back at their ends ("snake") or start anew.
    """
    side = np.ceil(np.sqrt(units))
    taken = 0.0
    for i in range(len(section)):
        if section[i] == here:
            middle = np.floor(taken + pcus[i] / 2)
            row = np.floor(middle / side)
            column = middle - row * side
            if how == SNAKE and row % 2 == 1:
                column = side - 1 - column
            centre[i, 0], centre[i, 1] = row, column
            taken += pcus[i]

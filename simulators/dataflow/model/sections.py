"""How a graph is cut into sections, how deep its FIFOs must be, and where kernels lie on the mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from .columns import BARRIER, CONSUMER, KIND, PRODUCER, PRODUCT, SOURCE
from .policies import BY_LAYER, CUSTOM_CUTS, DOUBLE, SINGLE, SNAKE, UNFUSED

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def cut_sections(matrix: Array, first: int, links: Array, fusion: int, cuts: Array, section: Array) -> int:
    """Give every kernel the number of its section, in the order in which sections run; return how many there are.

    A kernel runs as early as its producers allow: in the last of their sections, or the one after where the edge is
    cut. So every choice of cuts is a legal mapping, and sections never wait for each other in a circle. The source
    belongs to the first section, and its edges are never cut.

    Args:
        matrix: of all kernels, (kernels of all parts, FIELDS).
        first: row of this graph's first kernel in it.
        links: edges of this graph, (edges, 3), sorted by consumer.
        fusion: code of the knob.
        cuts: (edges,), read where `fusion` is "custom"; 1 cuts.
        section: (kernels,), filled.
    """
    section[:] = 0
    if fusion == UNFUSED:
        for i in range(1, len(section)):
            section[i] = i - 1
        return max(len(section) - 1, 1)
    last = 0
    for e in range(len(links)):
        producer, consumer = links[e, PRODUCER], links[e, CONSUMER]
        cut = 0
        if matrix[first + producer, KIND] != SOURCE:
            if fusion == BY_LAYER:
                cut = 1 if matrix[first + consumer, KIND] == PRODUCT else 0
            elif fusion == CUSTOM_CUTS:
                cut = cuts[e]
        section[consumer] = max(section[consumer], section[producer] + cut)
        last = max(last, section[consumer])
    return last + 1


@compiled
def size_fifos(links: Array, section: Array, depth: int, span: int, level: Array, capacity: Array) -> float:
    """Fill the capacity, in tiles, of every edge within a section; return how many tiles too few the worst one has.

    A level is the most tiles that may be on the way to a kernel, counted from its section's start; a barrier holds
    `span`. Matched FIFOs hold the difference of levels and one more. An edge beside a path with a barrier must hold
    all that the path does, or the section locks up.

    Args:
        links: edges, (edges, 3), sorted by consumer.
        section: of each kernel, (kernels,).
        depth: the code of `fifo_depth`.
        span: tiles of a sample.
        level: (kernels,), filled.
        capacity: (edges,), filled.
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
def missing_depth(links: Array, section: Array, span: int, done: Array, capacity: Array) -> float:
    """Count the tiles by which FIFOs are too shallow for their section to run; 0 where none is. Overwrites `done`.

    Whether tiles can go through does not depend on how long they take, nor on the order in which kernels take turns
    (a bounded process network is determinate: Kahn 1974, Parks 1995), so that all kernels may take as many tiles at
    once as they can. One sample is enough: a second can wait for the first. By how much FIFOs are short is found by
    deepening all of them, twice as much each time.
    """
    short = 0
    while True:
        done[:] = 0
        moved = True
        while moved:
            moved, e = False, 0
            for i in range(len(done)):
                most = span
                while e < len(links) and links[e, CONSUMER] == i:
                    u = links[e, PRODUCER]
                    if section[u] == section[i]:
                        come = done[u]
                        if links[e, BARRIER] and come < span:
                            come = 0
                        most = min(most, come)
                    e += 1
                if most > done[i]:
                    for j in range(e, len(links)):
                        v = links[j, CONSUMER]
                        if links[j, PRODUCER] == i and section[v] == section[i]:
                            most = min(most, done[v] + capacity[j] + short)
                    if most > done[i]:
                        done[i] = most
                        moved = True
        if done.min() == span or short > span:
            return float(short)
        short = max(1, 2 * short)


@compiled
def place(pcus: Array, section: Array, here: int, units: float, how: int, centre: Array) -> None:
    """Tell where the middle of each kernel of a section lies on a square mesh: (kernels, 2) of row and column.

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

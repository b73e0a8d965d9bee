"""Merlin's caching: transfers of arrays, what tiles load again, and what stays off chip."""

from __future__ import annotations

from ...fpga.formulas.terms import Term, Truth, ceil, equal, maximum, no, power_of_two, select
from ..lowering.loops import PORT_BITS, Node, port_bits
from ..lowering.nest import Nest
from ..space import CG
from ..tables.tools import Tool
from .unroll import Unrolled, held, two_level

#: Bits of the words that constants per word count.
WORD_BITS = 64
#: Words a cycle of the widest port.
WIDEST = PORT_BITS // WORD_BITS
#: Copies of a two-level nest's outer loop beyond which its rows are cached after all.
MOST_UNCACHED = 8


def transfers(nest: Nest, tool: Tool) -> float:
    """Count the cycles to load all inputs and store all outputs, a port's width a cycle."""
    loads, stores, rows = [], [], 0.0
    for array in nest.arguments():
        cycles = array.size * array.bits / port_bits(array, nest)
        if array.nbytes > tool.observed.held_bytes:
            rows += array.shape[0] * tool.observed.row
        if array.role != "out" or nest.read_back(array):
            loads.append(cycles)
        if array.role != "in":
            stores.append(cycles)
    overlap = tool.observed.overlap
    return rows + sum(overlap * max(group) + (1 - overlap) * sum(group) for group in (loads, stores) if group)


def updated_in_place(nest: Nest, u: Unrolled, tool: Tool) -> Term:
    """Count cycles of arrays too large to hold that an innermost loop updates: an element moves its row in and out."""
    cycles: Term = 0.0
    for x in nest.nodes[1:]:
        if x.children:
            continue
        for name in {a.array for a in x.loop.stores} & {a.array for a in x.loop.loads}:
            array = nest.kernel.array(name)
            if array.role == "inout" and array.nbytes > tool.observed.held_bytes:
                words = x.runs * x.loop.trip * 2 * array.shape[-1] * tool.observed.in_place
                cycles = cycles + select(u.factor[x.at] <= 1, words, 0.0)
    return cycles


def off_chip(nest: Nest, x: Node, u: Unrolled, tool: Tool) -> Term:
    """Count cycles that a loop's partial coarse copies cost where they go along rows of an array read by column.

    Merlin then leaves the array in memory, and every innermost iteration loads a row of it; or an element, where the
    copies share rows with their neighbours.
    """
    columns, seen, i = nest.columns[x.at], tool.observed, x.at
    innermost = sum(d.runs * d.loop.trip for d in nest.below[i] if not d.children)
    if not x.ordered and seen.off_chip_neighbour and nest.reads_neighbours(x):
        return select(u.partial(x), innermost * seen.off_chip_neighbour, 0.0)
    if not columns or held(nest, x, tool) or nest.varies(i):
        return 0.0
    away = u.partial(x) & no(u.copied_above[i] & nest.linear)
    beside: Term = 1.0  # copies around load side by side
    for p in x.path[1:]:
        beside = beside * u.running[p]
    if two_level(nest, x):
        if any(array.nbytes > seen.held_bytes for array, _ in columns):
            return 0.0
        poor: Truth = False
        for c in x.children:
            poor = poor | (u.factor[c] <= 1) | u.ragged(nest.nodes[c])
        away = away & poor & (u.factor[i] <= MOST_UNCACHED)
    array = columns[0][0]
    words = x.loop.trip * array.bits / WORD_BITS
    factor = maximum(u.factor[i], 1.0)
    aligned = (port_bits(array, nest) == PORT_BITS) & equal(power_of_two(factor), factor)
    wide = u.tiled(x)
    if x.parent > 0 and not nest.linear and seen.wide_cg:
        wide = wide | equal(u.pipe[x.parent], CG)
    narrow = words / select(aligned, seen.burst_words, 1.0) + seen.off_chip_copy * u.factor[i]
    return select(away, innermost / beside * (seen.off_chip + select(wide, words / WIDEST, narrow)), 0.0)


def tiling(nest: Nest, x: Node, u: Unrolled, tool: Tool) -> Term:
    """Count the cycles that the tiles of one run of a loop cost."""
    fit, seen, i = tool.fitted, tool.observed, x.at
    each = fit.tile_top if x.parent == 0 else fit.tile_inner
    each += fit.tile_repeat * sum(size * array.bits / port_bits(array, nest) for array, size in nest.repeated[i])
    words = sum(size for array, size in nest.columns[i] if array.nbytes <= seen.held_bytes)
    again: Term = seen.reload * words
    if seen.reload_by_copy:
        again = again / maximum(u.factor[i], 1.0)
    else:
        again = select(u.factor[i] < u.tile[i], again, 0.0)
        if nest.linear:  # one word of such an array at a time, unless a tile fills the port
            again = select(u.tile[i] * WORD_BITS >= PORT_BITS, again / 4, again * 2)
    if x.parent > 0:
        again = again + seen.reload_halo * nest.halo[i]
    tiles = ceil(x.loop.trip / maximum(u.tile[i], 1.0))
    idle = (u.factor[i] > 1) & held(nest, x, tool)  # copies that bring no speed share a tile's load nevertheless
    alone = select(idle, select(u.factor[i] < u.tile[i], 1.0 / maximum(u.factor[i], 1.0), 0.0), 1.0)
    cycles = tiles * (each * select(u.innermost[i], fit.tile_pipelined, alone) + again)
    return select(u.tiled(x) & no(u.split_above[i]), cycles, 0.0)

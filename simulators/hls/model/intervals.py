"""How soon a pipelined loop may start its next iteration: recurrences, ports and banks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...fpga.formulas.terms import Term, Truth, equal, log2, maximum, no, select
from ..lowering.loops import CHAIN, FREE, MEMORY_SUM, PORT_BITS, SERIAL_SUM, Node
from ..lowering.nest import Nest
from ..space import CG, OFF
from ..tables.tools import Tool
from .operations import chain_interval, makes_tree, sum_interval, tree_level
from .unroll import Unrolled

#: Accesses of a block RAM in a cycle: it has two ports (AMD UG573).
RAM_PORTS = 2
#: Loads of one array in a cycle beyond which SDx no longer splits it into banks under a loop without a pipeline pragma,
#: and how many it then serves.
MOST_BANKED, UNBANKED = 2048, 64


@dataclass(frozen=True, slots=True)
class Interval:
    """How a loop's iterations follow one another.

    Attributes:
        ii: cycles between iterations of the unrolled loop.
        serial: cycles of every iteration of the loop itself that unrolling does not help.
        levels: cycles of the reduction tree that joins the copies.
        rest: cycles of the iterations that are left where the factor does not divide the trip.
    """

    ii: Term
    serial: Term
    levels: Term
    rest: Term


def interval(nest: Nest, node: Node, u: Unrolled, tool: Tool) -> Interval:
    """Return the interval of a loop, were it pipelined."""
    fit, seen, factor = tool.fitted, tool.observed, u.factor[node.at]
    several = factor > 1
    ragged = u.ragged(node)
    ii: Term = _port_interval(node, tool)
    serial: Term = 0.0
    levels: Term = 0.0
    rest: Term = 0.0
    through_memory = sum_interval(fit.ii_memory, node, tool, through_memory=True)
    if makes_tree(node, tool):
        alone, unrolled = fit.ii_sum, fit.ii_sum_unrolled
        if node.children:
            alone = unrolled = fit.ii_outer
        elif node.array_sum:
            alone, unrolled = fit.ii_element, fit.ii_element_unrolled
        alone, unrolled = sum_interval(alone, node, tool), sum_interval(unrolled, node, tool)
        ii = maximum(ii, select(several, unrolled, alone))
        levels = log2(maximum(factor, 1.0)) * tree_level(node, tool)
    elif node.recurrence == SERIAL_SUM and any(not nest.nodes[p].loop.fixed for p in node.path):
        serial = select(several, through_memory, sum_interval(fit.ii_element, node, tool))
    elif node.recurrence == SERIAL_SUM:
        beside = u.copied_above[node.at] & no(ragged)
        if node.children:  # its addends are elements in registers, where Merlin unrolled the loop over them
            beside = (beside | equal(u.pipe[node.at], CG)) & no(several)
            for c in node.children:
                beside = beside & u.whole[c]
        in_copies, alone = sum_interval(seen.ii_serial_copies, node, tool), sum_interval(fit.ii_serial, node, tool)
        serial = select(beside, in_copies, alone)
    elif node.recurrence == MEMORY_SUM:
        serial = through_memory
    elif node.recurrence == CHAIN:
        serial = chain_interval(node, tool)
    elif node.recurrence == FREE and nest.along_row(node):
        if seen.rest and not node.loop.guard and nest.accumulates_around(node):
            rest = select(ragged, seen.rest + factor, 0.0)
        else:
            serial = select(ragged, seen.ragged_guarded if node.loop.guard else seen.ragged, 0.0)
    elif node.recurrence == FREE and nest.along_line(node):
        serial = select(ragged, seen.ragged_line, 0.0)
    if node.sums:
        serial = select(u.stuck[node.at], through_memory, serial)
    ii = maximum(ii, _bandwidth_interval(nest, node, u, tool))
    for c, accesses in nest.contended[node.at]:
        ii = maximum(ii, select(u.full[c], math.ceil(accesses / RAM_PORTS), 1.0))
    clash: Truth = False
    for y in nest.mismatched[node.at]:
        clash = clash | (u.full[y] & (factor < node.loop.trip))
    ii = select(clash, maximum(ii, seen.clash + seen.clash_copy * factor), ii)
    if seen.clash_rest:
        whole: Truth = False
        for y in nest.beside[node.at]:
            whole = whole | u.full[y]
        ii = select(whole & ragged, maximum(ii, seen.clash_rest), ii)
    return Interval(maximum(ii, serial * factor), serial, levels, rest)


def _port_interval(node: Node, tool: Tool) -> float:
    """Count the cycles that one iteration's loads of one array take."""
    counts: dict[str, int] = {}
    for access in node.loop.loads:
        counts[access.array] = counts.get(access.array, 0) + 1
    return max([1.0, *(float(math.ceil(c / tool.observed.ports)) for c in counts.values())])


def _bandwidth_interval(nest: Nest, node: Node, u: Unrolled, tool: Tool) -> Term:
    """Count the cycles that indirect loads, arrays that stay in memory, and loads beyond the most banks take."""
    ii: Term = 1.0
    crowded = equal(u.pipe[node.at], OFF) & tool.observed.bound_by_port
    for bits, held_bytes, indirect, loops in nest.region_loads[node.at]:
        loads: Term = 1.0
        for at in loops:
            loads = loads * (u.factor[at] if at == node.at else select(u.full[at], u.factor[at], 1.0))
        if indirect:
            ii = maximum(ii, loads * tool.observed.indirect)
        elif tool.observed.bound_by_port and held_bytes > tool.observed.held_bytes:
            ii = maximum(ii, loads * bits / PORT_BITS)
        else:
            ii = maximum(ii, select(crowded & (loads > MOST_BANKED), loads / UNBANKED, 1.0))
    return ii

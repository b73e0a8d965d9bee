"""How soon a pipelined loop may start its next iteration: recurrences, ports and banks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import Column
from .loops import CHAIN, FREE, GUARDED_SUM, PORT_BITS, SERIAL_SUM, TREE, Node
from .nest import Nest
from .tools import Tool
from .unroll import CG, OFF, Unrolled

#: Accesses of a block RAM in a cycle: it has two ports (AMD UG573).
RAM_PORTS = 2
#: Loads of one array in a cycle beyond which SDx no longer splits it into banks under a loop without a pipeline pragma,
#: and how many it then serves.
MOST_BANKED, UNBANKED = 2048, 64


@dataclass(frozen=True, slots=True)
class Interval:
    """How a loop's iterations follow one another, columns (n,).

    Attributes:
        ii: cycles between iterations of the unrolled loop.
        serial: cycles of every iteration of the loop itself that unrolling does not help.
        levels: cycles of the reduction tree that joins the copies.
        rest: cycles of the iterations that are left where the factor does not divide the trip.
    """

    ii: Column
    serial: Column
    levels: Column
    rest: Column


def body_latency(node: Node, tool: Tool) -> float:
    """Cycles through one iteration of a loop's own statements.

    Sums of up to four terms are a chain, of more half a tree; a product or division is met once or twice on the way. An
    addition into a reduced variable is the recurrence's, not the body's.
    """
    have, o = node.operations.get, tool.operators
    adds, muls = max(0.0, have("dadd", 0.0) - node.sums), have("dmul", 0.0)
    adds = adds if adds <= 4 else 4 + (adds - 4) / 2
    cycles = o.add * adds + o.mul * (min(muls, 1.0) + max(0.0, muls - 2) / 4 + have("dpow", 0.0))
    cycles += o.div * min(2.0, have("ddiv", 0.0) + have("dsqrt", 0.0))
    cycles += o.fadd * have("fadd", 0.0) + o.fmul * min(1.0, have("fmul", 0.0)) + o.fdiv * min(1.0, have("fdiv", 0.0))
    cycles += o.imul * min(1.0, have("imul", 0.0)) + o.iadd * (have("iadd", 0.0) + have("logic", 0.0) / 2)
    return cycles + (tool.fitted.access if node.loop.accesses else 0.0)


def chain_latency(node: Node, tool: Tool) -> float:
    """Cycles around a loop's recurrence; through its whole body where no chain is known."""
    if not node.chain:
        return body_latency(node, tool)
    o = tool.operators
    cycles = {"dadd": o.add, "dmul": o.mul, "ddiv": o.div, "fadd": o.fadd, "fmul": o.fmul, "fdiv": o.fdiv,
              "imul": o.imul, "logic": o.iadd / 2}  # fmt: skip
    return sum(cycles.get(name, o.iadd) for name in node.chain)


def makes_tree(node: Node, tool: Tool) -> bool:
    """Whether the loop's sum becomes a tree: a declared one, and in some tools that of an innermost loop."""
    return node.recurrence == TREE or (node.recurrence == SERIAL_SUM and tool.observed.trees and not node.children)


def interval(nest: Nest, node: Node, u: Unrolled, n: int, tool: Tool) -> Interval:
    """The interval of a loop, were it pipelined."""
    fit, seen, factor = tool.fitted, tool.observed, u.factor[node.at]
    several = factor > 1
    ragged = u.ragged(node)
    ii = np.full(n, _port_interval(node, tool))
    serial, levels, rest = np.zeros(n), np.zeros(n), np.zeros(n)
    if makes_tree(node, tool):
        alone, unrolled = fit.ii_sum, fit.ii_sum_unrolled
        if node.children:
            alone = unrolled = fit.ii_outer
        elif node.array_sum:
            alone, unrolled = fit.ii_element, fit.ii_element_unrolled
        ii = np.maximum(ii, np.where(several, unrolled, alone))
        levels = np.log2(np.maximum(factor, 1.0)) * fit.tree
    elif node.recurrence == SERIAL_SUM and any(not nest.nodes[p].loop.fixed for p in node.path):
        serial = np.where(several, fit.ii_memory, fit.ii_element)
    elif node.recurrence == SERIAL_SUM:
        beside = u.copied_above[node.at] & ~ragged
        if node.children:  # its addends are elements in registers, where Merlin unrolled the loop over them
            beside = (beside | (u.pipe[node.at] == CG)) & ~several
            for c in node.children:
                beside = beside & u.whole[c]
        serial = np.where(beside, seen.ii_serial_copies, fit.ii_serial)
    elif node.recurrence == GUARDED_SUM:
        serial = np.full(n, fit.ii_memory)
    elif node.recurrence == CHAIN:
        serial = np.full(n, chain_latency(node, tool) + fit.forward)
    elif node.recurrence == FREE and nest.along_row(node):
        if seen.rest and not node.loop.guard and nest.accumulates_around(node):
            rest = np.where(ragged, seen.rest + factor, 0.0)
        else:
            serial = np.where(ragged, seen.ragged_guarded if node.loop.guard else seen.ragged, 0.0)
    elif node.recurrence == FREE and nest.along_line(node):
        serial = np.where(ragged, seen.ragged_line, 0.0)
    if node.sums:
        serial = np.where(u.stuck[node.at], fit.ii_memory, serial)
    ii = np.maximum(ii, _bandwidth_interval(nest, node, u, tool))
    for c, accesses in nest.contended[node.at]:
        ii = np.maximum(ii, np.where(u.full[c], np.ceil(accesses / RAM_PORTS), 1.0))
    clash = np.zeros(n, bool)
    for y in nest.mismatched[node.at]:
        clash |= u.full[y] & (factor < node.loop.trip)
    ii = np.where(clash, np.maximum(ii, seen.clash + seen.clash_copy * factor), ii)
    if seen.clash_rest:
        whole = np.zeros(n, bool)
        for y in nest.beside[node.at]:
            whole |= u.full[y]
        ii = np.where(whole & ragged, np.maximum(ii, seen.clash_rest), ii)
    return Interval(np.maximum(ii, serial * factor), serial, levels, rest)


def _port_interval(node: Node, tool: Tool) -> float:
    """Cycles that one iteration's loads of one array take."""
    counts: dict[str, int] = {}
    for access in node.loop.loads:
        counts[access.array] = counts.get(access.array, 0) + 1
    return max([1.0, *(float(math.ceil(c / tool.observed.ports)) for c in counts.values())])


def _bandwidth_interval(nest: Nest, node: Node, u: Unrolled, tool: Tool) -> Column | float:
    """Cycles that indirect loads, arrays that stay in memory, and loads beyond the most banks take."""
    ii: Column | float = 1.0
    crowded = (u.pipe[node.at] == OFF) & tool.observed.bound_by_port
    for bits, held_bytes, indirect, loops in nest.region_loads[node.at]:
        loads: Column | float = 1.0
        for at in loops:
            loads = loads * (u.factor[at] if at == node.at else np.where(u.full[at], u.factor[at], 1.0))
        if indirect:
            ii = np.maximum(ii, loads * tool.observed.indirect)
        elif tool.observed.bound_by_port and held_bytes > tool.observed.held_bytes:
            ii = np.maximum(ii, loads * bits / PORT_BITS)
        else:
            ii = np.maximum(ii, np.where(crowded & (np.asarray(loads) > MOST_BANKED), loads / UNBANKED, 1.0))
    return ii

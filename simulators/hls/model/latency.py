"""Cycles of a nest: a walk over its loops, innermost first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...fpga.formulas.terms import Term, ceil, equal, maximum, no, remainder, select, total
from ..lowering.loops import CHAIN, MEMORY_SUM, SERIAL_SUM, Node
from ..lowering.nest import Nest
from ..tables.tools import Tool
from .caching import off_chip, tiling, transfers, updated_in_place
from .intervals import Interval, interval
from .operations import body_latency, chain_depth, makes_tree, sum_latency, tree_level, within_a_cycle
from .unroll import Unrolled, unroll


@dataclass(frozen=True)
class Schedule:
    """A nest under a design.

    Attributes:
        cycles: of one run of the kernel.
        unrolled: what the pragmas made of the loops.
        ii: by node, cycles between iterations where the loop is pipelined, else 1.
        once: by node, cycles of one run of the loop, 0 where it is unrolled into the loop around.
    """

    cycles: Term
    unrolled: Unrolled
    ii: list[Term]
    once: list[Term]


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """A pipelined loop, or a perfect nest that is one: iterations (0 where it is none), interval and depth."""

    trips: Term
    ii: Term
    depth: Term


def schedule(nest: Nest, knobs: Mapping[str, Term], tool: Tool) -> Schedule:
    """Count the cycles of a design.

    A pipelined loop takes II·(⌈N/u⌉ - 1) + depth, any other ⌈N/copies⌉ times what it holds, a perfect nest that the
    tool flattens the product of its trips; transfers, tiles and what stays off chip come on top (see docs/hls.md).

    Args:
        nest: the kernel's loops.
        knobs: terms by name, `pipe_` ones as `space.OFF`, `CG` or `FLATTEN`.
        tool: the constants of the tool that builds it.
    """
    u = unroll(nest, knobs, tool)
    ii, once, depth = (list[Term]([0.0] * len(nest.nodes)) for _ in range(3))
    pipelines = [_Pipeline(0.0, 0.0, 0.0)] * len(nest.nodes)
    away: Term = 0.0
    for x in reversed(nest.nodes[1:]):
        i = x.at
        depth[i] = _body(nest, x, u, depth, tool)
        own = interval(nest, x, u, tool)
        ii[i] = select(u.piped[i], own.ii, 1.0)
        through = depth[i] + own.levels
        pipelines[i] = _Pipeline(select(u.piped[i], ceil(x.loop.trip / u.factor[i]), 0.0), own.ii, through)
        looped, pipelines[i] = _looped(nest, x, u, once, depth, pipelines, tool)
        cycles = select(u.piped[i], _pipelined(nest, x, u, own, through, tool), looped)
        if "tile" in x.loop.knobs:
            cycles = cycles + tiling(nest, x, u, tool)
        gone = _straight(x, depth[i], u, tool) if x.parent == 0 else 0.0
        once[i] = select(u.full[i], gone, cycles)
        away = away + off_chip(nest, x, u, tool)
    once[0] = total([once[c] for c in nest.root.children]) + _body(nest, nest.root, u, depth, tool)
    moved = tool.observed.start + transfers(nest, tool) + updated_in_place(nest, u, tool)
    return Schedule(once[0] + moved + away, u, ii, once)


def _body(nest: Nest, x: Node, u: Unrolled, depth: list[Term], tool: Tool) -> Term:
    """Count the cycles through one iteration: its own statements, then the loops unrolled into it."""
    cycles: Term = body_latency(x, tool)
    for c in x.children if x.at else ():
        cycles = cycles + select(u.full[c], _straight(nest.nodes[c], depth[c], u, tool), 0.0)
    return cycles


def _straight(x: Node, body: Term, u: Unrolled, tool: Tool) -> Term:
    """Count the cycles through a loop that is unrolled fully: a tree, or a chain as long as its trip.

    Merlin makes the trees; what `flatten` unrolls, the tool adds up in turn, unless it makes trees itself, as all do of
    whole numbers.
    """
    in_turn = body + (x.loop.trip - 1) * sum_latency(x, tool)
    if makes_tree(x, tool):
        tree = body + math.log2(max(x.loop.trip, 1)) * tree_level(x, tool)
        return tree if tool.observed.trees or within_a_cycle(x) else select(u.whole[x.at], tree, in_turn)
    if x.recurrence in (SERIAL_SUM, MEMORY_SUM):
        return in_turn
    if x.recurrence == CHAIN:
        return body + chain_depth(x, tool)
    return body


def _pipelined(nest: Nest, x: Node, u: Unrolled, own: Interval, depth: Term, tool: Tool) -> Term:
    """Count the cycles of a loop as a pipeline."""
    starts = ceil(x.loop.trip / u.factor[x.at]) - 1
    cycles = maximum(own.ii * starts, own.serial * (x.loop.trip - 1)) + depth + tool.fitted.pipeline
    cycles = cycles + own.rest
    if tool.observed.odd and nest.streams_row(x):
        cycles = cycles + select(u.odd(x), tool.observed.odd * x.loop.trip, 0.0)
    return cycles


def _looped(
    nest: Nest,
    x: Node,
    u: Unrolled,
    once: list[Term],
    depth: list[Term],
    pipelines: list[_Pipeline],
    tool: Tool,
) -> tuple[Term, _Pipeline]:
    """Count the cycles of a loop that holds loops, and what of it is one pipeline with its only loop."""
    i, own = x.at, pipelines[x.at]
    copies = u.running[i]
    inner = total([select(u.full[c], 0.0, once[c]) for c in x.children])
    uneven = (copies > 1) & no(equal(remainder(x.loop.trip, copies), 0.0))
    slower = select(uneven, maximum(1.0, tool.fitted.uneven * copies), 1.0)
    cycles = ceil(x.loop.trip / copies) * (inner + depth[i] + tool.fitted.iteration) * slower
    if not x.bare or not _may_flatten(nest, x, tool):
        return cycles, own
    only = nest.nodes[x.children[0]]
    child = pipelines[only.at]
    alone = (copies <= 1) & no(u.innermost[i]) & no(u.tiled(only)) & no(u.copied_above[i] & (not nest.linear))
    flat = alone & (child.trips > 0)
    drained = child.depth + tool.fitted.pipeline
    perfect = x.loop.trip * child.trips * child.ii + drained
    if nest.linear:  # copies take turns at the banks that they share, and each group of them fills the pipeline anew
        in_groups = flat & (u.factor[i] > 1) & (u.factor[i] < x.loop.trip)
        groups = ceil(x.loop.trip / u.factor[i])
        cycles = select(in_groups, perfect + (groups - 1) * drained, cycles)
        flat = flat & no(in_groups)
    return select(flat, perfect, cycles), _Pipeline(
        select(flat, x.loop.trip * child.trips, own.trips),
        select(flat, child.ii, own.ii),
        select(flat, child.depth, own.depth),
    )


def _may_flatten(nest: Nest, x: Node, tool: Tool) -> bool:
    """Tell whether the tool makes one pipeline of a loop and the only loop in it."""
    if x.recurrence == CHAIN or not x.loop.fixed:
        return False
    only = nest.nodes[x.children[0]]
    declared = bool(only.loop.reduction)
    if tool.observed.flattens_inlined:
        declared |= any(d.loop.reduction for d in nest.below[only.at])
    return tool.observed.flattens_declared if declared else tool.observed.flattens_plain

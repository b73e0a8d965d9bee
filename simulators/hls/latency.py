"""Cycles of a nest: a vectorised walk over its loops, innermost first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..core import Column
from .caching import off_chip, tiling, transfers, updated_in_place
from .intervals import Interval, interval
from .loops import CHAIN, MEMORY_SUM, SERIAL_SUM, Node
from .nest import Nest
from .operations import body_latency, chain_latency, makes_tree, sum_latency, tree_level, within_a_cycle
from .tools import Tool
from .unroll import Unrolled, unroll


@dataclass(frozen=True)
class Schedule:
    """A nest under n designs.

    Attributes:
        cycles: of one run of the kernel, (n,).
        unrolled: what the pragmas made of the loops.
        ii: by node, cycles between iterations where the loop is pipelined, else 1; (n,) each.
        once: by node, cycles of one run of the loop, 0 where it is unrolled into the loop around; (n,) each.
    """

    cycles: Column
    unrolled: Unrolled
    ii: list[Column]
    once: list[Column]


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """A pipelined loop, or a perfect nest that is one: iterations (0 where it is none), interval and depth."""

    trips: Column
    ii: Column
    depth: Column


def schedule(nest: Nest, knobs: Mapping[str, Column], n: int, tool: Tool) -> Schedule:
    """Cycles of n designs.

    A pipelined loop takes II·(⌈N/u⌉ - 1) + depth, any other ⌈N/copies⌉ times what it holds, a perfect nest that the
    tool flattens the product of its trips; transfers, tiles and what stays off chip come on top (see docs/hls.md).

    Args:
        knobs: columns (n,) by name, `pipe_` ones as `unroll.OFF`, `CG` or `FLATTEN`.
    """
    u = unroll(nest, knobs, n, tool)
    zero = np.zeros(n)
    ii, once, depth = ([zero] * len(nest.nodes) for _ in range(3))
    pipelines = [_Pipeline(zero, zero, zero)] * len(nest.nodes)
    away: Column | float = 0.0
    for x in reversed(nest.nodes[1:]):
        i = x.at
        depth[i] = _body(nest, x, u, depth, tool)
        own = interval(nest, x, u, n, tool)
        ii[i] = np.where(u.piped[i], own.ii, 1.0)
        through = depth[i] + own.levels
        pipelines[i] = _Pipeline(np.where(u.piped[i], np.ceil(x.loop.trip / u.factor[i]), 0.0), own.ii, through)
        looped, pipelines[i] = _looped(nest, x, u, once, depth, pipelines, tool)
        cycles = np.where(u.piped[i], _pipelined(nest, x, u, own, through, tool), looped)
        if "tile" in x.loop.knobs:
            cycles = cycles + tiling(nest, x, u, tool)
        gone = _straight(x, depth[i], u, tool) if x.parent == 0 else zero
        once[i] = np.where(u.full[i], gone, cycles)
        away = away + off_chip(nest, x, u, n, tool)
    once[0] = sum((once[c] for c in nest.root.children), zero) + _body(nest, nest.root, u, depth, tool)
    moved = tool.observed.start + transfers(nest, tool) + updated_in_place(nest, u, n, tool)
    return Schedule(once[0] + moved + away, u, ii, once)


def _body(nest: Nest, x: Node, u: Unrolled, depth: list[Column], tool: Tool) -> Column:
    """Cycles through one iteration: its own statements, then the loops unrolled into it."""
    cycles = np.full(len(u.full[0]), body_latency(x, tool))
    for c in x.children if x.at else ():
        cycles = cycles + np.where(u.full[c], _straight(nest.nodes[c], depth[c], u, tool), 0.0)
    return cycles


def _straight(x: Node, body: Column, u: Unrolled, tool: Tool) -> Column:
    """Cycles through a loop that is unrolled fully: a tree, or a chain as long as its trip.

    Merlin makes the trees; what `flatten` unrolls, the tool adds up in turn, unless it makes trees itself, as all do of
    whole numbers.
    """
    in_turn = body + (x.loop.trip - 1) * sum_latency(x, tool)
    if makes_tree(x, tool):
        tree = body + math.log2(max(x.loop.trip, 1)) * tree_level(x, tool)
        return tree if tool.observed.trees or within_a_cycle(x) else np.where(u.whole[x.at], tree, in_turn)
    if x.recurrence in (SERIAL_SUM, MEMORY_SUM):
        return in_turn
    if x.recurrence == CHAIN:
        return body + (x.loop.trip - 1) * chain_latency(x, tool)
    return body


def _pipelined(nest: Nest, x: Node, u: Unrolled, own: Interval, depth: Column, tool: Tool) -> Column:
    """Cycles of a loop as a pipeline."""
    starts = np.ceil(x.loop.trip / u.factor[x.at]) - 1
    cycles: Column = np.maximum(own.ii * starts, own.serial * (x.loop.trip - 1)) + depth + tool.fitted.pipeline
    cycles = cycles + own.rest
    if tool.observed.odd and nest.streams_row(x):
        cycles = cycles + np.where(u.odd(x), tool.observed.odd * x.loop.trip, 0.0)
    return cycles


def _looped(
    nest: Nest,
    x: Node,
    u: Unrolled,
    once: list[Column],
    depth: list[Column],
    pipelines: list[_Pipeline],
    tool: Tool,
) -> tuple[Column, _Pipeline]:
    """Cycles of a loop that holds loops, and what of it is one pipeline with its only loop."""
    i, own = x.at, pipelines[x.at]
    copies = u.running[i]
    inner = sum((np.where(u.full[c], 0.0, once[c]) for c in x.children), np.zeros(len(copies)))
    uneven = (copies > 1) & (np.mod(x.loop.trip, copies) != 0)
    slower = np.where(uneven, np.maximum(1.0, tool.fitted.uneven * copies), 1.0)
    cycles = np.ceil(x.loop.trip / copies) * (inner + depth[i] + tool.fitted.iteration) * slower
    if not x.bare or not _may_flatten(nest, x, tool):
        return cycles, own
    only = nest.nodes[x.children[0]]
    child = pipelines[only.at]
    alone = (copies <= 1) & ~u.innermost[i] & ~u.tiled(only) & ~(u.copied_above[i] & (not nest.linear))
    flat = alone & (child.trips > 0)
    drained = child.depth + tool.fitted.pipeline
    perfect = x.loop.trip * child.trips * child.ii + drained
    if nest.linear:  # copies take turns at the banks that they share, and each group of them fills the pipeline anew
        in_groups = flat & (u.factor[i] > 1) & (u.factor[i] < x.loop.trip)
        groups = np.ceil(x.loop.trip / u.factor[i])
        cycles = np.where(in_groups, perfect + (groups - 1) * drained, cycles)
        flat = flat & ~in_groups
    return np.where(flat, perfect, cycles), _Pipeline(
        np.where(flat, x.loop.trip * child.trips, own.trips),
        np.where(flat, child.ii, own.ii),
        np.where(flat, child.depth, own.depth),
    )


def _may_flatten(nest: Nest, x: Node, tool: Tool) -> bool:
    """Whether the tool makes one pipeline of a loop and the only loop in it."""
    if x.recurrence == CHAIN or not x.loop.fixed:
        return False
    only = nest.nodes[x.children[0]]
    declared = bool(only.loop.reduction)
    if tool.observed.flattens_inlined:
        declared |= any(d.loop.reduction for d in nest.below[only.at])
    return tool.observed.flattens_declared if declared else tool.observed.flattens_plain

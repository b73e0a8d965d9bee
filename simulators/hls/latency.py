"""Cycles of a nest: a vectorised walk over its loops, innermost first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .nest import CHAIN, FREE, GUARDED_SUM, SERIAL_SUM, TREE, Nest, Node, port_bits
from .tools import Tool

A = Any


def path_latency(node: Node, t: Tool) -> float:
    """Cycles through one iteration's statements."""
    o = node.operations
    adds, muls = o.get("dadd", 0), o.get("dmul", 0)
    lat = t.add * (adds if adds <= 4 else 4 + (adds - 4) / 2) + t.mul * (min(muls, 1) + max(0, muls - 2) / 4)
    lat += t.div * min(2, o.get("ddiv", 0) + o.get("dsqrt", 0)) + t.mul * o.get("dpow", 0)
    lat += t.imul * min(1, o.get("imul", 0)) + t.iadd * (o.get("iadd", 0) + o.get("logic", 0) / 2)
    if node.loop.accesses:
        lat += t.memory
    return lat


def chain_latency(node: Node, t: Tool) -> float:
    if not node.chain:
        return path_latency(node, t)
    cost = {"dadd": t.add, "dmul": t.mul, "ddiv": t.div, "imul": t.imul, "iadd": t.iadd, "logic": t.iadd / 2}
    return sum(cost.get(c, t.iadd) for c in node.chain)


@dataclass
class State:
    u: list
    pipe: list
    tile: list
    full: list
    piped: list
    eff: list  # effective copies
    ii: list
    T: list
    off: list


def schedule(nest: Nest, knobs: dict[str, A], n: int, t: Tool) -> tuple[A, State]:
    nodes = nest.nodes
    N = [x.loop.trip for x in nodes]
    one = np.ones(n)
    u = [np.minimum(knobs.get(f"para_{x.loop.label}", one), max(1, x.loop.trip)).astype(float) for x in nodes]
    pipe = [knobs.get(f"pipe_{x.loop.label}", np.zeros(n, int)) for x in nodes]  # 0 off 1 cg 2 flatten
    tile = [knobs.get(f"tile_{x.loop.label}", one).astype(float) for x in nodes]
    m = len(nodes)
    under = [None] * m
    for x in nodes:
        under[x.at] = np.zeros(n, bool) if x.parent < 0 else under[x.parent] | (pipe[x.parent] == 2)
    full = [None] * m
    leafy = [None] * m
    for x in reversed(nodes):
        f = np.ones(n, bool)
        for c in x.children:
            f &= full[c]
        leafy[x.at] = f
        full[x.at] = (under[x.at] | (u[x.at] >= N[x.at])) & f if (x.loop.fixed and x.at) else np.zeros(n, bool)
        u[x.at] = np.where(full[x.at], N[x.at], u[x.at])
    piped = [leafy[i] & ~full[i] for i in range(m)]
    # coarse para
    eff = [None] * m
    off_chip = np.zeros(n)
    linear = any(len(a.index) == 1 and len(next((i for i in a.affine if i), None).counters if a.affine[0] else {}) > 1 for _, a, _ in nest.accesses(0))
    in_para = np.zeros(n, bool)  # some outer loop has 1<para<trip
    outer_part = [np.zeros(n, bool) for _ in nodes]
    for x in nodes:
        if x.parent >= 0:
            outer_part[x.at] = outer_part[x.parent] | ((u[x.parent] > 1) & (u[x.parent] < N[x.parent]) & ~leafy[x.parent])
    for x in nodes:
        i = x.at
        coarse = ~leafy[i] & (u[i] > 1)
        e = u[i].copy()
        two_level = x.parent == 0 and all(not nodes[c].children for c in x.children)
        dropped = coarse & (x.ordered | linear | ((u[i] >= N[i]) & (not two_level)))
        e = np.where(dropped, 1.0, e)
        eff[i] = e
        middle = coarse & (u[i] < N[i]) & (not x.ordered) & ~outer_part[i] & (x.parent > 0)
        anc_dep = any(nodes[p].ordered for p in x.path if p)
        if not anc_dep:
            inner = sum(nodes[d.at].runs * N[d.at] for d in nest.below(i) if not d.children)
            off_chip = off_chip + np.where(middle, inner * (t.off_chip + t.off_chip_copy * u[i]), 0.0)
            eff[i] = np.where(middle, u[i] if not linear else 1.0, eff[i])
    # bottom up
    T = [None] * m
    D = [None] * m  # depth of one iteration body (statements + unrolled children)
    II = [np.ones(n) for _ in nodes]
    flatN = [None] * m  # iterations of the pipeline where perfect
    flatI = [None] * m
    depthP = [None] * m
    for x in reversed(nodes):
        i = x.at
        own = path_latency(x, t)
        body = np.full(n, own)
        for c in x.children:  # unrolled children
            body = body + np.where(full[c], _unrolled_depth(nodes[c], D[c], N[c], t), 0.0)
        D[i] = body
        if i == 0:
            T[i] = sum((T[c] for c in x.children), np.zeros(n)) + own
            break
        # as pipelined loop
        ii = np.ones(n)
        uu = u[i]
        levels = np.zeros(n)
        if x.recurrence == TREE or (x.recurrence == SERIAL_SUM and t.trees_unnamed > 0):
            base = t.ii_array if False else np.where(pipe[x.parent] == 1, t.ii_sum_cg, t.ii_sum) if x.parent else t.ii_sum
            ii = np.maximum(ii, base)
            levels = np.log2(np.maximum(uu, 1)) * t.tree
        elif x.recurrence == SERIAL_SUM:
            ii = np.maximum(ii, t.ii_serial * uu)
        elif x.recurrence == GUARDED_SUM:
            ii = np.maximum(ii, t.ii_guarded * uu)
        elif x.recurrence == CHAIN:
            ii = np.maximum(ii, (chain_latency(x, t) + t.memory) * uu)
        for c in x.children:
            pass
        ragged = (uu > 1) & (np.mod(N[i], uu) != 0)
        ii = np.where(ragged, ii * t.ragged, ii)
        II[i] = np.where(piped[i], ii, 0)
        iters = np.ceil(N[i] / uu)
        depth = D[i] + levels
        # perfect nest flattening
        single = ii * (iters - 1) + depth + t.pipe
        flatN[i], flatI[i], depthP[i] = iters, ii, depth
        inner = sum((np.where(full[c], 0.0, T[c]) for c in x.children), np.zeros(n))
        seq = np.ceil(N[i] / eff[i]) * (inner + D[i] * (own > 0) + t.loop)
        if x.bare:
            c = x.children[0]
            ch = nodes[c]
            ok = piped[c] | (flatN[c] > 0) & (nodes[c].bare)
            can = t.flat_sum if ch.loop.reduction else t.flat_plain
            if x.recurrence == CHAIN:
                can = 0
            flat = (eff[i] <= 1) & (u[i] <= 1) & (flatN[c] > 0) & ~leafy[i] & (can > 0)
            perfect = N[i] * flatN[c] * flatI[c] + depthP[c] + t.pipe
            seq = np.where(flat, perfect, seq)
            flatN[i] = np.where(flat, N[i] * flatN[c], np.where(piped[i], iters, 0))
            flatI[i] = np.where(flat, flatI[c], ii)
            depthP[i] = np.where(flat, depthP[c], depth)
        else:
            flatN[i] = np.where(piped[i], iters, 0)
        res = np.where(piped[i], single, seq)
        # tiles
        tl = tile[i]
        tiled = (tl > 1) & (tl < N[i])
        if tiled.any():
            nt = np.ceil(N[i] / tl)
            foot = _footprint(nest, x, t)
            per = (t.tile_top if x.parent == 0 else t.tile_in) + (0 if x.parent == 0 else t.tile_factor * foot)
            cost = nt * per * np.where(leafy[i], t.tile_flat, 1.0)
            res = res + np.where(tiled & ~outer_part[i], cost, 0.0)
        T[i] = np.where(full[i], 0.0, res)
        # fully unrolled top-level loop still takes its depth
        if x.parent == 0:
            T[i] = np.where(full[i], _unrolled_depth(x, D[i], N[i], t), T[i])
    total = T[0] + t.start + _transfers(nest, t) + off_chip
    return total, State(u, pipe, tile, full, piped, eff, II, T, off_chip)


def _unrolled_depth(x: Node, body: A, N: float, t: Tool) -> A:
    if x.recurrence == TREE or (x.recurrence == SERIAL_SUM and t.trees_unnamed > 0):
        return body + math.log2(max(N, 1)) * t.tree
    if x.recurrence in (SERIAL_SUM, GUARDED_SUM):
        return body + (N - 1) * t.add
    if x.recurrence == CHAIN:
        return body + (N - 1) * chain_latency(x, t)
    return body


def _footprint(nest: Nest, x: Node, t: Tool) -> float:
    """Cycles to load what a loop's inside touches."""
    inside = {x.loop.label} | {d.loop.label for d in nest.below(x.at)}
    trips = {d.loop.label: d.loop.trip for d in nest.nodes}
    best: dict[str, float] = {}
    for _, a, store in nest.accesses(x.at):
        arr = nest.kernel.array(a.array)
        size = 1.0
        for dim, idx in zip(arr.shape, a.affine):
            if idx is None:
                size *= dim
            else:
                span = 1 + sum(abs(f) * (trips[l] - 1) for l, f in idx.counters.items() if l in inside)
                size *= min(dim, span)
        best[a.array] = max(best.get(a.array, 0), size)
    return sum(s * nest.kernel.array(a).bits / port_bits(nest.kernel.array(a), int(t.width)) for a, s in best.items())


def _transfers(nest: Nest, t: Tool) -> float:
    loads, stores = [], []
    extra = 0.0
    for a in nest.arguments():
        cyc = a.size * a.bits / port_bits(a, int(t.width)) * t.transfer
        if a.size * a.bits / 8 > t.cache_bytes:
            extra += a.shape[0] * t.row_latency
        role_in = a.role in ("in", "inout")
        role_out = a.role in ("out", "inout")
        if role_in: loads.append(cyc)
        if role_out: stores.append(cyc)
    out = extra
    for group in (loads, stores):
        if group:
            out += t.parallel * max(group) + (1 - t.parallel) * sum(group)
    return out

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
    if node.sums:
        adds = max(0, adds - node.sums)
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
    full: list
    piped: list
    eff: list  # effective copies
    ii: list
    T: list
    off: Any
    runs: list


def schedule(nest: Nest, knobs: dict[str, A], n: int, t: Tool) -> tuple[A, State]:
    nodes = nest.nodes
    N = [x.loop.trip for x in nodes]
    one = np.ones(n)
    u = [np.minimum(knobs.get(f"para_{x.loop.label}", one), max(1, x.loop.trip)).astype(float) for x in nodes]
    pipe = [knobs.get(f"pipe_{x.loop.label}", np.zeros(n, int)) for x in nodes]  # 0 off 1 cg 2 flatten
    tile = [knobs.get(f"tile_{x.loop.label}", one).astype(float) for x in nodes]
    m = len(nodes)
    varies = [any(not d.loop.fixed for d in nest.below(x.at)) for x in nodes]
    under, stuck = [None] * m, [None] * m  # stuck: flattening above a loop whose trips vary
    for x in nodes:
        if x.parent < 0:
            under[x.at], stuck[x.at] = np.zeros(n, bool), np.zeros(n, bool)
        else:
            flat = pipe[x.parent] == 2
            under[x.at] = under[x.parent] | (flat & (not varies[x.parent]))
            stuck[x.at] = stuck[x.parent] | (flat & varies[x.parent])
    full, leafy = [None] * m, [None] * m
    for x in reversed(nodes):
        f = np.ones(n, bool)
        for c in x.children:
            f &= full[c]
        leafy[x.at] = f
        small = np.full(n, "para" not in x.loop.knobs and N[x.at] <= t.small) & (pipe[x.at] == 0)
        full[x.at] = (under[x.at] | (u[x.at] >= N[x.at]) | small) & f if (x.loop.fixed and x.at) else np.zeros(n, bool)
        u[x.at] = np.where(full[x.at], N[x.at], u[x.at])
    piped = [leafy[i] & ~full[i] & nodes[i].loop.fixed for i in range(m)]
    # coarse para
    eff = [None] * m
    copied: list = [None] * m
    off_chip = np.zeros(n)
    linear = any(a.affine[0] is not None and len(a.index) == 1 and len(a.affine[0].counters) > 1 for _, a, _ in nest.accesses(0))
    outer_part = [np.zeros(n, bool) for _ in nodes]
    for x in nodes:
        if x.parent >= 0:
            outer_part[x.at] = outer_part[x.parent] | ((u[x.parent] > 1) & (u[x.parent] < N[x.parent]) & ~leafy[x.parent])
    for x in nodes:
        i = x.at
        ordered = x.ordered
        if t.para_sum and x.sums and x.bare and x.recurrence in (TREE, SERIAL_SUM):
            through = {c.through for c in x.loop.carried}
            if any(nodes[c].loop.reduction in through for c in x.children):
                ordered = False
        held = ordered or any(nodes[p].ordered for p in x.path)
        coarse = ~leafy[i] & (u[i] > 1)
        two_level = x.parent == 0 and all(not nodes[c].children for c in x.children)
        dropped = coarse & (held | linear | ((u[i] >= N[i]) & (not two_level)))
        ragged_drop = np.zeros(n, bool)
        if t.tile_unrolled:
            dropped = dropped | (coarse & (tile[i] > 1) & (tile[i] < u[i]))
        if not t.ragged_copies:
            for d in nest.below(i):
                summed = any(nodes[q].sums for q in d.path if q)
                if d.recurrence == FREE and not d.children and _along_row(d) and summed:
                    ragged_drop = ragged_drop | (coarse & ~full[d.at] & (u[d.at] > 1) & (np.mod(N[d.at], u[d.at]) != 0))
        eff[i] = np.where(dropped | ragged_drop, 1.0, u[i])
        copies = np.where(dropped | (coarse & (np.mod(N[i], u[i]) != 0) & (not two_level)), 1.0, u[i])
        copied[i] = copies
        columns = nest.columns(i)
        if not held and columns and not varies[i] and x.at:
            away = coarse & (u[i] < N[i]) & ~outer_part[i]
            if x.parent == 0 and not any(nodes[c].children for c in x.children):
                poor = np.zeros(n, bool)
                for c in x.children:
                    poor |= (u[c] <= 1) | (np.mod(N[c], u[c]) != 0)
                away = away & poor & (u[i] <= 8)
                if any(a.size * a.bits / 8 > t.cache_bytes for a, _ in columns):
                    away = away & False
            inner = sum(d.runs * N[d.at] for d in nest.below(i) if not d.children)
            array = columns[0][0]
            words = N[i] * array.bits / 64
            aligned = port_bits(array, 512, nest) >= 512
            two = (np.log2(np.maximum(u[i], 1)) % 1) == 0
            rate = np.where(aligned & two, t.burst_words, 1.0)
            wide = (tile[i] > 1) & (tile[i] < N[i])
            if x.parent > 0 and not linear:
                wide = wide | ((pipe[x.parent] == 1) & (t.wide_cg > 0))
            row = np.where(wide, words / t.wide_words, words / rate + t.off_chip_copy * u[i]) + t.off_chip
            off_chip = off_chip + np.where(away, inner * row, 0.0)
    T: list = [None] * m
    D: list = [None] * m  # depth of one iteration body (statements + unrolled children)
    II = [np.ones(n) for _ in nodes]
    flatN: list = [None] * m
    flatI: list = [None] * m
    depthP: list = [None] * m
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
        uu = u[i]
        iters = np.ceil(N[i] / uu)
        ragged = (uu > 1) & (np.mod(N[i], uu) != 0)
        ii = np.full(n, _port_ii(nest, x, t))
        levels = np.zeros(n)
        kind = x.recurrence
        varied = any(not nodes[p].loop.fixed for p in x.path)
        if kind == SERIAL_SUM and t.trees_unnamed > 0:
            kind = TREE
        serial = np.zeros(n)  # cycles per iteration of the loop that unrolling does not help
        if kind == TREE:
            single_, tree_ = (t.ii_array, t.ii_array_tree) if x.array_sum else (t.ii_sum, t.ii_tree)
            if x.children:
                single_ = tree_ = t.ii_outer
            ii = np.maximum(ii, np.where(uu > 1, tree_, single_))
            levels = np.log2(np.maximum(uu, 1)) * t.tree
        elif kind == SERIAL_SUM:
            if varied:
                serial = np.where(uu > 1, t.ii_memory, t.ii_array)
            else:
                serial = np.where(outer_part[i] & ~ragged & (not x.children), t.ii_serial_coarse, t.ii_serial)
        elif kind == GUARDED_SUM:
            serial += t.ii_memory
        elif kind == CHAIN:
            serial += chain_latency(x, t) + t.chain_store
        serial = np.where(stuck[i] & (x.sums > 0), t.ii_memory, serial)
        if kind == FREE and _along_row(x):
            serial = np.where(ragged, t.ragged_guarded if x.loop.guard else t.ragged_free, serial)
        clashes = np.zeros(n, bool)
        for y in nest.mismatched(i):
            clash = full[y] & (u[i] < N[i])
            clashes = clashes | clash
        ii = np.where(ragged, ii * t.ragged, ii)
        ii = np.maximum(ii, _bandwidth_ii(nest, x, u, full, t))
        ii = np.where(clashes, np.maximum(ii, t.mismatch + t.mismatch_u * uu), ii)
        ii = np.maximum(ii, serial * uu)
        II[i] = np.where(piped[i], ii, 1)
        depth = D[i] + levels
        single = np.maximum(ii * (iters - 1), serial * (N[i] - 1)) + depth + t.pipe
        flatN[i], flatI[i], depthP[i] = np.where(piped[i], iters, 0), ii, depth
        inner = sum((np.where(full[c], 0.0, T[c]) for c in x.children), np.zeros(n))
        uneven = (eff[i] > 1) & (np.mod(N[i], eff[i]) != 0)
        seq = np.ceil(N[i] / eff[i]) * (inner + D[i] + t.loop) * np.where(uneven, np.maximum(1, t.ragged_coarse * eff[i]), 1.0)
        if x.bare:
            c = x.children[0]
            ch = nodes[c]
            declared = bool(ch.loop.reduction)
            if t.flat_inner:
                declared |= any(d.loop.reduction for d in nest.below(c))
            can = t.flat_sum if declared else t.flat_plain
            if x.recurrence == CHAIN or not x.loop.fixed:
                can = 0
            tiled_child = (tile[c] > 1) & (tile[c] < N[c])
            flat = (eff[i] <= 1) & (flatN[c] > 0) & ~leafy[i] & (can > 0) & ~tiled_child & ~(outer_part[i] & (not linear))
            perfect = N[i] * flatN[c] * flatI[c] + depthP[c] + t.pipe
            seq = np.where(flat, perfect, seq)
            flatN[i] = np.where(flat, N[i] * flatN[c], flatN[i])
            flatI[i] = np.where(flat, flatI[c], ii)
            depthP[i] = np.where(flat, depthP[c], depth)
        res = np.where(piped[i], single, seq)
        tl = tile[i]
        tiled = (tl > 1) & (tl < N[i])
        if tiled.any():
            nt = np.ceil(N[i] / tl)
            per = t.tile_top if x.parent == 0 else t.tile_in
            per += t.tile_factor * _footprint(nest, x, t)
            column = t.tile_column * sum(size for a, size in nest.columns(i) if a.size * a.bits / 8 <= t.cache_bytes)
            if t.tile_unrolled:
                column = column / np.maximum(u[i], 1)
            else:
                column = np.where(u[i] < tl, column, 0.0)
                if linear:
                    column = np.where(tl * 64 >= 512, column / 4, 2 * column)
            cost = nt * (per * np.where(leafy[i], t.tile_flat, 1.0) + column)
            res = res + np.where(tiled & ~outer_part[i], cost, 0.0)
        T[i] = np.where(full[i], 0.0, res)
        if x.parent == 0:  # fully unrolled at the top still takes its depth
            T[i] = np.where(full[i], _unrolled_depth(x, D[i], N[i], t), T[i])
    total = T[0] + t.start + _transfers(nest, t) + off_chip + _thrash(nest, u, t)
    held_back = [
        np.where(piped[i] & bool(nodes[i].children) & (tile[i] > 1) & (tile[i] <= u[i]), 1.0, u[i]) for i in range(m)
    ]
    return total, State(held_back, full, piped, copied, II, T, off_chip, N)


def _unrolled_depth(x: Node, body: A, N: float, t: Tool) -> A:
    if x.recurrence == TREE or (x.recurrence == SERIAL_SUM and t.trees_unnamed > 0):
        return body + math.log2(max(N, 1)) * t.tree
    if x.recurrence in (SERIAL_SUM, GUARDED_SUM):
        return body + (N - 1) * t.add
    if x.recurrence == CHAIN:
        return body + (N - 1) * chain_latency(x, t)
    return body


def _bandwidth_ii(nest: Nest, x: Node, u: list, full: list, t: Tool) -> A:
    """Cycles between iterations that indirect loads, arrays left in memory and the most banks allow."""
    ii: A = 1.0
    for node in (x, *nest.below(x.at)):
        copies: A = u[x.at]
        for q in (*node.path, node.at):
            if x.at in nest.nodes[q].path:
                copies = copies * np.where(full[q], u[q], 1.0)
        for a in node.loop.loads:
            arr = nest.kernel.array(a.array)
            strides = a.strides(arr.shape)
            loads: A = u[x.at] if x.loop.label in strides or a.indirect else 1.0
            for q in (*node.path, node.at):
                if x.at in nest.nodes[q].path and (nest.nodes[q].loop.label in strides or a.indirect):
                    loads = loads * np.where(full[q], u[q], 1.0)
            if a.indirect:
                ii = np.maximum(ii, loads * t.indirect)
            elif t.port_bound and arr.size * arr.bits / 8 > t.cache_bytes:
                ii = np.maximum(ii, loads * arr.bits / 512)
            else:
                ii = np.maximum(ii, np.where(loads > 2048, loads / 64, 1.0))
    return ii


def _port_ii(nest: Nest, x: Node, t: Tool) -> float:
    """Cycles between iterations that the ports of an array allow."""
    most = 1.0
    counts: dict[str, int] = {}
    for a in x.loop.loads:
        counts[a.array] = counts.get(a.array, 0) + 1
    for c in counts.values():
        most = max(most, math.ceil(c / t.ports))
    return most


def _footprint(nest: Nest, x: Node, t: Tool) -> float:
    """Cycles to load what is the same in every tile of a loop."""
    trips = {d.loop.label: d.loop.trip for d in nest.below(x.at)}
    best: dict[str, float] = {}
    for _, a, store in nest.accesses(x.at):
        arr = nest.kernel.array(a.array)
        strides = a.strides(arr.shape)
        if store or x.loop.label in strides:
            continue
        size = math.prod(trips[i] for i in strides if i in trips)
        best[a.array] = max(best.get(a.array, 0), size)
    return sum(s * nest.kernel.array(a).bits / port_bits(nest.kernel.array(a), int(t.width), nest) for a, s in best.items())


def _thrash(nest: Nest, u: list, t: Tool) -> A:
    """An array too large to be cached whole that is updated in place loads and stores its row for every element."""
    out = 0.0
    for x in nest.nodes[1:]:
        if x.children:
            continue
        for a in {s.array for s in x.loop.stores} & {s.array for s in x.loop.loads}:
            arr = nest.kernel.array(a)
            if arr.size * arr.bits / 8 > t.cache_bytes and arr.role == "inout":
                out = out + np.where(u[x.at] <= 1, x.runs * x.loop.trip * 2 * arr.shape[-1] * t.thrash, 0.0)
    return out


def _transfers(nest: Nest, t: Tool) -> float:
    loads, stores = [], []
    extra = 0.0
    for a in nest.arguments():
        cyc = a.size * a.bits / port_bits(a, int(t.width), nest) * t.transfer
        if a.size * a.bits / 8 > t.cache_bytes:
            extra += a.shape[0] * t.row_latency
        if a.role in ("in", "inout") or _read_back(nest, a): loads.append(cyc)
        if a.role in ("out", "inout"): stores.append(cyc)
    out = extra
    for group in (loads, stores):
        if group:
            out += t.parallel * max(group) + (1 - t.parallel) * sum(group)
    return out


def _read_back(nest: Nest, a) -> bool:
    return len(a.shape) == 1 and any(q.array == a.name and not s for _, q, s in nest.accesses(0))


def _along_row(x: Node) -> bool:
    return any(len(a.index) > 1 and a.affine[-1] is not None and x.loop.label in a.affine[-1].counters for a in x.loop.stores)

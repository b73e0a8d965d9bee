"""Resources of a scheduled nest."""
from __future__ import annotations
import math
from typing import Any
import numpy as np
from .latency import State
from .nest import CHAIN, Nest, port_bits
from .tools import Tool
OPS = ("dadd", "dmul", "ddiv", "imul", "iadd", "logic", "load", "store")

def features(nest: Nest, s: State, n: int, t: Tool, share: float = 1.0) -> dict[str, Any]:
    nodes = nest.nodes
    R: list = [None] * len(nodes)   # units per op
    C: list = [None] * len(nodes)   # copies per op in the pipeline, before sharing by II
    for x in reversed(nodes):
        i = x.at
        own = {o: np.full(n, float(v)) for o, v in _counts(x).items()}
        kids = x.children
        unit = {}; cop = {}
        for o in OPS:
            full_sum = own[o].copy()
            # fully unrolled children join this body
            for c in kids:
                full_sum = full_sum + np.where(s.full[c], C[c][o] * (1.0 if nodes[c].recurrence == CHAIN else np.where(bool(nodes[c].loop.guard) & ~s.piped[i], 1.0, s.u[c])), 0.0)
            hoist = float(x.loop.hoisted.get(o, 0))
            region = full_sum * s.u[i] + hoist
            cop[o] = np.where(s.piped[i] , region, full_sum)
            piped = np.ceil(region / np.maximum(s.ii[i], 1)) if i else full_sum
            # children that are loops of their own
            biggest = full_sum.copy(); total = full_sum.copy()
            for c in kids:
                r = np.where(s.full[c], 0.0, R[c][o])
                biggest = np.maximum(biggest, r); total = total + r
            seq = (share * biggest + (1 - share) * total)
            seq = seq * (s.eff[i] if i else 1.0)
            unit[o] = np.where(s.piped[i], piped, seq) if i else seq
            C[i] = C[i] or {}; C[i][o] = full_sum + 0 * hoist
        R[i] = unit
        # C of a node = ops of ONE iteration including full children
    return R[0]

def _counts(x) -> dict[str, float]:
    o = x.operations
    out = {k: o.get(k, 0.0) for k in OPS}
    out["ddiv"] += o.get("dsqrt", 0)
    out["dmul"] += o.get("dpow", 0)
    out["iadd"] += o.get("addr_iadd", 0) * 0
    out["load"] = float(len(x.loop.loads)); out["store"] = float(len(x.loop.stores))
    return out

def banks(nest: Nest, s: State, n: int) -> dict[str, Any]:
    """Banks of each array by dimension: the copies of the loops that index it, at most the dimension."""
    out = {}
    for a in nest.kernel.arrays:
        dims = [np.ones(n) for _ in a.shape]
        for node, acc, _ in nest.accesses(0):
            if acc.array != a.name: continue
            for d, idx in enumerate(acc.affine):
                if idx is None: continue
                b = np.ones(n)
                for label in idx.counters:
                    q = next(m for m in nest.nodes if m.loop.label == label)
                    cp = np.where(s.full[q.at] | s.piped[q.at], s.u[q.at], s.eff[q.at])
                    b = b * cp
                dims[d] = np.maximum(dims[d], np.minimum(b, a.shape[d]))
        out[a.name] = dims
    return out

def brams(nest: Nest, s: State, n: int, t: Tool) -> Any:
    """(buffers, ports): theory BRAM18 of cached arrays."""
    bk = banks(nest, s, n)
    buf = np.zeros(n); ports = 0.0; nb = np.zeros(n)
    for a in nest.kernel.arrays:
        if a.role == "unused": continue
        b = np.prod(bk[a.name], axis=0)
        depth = np.ceil(a.size / b)
        per = shape_brams(a.bits, depth)
        per = np.where(depth * a.bits <= 1024, 0, per)
        buf = buf + np.where(a.size * a.bits / 8 > t.cache_bytes, 0, per * b)
        nb = nb + b
        if a.role != "local": ports += port_bits(a, 512, nest) / 512 * (2 if a.role == "inout" else 1)
    return buf, ports, nb

def shape_brams(bits: int, depth: Any) -> Any:
    best = np.full(np.shape(depth), np.inf)
    for w, d in ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512)):
        best = np.minimum(best, math.ceil(bits / w) * np.ceil(depth / d))
    return best

def use(nest: Nest, s: State, n: int, t: Tool) -> dict[str, Any]:
    r = features(nest, s, n, t)
    dsp = 3 * r["dadd"] + 8 * r["dmul"]
    return {"lut": 20000 + 70 * dsp, "ff": 20000 + 100 * dsp, "dsp": dsp, "bram18": np.full(n, 100.0)}

def extra(nest: Nest, s: State, n: int) -> dict[str, Any]:
    f1 = np.zeros(n); f2 = np.zeros(n); l1 = np.zeros(n); l2 = np.zeros(n); tot = np.zeros(n)
    for x in nest.nodes[1:]:
        cp = np.ones(n); co = np.ones(n)
        for q in (*x.path[1:], x.at):
            k = np.where(s.full[q] | s.piped[q], s.u[q], s.eff[q]); cp = cp * k
            co = co * np.where(s.full[q] | s.piped[q], 1.0, s.eff[q])
        tot = tot + cp * sum(v for k, v in x.operations.items() if k[0] in "d")
        for a in x.loop.stores:
            one = len(a.index) == 1
            for label in {l for i in a.affine if i for l in i.counters}:
                q = next(m for m in nest.nodes if m.loop.label == label)
                w = np.where(s.full[q.at], cp, 0.0)
                if one: f1 = np.maximum(f1, w)
                else: f2 = np.maximum(f2, w)
        for a in x.loop.loads:
            one = len(a.index) == 1
            for label in {l for i in a.affine if i for l in i.counters}:
                q = next(m for m in nest.nodes if m.loop.label == label)
                w = np.where(s.full[q.at], cp, 0.0)
                if one: l1 = np.maximum(l1, w)
                else: l2 = np.maximum(l2, w)
    return dict(fs1=f1, fs2=f2, fl1=l1, fl2=l2, tot=tot)

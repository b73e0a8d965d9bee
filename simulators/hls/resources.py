"""Resources of a scheduled nest: operators by theory, priced with fitted coefficients.

Operators are shared by the iterations between two starts of a pipeline, and by loops that run one after the other.
"""

from __future__ import annotations

import numpy as np

from ...datasets.kernel import Array
from ..core import Column
from ..fpga import bram18_count
from .caching import WORD_BITS
from .latency import Schedule
from .nest import CHAIN, PORT_BITS, Nest, Node, port_bits
from .tools import Tool

#: Operators that are instantiated; roots count as divisions, powers as products.
OPERATORS = ("dadd", "dmul", "ddiv", "fadd", "fmul", "fdiv", "imul", "logic")
#: Prices of logic hold up to the device; beyond it quantities are scaled to this many DSP slices' worth of operators.
MOST_DSP = 8000.0
#: Banks, and block RAMs of buffers, beyond which more do not cost more.
MOST_BANKS, MOST_BUFFERS, MOST_ROW_BANKS = 4000.0, 8000.0, 128.0
#: Squares of vectors beyond which the device is full of selectors, so that more tell nothing.
MOST_TURNS = 50_000.0


def use(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """`dsp`, `lut`, `ff` and `bram18` of n designs, (n,) each."""
    found = quantities(nest, done, n, tool)
    used = {"dsp": found["dsp"]}
    for resource, prices in tool.prices.items():
        used[resource] = sum((price * found[name] for name, price in prices.items()), np.zeros(n))
    return used


def quantities(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """What the prices in `Tool.prices` are of, (n,) each.

    `dadd` … `logic`: operators; `shared`: operations that wait for a shared one; `updated_vectors`,
    `loaded_vectors`: elements of one-dimensional arrays that a fully unrolled loop stores or loads, each time over its
    copies, every one of which may turn to each element; `banks` and `buffers`: banks of all
    arrays and block RAMs of those held on chip; `row_banks`: banks of the others, of which a row
    at a time is; `ports`: of full width to memory; `arguments`: arrays in memory; `one`: 1.
    """
    made, asked = operators(nest, done, n, tool), _copies(nest, done, n, tool)
    dsp = sum((tool.operators.dsp[o] * made[o] for o in OPERATORS if o in tool.operators.dsp), np.zeros(n))
    scale = np.where(dsp > MOST_DSP, MOST_DSP / np.maximum(dsp, 1.0), 1.0)
    found = {name: column * scale for name, column in (made | asked).items()}
    floating = [o for o in OPERATORS if o[0] in "df"]
    found["shared"] = np.maximum(0.0, found.pop("asked") - sum((found[o] for o in floating), np.zeros(n)))
    banks, buffers, row_banks = _memories(nest, done, n, tool)
    arguments = nest.arguments()
    ports = sum(
        port_bits(a, nest) / PORT_BITS * (2 if a.role == "inout" else 1) for a in nest.kernel.arrays
        if a.role not in ("unused", "local")
    )  # fmt: skip
    return found | _vectors(nest, done, n, tool) | {
        "dsp": dsp,
        "banks": np.minimum(banks, MOST_BANKS),
        "buffers": np.minimum(buffers, MOST_BUFFERS),
        "row_banks": np.minimum(row_banks, MOST_ROW_BANKS),
        "ports": np.full(n, float(ports)),
        "arguments": np.full(n, float(len(arguments))),
        "one": np.ones(n),
    }


def operators(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """Operators of each kind that are instantiated, (n,) each."""
    u = done.unrolled
    made: list[dict[str, Column]] = [{}] * len(nest.nodes)
    inside: list[dict[str, Column]] = [{}] * len(nest.nodes)  # of one iteration, unrolled loops included
    for x in reversed(nest.nodes):
        i = x.at
        made[i], inside[i] = {}, {}
        copies = _pipeline_copies(x, done, tool)
        for name, count in _counts(x).items():
            body: Column = np.full(n, count)
            ahead: Column = np.full(n, float(x.loop.hoisted.get(name, 0)))
            for c in x.children:
                several = _unshared(nest.nodes[c], name, _counts(nest.nodes[c])[name], u.piped[i], u.factor[c])
                scaled, common = (nest.scalings(c), nest.common(c)) if name == "dmul" else (0.0, 0.0)
                body = body + np.where(u.full[c], (inside[c][name] - scaled - common) * several, 0.0)
                ahead = ahead + np.where(u.full[c], scaled + common * several, 0.0)
            inside[i][name] = body
            shared = np.ceil((body * copies + ahead) / np.maximum(done.ii[i], 1.0))
            most = body
            for c in x.children:
                most = np.maximum(most, np.where(u.full[c], 0.0, made[c][name]))
            made[i][name] = np.where(u.piped[i], shared, most * (u.built[i] if i else 1.0))
    return made[0]


def _unshared(x: Node, name: str, count: float, piped: Column, factor: Column) -> Column | float:
    """Copies of an unrolled loop's operators: one where its iterations follow one another anyway.

    Of a recurrence, each iteration has products of its own nevertheless: those of the chains.
    """
    if x.recurrence == CHAIN:
        own = x.chained.get(name, 0.0) if name == "dmul" else 0.0
        return (1.0 - own / count) + own / count * factor if count else 1.0
    return np.where(~piped, 1.0, factor) if x.loop.guard else factor


def _pipeline_copies(x: Node, done: Schedule, tool: Tool) -> Column:
    """Copies of a pipeline's body; in SDx a tile that is no larger keeps those of an outermost loop of loops back."""
    u, i = done.unrolled, x.at
    if not x.children or x.parent != 0 or tool.observed.reload_by_copy:
        return u.factor[i]
    return np.where(u.piped[i] & (u.tile[i] > 1) & (u.tile[i] <= u.factor[i]), 1.0, u.factor[i])


def _counts(x: Node) -> dict[str, float]:
    """Operations of one iteration's own statements by operator."""
    have = {name: x.operations.get(name, 0.0) for name in OPERATORS}
    have["ddiv"] += x.operations.get("dsqrt", 0.0)
    have["dmul"] += x.operations.get("dpow", 0.0)
    return have


def _copies(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """Operations asked for at once, and copies of accesses along fully unrolled loops."""
    u = done.unrolled
    out = {"asked": np.zeros(n)}
    for x in nest.nodes[1:]:
        copies = np.ones(n)
        for p in (*x.path[1:], x.at):
            copies = copies * _copies_of(nest.nodes[p], done, tool)
        asked = sum(v for k, v in x.operations.items() if k[0] in "df")
        out["asked"] = out["asked"] + copies * (asked - np.where(u.full[x.at], nest.scalings(x.at), 0.0))
    return out


def _vectors(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """What it takes to reach the elements of one-dimensional arrays that an unrolled loop puts into registers.

    A burst, or a loop that walks through such a vector, turns to any of its elements; each does with the square of them.
    """
    u, most = done.unrolled, tool.observed.registers
    out = {name: np.zeros(n) for name in ("vector_fills", "vector_sets", "vector_stores", "vector_loads")}
    for array in nest.kernel.arrays:
        if len(array.shape) != 1 or array.size > most or array.role == "unused":
            continue
        walks = [
            (x, nest.place[next(iter(access.affine[0].counters))], store) for x, access, store in nest.accesses()
            if access.array == array.name and access.affine[0] is not None and len(access.affine[0].counters) == 1
        ]  # fmt: skip
        spread = np.zeros(n, bool)
        for x, at, _ in (w for w in walks if w[0].loop.loads):  # a loop that only sets a vector does not spread it
            copies, tiled = np.full(n, float(array.size)), np.zeros(n, bool)
            for p in x.path[1:]:
                copies = copies * np.where(u.full[p], 1.0, _copies_of(nest.nodes[p], done, tool))
                tiled = tiled | u.tiled(nest.nodes[p])
            for y in nest.beside(x.at) if tool.observed.odd else ():  # banks that a row does not fill keep it in memory
                tiled = tiled | ((u.factor[y] > 1) & (np.mod(u.factor[y], 2) == 1))
            spread = spread | (u.full[at] & (copies <= most) & ~tiled)
        size, words = float(array.size), array.size * array.bits / WORD_BITS
        if array.role in ("in", "inout") or nest.read_back(array):
            out["vector_fills"] = out["vector_fills"] + np.where(spread, words * size, 0.0)
        for x, at, store in walks:
            key = ("vector_stores" if x.loop.loads else "vector_sets") if store else "vector_loads"
            out[key] = out[key] + np.where(spread & ~u.full[at], words * np.ceil(size / u.factor[at]), 0.0)
    return {name: np.minimum(column, MOST_TURNS) for name, column in out.items()}


def _copies_of(x: Node, done: Schedule, tool: Tool) -> Column:
    """Copies of a loop's body, unrolled or side by side."""
    u, i = done.unrolled, x.at
    return np.where(
        u.full[i] | u.piped[i], np.where(u.piped[i], _pipeline_copies(x, done, tool), u.factor[i]), u.built[i]
    )


def _memories(nest: Nest, done: Schedule, n: int, tool: Tool) -> tuple[Column, Column, Column]:
    """Banks of all arrays, block RAMs of those that are held on chip, and banks of the rows of the others."""
    banks, buffers, row_banks = np.zeros(n), np.zeros(n), np.zeros(n)
    for array in nest.kernel.arrays:
        if array.role == "unused":
            continue
        split, depth = _split(nest, array, done, n, tool)
        banks = banks + split
        if array.size * array.bits / 8 > tool.observed.held_bytes:
            whole = _whole_rows(nest, array, done, n) if tool.observed.banks_rows else np.zeros(n)  # a bank for each of its words, and for each access
            buffers = buffers + whole * split * bram18_count(array.bits, 1.0)
            row_banks = row_banks + np.where(whole > 0, 0.0, split)
            continue
        most = tool.observed.lutram_bits_read if array.role == "in" else tool.observed.lutram_bits
        each = np.where(depth * array.bits <= most, 0.0, bram18_count(array.bits, depth))
        buffers = buffers + each * split * _rest(nest, array, done, n, tool)
    return banks, buffers, row_banks


def _whole_rows(nest: Nest, array: Array, done: Schedule, n: int) -> Column:
    """Accesses that reach all words of an array's row at once."""
    u, whole = done.unrolled, np.zeros(n)
    for _, access, _ in nest.accesses():
        index = access.affine[-1] if access.array == array.name else None
        for label in index.counters if index is not None else ():
            at = nest.place[label]
            whole = whole + np.where(u.full[at] & (nest.nodes[at].loop.trip >= array.shape[-1]), 1.0, 0.0)
    return whole


def _rest(nest: Nest, array: Array, done: Schedule, n: int, tool: Tool) -> Column:
    """Buffers of an array: two where the factor of an ordered loop that updates it leaves a rest, else one."""
    u, ragged = done.unrolled, np.zeros(n, bool)
    for x in nest.nodes[1:] if tool.observed.buffers_rest else ():
        moving = [
            any(a.array == array.name and x.loop.label in a.strides(array.shape) for a in accesses)
            for accesses in (x.loop.loads, x.loop.stores)
        ]
        if all(moving) and any(nest.nodes[p].ordered for p in (*x.path, x.at)):
            ragged = ragged | (u.ragged(x) & u.piped[x.at])
    return np.where(ragged, 2.0, 1.0)


def _split(nest: Nest, array: Array, done: Schedule, n: int, tool: Tool) -> tuple[Column, Column]:
    """Banks that an array is split into, and the words of one."""
    split, depth = np.ones(n), np.ones(n)
    last = len(array.shape) - 1
    for dimension, size in enumerate(array.shape):
        most = np.ones(n)
        for x, access, store in nest.accesses():
            index = access.affine[dimension] if access.array == array.name else None
            if index is None:
                continue
            copies = np.ones(n)
            for label in index.counters:
                copies = copies * _copies_of(nest.nodes[nest.place[label]], done, tool)
            read_only = not store and all(s.array != array.name for s in x.loop.stores)
            if tool.observed.binary_banks and dimension < last and read_only and x.loop.label in index.counters:
                copies = 2.0 ** np.ceil(np.log2(copies))
            most = np.maximum(most, np.minimum(copies, size))
        if dimension == last and array.role != "local":  # a burst fills as many words at once as the port is wide
            most = np.maximum(most, min(size, port_bits(array, nest) / array.bits))
        split, depth = split * most, depth * np.ceil(size / most)
    return split, depth

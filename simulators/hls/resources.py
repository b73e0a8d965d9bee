"""Resources of a scheduled nest: operators by theory, priced with fitted coefficients.

Operators are shared by the iterations between two starts of a pipeline, and by loops that run one after the other.
"""

from __future__ import annotations

import numpy as np

from ..core import Column
from ..fpga import bram18_count
from .intervals import PORT_BITS
from .latency import Schedule
from .nest import CHAIN, Nest, Node, port_bits
from .tools import Tool

#: Operators that are instantiated; roots count as divisions, powers as products.
OPERATORS = ("dadd", "dmul", "ddiv", "fadd", "fmul", "fdiv", "imul", "logic")
#: Prices of logic hold up to the device; beyond it quantities are scaled to this many DSP slices' worth of operators.
MOST_DSP = 8000.0
#: Banks, and block RAMs of buffers, beyond which more do not cost more.
MOST_BANKS, MOST_BUFFERS, MOST_ROW_BANKS = 4000.0, 8000.0, 128.0


def use(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """`dsp`, `lut`, `ff` and `bram18` of n designs, (n,) each."""
    found = quantities(nest, done, n, tool)
    used = {"dsp": found["dsp"]}
    for resource, prices in tool.prices.items():
        used[resource] = sum((price * found[name] for name, price in prices.items()), np.zeros(n))
    return used


def quantities(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """What the prices in `Tool.prices` are of, (n,) each.

    `dadd` … `logic`: operators; `shared`: operations that wait for a shared one; `stored_1d`, `loaded_1d`: copies of
    the busiest access to a one-dimensional array along a fully unrolled loop; `banks` and `buffers`: banks of all
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
        port_bits(a, PORT_BITS, nest) / PORT_BITS * (2 if a.role == "inout" else 1) for a in nest.kernel.arrays
        if a.role not in ("unused", "local")
    )  # fmt: skip
    return found | {
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
                several = _unshared(nest.nodes[c], u.piped[i], u.factor[c])
                scaled = nest.scalings(c) if name == "dmul" else 0.0  # the vector is scaled once, before the loop
                body = body + np.where(u.full[c], (inside[c][name] - scaled) * several, 0.0)
                ahead = ahead + np.where(u.full[c], scaled, 0.0)
            inside[i][name] = body
            shared = np.ceil((body * copies + ahead) / np.maximum(done.ii[i], 1.0))
            most = body
            for c in x.children:
                most = np.maximum(most, np.where(u.full[c], 0.0, made[c][name]))
            made[i][name] = np.where(u.piped[i], shared, most * (u.built[i] if i else 1.0))
    return made[0]


def _unshared(x: Node, piped: Column, factor: Column) -> Column | float:
    """Copies of an unrolled loop's operators: one where its iterations follow one another anyway."""
    if x.recurrence == CHAIN:
        return 1.0
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
    out = {name: np.zeros(n) for name in ("asked", "stored_1d", "loaded_1d")}
    for x in nest.nodes[1:]:
        copies = np.ones(n)
        for p in (*x.path[1:], x.at):
            copies = copies * _copies_of(nest.nodes[p], done, tool)
        asked = sum(v for k, v in x.operations.items() if k[0] in "df")
        out["asked"] = out["asked"] + copies * (asked - np.where(u.full[x.at], nest.scalings(x.at), 0.0))
        for key, accesses in (("stored_1d", x.loop.stores), ("loaded_1d", x.loop.loads)):
            for access in (a for a in accesses if len(a.index) == 1):
                for label in {label for i in access.affine if i for label in i.counters}:
                    along = np.where(u.full[nest.place[label]], copies, 0.0)
                    out[key] = np.maximum(out[key], along)
    return out


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
        split = np.ones(n)
        for dimension, size in enumerate(array.shape):
            most = np.ones(n)
            for _, access, _ in nest.accesses():
                index = access.affine[dimension] if access.array == array.name else None
                if index is not None:
                    copies = np.ones(n)
                    for label in index.counters:
                        copies = copies * _copies_of(nest.nodes[nest.place[label]], done, tool)
                    most = np.maximum(most, np.minimum(copies, size))
            split = split * most
        banks = banks + split
        if array.size * array.bits / 8 > tool.observed.held_bytes:
            row_banks = row_banks + split
            continue
        depth = np.ceil(array.size / split)
        each = np.where(depth * array.bits <= tool.observed.lutram_bits, 0.0, bram18_count(array.bits, depth))
        buffers = buffers + each * split
    return banks, buffers, row_banks

"""Resources of a scheduled nest: operators by theory, priced with fitted coefficients.

Operators are shared by the iterations between two starts of a pipeline, and by loops that run one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..core import Column
from .latency import Schedule
from .loops import CHAIN, PORT_BITS, Node, port_bits
from .memories import memories, vectors
from .nest import Nest
from .operations import operator_of
from .tools import Tool
from .unroll import Unrolled, copies_of, pipeline_copies

#: Operators that are instantiated, integer products by their bits; roots count as divisions, powers as products.
OPERATORS = ("dadd", "dmul", "ddiv", "fadd", "fmul", "fdiv", "imul8", "imul16", "imul32", "imul64", "idiv", "logic")
#: Prices of logic hold up to the device; beyond it quantities are scaled to this many DSP slices' worth of operators.
MOST_DSP = 8000.0
#: Banks, and block RAMs of buffers, beyond which more do not cost more.
MOST_BANKS, MOST_BUFFERS, MOST_ROW_BANKS = 4000.0, 8000.0, 128.0


def use(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """`dsp`, `lut`, `ff` and `bram18` of n designs, (n,) each."""
    found = quantities(nest, done, n, tool)
    used = {"dsp": found["dsp"]}
    for resource, prices in tool.prices.items():
        priced = sum((price * found[name] for name, price in prices.items()), np.zeros(n))
        used[resource] = np.ceil(np.round(priced, 6))
    return used


def quantities(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """What the prices in `Tool.prices` are of, (n,) each.

    `dadd` … `logic`: operators; `shared`: operations that wait for a shared one; `vector_…`: see `memories.vectors`;
    `banks` and `buffers`: banks of all arrays and block RAMs of those held on chip; `row_banks`: banks of the others,
    of which a row at a time is; `ports`: of full width to memory; `arguments`: arrays in memory; `one`: 1.
    """
    u, made = done.unrolled, operators(nest, done, n, tool)
    copies = [copies_of(x, u, tool) for x in nest.nodes]
    dsp = sum((tool.operators.dsp[o] * made[o] for o in OPERATORS if o in tool.operators.dsp), np.zeros(n))
    scale = np.where(dsp > MOST_DSP, MOST_DSP / np.maximum(dsp, 1.0), 1.0)
    found = {name: column * scale for name, column in made.items()}
    floating = [o for o in OPERATORS if o[0] in "df"]
    found["shared"] = np.maximum(
        0.0, scale * _asked(nest, u, copies, n) - sum((found[o] for o in floating), np.zeros(n))
    )
    banks, buffers, row_banks = memories(nest, u, copies, n, tool)
    arguments = nest.arguments()
    ports = sum(
        port_bits(a, nest) / PORT_BITS * (2 if a.role == "inout" else 1) for a in nest.kernel.arrays
        if a.role not in ("unused", "local")
    )  # fmt: skip
    return (
        found
        | vectors(nest, u, copies, n, tool)
        | {
            "dsp": dsp,
            "banks": np.minimum(banks, MOST_BANKS),
            "buffers": np.minimum(buffers, MOST_BUFFERS),
            "row_banks": np.minimum(row_banks, MOST_ROW_BANKS),
            "ports": np.full(n, float(ports)),
            "arguments": np.full(n, float(len(arguments))),
            "one": np.ones(n),
        }
    )


def operators(nest: Nest, done: Schedule, n: int, tool: Tool) -> dict[str, Column]:
    """Operators of each kind that are instantiated, (n,) each."""
    u = done.unrolled
    made: list[dict[str, Column]] = [{}] * len(nest.nodes)
    inside: list[dict[str, Column]] = [{}] * len(nest.nodes)  # of one iteration, unrolled loops included
    have = [_by_operator(x.operations, x.bits) for x in nest.nodes]
    for x in reversed(nest.nodes):
        i = x.at
        made[i], inside[i] = {}, {}
        copies = pipeline_copies(x, u, tool)
        hoisted = _by_operator(x.loop.hoisted, x.bits)
        for name, count in have[i].items():
            body: Column = np.full(n, count)
            ahead: Column = np.full(n, hoisted[name])
            for c in x.children:
                several = _unshared(nest.nodes[c], name, have[c][name], u.piped[i], u.factor[c])
                product = name == nest.nodes[c].precision + "mul"
                scaled, common = (nest.scalings[c], nest.common[c]) if product else (0.0, 0.0)
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
        own = x.chained.get(name, 0.0) if name in ("dmul", "fmul") else 0.0
        return (1.0 - own / count) + own / count * factor if count else 1.0
    return np.where(~piped, 1.0, factor) if x.loop.guard else factor


def _asked(nest: Nest, u: Unrolled, copies: Sequence[Column], n: int) -> Column:
    """Floating-point operations asked for at once, (n,)."""
    asked = np.zeros(n)
    for x in nest.nodes[1:]:
        abreast = np.ones(n)
        for p in (*x.path[1:], x.at):
            abreast = abreast * copies[p]
        own = sum(v for k, v in x.operations.items() if k[0] in "df")
        asked = asked + abreast * (own - np.where(u.full[x.at], nest.scalings[x.at], 0.0))
    return asked


def _by_operator(operations: Mapping[str, float], bits: int) -> dict[str, float]:
    """Operations of one iteration's own statements by operator."""
    have = dict.fromkeys(OPERATORS, 0.0)
    for name, count in operations.items():
        operator = operator_of(name, bits)
        if operator in have and not name.startswith("addr_"):
            have[operator] += count
    return have

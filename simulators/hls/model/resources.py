"""Resources of a scheduled nest: operators by theory, priced with fitted coefficients.

Operators are shared by the iterations between two starts of a pipeline, and by loops that run one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...fpga.formulas.terms import Term, Truth, ceil, maximum, minimum, select, total
from ..lowering.loops import CHAIN, PORT_BITS, Node, port_bits
from ..lowering.nest import Nest
from ..tables.tools import Tool
from .latency import Schedule
from .memories import memories, vectors
from .operations import operator_of
from .unroll import Unrolled, copies_of, pipeline_copies

#: Operators that are instantiated, integer products by their bits; roots count as divisions, powers as products.
OPERATORS = ("dadd", "dmul", "ddiv", "fadd", "fmul", "fdiv", "imul8", "imul16", "imul32", "imul64", "idiv", "logic")
#: Prices of logic hold up to the device; beyond it quantities are scaled to this many DSP slices' worth of operators.
MOST_DSP = 8000.0
#: Banks, and block RAMs of buffers, beyond which more do not cost more.
MOST_BANKS, MOST_BUFFERS, MOST_ROW_BANKS = 4000.0, 8000.0, 128.0
#: What sums of prices may be above a whole number and still be it.
ROUNDING = 5e-7


def use(nest: Nest, done: Schedule, tool: Tool) -> dict[str, Term]:
    """Return `dsp`, `lut`, `ff` and `bram18` of a design."""
    found = quantities(nest, done, tool)
    used = {"dsp": found["dsp"]}
    for resource, prices in tool.prices.items():
        priced = total([price * found[name] for name, price in prices.items()])
        used[resource] = ceil(maximum(priced - ROUNDING, 0.0))
    return used


def quantities(nest: Nest, done: Schedule, tool: Tool) -> dict[str, Term]:
    """Return what the prices in `Tool.prices` are of.

    `dadd` … `logic`: operators; `shared`: operations that wait for a shared one; `vector_…`: see `memories.vectors`;
    `banks` and `buffers`: banks of all arrays and block RAMs of those held on chip; `row_banks`: banks of the others,
    of which a row at a time is; `ports`: of full width to memory; `arguments`: arrays in memory; `one`: 1.
    """
    u, made = done.unrolled, operators(nest, done, tool)
    copies = [copies_of(x, u, tool) for x in nest.nodes]
    dsp = total([tool.operators.dsp[o] * made[o] for o in OPERATORS if o in tool.operators.dsp])
    scale = select(dsp > MOST_DSP, MOST_DSP / maximum(dsp, 1.0), 1.0)
    found = {name: column * scale for name, column in made.items()}
    floating = [o for o in OPERATORS if o[0] in "df"]
    found["shared"] = maximum(0.0, scale * _asked(nest, u, copies) - total([found[o] for o in floating]))
    banks, buffers, row_banks = memories(nest, u, copies, tool)
    arguments = nest.arguments()
    ports = sum(
        port_bits(a, nest) / PORT_BITS * (2 if a.role == "inout" else 1) for a in nest.kernel.arrays
        if a.role not in ("unused", "local")
    )  # fmt: skip
    return (
        found
        | vectors(nest, u, copies, tool)
        | {
            "dsp": dsp,
            "banks": minimum(banks, MOST_BANKS),
            "buffers": minimum(buffers, MOST_BUFFERS),
            "row_banks": minimum(row_banks, MOST_ROW_BANKS),
            "ports": float(ports),
            "arguments": float(len(arguments)),
            "one": 1.0,
        }
    )


def operators(nest: Nest, done: Schedule, tool: Tool) -> dict[str, Term]:
    """Count the operators of each kind that are instantiated."""
    u = done.unrolled
    made: list[dict[str, Term]] = [{}] * len(nest.nodes)
    inside: list[dict[str, Term]] = [{}] * len(nest.nodes)  # of one iteration, unrolled loops included
    have = [_by_operator(x.operations, x.bits) for x in nest.nodes]
    for x in reversed(nest.nodes):
        i = x.at
        made[i], inside[i] = {}, {}
        copies = pipeline_copies(x, u, tool)
        hoisted = _by_operator(x.loop.hoisted, x.bits)
        for name, count in have[i].items():
            body: Term = count
            ahead: Term = hoisted[name]
            for c in x.children:
                several = _unshared(nest.nodes[c], name, have[c][name], u.piped[i], u.factor[c])
                product = name == nest.nodes[c].precision + "mul"
                scaled, common = (nest.scalings[c], nest.common[c]) if product else (0.0, 0.0)
                body = body + select(u.full[c], (inside[c][name] - scaled - common) * several, 0.0)
                ahead = ahead + select(u.full[c], scaled + common * several, 0.0)
            inside[i][name] = body
            shared = ceil((body * copies + ahead) / maximum(done.ii[i], 1.0))
            most = body
            for c in x.children:
                most = maximum(most, select(u.full[c], 0.0, made[c][name]))
            made[i][name] = select(u.piped[i], shared, most * (u.built[i] if i else 1.0))
    return made[0]


def _unshared(x: Node, name: str, count: float, piped: Truth, factor: Term) -> Term:
    """Count the copies of an unrolled loop's operators: one where its iterations follow one another anyway.

    Of a recurrence, each iteration has products of its own nevertheless: those of the chains.
    """
    if x.recurrence == CHAIN:
        own = x.chained.get(name, 0.0) if name in ("dmul", "fmul") else 0.0
        return (1.0 - own / count) + own / count * factor if count else 1.0
    return select(piped, factor, 1.0) if x.loop.guard else factor


def _asked(nest: Nest, u: Unrolled, copies: Sequence[Term]) -> Term:
    """Count the floating-point operations asked for at once."""
    asked: Term = 0.0
    for x in nest.nodes[1:]:
        abreast: Term = 1.0
        for p in (*x.path[1:], x.at):
            abreast = abreast * copies[p]
        own = sum(v for k, v in x.operations.items() if k[0] in "df")
        asked = asked + abreast * (own - select(u.full[x.at], nest.scalings[x.at], 0.0))
    return asked


def _by_operator(operations: Mapping[str, float], bits: int) -> dict[str, float]:
    """Count the operations of one iteration's own statements by operator."""
    have = dict.fromkeys(OPERATORS, 0.0)
    for name, count in operations.items():
        operator = operator_of(name, bits)
        if operator in have and not name.startswith("addr_"):
            have[operator] += count
    return have

"""What an operation takes by its type: cycles, and the operator that does it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..lowering.loops import SERIAL_SUM, TREE, Node
from ..tables.tools import Tool

#: Operations that another one's operator does: a root is a division, a power a product.
SAME_OPERATOR: Mapping[str, str] = MappingProxyType(
    {"dsqrt": "ddiv", "dpow": "dmul", "fsqrt": "fdiv", "fpow": "fmul", "addr_iadd": "iadd", "addr_imul": "imul"}
)
#: A negation flips the sign's bit, which takes no operator.
NEGATIONS = ("dneg", "fneg")
#: What whole numbers do within a cycle at 250 MHz.
WITHIN_A_CYCLE = ("iadd", "logic", "addr_iadd")
#: Cycles that an integer division takes beyond its bits: that of 32 bits is called sdiv_32ns_32ns_32_36, of 36 stages
#: and 35 cycles (as csynth reports of Vivado and Vitis HLS name it).
DIVISION_BEYOND_BITS = 3


def operation_cycles(name: str, bits: int, tool: Tool) -> float:
    """Count the cycles of an operation; `bits` are those of integers."""
    if name in NEGATIONS:
        return 0.0
    if name == "logic":
        return tool.operators.cycles["iadd"] / 2
    if name == "idiv":
        return float(bits + DIVISION_BEYOND_BITS)
    return tool.operators.cycles[SAME_OPERATOR.get(name, name)]


def chain_cycles(chain: Sequence[str], bits: int, tool: Tool) -> float:
    """Count the cycles of operations one after the other."""
    return sum(operation_cycles(name, bits, tool) for name in chain)


def operator_of(name: str, bits: int) -> str:
    """Name the operator of `resources.OPERATORS` that does an operation: integer products differ by their bits."""
    name = SAME_OPERATOR.get(name, name)
    return f"imul{bits}" if name == "imul" else name


def body_latency(node: Node, tool: Tool) -> float:
    """Count the cycles through one iteration of a loop's own statements.

    Sums of up to four terms are a chain, of more half a tree; a product or division is met once or twice on the way. An
    addition into a reduced variable is the recurrence's, not the body's.
    """
    have, cycles = node.operations.get, 0.0
    for p in "df":  # double and single precision
        each = {name: operation_cycles(p + name, node.bits, tool) for name in ("add", "mul", "div", "cmp")}
        adds, muls = max(0.0, have(p + "add", 0.0) - node.summed.get(p + "add", 0.0)), have(p + "mul", 0.0)
        adds = adds if adds <= 4 else 4 + (adds - 4) / 2
        cycles += each["add"] * adds
        cycles += each["mul"] * (min(muls, 1.0) + max(0.0, muls - 2) / 4 + have(p + "pow", 0.0))
        cycles += each["div"] * min(2.0, have(p + "div", 0.0) + have(p + "sqrt", 0.0))
        cycles += each["cmp"] * min(1.0, max(0.0, have(p + "cmp", 0.0) - node.summed.get(p + "cmp", 0.0)))
    whole = {name: operation_cycles(name, node.bits, tool) for name in ("imul", "idiv", "iadd")}
    cycles += whole["imul"] * min(1.0, have("imul", 0.0)) + whole["idiv"] * min(2.0, have("idiv", 0.0))
    adds = max(0.0, have("iadd", 0.0) - node.summed.get("iadd", 0.0))
    logic = max(0.0, have("logic", 0.0) - node.summed.get("logic", 0.0))
    cycles += whole["iadd"] * (adds + logic / 2)
    return cycles + (tool.fitted.access if node.loop.accesses else 0.0)


def chain_interval(node: Node, tool: Tool) -> float:
    """Count cycles between a recurrent loop's iterations: around its slowest chain, over how far back it reaches."""
    return max((cycles + tool.fitted.forward) / distance for cycles, distance in _recurrences(node, tool))


def chain_depth(node: Node, tool: Tool) -> float:
    """Count the cycles that a recurrence takes beyond one iteration, where all iterations of the loop are unrolled."""
    trip = node.loop.trip
    return max((math.ceil(trip / distance) - 1) * cycles for cycles, distance in _recurrences(node, tool))


def _recurrences(node: Node, tool: Tool) -> list[tuple[float, int]]:
    """Count the cycles around each chain, with its distance; through the whole body where no chain is known."""
    known = [
        (chain_cycles(chain, node.bits, tool), distance)
        for chain, distance in zip(node.chains, node.distances, strict=True)
        if chain
    ]
    return known or [(body_latency(node, tool), min(node.distances))]


def sum_latency(node: Node, tool: Tool) -> float:
    """Count cycles of one step of a loop's slowest sum: an addition of its type, or what else it reduces by."""
    return max((chain_cycles(chain, node.bits, tool) for chain in node.chains), default=0.0)


def sum_interval(cycles: float, node: Node, tool: Tool, *, through_memory: bool = False) -> float:
    """Count the cycles between steps of a loop's sum, where it were `cycles` for one of doubles.

    The tools' intervals are fitted to sums of doubles. One of another type scales with its adder's latency, and one of
    several sums in turn with how many they are, down to one cycle. Whole numbers that are added or compared within a
    cycle start in every one, unless they go through memory (stencil, 70,308 products of int32 added up: 90,271 cycles
    in SDx, 80,443 in Vitis 2020.2).
    """
    paces = (chain_cycles(c, node.bits, tool) / d for c, d in zip(node.chains, node.distances, strict=True))
    step, double = max(paces, default=0.0), tool.operators.cycles["dadd"]
    if within_a_cycle(node) and not through_memory:
        return 1.0
    return cycles if step == double else max(1.0, cycles * step / double)


def within_a_cycle(node: Node) -> bool:
    """Tell whether each step of a loop's sums is an addition or a comparison of whole numbers."""
    return bool(node.chains) and all(len(c) == 1 and c[0] in WITHIN_A_CYCLE for c in node.chains)


def makes_tree(node: Node, tool: Tool) -> bool:
    """Tell whether the loop's sum becomes a tree: a declared one, in some tools that of an innermost loop.

    Of whole numbers any does: their order changes nothing, so that the tools balance them (AMD UG1399,
    expression_balance: on for integers, off for floating point).
    """
    if node.recurrence == TREE or (node.recurrence == SERIAL_SUM and within_a_cycle(node)):
        return True
    return node.recurrence == SERIAL_SUM and tool.observed.trees and not node.children


def tree_level(node: Node, tool: Tool) -> float:
    """Count cycles of a level of a loop's reduction tree: fitted to doubles, and as much shorter as the adder is."""
    return tool.fitted.tree * sum_latency(node, tool) / tool.operators.cycles["dadd"]

"""The compiled loop that works out a list of instructions, some designs abreast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.compiled import compiled, inlined
from .terms import Op

Array = np.ndarray[Any, np.dtype[Any]]

ADD, SUBTRACT, MULTIPLY, DIVIDE = int(Op.ADD), int(Op.SUBTRACT), int(Op.MULTIPLY), int(Op.DIVIDE)
MINIMUM, MAXIMUM, LESS, LESS_EQUAL = int(Op.MINIMUM), int(Op.MAXIMUM), int(Op.LESS), int(Op.LESS_EQUAL)
EQUAL, BOTH, EITHER, NOT = int(Op.EQUAL), int(Op.BOTH), int(Op.EITHER), int(Op.NOT)
SELECT, CEIL, REMAINDER, LOG2 = int(Op.SELECT), int(Op.CEIL), int(Op.REMAINDER), int(Op.LOG2)
FLOOR, ROUND, EXPM1 = int(Op.FLOOR), int(Op.ROUND), int(Op.EXPM1)


@inlined
def next_power_of_two(value: float) -> float:
    """Return the smallest power of two that is no less than `value`, exactly; value ≥ 1."""
    fraction, exponent = math.frexp(value)
    return float(math.ldexp(1.0, exponent - 1 if fraction == 0.5 else exponent))


@compiled
def work_out(code: Array, registers: Array, inputs: Array, where: Array, wanted: Array, outputs: Array) -> None:
    """Fill `outputs` with the terms of every design.

    Args:
        code: int64 (instructions, 5): an `Op`, the register that it fills, and those of its operands.
        registers: float64 (registers, designs abreast); constants are in theirs, and stay.
        inputs: float64 (inputs, n).
        where: int64 (inputs,), the register of each.
        wanted: int64 (outputs,), the register of each.
        outputs: float64 (outputs, n).
    """
    n, abreast = inputs.shape[1], registers.shape[1]
    r = registers
    for start in range(0, n, abreast):
        width = min(abreast, n - start)
        for k in range(len(where)):
            for i in range(width):
                r[where[k], i] = inputs[k, start + i]
        for step in range(len(code)):
            op, to, a, b, c = code[step, 0], code[step, 1], code[step, 2], code[step, 3], code[step, 4]
            if op == SELECT:
                for i in range(width):
                    r[to, i] = r[b, i] if r[a, i] != 0.0 else r[c, i]
            elif op == ADD:
                for i in range(width):
                    r[to, i] = r[a, i] + r[b, i]
            elif op == MULTIPLY:
                for i in range(width):
                    r[to, i] = r[a, i] * r[b, i]
            elif op == MAXIMUM:
                for i in range(width):
                    r[to, i] = r[a, i] if r[a, i] >= r[b, i] else r[b, i]
            elif op == MINIMUM:
                for i in range(width):
                    r[to, i] = r[a, i] if r[a, i] <= r[b, i] else r[b, i]
            elif op == BOTH:
                for i in range(width):
                    r[to, i] = r[a, i] * r[b, i]
            elif op == EITHER:
                for i in range(width):
                    r[to, i] = r[a, i] if r[a, i] != 0.0 else r[b, i]
            elif op == LESS:
                for i in range(width):
                    r[to, i] = 1.0 if r[a, i] < r[b, i] else 0.0
            elif op == LESS_EQUAL:
                for i in range(width):
                    r[to, i] = 1.0 if r[a, i] <= r[b, i] else 0.0
            elif op == EQUAL:
                for i in range(width):
                    r[to, i] = 1.0 if r[a, i] == r[b, i] else 0.0
            elif op == NOT:
                for i in range(width):
                    r[to, i] = 1.0 - r[a, i]
            elif op == SUBTRACT:
                for i in range(width):
                    r[to, i] = r[a, i] - r[b, i]
            elif op == DIVIDE:
                for i in range(width):
                    r[to, i] = r[a, i] / r[b, i]
            elif op == CEIL:
                for i in range(width):
                    r[to, i] = np.ceil(r[a, i])
            elif op == REMAINDER:
                for i in range(width):
                    r[to, i] = r[a, i] - r[b, i] * np.floor(r[a, i] / r[b, i])
            elif op == LOG2:
                for i in range(width):
                    r[to, i] = np.log2(r[a, i])
            elif op == FLOOR:
                for i in range(width):
                    r[to, i] = np.floor(r[a, i])
            elif op == ROUND:
                for i in range(width):
                    r[to, i] = np.rint(r[a, i])
            elif op == EXPM1:
                for i in range(width):
                    r[to, i] = np.expm1(r[a, i])
            else:
                for i in range(width):
                    r[to, i] = next_power_of_two(r[a, i])
        for k in range(len(wanted)):
            for i in range(width):
                outputs[k, start + i] = r[wanted[k], i]

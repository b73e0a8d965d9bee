"""Terms as a program: instructions in order, and a register for each term as long as it is still asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Column
from .terms import Op, Tape, Term

Array = np.ndarray[Any, np.dtype[Any]]

#: Designs that go through an instruction together: few enough for their registers to stay in the nearest caches.
ABREAST = 64
#: Operands of an instruction; those that it lacks are its first again.
OPERANDS = 3


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions over registers.

    Attributes:
        inputs: names of the columns that it reads.
        outputs: names of the columns that it answers.
        code: int64 (instructions, 2 + `OPERANDS`): operation, register that it fills, registers of its operands.
        constants: by register, the numbers that it starts with; 0 in the others.
        where, wanted: registers of the inputs and of the outputs.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code: Array
    constants: Array
    where: Array
    wanted: Array

    def run(self, columns: Mapping[str, Column], n: int) -> dict[str, Column]:
        """Return the outputs of n designs, (n,) each, by name."""
        from .interpreter import work_out  # Numba takes a second to import

        given = np.empty((len(self.inputs), n))
        for row, name in enumerate(self.inputs):
            given[row] = columns[name]
        answers = np.empty((len(self.outputs), n))
        registers = np.repeat(self.constants, max(1, min(n, ABREAST))).reshape(len(self.constants), -1)
        work_out(self.code, registers, given, self.where, self.wanted, answers)
        return dict(zip(self.outputs, answers, strict=True))


def make_program(inputs: tuple[str, ...], make: Callable[[Mapping[str, Term]], Mapping[str, Term]]) -> Program:
    """Make the program of the terms that `make` makes of inputs."""
    tape = Tape()
    terms = make({name: tape.input(number) for number, name in enumerate(inputs)})
    wanted = [tape.place_of(term) for term in terms.values()]
    last = _last_uses(tape, wanted)
    registers: dict[int, int] = {}
    constants: list[float] = []
    where = np.zeros(len(inputs), np.int64)
    for place, (op, operands) in enumerate(tape.made):  # these keep their registers
        if (op is Op.CONSTANT and place in last) or op is Op.INPUT:
            registers[place] = len(constants)
            constants.append(operands[0] if op is Op.CONSTANT else 0.0)
            if op is Op.INPUT:
                where[int(operands[0])] = registers[place]
    code, free = [], list[int]()
    for place, (op, operands) in enumerate(tape.made):
        if place not in last or op in (Op.CONSTANT, Op.INPUT):
            continue
        reads = [int(operand) for operand in operands]
        at = [registers[operand] for operand in reads]
        for operand in set(reads):
            if last[operand] == place and tape.made[operand][0] not in (Op.CONSTANT, Op.INPUT):
                free.append(registers[operand])
        if not free:
            free.append(len(constants))
            constants.append(0.0)
        registers[place] = free.pop()
        code.append([int(op), registers[place], *at, *at[:1] * (OPERANDS - len(at))])
    return Program(
        inputs,
        tuple(terms),
        np.array(code, np.int64).reshape(-1, 2 + OPERANDS),
        np.array(constants),
        where,
        np.array([registers[place] for place in wanted], np.int64),
    )


def _last_uses(tape: Tape, wanted: list[int]) -> dict[int, int]:
    """Return, of each term that is asked for, the last place that asks; of outputs one beyond all."""
    last = dict.fromkeys(wanted, len(tape.made))
    for place in range(len(tape.made) - 1, -1, -1):
        op, operands = tape.made[place]
        if place in last and op not in (Op.CONSTANT, Op.INPUT):
            for operand in operands:
                last.setdefault(int(operand), place)
    return last

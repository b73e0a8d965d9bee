"""Terms: what a model says of a design, as a formula over its knobs rather than a number.

The rules of a model are written once, over terms, and run once for each workload. What depends on the workload alone is
then a number already, what two rules both ask for is one term, and what remains is a list of instructions that
`interpreter` works out for any number of designs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np


class Op(IntEnum):
    """What an instruction does with its operands; truths are 1 and 0."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    MINIMUM = 4
    MAXIMUM = 5
    LESS = 6
    LESS_EQUAL = 7
    EQUAL = 8
    BOTH = 9
    EITHER = 10
    NOT = 11
    SELECT = 12  # of two, the second or the third by the first
    CEIL = 13
    REMAINDER = 14
    LOG2 = 15
    POWER_OF_TWO = 16  # the smallest that is no less
    FLOOR = 17
    ROUND = 18  # halves to even numbers
    EXPM1 = 19  # e to the power of it, less 1
    CONSTANT = 20  # no instruction: a register that holds it
    INPUT = 21  # no instruction: a register that a knob is put into


@dataclass(eq=False)
class Tape:
    """The terms of one program, in the order in which they were made.

    Attributes:
        made: of each term its operation and operands: places of other terms, of an input its number, of a constant
            its value.
        places: of each such description its place, so that equal terms are one.
    """

    made: list[tuple[Op, tuple[float, ...]]] = field(default_factory=list)
    places: dict[tuple[Op, tuple[float, ...]], int] = field(default_factory=dict)

    def place(self, op: Op, *operands: float) -> int:
        """Return the place of a term, made if there is none like it."""
        description = (op, operands)
        found = self.places.get(description)
        if found is None:
            found = self.places[description] = len(self.made)
            self.made.append(description)
        return found

    def input(self, number: int) -> Formula:
        """Return the term that stands for an input."""
        return Formula(self, self.place(Op.INPUT, number))

    def place_of(self, term: Term) -> int:
        """Return the place of a term; a number becomes a constant."""
        return term.at if isinstance(term, Formula) else self.place(Op.CONSTANT, float(term))


class Formula:
    """A term that depends on the design."""

    __slots__ = ("at", "tape")

    def __init__(self, tape: Tape, at: int) -> None:
        self.tape = tape
        self.at = at

    def __add__(self, other: Term) -> Term:
        return self if _is(other, 0.0) else _make(Op.ADD, self, other)

    def __radd__(self, other: Term) -> Term:
        return self if _is(other, 0.0) else _make(Op.ADD, other, self)

    def __sub__(self, other: Term) -> Term:
        return self if _is(other, 0.0) else _make(Op.SUBTRACT, self, other)

    def __rsub__(self, other: Term) -> Term:
        return _make(Op.SUBTRACT, other, self)

    def __mul__(self, other: Term) -> Term:
        return 0.0 if _is(other, 0.0) else self if _is(other, 1.0) else _make(Op.MULTIPLY, self, other)

    def __rmul__(self, other: Term) -> Term:
        return 0.0 if _is(other, 0.0) else self if _is(other, 1.0) else _make(Op.MULTIPLY, other, self)

    def __truediv__(self, other: Term) -> Term:
        return self if _is(other, 1.0) else _make(Op.DIVIDE, self, other)

    def __rtruediv__(self, other: Term) -> Term:
        return 0.0 if _is(other, 0.0) else _make(Op.DIVIDE, other, self)

    def __lt__(self, other: Term) -> Truth:
        return _make(Op.LESS, self, other)

    def __le__(self, other: Term) -> Truth:
        return _make(Op.LESS_EQUAL, self, other)

    def __gt__(self, other: Term) -> Truth:
        return _make(Op.LESS, other, self)

    def __ge__(self, other: Term) -> Truth:
        return _make(Op.LESS_EQUAL, other, self)

    def __and__(self, other: Truth) -> Truth:
        return (self if other else False) if not isinstance(other, Formula) else _make(Op.BOTH, self, other)

    def __or__(self, other: Truth) -> Truth:
        return (True if other else self) if not isinstance(other, Formula) else _make(Op.EITHER, self, other)

    __rand__ = __and__
    __ror__ = __or__

    def __bool__(self) -> bool:
        raise TypeError("a term has no truth before a design is chosen; use `select`")


#: A number that is known, or a formula over the knobs; and the same of truths.
Term: TypeAlias = Formula | float
Truth: TypeAlias = Formula | bool


def equal(a: Term, b: Term) -> Truth:
    """Tell whether two terms are equal."""
    if isinstance(a, Formula) or isinstance(b, Formula):
        return _make(Op.EQUAL, a, b)
    return a == b


def no(truth: Truth) -> Truth:
    """Tell whether something does not hold."""
    return Formula(truth.tape, truth.tape.place(Op.NOT, truth.at)) if isinstance(truth, Formula) else not truth


def select(truth: Truth, yes: Term, otherwise: Term) -> Term:
    """Return one term where something holds, another where it does not."""
    if not isinstance(truth, Formula):
        return yes if truth else otherwise
    tape = truth.tape
    places = (truth.at, tape.place_of(yes), tape.place_of(otherwise))
    return yes if places[1] == places[2] else Formula(tape, tape.place(Op.SELECT, *places))


def maximum(a: Term, b: Term) -> Term:
    """Return the larger of two terms."""
    if isinstance(a, Formula) or isinstance(b, Formula):
        return _make(Op.MAXIMUM, a, b)
    return max(a, b)


def minimum(a: Term, b: Term) -> Term:
    """Return the smaller of two terms."""
    if isinstance(a, Formula) or isinstance(b, Formula):
        return _make(Op.MINIMUM, a, b)
    return min(a, b)


def ceil(a: Term) -> Term:
    """Return the smallest whole number that is no less."""
    return _make(Op.CEIL, a) if isinstance(a, Formula) else float(np.ceil(a))


def floor(a: Term) -> Term:
    """Return the largest whole number that is no more."""
    return _make(Op.FLOOR, a) if isinstance(a, Formula) else float(np.floor(a))


def rounded(a: Term) -> Term:
    """Return the nearest whole number; of two, the even one."""
    return _make(Op.ROUND, a) if isinstance(a, Formula) else float(np.rint(a))


def expm1(a: Term) -> Term:
    """Return e to the power of a term, less 1."""
    return _make(Op.EXPM1, a) if isinstance(a, Formula) else float(np.expm1(a))


def remainder(a: Term, b: Term) -> Term:
    """Return what a division of two positive terms leaves."""
    if isinstance(a, Formula) or isinstance(b, Formula):
        return _make(Op.REMAINDER, a, b)
    return a % b


def log2(a: Term) -> Term:
    """Return the logarithm to base two of a positive term."""
    return _make(Op.LOG2, a) if isinstance(a, Formula) else float(np.log2(a))


def power_of_two(a: Term) -> Term:
    """Return the smallest power of two that is no less than a term of 1 or more."""
    return _make(Op.POWER_OF_TWO, a) if isinstance(a, Formula) else 2.0 ** int(np.ceil(a) - 1).bit_length()


def total(terms: Sequence[Term]) -> Term:
    """Sum terms, from the first on."""
    found: Term = 0.0
    for term in terms:
        found = found + term
    return found


def _is(term: Term, number: float) -> bool:
    return not isinstance(term, Formula) and term == number


def _make(op: Op, *operands: Term) -> Formula:
    tape = next(x.tape for x in operands if isinstance(x, Formula))
    return Formula(tape, tape.place(op, *(tape.place_of(x) for x in operands)))

"""One textual load or store of an array: which element, as a sum of loop counters where it is one."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...errors import ChipgymError, shorten
from .checks import MOST, MOST_CHARACTERS

#: An index that no sum of loop counters gives: the value of an array's element, or of data.
INDIRECT = "?"
_FORM = re.compile(r"(\w[\w.]*)((?:\[[^\[\]]*\])+)")


@dataclass(frozen=True, slots=True)
class Affine:
    """A sum of loop counters times whole numbers, and a whole number: 64*L0+L2+1."""

    counters: Mapping[str, int]
    constant: int = 0


@dataclass(frozen=True)
class Access:
    """An array and an index of each of its dimensions, over counters that run from 0 to trip - 1.

    Attributes:
        array: the array's name.
        index: one expression per dimension, in the labels of the loops around it; "?" where it is indirect.
    """

    array: str
    index: tuple[str, ...]

    @staticmethod
    def parse(text: object) -> Access:
        """Parse the access that a text such as "A[L0][L2+1]" or "vec[?]" spells.

        Raises:
            ChipgymError: where it has another form.
        """
        found = _FORM.fullmatch(text.replace(" ", "")) if isinstance(text, str) else None
        if not found:
            raise ChipgymError(
                f"access {shorten(text)}: expected the form A[L0][L1+1], or A[?] where data is the index"
            )
        access = Access(found[1], tuple(re.findall(r"\[([^\[\]]*)\]", found[2])))
        _ = access.affine
        return access

    def __str__(self) -> str:
        return self.array + "".join(f"[{i}]" for i in self.index)

    @cached_property
    def affine(self) -> tuple[Affine | None, ...]:
        """The index as sums of counters; None for a dimension that is indirect.

        Raises:
            ChipgymError: where an index is neither.
        """
        return tuple(None if text == INDIRECT else parse_affine(text) for text in self.index)

    @property
    def indirect(self) -> bool:
        """Whether any dimension is indirect."""
        return INDIRECT in self.index

    def strides(self, shape: tuple[int, ...]) -> dict[str, int]:
        """Count the elements of the row-major array that each counter moves by; indirect dimensions are left out."""
        out: dict[str, int] = {}
        step = 1
        for size, index in zip(reversed(shape), reversed(self.affine), strict=True):
            for label, factor in (index.counters if index else {}).items():
                out[label] = out.get(label, 0) + factor * step
            step *= size
        return out


def parse_affine(text: str) -> Affine:
    """Parse the sum of counters that `text` spells.

    Raises:
        ChipgymError: it is no such sum, or one of numbers of 2**31 and beyond.
    """
    try:
        if len(text) > MOST_CHARACTERS:
            raise ValueError
        counters, constant = _sum(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        expected = "a sum of loop counters such as 64*L0+L1-1, or ? where it is data"
        raise ChipgymError(f"index {shorten(text)}: expected {expected}") from None
    if any(abs(number) >= MOST for number in (constant, *counters.values())):
        raise ChipgymError(f"index {shorten(text)}: expected numbers below 2**31")
    return Affine({label: factor for label, factor in counters.items() if factor}, constant)


def _sum(node: ast.expr) -> tuple[dict[str, int], int]:
    """Return the factor by counter and the constant of an expression; ValueError where it is not affine."""
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return {}, value
        case ast.Name(id=label):
            return {label: 1}, 0
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _scaled(*_sum(operand), -1)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined(_sum(left), _sum(right))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _joined(_sum(left), _scaled(*_sum(right), -1))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            a, b = _sum(left), _sum(right)
            if a[0] and b[0]:
                raise ValueError
            return _scaled(*a, b[1]) if a[0] else _scaled(*b, a[1])
    raise ValueError


def _joined(a: tuple[dict[str, int], int], b: tuple[dict[str, int], int]) -> tuple[dict[str, int], int]:
    return {label: a[0].get(label, 0) + b[0].get(label, 0) for label in a[0] | b[0]}, a[1] + b[1]


def _scaled(counters: dict[str, int], constant: int, by: int) -> tuple[dict[str, int], int]:
    return {label: factor * by for label, factor in counters.items()}, constant * by

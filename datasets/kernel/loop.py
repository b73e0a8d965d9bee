"""The parts of a loop-nest kernel: arrays, loops, dependences, and the operations of a body."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from ...errors import ChipgymError, shorten
from .access import Access
from .checks import MOST, check_counts, check_name, check_one_of, check_type, positive, settle

#: Bits of an array's element by type.
TYPE_BITS: Mapping[str, int] = MappingProxyType({
    "int8": 8, "uint8": 8, "int16": 16, "int32": 32, "int64": 64, "float": 32, "double": 64,
})  # fmt: skip
#: What a body may count: double and single floating point (`cmp`: a comparison, minimum or maximum), integers on data,
#: integers on addresses, and the rest: comparisons of integers, shifts, selections.
OPERATIONS = (
    "dadd", "dmul", "ddiv", "dsqrt", "dpow", "dneg", "dcmp", "fadd", "fmul", "fdiv", "fsqrt", "fpow", "fneg", "fcmp",
    "iadd", "imul", "idiv", "addr_iadd", "addr_imul", "logic",
)  # fmt: skip
ROLES = ("in", "out", "inout", "local", "unused")
#: The pragmas that a loop may offer as knobs.
PRAGMAS = ("pipe", "para", "tile")
#: A reduction pragma that names no variable.
UNNAMED = "*"


@dataclass(frozen=True, slots=True)
class Array:
    """An array of the kernel; all but `local` ones are arguments, which live off chip.

    Attributes:
        name: as accesses call it.
        type: of an element, a key of `TYPE_BITS`.
        shape: elements by dimension, row major.
        role: what the kernel does with it: reads, writes, both, holds it inside, or nothing.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    role: str = "in"

    def __post_init__(self) -> None:
        check_name(self.name, "array name")
        check_one_of(self.type, f"type of array {self.name}:", TYPE_BITS)
        check_one_of(self.role, f"role of array {self.name}:", ROLES)
        settle(self, "shape", f"array {self.name}", object)
        if not self.shape or not all(positive(size) for size in self.shape):
            raise ChipgymError(f"shape of array {self.name}: {shorten(self.shape)} is not of positive whole numbers")
        if self.size >= MOST**2:
            raise ChipgymError(f"shape of array {self.name}: {shorten(self.shape)} has 2**62 elements or more")

    @property
    def bits(self) -> int:
        """Bits of an element."""
        return TYPE_BITS[self.type]

    @property
    def size(self) -> int:
        """Elements in all."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> float:
        """Bytes in all."""
        return self.size * self.bits / 8


@dataclass(frozen=True, slots=True)
class Carried:
    """A value that an iteration takes from an earlier one of the same loop.

    Attributes:
        through: the array or scalar that holds it.
        chain: operations from taking to giving it, in order; empty where it passes through several statements.
        reduction: whether iterations may be reordered, as sums may.
        distance: iterations between the two.
        assumed: whether only a tool that overlooks the loop's guard sees it.
    """

    through: str
    chain: tuple[str, ...] = ()
    reduction: bool = False
    distance: int = 1
    assumed: bool = False

    def __post_init__(self) -> None:
        where = f"carried {shorten(self.through)}"
        check_type(self, "through", where, str, "a text")
        settle(self, "chain", where, str)
        for field_name in ("reduction", "assumed"):
            check_type(self, field_name, where, bool, "true or false")
        if not positive(self.distance):
            raise ChipgymError(f"distance of {where}: {shorten(self.distance)} is not a positive whole number")


@dataclass(frozen=True)
class Loop:
    """A loop: its own statements, and the loops inside.

    Attributes:
        label: what its knobs and indices call it.
        trip: iterations of one run; the mean where they vary.
        fixed: whether `trip` is the same in every run; a loop whose trips vary cannot be unrolled.
        knobs: the pragmas that it offers, of `PRAGMAS`.
        operations: how many of each kind one iteration of its own statements has.
        hoisted: those of them that do not change in the loop.
        loads, stores: its own statements' accesses, in program order.
        carried: dependences that the loop carries.
        reduction: the variable that a reduction pragma names, "*" where it names none, "" without a pragma.
        guard: the condition that its statements stand under, as text; "" without.
        loops: the loops inside, in program order.
    """

    label: str
    trip: float
    fixed: bool = True
    knobs: tuple[str, ...] = ()
    operations: Mapping[str, int] = field(default_factory=dict)
    hoisted: Mapping[str, int] = field(default_factory=dict)
    loads: tuple[Access, ...] = ()
    stores: tuple[Access, ...] = ()
    carried: tuple[Carried, ...] = ()
    reduction: str = ""
    guard: str = ""
    loops: tuple[Loop, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.label, str) or not self.label.isidentifier():
            raise ChipgymError(f"loop label: {shorten(self.label)} is not of letters, digits and underscores")
        check_name(self.label, "loop label")
        where = f"loop {self.label}"
        check_type(self, "fixed", where, bool, "true or false")
        number = isinstance(self.trip, int | float) and not isinstance(self.trip, bool)
        mean = not self.fixed and number and 0 < self.trip < MOST
        if not positive(self.trip) and not mean:
            hint = "; the mean of trips that vary has `fixed` false" if isinstance(self.trip, float) else ""
            raise ChipgymError(
                f"trip of {where}: {shorten(self.trip)} is not a positive whole number below 2**31{hint}"
            )
        self._check_parts(where)
        _ = self.depth, self.iterations  # known of the loops inside by now, so that no later call recurses
        for knob in self.knobs:
            check_one_of(knob, f"knob of {where}:", PRAGMAS)
        for field_name in ("operations", "hoisted"):
            check_counts(getattr(self, field_name), field_name, where, OPERATIONS)
        for name, count in self.hoisted.items():
            if count > (most := self.operations.get(name, 0)):
                raise ChipgymError(f"hoisted of {where}: {count} {name} are more than the {most} of its operations")
        for dependence in self.carried:
            for name in dependence.chain:
                check_one_of(name, f"chain of {where}:", OPERATIONS)

    def _check_parts(self, where: str) -> None:
        """Turn the fields of several parts into tuples, and check that texts are texts."""
        settle(self, "knobs", where, str)
        for name in ("loads", "stores"):
            settle(self, name, where, Access, "; Access.parse makes one of a text such as 'A[L0][L1+1]'")
        settle(self, "carried", where, Carried)
        settle(self, "loops", where, Loop)
        hint = "; whether a dependence is a sum's is told in `carried`"
        check_type(self, "reduction", where, str, f"the name of a variable{hint}")
        check_type(self, "guard", where, str, "a condition as text")

    @cached_property
    def depth(self) -> int:
        """Loops inside one another, this one included."""
        return 1 + max((loop.depth for loop in self.loops), default=0)

    @cached_property
    def iterations(self) -> float:
        """Iterations of this loop and of all inside, in one run."""
        return float(self.trip) * (1 + sum(loop.iterations for loop in self.loops))

    @property
    def accesses(self) -> tuple[Access, ...]:
        """Loads, then stores."""
        return self.loads + self.stores

    def walk(self) -> Iterator[Loop]:
        """Yield this loop, then those inside, outermost first."""
        yield self
        for loop in self.loops:
            yield from loop.walk()

"""A kernel's loops as the model reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from ....datasets.kernel import UNNAMED, Access, Affine, Array, Carried, Kernel, Loop

#: Bits of the widest port to memory.
PORT_BITS = 512
#: Kinds of recurrence that a loop carries: none; a sum that becomes a tree; one that is added up in turn; one that
#: goes through memory, since its guard hides that it is free, or its element is only known by data; anything else.
FREE, TREE, SERIAL_SUM, MEMORY_SUM, CHAIN = range(5)
#: Bits of an integer where no array says: C's int.
INT_BITS = 32
#: The step of a sum whose chain is not told, by the type of what it is kept in.
STEPS: Mapping[str, str] = MappingProxyType({"double": "dadd", "float": "fadd"})


@dataclass(frozen=True)
class Node:
    """A loop and what the model asks of it.

    Attributes:
        loop: the loop itself.
        at: its place in `Nest.nodes`, outermost first.
        parent: place of the loop around it; -1 for the kernel's body.
        children: places of the loops inside.
        path: places of the loops around it, outermost first.
        runs: how often it starts in one run of the kernel.
        bare: whether it has no statements of its own and one loop inside.
        recurrence: the kind of recurrence that it carries itself.
        chains: operations around its recurrences of that kind; one is empty where it passes several statements.
        distances: iterations that each of them reaches back.
        sums: how many variables it reduces.
        summed: operations that are a step of a sum, by name.
        array_sum: whether one of them is an element of an array.
        ordered: whether it carries any dependence.
        chained: operations around all its recurrences, by name, each variable's once.
        operations: of one iteration, those that do not change in the loop left out.
        bits: of its integers: those of the widest element that it loads or stores.
        precision: "f" where it computes in single precision alone, else "d".
    """

    loop: Loop
    at: int
    parent: int
    children: tuple[int, ...]
    path: tuple[int, ...]
    runs: float
    bare: bool
    recurrence: int
    chains: tuple[tuple[str, ...], ...]
    distances: tuple[int, ...]
    sums: int
    summed: Mapping[str, float]
    array_sum: bool
    ordered: bool
    chained: Mapping[str, float]
    operations: Mapping[str, float]
    bits: int
    precision: str


@dataclass(frozen=True, eq=False)
class Loops:
    """A kernel's loops, outermost first; the first is the kernel's body, of one iteration."""

    kernel: Kernel
    nodes: tuple[Node, ...]

    @property
    def root(self) -> Node:
        """The kernel's body."""
        return self.nodes[0]

    @cached_property
    def below(self) -> tuple[tuple[Node, ...], ...]:
        """By place, the loops inside a loop, itself left out."""
        return tuple(tuple(n for n in self.nodes if at in n.path) for at in range(len(self.nodes)))

    @cached_property
    def trips(self) -> Mapping[str, float]:
        """Iterations by label."""
        return {n.loop.label: n.loop.trip for n in self.nodes}

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Place in `nodes` by label."""
        return {n.loop.label: n.at for n in self.nodes}

    def accesses(self, at: int = 0) -> list[tuple[Node, Access, bool]]:
        """List every access in a loop and the loops inside, with its loop and whether it is a store."""
        out = []
        for node in (self.nodes[at], *self.below[at]):
            out += [(node, a, False) for a in node.loop.loads] + [(node, a, True) for a in node.loop.stores]
        return out

    def arguments(self) -> list[Array]:
        """List the arrays that come from or go to memory."""
        return [a for a in self.kernel.arrays if a.role in ("in", "out", "inout")]

    def read_back(self, array: Array) -> bool:
        """Tell whether a one-dimensional array is loaded somewhere: it is then brought in although it is an output."""
        return len(array.shape) == 1 and any(a.array == array.name and not store for _, a, store in self.accesses())

    def varies(self, at: int) -> bool:
        """Tell whether a loop inside has trips that vary."""
        return any(not d.loop.fixed for d in self.below[at])

    @cached_property
    def linear(self) -> bool:
        """Whether several counters index a one-dimensional array: copies of outer loops then share its banks."""
        return any(
            len(a.index) == 1 and a.affine[0] is not None and len(a.affine[0].counters) > 1
            for _, a, _ in self.accesses()
        )

    def along_row(self, node: Node) -> bool:
        """Tell whether a loop stores along the last of several dimensions."""
        return any(along(a, node.loop.label) for a in node.loop.stores)

    def reads_neighbours(self, node: Node) -> bool:
        """Tell whether iterations of a loop read rows of an array that their neighbours read too."""
        label = node.loop.label
        seen: dict[tuple[str, int], set[int]] = {}
        for _, access, store in self.accesses(node.at):
            for dimension, index in enumerate(access.affine[:-1] if not store else ()):
                if index is not None and label in index.counters:
                    seen.setdefault((access.array, dimension), set()).add(index.constant)
        return any(len(offsets) > 1 for offsets in seen.values())

    def along_line(self, node: Node) -> bool:
        """Tell whether a loop stores element by element along a one-dimensional array that several counters index."""
        indices = [a.affine[0] for a in node.loop.stores if len(a.index) == 1]
        return any(i is not None and i.counters.get(node.loop.label) == 1 and len(i.counters) > 1 for i in indices)

    def streams_row(self, node: Node) -> bool:
        """Tell whether a loop goes once along rows of a matrix that comes through a port of an even number of words."""
        label, around = node.loop.label, {self.nodes[p].loop.label for p in node.path[1:]}
        for access in node.loop.accesses:
            array, index = self.kernel.array(access.array), access.affine[-1]
            along = len(access.index) > 1 and index is not None and index.counters.get(label) == 1
            if along and around <= set(access.strides(array.shape)) and port_bits(array, self) > array.bits:
                return True
        return False

    def accumulates_around(self, node: Node) -> bool:
        """Tell whether a loop around it carries a sum."""
        return any(self.nodes[p].sums for p in node.path)


def make_nodes(kernel: Kernel) -> tuple[Node, ...]:
    """List the loops of a kernel, outermost first."""
    nodes: dict[int, Node] = {}
    assumed = any(c.assumed for loop in kernel.walk() for c in loop.carried)
    arrays = {a.name: a for a in kernel.arrays}
    places = iter(range(1 << 30))

    def visit(loop: Loop, parent: int, path: tuple[int, ...], runs: float) -> int:
        at = next(places)
        children = tuple(visit(inner, at, (*path, at), runs * loop.trip) for inner in loop.loops)
        kind, hardest = _recurrence(loop, arrays, assumed)
        sums = [c for c in loop.carried if c.reduction]
        steps = [name for c in sums for name in _step(c, loop, arrays)]
        nodes[at] = Node(
            loop=loop,
            at=at,
            parent=parent,
            children=children,
            path=path,
            runs=runs,
            bare=len(children) == 1 and not loop.operations and not loop.accesses,
            recurrence=kind,
            chains=tuple(_step(c, loop, arrays) if c.reduction else c.chain for c in hardest),
            distances=tuple(c.distance for c in hardest),
            sums=len(sums),
            summed={name: float(steps.count(name)) for name in set(steps)},
            array_sum=any(c.through in arrays for c in sums),
            ordered=bool(loop.carried),
            chained=_chained(loop),
            operations={k: float(v - loop.hoisted.get(k, 0)) for k, v in loop.operations.items()},
            bits=_integer_bits(loop, arrays),
            precision="f" if _counts(loop, "f") and not _counts(loop, "d") else "d",
        )
        return at

    visit(kernel.root, -1, (), 1.0)
    return tuple(nodes[at] for at in range(len(nodes)))


def _recurrence(loop: Loop, arrays: Mapping[str, Array], assumed: bool) -> tuple[int, tuple[Carried, ...]]:
    """Return the hardest recurrence of a loop, and the dependences of that kind."""
    hard = tuple(c for c in loop.carried if not c.reduction and not c.assumed)
    if hard:
        return CHAIN, hard
    sums = tuple(c for c in loop.carried if c.reduction)
    if not sums:
        return FREE, ()
    if any(a.indirect and a.array == c.through for c in sums for a in loop.stores):
        return MEMORY_SUM, sums
    if loop.reduction in ("", UNNAMED):
        return SERIAL_SUM, sums
    if assumed and loop.guard and any(c.through in arrays for c in sums):
        return MEMORY_SUM, sums
    return TREE, sums


def _step(carried: Carried, loop: Loop, arrays: Mapping[str, Array]) -> tuple[str, ...]:
    """List the operations of one step of a sum; where not told, an addition of the type that it is kept in.

    That is the type of its array, or of the loop's own additions.
    """
    if carried.chain:
        return carried.chain
    if carried.through in arrays:
        return (STEPS.get(arrays[carried.through].type, "iadd"),)
    return (next((name for name in ("dadd", "fadd", "iadd") if loop.operations.get(name)), "dadd"),)


def _counts(loop: Loop, precision: str) -> bool:
    """Name the precision that a loop's own statements compute in: double ("d") or single ("f")."""
    return any(name[0] == precision and count for name, count in loop.operations.items())


def _integer_bits(loop: Loop, arrays: Mapping[str, Array]) -> int:
    """Count bits of the widest integer that a loop's own statements load or store; of C's int where they touch none."""
    types = (arrays[a.array] for a in loop.accesses)
    return max((a.bits for a in types if a.type not in STEPS), default=INT_BITS)


def _chained(loop: Loop) -> dict[str, float]:
    """List the operations around a loop's recurrences: of each variable its longest chain."""
    longest: dict[str, tuple[str, ...]] = {}
    for carried in (c for c in loop.carried if not c.assumed):
        longest[carried.through] = max(longest.get(carried.through, ()), carried.chain, key=len)
    names = [name for chain in longest.values() for name in chain]
    return {name: float(names.count(name)) for name in set(names)}


def port_bits(array: Array, loops: Loops) -> int:
    """Count the bits of the port that an array is moved through, at most `PORT_BITS`.

    They are the largest power of two in its row's bytes. A one-dimensional array is moved from the first element that
    is touched, which may be aligned worse.
    """
    element = array.bits // 8
    aligned = array.shape[-1] * element
    if len(array.shape) == 1:
        first, last = touched(loops, array)
        aligned = math.gcd(first * element, (last - first + 1) * element)
    return max(array.bits, min(PORT_BITS, 8 * math.gcd(aligned, 1 << 20)))


def touched(loops: Loops, array: Array) -> tuple[int, int]:
    """Return the first and last element of a 1-d array that the kernel touches; all of it where that is not known."""
    low, high = [], []
    for _, access, _ in loops.accesses():
        if access.array != array.name:
            continue
        index = access.affine[0]
        if index is None:
            return 0, array.size - 1
        first, last = reach(index, {label: math.ceil(trip) for label, trip in loops.trips.items()})
        low.append(first)
        high.append(last)
    return (int(min(low)), int(max(high))) if low else (0, array.size - 1)


def reach(index: Affine, trips: Mapping[str, float]) -> tuple[float, float]:
    """Return the first and last value of an index while the counters in `trips` run; others stand at 0."""
    spans = [factor * (trips[label] - 1) for label, factor in index.counters.items() if label in trips]
    return index.constant + sum(min(0, s) for s in spans), index.constant + sum(max(0, s) for s in spans)


def along(access: Access, label: str) -> bool:
    """Tell whether a counter indexes the last of several dimensions."""
    index = access.affine[-1]
    return len(access.index) > 1 and index is not None and label in index.counters


def row_counters(access: Access) -> set[str]:
    """List the counters that index another dimension than the last."""
    return {label for index in access.affine[:-1] if index is not None for label in index.counters}

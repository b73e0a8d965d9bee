"""A kernel's loops as the model reads them: what depends on the kernel alone, worked out once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...datasets.kernel import UNNAMED, Access, Array, Kernel, Loop

#: Bits of the widest port to memory.
PORT_BITS = 512
#: Kinds of recurrence that a loop carries: none; a sum that becomes a tree; one that is added up in turn; one that
#: goes through memory, since its guard hides that it is free; anything else.
FREE, TREE, SERIAL_SUM, GUARDED_SUM, CHAIN = range(5)


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
        chain: operations around a `CHAIN`; empty where it passes several statements.
        sums: how many variables it reduces.
        array_sum: whether one of them is an element of an array.
        ordered: whether it carries any dependence.
        chained: operations around all its recurrences, by name, each variable's once.
        operations: of one iteration, those that do not change in the loop left out.
    """

    loop: Loop
    at: int
    parent: int
    children: tuple[int, ...]
    path: tuple[int, ...]
    runs: float
    bare: bool
    recurrence: int
    chain: tuple[str, ...]
    sums: int
    array_sum: bool
    ordered: bool
    chained: Mapping[str, float]
    operations: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Nest:
    """A kernel's loops, outermost first; the first is the kernel's body, of one iteration."""

    kernel: Kernel
    nodes: tuple[Node, ...]

    @property
    def root(self) -> Node:
        """The kernel's body."""
        return self.nodes[0]

    def below(self, at: int) -> tuple[Node, ...]:
        """The loops inside a loop, itself left out."""
        return self._below[at]

    @cached_property
    def _below(self) -> tuple[tuple[Node, ...], ...]:
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
        """Every access in a loop and the loops inside, with its loop and whether it is a store."""
        out = []
        for node in (self.nodes[at], *self.below(at)):
            out += [(node, a, False) for a in node.loop.loads] + [(node, a, True) for a in node.loop.stores]
        return out

    def arguments(self) -> list[Array]:
        """Arrays that come from or go to memory."""
        return [a for a in self.kernel.arrays if a.role in ("in", "out", "inout")]

    def read_back(self, array: Array) -> bool:
        """Whether a one-dimensional array is loaded somewhere: it is then brought in although it is an output."""
        return len(array.shape) == 1 and any(a.array == array.name and not store for _, a, store in self.accesses())

    def varies(self, at: int) -> bool:
        """Whether a loop inside has trips that vary."""
        return any(not d.loop.fixed for d in self.below(at))

    @cached_property
    def linear(self) -> bool:
        """Whether several counters index a one-dimensional array: copies of outer loops then share its banks."""
        return any(
            len(a.index) == 1 and a.affine[0] is not None and len(a.affine[0].counters) > 1
            for _, a, _ in self.accesses()
        )

    def along_row(self, node: Node) -> bool:
        """Whether a loop stores along the last of several dimensions."""
        label = node.loop.label
        return any(
            len(a.index) > 1 and a.affine[-1] is not None and label in a.affine[-1].counters for a in node.loop.stores
        )

    def reads_neighbours(self, node: Node) -> bool:
        """Whether iterations of a loop read rows of an array that their neighbours read too."""
        label = node.loop.label
        seen: dict[tuple[str, int], set[int]] = {}
        for _, access, store in self.accesses(node.at):
            for dimension, index in enumerate(access.affine[:-1] if not store else ()):
                if index is not None and label in index.counters:
                    seen.setdefault((access.array, dimension), set()).add(index.constant)
        return any(len(offsets) > 1 for offsets in seen.values())

    def along_line(self, node: Node) -> bool:
        """Whether a loop stores element by element along a one-dimensional array that several counters index."""
        indices = [a.affine[0] for a in node.loop.stores if len(a.index) == 1]
        return any(i is not None and i.counters.get(node.loop.label) == 1 and len(i.counters) > 1 for i in indices)

    def streams_row(self, node: Node) -> bool:
        """Whether a loop goes once along the rows of a matrix that comes through a port of an even number of words."""
        label, around = node.loop.label, {self.nodes[p].loop.label for p in node.path[1:]}
        for access in node.loop.accesses:
            array, index = self.kernel.array(access.array), access.affine[-1]
            along = len(access.index) > 1 and index is not None and index.counters.get(label) == 1
            if along and around <= set(access.strides(array.shape)) and port_bits(array, self) > array.bits:
                return True
        return False

    def accumulates_around(self, node: Node) -> bool:
        """Whether a loop around it carries a sum."""
        return any(self.nodes[p].sums for p in node.path)

    def columns(self, at: int) -> tuple[tuple[Array, float], ...]:
        """Arrays that a loop reads column by column while its counter goes along their rows, and how many elements."""
        return self._columns[at]

    @cached_property
    def _columns(self) -> tuple[tuple[tuple[Array, float], ...], ...]:
        return tuple(self._columns_of(n) for n in self.nodes)

    def _columns_of(self, node: Node) -> tuple[tuple[Array, float], ...]:
        label = node.loop.label
        inside = {d.loop.label for d in self.below(node.at)}
        found: dict[str, float] = {}
        for _, access, store in self.accesses(node.at):
            strides = access.strides(self.kernel.array(access.array).shape)
            across = [i for i in strides if i in inside and strides[i] > 1]
            if not store and across and strides.get(label) == 1:
                size = self.trips[label] * math.prod(self.trips[i] for i in across)
                found[access.array] = max(found.get(access.array, 0.0), size)
        return tuple((self.kernel.array(name), size) for name, size in found.items())

    def copied_bytes(self, at: int) -> float:
        """Bytes of the largest array that each coarse copy of a loop needs whole, since its counter is no index of it."""
        return self._copied_bytes[at]

    @cached_property
    def _copied_bytes(self) -> tuple[float, ...]:
        return tuple(
            max((array.size * array.bits / 8 for array, size in self.repeated(n.at) if size >= array.size), default=0.0)
            for n in self.nodes
        )

    def halo(self, at: int) -> float:
        """Elements of one-dimensional arrays that an iteration reads, of those that the next one reads too.

        a[9·i + j] and a[9·i + j + 18] with j up to 8 are 27 elements from the first to the last, of which i shares 18.
        """
        return self._halo[at]

    @cached_property
    def _halo(self) -> tuple[float, ...]:
        return tuple(self._halo_of(n) for n in self.nodes)

    def _halo_of(self, node: Node) -> float:
        inside = {d.loop.label: d.loop.trip for d in (node, *self.below(node.at))}
        reach: dict[str, list[tuple[float, float]]] = {}
        step: dict[str, float] = {}
        for _, access, store in self.accesses(node.at):
            index = access.affine[0] if len(access.index) == 1 and not store else None
            stride = abs(index.counters.get(node.loop.label, 0)) if index is not None else 0
            if index is None or stride <= 1:
                continue
            spans = [f * (inside[k] - 1) for k, f in index.counters.items() if k in inside and k != node.loop.label]
            low = index.constant + sum(min(0.0, s) for s in spans)
            reach.setdefault(access.array, []).append((low, index.constant + sum(max(0.0, s) for s in spans)))
            step[access.array] = stride
        ends = {name: (min(low for low, _ in both), max(high for _, high in both)) for name, both in reach.items()}
        return sum(max(0.0, high - low + 1 - step[name]) for name, (low, high) in ends.items())

    def repeated(self, at: int) -> tuple[tuple[Array, float], ...]:
        """Arrays that a loop reads at the same places in every iteration, and how many elements."""
        return self._repeated[at]

    @cached_property
    def _repeated(self) -> tuple[tuple[tuple[Array, float], ...], ...]:
        return tuple(self._repeated_of(n) for n in self.nodes)

    def _repeated_of(self, node: Node) -> tuple[tuple[Array, float], ...]:
        inside = {d.loop.label for d in self.below(node.at)}
        found: dict[str, float] = {}
        for _, access, store in self.accesses(node.at):
            strides = access.strides(self.kernel.array(access.array).shape)
            if not store and node.loop.label not in strides:
                size = math.prod(self.trips[i] for i in strides if i in inside)
                found[access.array] = max(found.get(access.array, 0.0), size)
        return tuple((self.kernel.array(name), size) for name, size in found.items())

    def scalings(self, at: int) -> float:
        """Products of a sum's only addend that scale a vector by a scalar, whatever the outermost loop's iteration.

        w[i] += a·A[i][j]·x[j] has one: a·x[j] is the same for every i. n operands take n - 1 products; more scale.
        """
        return self._scalings[at]

    @cached_property
    def _scalings(self) -> tuple[float, ...]:
        return tuple(self._scalings_of(n) for n in self.nodes)

    def _scalings_of(self, node: Node) -> float:
        around = self.nodes[max(node.parent, 0)]
        if node.children or node.sums != 1 or node.operations.get("dadd", 0.0) != 1 or around.parent != 0:
            return 0.0
        through = {c.through for c in node.loop.carried}
        operands = [a for a in node.loop.loads if a.array not in through]
        vectors = [a for a in operands if len(a.index) == 1 and a.affine[0] is not None]
        if not any(around.loop.label not in a.affine[0].counters for a in vectors if a.affine[0] is not None):
            return 0.0
        return max(0.0, node.operations.get("dmul", 0.0) - (len(operands) - 1))

    def common(self, at: int) -> float:
        """Products in a loop's sum that are the same in every iteration of the loop around, so that its copies share them.

        A product of m array elements and a scalar takes m products; those that only join factors without the counter of
        the loop around are common: tmp[i][j] += a·A[i][k]·B[k][j] has one.
        """
        return self._common[at]

    @cached_property
    def _common(self) -> tuple[float, ...]:
        return tuple(self._common_of(n) for n in self.nodes)

    def _common_of(self, node: Node) -> float:
        products = node.operations.get("dmul", 0.0)
        if node.children or not node.sums or node.loop.hoisted.get("dmul") or self.scalings(node.at):
            return 0.0
        around = self.nodes[max(node.parent, 0)].loop.label
        through = {c.through for c in node.loop.carried}
        factors = [a for a in node.loop.loads if a.array not in through]
        varying = sum(around in a.strides(self.kernel.array(a.array).shape) for a in factors)
        return max(0.0, products - varying) if varying > 0 and len(factors) <= products + 1 else 0.0

    def contended(self, at: int) -> tuple[tuple[int, int], ...]:
        """Loops inside that update rows of an array of which the loop's own statements update another row.

        Each with the accesses to that array in an iteration of both: banks of rows do not keep them apart.
        """
        return self._contended[at]

    @cached_property
    def _contended(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        return tuple(tuple(self._contended_of(n)) for n in self.nodes)

    def _contended_of(self, node: Node) -> list[tuple[int, int]]:
        out = []
        own = {a.array for a in node.loop.stores if len(a.index) > 1}
        for c in node.children:
            inner = self.nodes[c]
            label = inner.loop.label
            rows = {a.array for a in inner.loop.stores if label in a.strides(self.kernel.array(a.array).shape)}
            for name in sorted(own & rows):
                count = sum(a.array == name for loop in (node.loop, inner.loop) for a in loop.accesses)
                out.append((c, count))
        return out

    def mismatched(self, at: int) -> tuple[int, ...]:
        """Innermost loops elsewhere that store along the same dimension of an array as this accumulating one."""
        return self._mismatched[at]

    @cached_property
    def _mismatched(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(y.at for y in self.nodes[1:] if y.at != x.at and not y.children and _same_dimension(x, y))
            if not x.children and self.accumulates_around(x)
            else ()
            for x in self.nodes
        )

    def beside(self, at: int) -> tuple[int, ...]:
        """Innermost loops in the same loop that read along the rows of a matrix that this one reads along too."""
        return self._beside[at]

    @cached_property
    def _beside(self) -> tuple[tuple[int, ...], ...]:
        inner = [n for n in self.nodes[1:] if not n.children]
        return tuple(
            tuple(y.at for y in inner if y.at != x.at and y.parent == x.parent and _row_arrays(x) & _row_arrays(y))
            if not x.children
            else ()
            for x in self.nodes
        )

    def region_loads(self, at: int) -> tuple[tuple[int, float, bool, tuple[int, ...]], ...]:
        """Loads in a loop and those inside it: bits of an element, bytes of the array, whether indirect, and the places
        of the loops, it and those inside, whose iterations each load another element."""
        return self._region_loads[at]

    @cached_property
    def _region_loads(self) -> tuple[tuple[tuple[int, float, bool, tuple[int, ...]], ...], ...]:
        return tuple(tuple(self._loads_of(n)) for n in self.nodes)

    def _loads_of(self, node: Node) -> list[tuple[int, float, bool, tuple[int, ...]]]:
        out = []
        for inner, access, store in self.accesses(node.at):
            if store:
                continue
            array = self.kernel.array(access.array)
            strides = access.strides(array.shape)
            region = [p for p in (*inner.path, inner.at) if p == node.at or node.at in self.nodes[p].path]
            moving = tuple(p for p in region if access.indirect or self.nodes[p].loop.label in strides)
            out.append((array.bits, array.size * array.bits / 8, access.indirect, moving))
        return out


def make_nest(kernel: Kernel) -> Nest:
    """The nest of a kernel."""
    nodes: dict[int, Node] = {}
    assumed = any(c.assumed for loop in kernel.walk() for c in loop.carried)
    arrays = {a.name for a in kernel.arrays}
    places = iter(range(1 << 30))

    def visit(loop: Loop, parent: int, path: tuple[int, ...], runs: float) -> int:
        at = next(places)
        children = tuple(visit(inner, at, (*path, at), runs * loop.trip) for inner in loop.loops)
        kind, chain = _recurrence(loop, arrays, assumed)
        sums = [c for c in loop.carried if c.reduction]
        nodes[at] = Node(
            loop=loop,
            at=at,
            parent=parent,
            children=children,
            path=path,
            runs=runs,
            bare=len(children) == 1 and not loop.operations and not loop.accesses,
            recurrence=kind,
            chain=chain,
            sums=len(sums),
            array_sum=any(c.through in arrays for c in sums),
            ordered=bool(loop.carried),
            chained=_chained(loop),
            operations={k: float(v - loop.hoisted.get(k, 0)) for k, v in loop.operations.items()},
        )
        return at

    visit(kernel.root, -1, (), 1.0)
    return Nest(kernel, tuple(nodes[at] for at in range(len(nodes))))


def _recurrence(loop: Loop, arrays: set[str], assumed: bool) -> tuple[int, tuple[str, ...]]:
    """The hardest recurrence of a loop, and its longest chain."""
    hard = [c.chain for c in loop.carried if not c.reduction and not c.assumed]
    if hard:
        return CHAIN, max(hard, key=len)
    sums = [c for c in loop.carried if c.reduction]
    if not sums:
        return FREE, ()
    chain = max((c.chain for c in sums), key=len)
    if loop.reduction in ("", UNNAMED):
        return SERIAL_SUM, chain
    if assumed and loop.guard and any(c.through in arrays for c in sums):
        return GUARDED_SUM, chain
    return TREE, chain


def _chained(loop: Loop) -> dict[str, float]:
    """Operations around a loop's recurrences: of each variable its longest chain."""
    longest: dict[str, tuple[str, ...]] = {}
    for carried in (c for c in loop.carried if not c.assumed):
        longest[carried.through] = max(longest.get(carried.through, ()), carried.chain, key=len)
    names = [name for chain in longest.values() for name in chain]
    return {name: float(names.count(name)) for name in set(names)}


def _row_arrays(x: Node) -> set[str]:
    """Matrices along whose rows a loop reads."""
    return {
        a.array
        for a in x.loop.loads
        if len(a.index) > 1 and a.affine[-1] is not None and x.loop.label in a.affine[-1].counters
    }


def _same_dimension(x: Node, y: Node) -> bool:
    """Whether two loops store along the same dimension of an array."""
    return any(
        a.array == b.array
        and any(
            i is not None and j is not None and x.loop.label in i.counters and y.loop.label in j.counters
            for i, j in zip(a.affine, b.affine, strict=True)
        )
        for a in x.loop.stores
        for b in y.loop.stores
    )


def port_bits(array: Array, nest: Nest) -> int:
    """Bits of the port that an array is moved through: the largest power of two in its row's bytes, at most `PORT_BITS`.

    A one-dimensional array is moved from the first element that is touched, which may be aligned worse.
    """
    element = array.bits // 8
    aligned = array.shape[-1] * element
    if len(array.shape) == 1:
        first, last = touched(nest, array)
        aligned = math.gcd(first * element, (last - first + 1) * element)
    return max(array.bits, min(PORT_BITS, 8 * math.gcd(aligned, 1 << 20)))


def touched(nest: Nest, array: Array) -> tuple[int, int]:
    """First and last element of a one-dimensional array that the kernel touches; all of it where that is not known."""
    low, high = [], []
    for _, access, _ in nest.accesses():
        if access.array != array.name:
            continue
        index = access.affine[0]
        if index is None:
            return 0, array.size - 1
        spans = [factor * (math.ceil(nest.trips[label]) - 1) for label, factor in index.counters.items()]
        low.append(index.constant + sum(min(0, s) for s in spans))
        high.append(index.constant + sum(max(0, s) for s in spans))
    return (min(low), max(high)) if low else (0, array.size - 1)

"""A kernel's loops as the model reads them: what depends on the kernel alone, worked out once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...datasets.kernel import UNNAMED, Access, Array, Kernel, Loop

#: Kinds of recurrence of a loop, from none to the hardest.
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
        chain: operations around a `CHAIN`; a loop whose dependence passes several statements has its body's.
        sums: variables that it reduces.
        array_sum: whether one of them is an element of an array.
        named: whether its reduction pragma names a variable.
        ordered: whether it carries any dependence that forbids running iterations side by side.
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
    named: bool
    ordered: bool
    operations: Mapping[str, float]


@dataclass(frozen=True)
class Nest:
    """A kernel's loops, outermost first; the first is the kernel's body, of one iteration."""

    kernel: Kernel
    nodes: tuple[Node, ...]

    @property
    def root(self) -> Node:
        return self.nodes[0]

    def below(self, at: int) -> list[Node]:
        """The loops inside a loop, itself left out."""
        return [n for n in self.nodes if at in n.path]

    def accesses(self, at: int) -> list[tuple[Node, Access, bool]]:
        """Every access in a loop and the loops inside, with its loop and whether it is a store."""
        out = []
        for node in (self.nodes[at], *self.below(at)):
            out += [(node, a, False) for a in node.loop.loads] + [(node, a, True) for a in node.loop.stores]
        return out

    def columns(self, at: int) -> list[tuple[Array, float]]:
        """Arrays read column by column inside a loop whose counter goes along their rows, and elements that it reads."""
        label = self.nodes[at].loop.label
        trips = {n.loop.label: n.loop.trip for n in (self.nodes[at], *self.below(at))}
        found: dict[str, float] = {}
        for _, access, store in self.accesses(at):
            array = self.kernel.array(access.array)
            strides = access.strides(array.shape)
            inside = [i for i in strides if i in trips and i != label]
            if not store and strides.get(label) == 1 and any(strides[i] > 1 for i in inside):
                size = math.prod(trips[i] for i in (label, *inside) if i == label or strides[i] > 1)
                found[array.name] = max(found.get(array.name, 0.0), size)
        return [(self.kernel.array(name), size) for name, size in found.items()]

    def mismatched(self, at: int) -> list[int]:
        """Innermost loops elsewhere that go along the same dimension of an array that both store."""
        x = self.nodes[at]
        if x.children:
            return []
        out = []
        for y in self.nodes[1:]:
            if y.at == at or y.children:
                continue
            for a in x.loop.stores:
                for b in y.loop.stores:
                    if a.array == b.array and any(
                        i and j and x.loop.label in i.counters and y.loop.label in j.counters
                        for i, j in zip(a.affine, b.affine, strict=True)
                    ):
                        out.append(y.at)
        return sorted(set(out))

    def arguments(self) -> list[Array]:
        """Arrays that come from or go to memory."""
        return [a for a in self.kernel.arrays if a.role in ("in", "out", "inout")]


def make_nest(kernel: Kernel) -> Nest:
    """The nest of a kernel."""
    nodes: list[Node] = []
    assumed = any(c.assumed for loop in kernel.walk() for c in loop.carried)

    def visit(loop: Loop, parent: int, path: tuple[int, ...], runs: float) -> int:
        at = len(nodes)
        nodes.append(None)  # type: ignore[arg-type]
        here = (*path, at)
        children = tuple(visit(inner, at, here, runs * loop.trip) for inner in loop.loops)
        bare = len(children) == 1 and not loop.operations and not loop.accesses
        nodes[at] = _node(kernel, loop, at, parent, children, path, runs, bare, assumed)
        return at

    visit(kernel.root, -1, (), 1.0)
    return Nest(kernel, tuple(nodes))


def _node(
    kernel: Kernel,
    loop: Loop,
    at: int,
    parent: int,
    children: tuple[int, ...],
    path: tuple[int, ...],
    runs: float,
    bare: bool,
    assumed: bool,
) -> Node:
    arrays = {a.name for a in kernel.arrays}
    sums = [c for c in loop.carried if c.reduction]
    array_sum = any(c.through in arrays for c in sums)
    hard = [c for c in loop.carried if not c.reduction and not c.assumed]
    kind, chain = FREE, ()
    if sums:
        kind, chain = TREE, ("dadd",)
        if loop.reduction in ("", UNNAMED):
            kind = SERIAL_SUM
        elif array_sum and loop.guard and assumed:
            kind = GUARDED_SUM
        chain = max((c.chain for c in sums), key=len)
    if hard:
        kind = CHAIN
        chain = max((c.chain for c in hard), key=len)
    operations = {k: float(v - loop.hoisted.get(k, 0)) for k, v in loop.operations.items()}
    return Node(
        loop, at, parent, children, path, runs, bare, kind, chain, len(sums), array_sum,
        bool(loop.reduction) and loop.reduction != UNNAMED, bool(loop.carried), operations,
    )  # fmt: skip


def port_bits(array: Array, most: int, nest: Nest) -> int:
    """Bits of the port that an array is moved through: the largest power of two, at most `most`, in its row's bytes.

    A one-dimensional array is moved from the first element that is touched, which may be aligned worse.
    """
    element = array.bits // 8
    aligned = array.shape[-1] * element
    if len(array.shape) == 1:
        first, last = touched(nest, array)
        aligned = math.gcd(first * element, (last - first + 1) * element)
    return max(array.bits, min(most, 8 * math.gcd(aligned, 1 << 20)))


def touched(nest: Nest, array: Array) -> tuple[int, int]:
    """First and last element of a one-dimensional array that the kernel touches; all of it where that is not known."""
    trips = {n.loop.label: n.loop.trip for n in nest.nodes}
    low, high = [], []
    for _, access, _ in nest.accesses(0):
        if access.array != array.name:
            continue
        index = access.affine[0]
        if index is None:
            return 0, array.size - 1
        spans = [factor * (math.ceil(trips[label]) - 1) for label, factor in index.counters.items()]
        low.append(index.constant + sum(min(0, s) for s in spans))
        high.append(index.constant + sum(max(0, s) for s in spans))
    return (min(low), max(high)) if low else (0, array.size - 1)

"""What depends on a kernel alone, worked out once: which loops share operators, rows, banks and ports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ....datasets.kernel import Access, Array, Kernel
from .loops import Loops, Node, along, make_nodes, reach, row_counters


@dataclass(frozen=True, eq=False)
class Nest(Loops):
    """A kernel's loops with what they share, of each loop by its place."""

    @cached_property
    def columns(self) -> tuple[tuple[tuple[Array, float], ...], ...]:
        """By place: arrays that a loop reads by column while its counter goes along their rows, and elements read."""
        return tuple(self._columns_of(n) for n in self.nodes)

    def _columns_of(self, node: Node) -> tuple[tuple[Array, float], ...]:
        label = node.loop.label
        inside = {d.loop.label for d in self.below[node.at]}
        found: dict[str, float] = {}
        for _, access, store in self.accesses(node.at):
            strides = access.strides(self.kernel.array(access.array).shape)
            across = [i for i in strides if i in inside and strides[i] > 1]
            if not store and across and strides.get(label) == 1:
                size = self.trips[label] * math.prod(self.trips[i] for i in across)
                found[access.array] = max(found.get(access.array, 0.0), size)
        return tuple((self.kernel.array(name), size) for name, size in found.items())

    @cached_property
    def copied_bytes(self) -> tuple[float, ...]:
        """By place: bytes of the largest array that each coarse copy of a loop needs whole: its counter is no index."""
        return tuple(
            max((array.nbytes for array, size in self.repeated[n.at] if size >= array.size), default=0.0)
            for n in self.nodes
        )

    @cached_property
    def halo(self) -> tuple[float, ...]:
        """By place: elements of one-dimensional arrays that an iteration reads, of those that the next one reads too.

        a[9·i + j] and a[9·i + j + 18] with j up to 8 are 27 elements from the first to the last, of which i shares 18.
        """
        return tuple(self._halo_of(n) for n in self.nodes)

    def _halo_of(self, node: Node) -> float:
        inside = {d.loop.label: d.loop.trip for d in self.below[node.at]}
        found: dict[str, list[tuple[float, float]]] = {}
        step: dict[str, float] = {}
        for _, access, store in self.accesses(node.at):
            index = access.affine[0] if len(access.index) == 1 and not store else None
            stride = abs(index.counters.get(node.loop.label, 0)) if index is not None else 0
            if index is None or stride <= 1:
                continue
            found.setdefault(access.array, []).append(reach(index, inside))
            step[access.array] = stride
        ends = {name: (min(low for low, _ in both), max(high for _, high in both)) for name, both in found.items()}
        return sum(max(0.0, high - low + 1 - step[name]) for name, (low, high) in ends.items())

    @cached_property
    def repeated(self) -> tuple[tuple[tuple[Array, float], ...], ...]:
        """By place: arrays that a loop reads at the same places in every iteration, and how many elements."""
        return tuple(self._repeated_of(n) for n in self.nodes)

    def _repeated_of(self, node: Node) -> tuple[tuple[Array, float], ...]:
        inside = {d.loop.label for d in self.below[node.at]}
        found: dict[str, float] = {}
        for _, access, store in self.accesses(node.at):
            strides = access.strides(self.kernel.array(access.array).shape)
            if not store and node.loop.label not in strides:
                size = math.prod(self.trips[i] for i in strides if i in inside)
                found[access.array] = max(found.get(access.array, 0.0), size)
        return tuple((self.kernel.array(name), size) for name, size in found.items())

    @cached_property
    def scalings(self) -> tuple[float, ...]:
        """By place: products of a sum's only addend that scale a vector by a scalar, whatever the outermost counter.

        w[i] += a·A[i][j]·x[j] has one: a·x[j] is the same for every i. n operands take n - 1 products; more scale.
        """
        return tuple(self._scalings_of(n) for n in self.nodes)

    def _scalings_of(self, node: Node) -> float:
        around = self.nodes[max(node.parent, 0)]
        if (
            node.children
            or node.sums != 1
            or node.operations.get(node.precision + "add", 0.0) != 1
            or around.parent != 0
        ):
            return 0.0
        operands = _factors(node)
        vectors = [a for a in operands if len(a.index) == 1 and a.affine[0] is not None]
        if not any(around.loop.label not in a.affine[0].counters for a in vectors if a.affine[0] is not None):
            return 0.0
        return max(0.0, node.operations.get(node.precision + "mul", 0.0) - (len(operands) - 1))

    @cached_property
    def common(self) -> tuple[float, ...]:
        """By place: products in a loop's sum that are the same in every iteration of the loop around.

        Copies of that loop share them. A product of m array elements and a scalar takes m products; those that only
        join factors without the counter of the loop around are common: tmp[i][j] += a·A[i][k]·B[k][j] has one.
        """
        return tuple(self._common_of(n) for n in self.nodes)

    def _common_of(self, node: Node) -> float:
        product = node.precision + "mul"
        products = node.operations.get(product, 0.0)
        if node.children or not node.sums or node.loop.hoisted.get(product) or self.scalings[node.at]:
            return 0.0
        around = self.nodes[max(node.parent, 0)].loop.label
        factors = _factors(node)
        varying = sum(around in a.strides(self.kernel.array(a.array).shape) for a in factors)
        return max(0.0, products - varying) if varying > 0 and len(factors) <= products + 1 else 0.0

    @cached_property
    def contended(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """By place: loops inside that update rows of an array of which the loop's own statements update another row.

        Each with the accesses to that array in an iteration of both: banks of rows do not keep them apart.
        """
        return tuple(tuple(self._contended_of(n)) for n in self.nodes)

    def _contended_of(self, node: Node) -> list[tuple[int, int]]:
        out = []
        own = {a.array for a in node.loop.stores if row_counters(a)}
        for c in node.children:
            inner = self.nodes[c]
            rows = {a.array for a in inner.loop.stores if inner.loop.label in row_counters(a)}
            for name in sorted(own & rows):
                count = sum(a.array == name for loop in (node.loop, inner.loop) for a in loop.accesses)
                out.append((c, count))
        return out

    @cached_property
    def mismatched(self) -> tuple[tuple[int, ...], ...]:
        """By place: innermost loops elsewhere that store along the same dimension as this accumulating one."""
        return tuple(
            tuple(y.at for y in self.nodes[1:] if y.at != x.at and not y.children and _same_dimension(x, y))
            if not x.children and self.accumulates_around(x)
            else ()
            for x in self.nodes
        )

    @cached_property
    def beside(self) -> tuple[tuple[int, ...], ...]:
        """By place: innermost loops in the same loop that read along the rows of the same matrix."""
        inner = [n for n in self.nodes[1:] if not n.children]
        return tuple(
            tuple(y.at for y in inner if y.at != x.at and y.parent == x.parent and _row_arrays(x) & _row_arrays(y))
            if not x.children
            else ()
            for x in self.nodes
        )

    @cached_property
    def region_loads(self) -> tuple[tuple[tuple[int, float, bool, tuple[int, ...]], ...], ...]:
        """Loads in a loop and those inside it, by its place.

        Each has the bits of an element, the bytes of the array, whether it is indirect, and the places of the loops,
        it and those inside, whose iterations each load another element.
        """
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
            out.append((array.bits, array.nbytes, access.indirect, moving))
        return out


def make_nest(kernel: Kernel) -> Nest:
    """Make the nest of a kernel."""
    return Nest(kernel, make_nodes(kernel))


def _factors(x: Node) -> list[Access]:
    """List what a loop loads beside the variables that it carries."""
    through = {c.through for c in x.loop.carried}
    return [a for a in x.loop.loads if a.array not in through]


def _row_arrays(x: Node) -> set[str]:
    """List the matrices along whose rows a loop reads."""
    return {a.array for a in x.loop.loads if along(a, x.loop.label)}


def _same_dimension(x: Node, y: Node) -> bool:
    """Tell whether two loops store along the same dimension of an array."""
    return any(
        a.array == b.array
        and any(
            i is not None and j is not None and x.loop.label in i.counters and y.loop.label in j.counters
            for i, j in zip(a.affine, b.affine, strict=True)
        )
        for a in x.loop.stores
        for b in y.loop.stores
    )

"""Equal blocks of a network, one after another, found in its graph and taken for one that repeats.

A border is a place in the order of kernels that a single result crosses, all readers of which come after it. What lies
between two borders is a graph of its own that reads that result. Blocks are equal where their kernels, the edges
between these and what they read are; their names and weights differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model import columns as c
from .graph import KernelGraph
from .kernels import INPUT, Edge, Kernel

#: Products with weights that a block has at least: layers one by one, as of an MLP, are faster fused with each other.
FEWEST_PRODUCTS = 2
#: Kernels that are left of a network at most, as a share: a few pairs of blocks are better off fused.
MOST_LEFT = 2 / 3

#: A kernel, and what it reads: how far before it, or the bytes of what comes from before the block; whether it waits.
_Sign = tuple[int, tuple[tuple[float, bool], ...]]


@dataclass(frozen=True)
class Stretch:
    """A part of a network.

    Attributes:
        graph: its kernels after a source of what it reads.
        repeats: blocks like it in a row, itself included.
        first: whether it begins with the network, so that its source is the network's.
    """

    graph: KernelGraph
    repeats: int
    first: bool


def find_repeats(graph: KernelGraph, word: float) -> tuple[Stretch, ...]:
    """Find the parts of a graph in order: blocks that repeat, as long and as often as they do, and what lies between.

    A graph of which that leaves more than `MOST_LEFT` is one part. `word` is the bytes of an element.
    """
    crossing = _crossing(graph)
    kinds: dict[tuple[object, ...], int] = {}
    kind = [kinds.setdefault((*k.row(), k.positions, k.whole_sample), len(kinds)) for k in graph.kernels]
    feeds: list[list[Edge]] = [[] for _ in graph.kernels]
    for edge in graph.edges:
        feeds[edge.consumer].append(edge)

    def signs(first: int, last: int) -> list[_Sign]:
        """Return the signs of the kernels of a block, and where in it the result is that leaves it."""
        out: list[_Sign] = []
        for at in range(first, last):
            reads = (
                (float(e.producer - at) if e.producer >= first else graph.kernels[e.producer].out, e.barrier)
                for e in feeds[at]
            )
            out.append((kind[at], tuple(reads)))
        return [*out, (crossing[last] - first, ())]

    def repeats(first: int, length: int) -> int:
        """Count the blocks of a length that there are in a row."""
        count, end = 1, first + length
        if not first <= crossing[end] < end:
            return 1
        own: list[_Sign] | None = None
        while end + length < len(crossing) and crossing[end + length] >= end and kind[end] == kind[first]:
            own = own or signs(first, first + length)
            if signs(end, end + length) != own:
                break
            count, end = count + 1, end + length
        return count

    end, parts, begin = len(graph.kernels), [], 1
    at = 1
    while at < end:
        covered, length = 0, 0
        for tried in range(1, (end - at) // 2 + 1 if crossing[at] >= 0 else 0):
            count = repeats(at, tried)
            if count > 1 and count * tried > covered:  # of equally many the shortest: no block is several
                covered, length = count * tried, tried
        products = sum(k.kind == c.PRODUCT and k.weights > 0 for k in graph.kernels[at : at + length])
        if products < FEWEST_PRODUCTS:
            at += 1
            continue
        # What may begin in several places, as where blocks end with a normalization and one comes before the first of
        # them, begins in the last: that is where its authors begin it.
        at = max(
            s for s in range(at, min(at + length, end)) if crossing[s] >= 0 and repeats(s, length) * length == covered
        )
        if at > begin:
            parts.append(_stretch(graph, word, begin, at, 1, crossing))
        parts.append(_stretch(graph, word, at, at + length, covered // length, crossing))
        begin = at = at + covered
    if begin < end:
        parts.append(_stretch(graph, word, begin, end, 1, crossing))
    left = sum(len(part.graph.kernels) - 1 for part in parts)
    return tuple(parts) if left <= MOST_LEFT * (end - 1) else (Stretch(graph, 1, True),)


def _crossing(graph: KernelGraph) -> list[int]:
    """Return, by place in the order of kernels, the one whose result crosses it; -1 where there is no border.

    The last place is behind all kernels: the last of them has the network's result.
    """
    n = len(graph.kernels)
    soonest, latest = [n] * n, [0] * n
    for edge in graph.edges:
        soonest[edge.producer] = min(soonest[edge.producer], edge.consumer)
        latest[edge.producer] = max(latest[edge.producer], edge.consumer)
    out = [-1] * n
    alive: set[int] = set()
    for place in range(1, n):
        alive.add(place - 1)
        alive = {u for u in alive if latest[u] >= place}
        if len(alive) == 1 and soonest[next(iter(alive))] >= place:
            out[place] = next(iter(alive))
    return [*out, n - 1]


def _stretch(graph: KernelGraph, word: float, border: int, end: int, repeats: int, crossing: Sequence[int]) -> Stretch:
    """Make kernels from a border to another a graph of their own."""
    source, tables = graph.kernels[0], graph.table_bytes
    if border > 1:
        out = graph.kernels[crossing[border]].out
        source, tables = Kernel(INPUT, c.SOURCE, out / word, out=out), 0.0
    edges = tuple(
        Edge(max(e.producer - border + 1, 0), e.consumer - border + 1, e.barrier)
        for e in graph.edges if border <= e.consumer < end
    )  # fmt: skip
    return Stretch(KernelGraph((source, *graph.kernels[border:end]), edges, tables), repeats, border == 1)

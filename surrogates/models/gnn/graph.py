"""A network's operator graph, with operators that a model cannot tell apart merged into one node."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ....datasets import KIND_NAMES, SIZE_NAMES, Network, OperatorTable
from ....errors import ChipgymError
from ....simulators import Column

#: Rounds of message passing: an operator is known by itself and by what is at most so many edges away.
ROUNDS = 2
#: Most nodes and edges of a graph that is read from a file.
_MOST = 2**20


@dataclass(frozen=True, eq=False)
class OperatorGraph:
    """Distinct operators of a network, how often each occurs, and what feeds them.

    Attributes:
        sizes: under `SIZE_NAMES`, each at least 1, (c, sizes).
        kinds: 0 or 1 under `KIND_NAMES`, (c, kinds), int8.
        producers: edges from what an operator reads, (2, e), int64: producer, consumer.
        consumers: edges from what reads an operator, (2, f), int64: consumer, producer.
        counts: how often each operator occurs, (c,).
    """

    sizes: Column
    kinds: Column
    producers: Column
    consumers: Column
    counts: Column
    names: ClassVar = ("sizes", "kinds", "producers", "consumers", "counts")

    @staticmethod
    def of(network: Network) -> OperatorGraph:
        """Make the graph of a network.

        Operators are one where their sizes and kinds, those of their neighbours, and so on for `ROUNDS` edges, are the
        same (colour refinement: Weisfeiler and Lehman, 1968): message passing gives them the same features. An edge
        of the merged graph is one of the first operator of its kind, so that a mean over edges is that operator's.
        """
        table = OperatorTable.of(network)
        colour = _numbered([row.tobytes() for row in table.features])
        sources, targets = table.edges
        for _ in range(ROUNDS):
            read: list[list[int]] = [[] for _ in range(len(table))]
            fed: list[list[int]] = [[] for _ in range(len(table))]
            for a, b in zip(sources.tolist(), targets.tolist(), strict=True):
                read[b].append(colour[a])
                fed[a].append(colour[b])
            around = zip(colour, read, fed, strict=True)
            colour = _numbered([(own, tuple(sorted(i)), tuple(sorted(o))) for own, i, o in around])
        merged = np.array(colour)
        _, first, counts = np.unique(merged, return_index=True, return_counts=True)
        chosen = np.isin(np.arange(len(table)), first)
        return OperatorGraph(
            table.sizes[first],
            table.kinds[first],
            merged[np.stack([sources, targets])[:, chosen[targets]]],
            merged[np.stack([targets, sources])[:, chosen[sources]]],
            counts.astype(np.float64),
        )

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def features(self) -> Column:
        """Base-2 logarithms of the sizes and the kinds, (c, f)."""
        return np.hstack([np.log2(self.sizes), self.kinds])

    @cached_property
    def digest(self) -> str:
        """sha256 in hex of everything that a model sees."""
        out = hashlib.sha256()
        for array in self.arrays().values():
            out.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return out.hexdigest()

    def arrays(self) -> dict[str, Column]:
        """Return all of the graph as arrays by name."""
        return {name: getattr(self, name) for name in self.names}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Column]) -> OperatorGraph:
        """Make a graph of what `arrays` gave.

        Raises:
            ChipgymError: where it is not one, such as an edge that leads to no operator.
        """
        c = len(arrays["counts"]) if arrays["counts"].ndim == 1 else 0
        shapes = {
            "sizes": (np.float64, (c, len(SIZE_NAMES))), "kinds": (np.int8, (c, len(KIND_NAMES))),
            "counts": (np.float64, (c,)),
        }  # fmt: skip
        for name, (kind, shape) in shapes.items():
            if arrays[name].dtype != kind or arrays[name].shape != shape or not 0 < c < _MOST:
                raise ChipgymError(f"{name} has another type or shape than that of a graph")
        for name in ("producers", "consumers"):
            edges = arrays[name]
            if edges.dtype != np.int64 or edges.ndim != 2 or len(edges) != 2 or edges.shape[1] > _MOST:
                raise ChipgymError(f"{name} has another type or shape than that of a graph")
            if edges.size and (edges.min() < 0 or edges.max() >= c):
                raise ChipgymError(f"{name} has an edge that leads to no operator")
        for name in ("sizes", "counts"):
            if not np.isfinite(arrays[name]).all() or arrays[name].min() < 1:
                raise ChipgymError(f"{name} has a number that is none or below 1")
        return OperatorGraph(**{name: arrays[name] for name in OperatorGraph.names})


def _numbered(labels: list[object]) -> list[int]:
    """Turn labels into numbers in the order of their first appearance."""
    found: dict[object, int] = {}
    return [found.setdefault(label, len(found)) for label in labels]

"""A network's operators as rows of numbers and its edges as an index: what a model of graphs learns from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .graph import Network, Node
from .operators import (
    BINARY,
    UNARY,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Elementwise,
    Embedding,
    ExpertLinear,
    Generic,
    Input,
    LearnedTensor,
    Linear,
    MatMul,
    Normalization,
    Pool2d,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    elements,
)
from .products import matrix_products

Array = np.ndarray[Any, np.dtype[Any]]

#: Sizes of an operator over the whole batch, each at least 1: of its `groups` products of M × K by K × N (of what is no
#: matrix product, M is the output's elements and the others are 1); of the tensors that it reads, owns and writes, in
#: words; the taps of its window and their distance; multiply-accumulates; operations of an element of `Generic`; how
#: many tensors it reads, and how many operators read it.
SIZE_NAMES = (
    "groups", "m", "k", "n", "input_words", "weight_words", "output_words", "taps", "stride", "macs", "operations",
    "inputs", "consumers",
)  # fmt: skip
_TYPES = (
    Concat, Conv2d, ConvTranspose2d, Elementwise, Embedding, Generic, Input, LearnedTensor, Linear, MatMul,
    Normalization, Pool2d, Reshape, Slice, Softmax, Transpose,
)  # fmt: skip
#: Kinds of operators; one has its type, and an element-wise or normalising one its function besides. Routed experts are
#: linear layers whose groups are the experts.
KIND_NAMES = (
    *(t.__name__ for t in _TYPES), *UNARY, *BINARY, *(f"{kind}_norm" for kind in Normalization.kinds),
)  # fmt: skip
_KIND = {name: i for i, name in enumerate(KIND_NAMES)}
#: Names of the columns of `OperatorTable.features`.
OPERATOR_FEATURE_NAMES = (*(f"log2_{name}" for name in SIZE_NAMES), *KIND_NAMES)


@dataclass(frozen=True, eq=False)
class OperatorTable:
    """The operators of a network, in its order.

    Attributes:
        sizes: under `SIZE_NAMES`, each at least 1, shape (nodes, sizes), float64.
        kinds: 0 or 1 under `KIND_NAMES`, shape (nodes, kinds), int8.
        edges: producer and consumer of each edge, shape (2, edges), int64.
    """

    sizes: Array
    kinds: Array
    edges: Array

    @staticmethod
    def of(network: Network) -> OperatorTable:
        """Build the table of a network, one row for each of its nodes."""
        place = {node.name: i for i, node in enumerate(network.nodes)}
        kinds = np.zeros((len(place), len(KIND_NAMES)), dtype=np.int8)
        for i, node in enumerate(network.nodes):
            kinds[i, [_KIND[name] for name in _kinds(node)]] = 1
        edges = np.array([(place[a], place[b]) for a, b in network.edges], dtype=np.int64).reshape(-1, 2)
        sizes = np.array([_sizes(network, node) for node in network.nodes], dtype=np.float64)
        return OperatorTable(np.maximum(sizes, 1.0), kinds, np.ascontiguousarray(edges.T))

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def features(self) -> Array:
        """Base-2 logarithms of the sizes and the kinds, under `OPERATOR_FEATURE_NAMES`, (nodes, features), float64."""
        return np.hstack([np.log2(self.sizes), self.kinds])


def _kinds(node: Node) -> tuple[str, ...]:
    op = node.op
    if isinstance(op, Elementwise):
        return (op.type_name, op.function)
    if isinstance(op, ExpertLinear):
        return (Linear.__name__,)
    return (op.type_name, f"{op.kind}_norm") if isinstance(op, Normalization) else (op.type_name,)


def _sizes(network: Network, node: Node) -> tuple[float, ...]:
    """Return the columns of SIZE_NAMES for one node; what is 0 becomes 1 later."""
    op, batch = node.op, network.batch
    products = matrix_products(network, node) if op.matrix else ((1, batch * elements(node.shape), 1, 1),)
    _, _, k, n = products[0]
    groups = sum(g for g, *_ in products)
    m = sum(g * rows for g, rows, *_ in products) / groups  # experts that share rows unevenly: the mean
    window = getattr(op, "kernel", (1, 1))
    return (
        groups, m, k, n,
        batch * sum(map(elements, network.input_shapes(node))), _weights(network, node), batch * elements(node.shape),
        math.prod(window), math.prod(getattr(op, "stride", (1, 1))), batch * network.node_macs(node),
        op.operations if isinstance(op, Generic) else 1, len(node.inputs), len(network.consumers[node.name]),
    )  # fmt: skip


def _weights(network: Network, node: Node) -> int:
    """Count the words of trained numbers that an operator reads, of another's where they are tied."""
    op = node.op
    if isinstance(op, Linear):
        return network.input_shapes(node)[0][-1] * op.out_features
    if isinstance(op, ExpertLinear):  # of the experts that have rows
        return sum(g * k * n for g, _, k, n in matrix_products(network, node))
    if isinstance(op, Embedding):  # the rows looked up
        return network.batch * elements(node.shape)
    return op.parameters(network.input_shapes(node))  # what it shares it reads all the same

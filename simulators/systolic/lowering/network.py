"""A network as the tables that the systolic kernel runs: matrix products on the array, the rest on the vector unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ....datasets import (
    Conv2d,
    Elementwise,
    Embedding,
    Generic,
    Network,
    Node,
    Normalization,
    Pool2d,
    Softmax,
    matrix_products,
)
from ...core.operations import NORMALIZATION_OPERATIONS, SOFTMAX_OPERATIONS, elementwise_operations
from ..model.columns import LAYER_COLUMNS, Cuts, Table
from .cuts import cut_layers


@dataclass(frozen=True)
class Layer:
    """One operator that costs something.

    Attributes:
        name: of the node; of the second shape of an operator's products the node's and ".1".
        kind: operator type, such as "Conv2d".
        unit: "array" or "vector".
        fused: whether it works on results as they leave the array, in no time of its own and without DRAM traffic.
    """

    name: str
    kind: str
    unit: str
    fused: bool = False


@dataclass(frozen=True)
class LoweredNetwork:
    """Kernel tables of a network.

    Attributes:
        layers: every operator that costs something, in graph order.
        matrix: int64 (distinct products, LAYER_COLUMNS), see `tiling`.
        cuts: the ladders of tiles of the rows of `matrix`.
        vector: float64 (distinct operators, 4): operations, words in, words out, hidden.
        position: of each layer in `matrix` (unit "array") or `vector`.
        macs: multiply-accumulates of the whole network.
    """

    layers: tuple[Layer, ...]
    matrix: Table
    cuts: Cuts
    vector: Table
    position: Table
    macs: int

    @property
    def matrix_counts(self) -> Table:
        """How often each row of `matrix` occurs, float64."""
        return self._counts("array", len(self.matrix))

    @property
    def vector_counts(self) -> Table:
        """How often each row of `vector` occurs, float64."""
        return self._counts("vector", len(self.vector))

    def _counts(self, unit: str, n: int) -> Table:
        rows = [int(p) for p, layer in zip(self.position, self.layers, strict=True) if layer.unit == unit]
        return np.bincount(np.array(rows, dtype=np.int64), minlength=n).astype(np.float64)


def lower(network: Network) -> LoweredNetwork:
    """Make the kernel tables of `network`, equal rows merged.

    Reshaping, transposing, slicing and joining cost nothing: addresses change, words do not move.
    """
    layers: list[Layer] = []
    position: list[int] = []
    matrix: dict[tuple[int, ...], int] = {}
    vector: dict[tuple[float, ...], int] = {}
    passing: dict[str, bool] = {}  # nodes whose results pass by element by element, and whether as the array drains
    for node in network.nodes:
        if node.op.matrix:
            for number, row in enumerate(_products(network, node)):
                name = f"{node.name}.{number}" if number else node.name
                layers.append(Layer(name, type(node.op).__name__, "array"))
                position.append(matrix.setdefault(row, len(matrix)))
            passing[node.name] = True
            continue
        work = _operations(node) * network.batch
        if work < 0:
            continue
        source = _followed(network, node, passing)
        hidden = source is not None and passing[source]
        passing[node.name] = hidden
        read = written = 0.0
        if source is None:
            read = float(sum(math.prod(shape) for shape in network.input_shapes(node)) * network.batch)
            written = float(math.prod(node.shape) * network.batch)
            if isinstance(node.op, Embedding):  # the rows looked up, not their indices
                read = written
        layers.append(Layer(node.name, type(node.op).__name__, "vector", hidden))
        position.append(vector.setdefault((work, read, written, float(hidden)), len(vector)))
    products = np.array(list(matrix), dtype=np.int64).reshape(-1, LAYER_COLUMNS)
    return LoweredNetwork(
        tuple(layers),
        products,
        cut_layers(products),
        np.array(list(vector), dtype=np.float64).reshape(-1, 4),
        np.array(position, dtype=np.int64),
        network.macs,
    )


def _products(network: Network, node: Node) -> list[tuple[int, ...]]:
    """Return the rows of the layer table for a matrix operator; see the column names in `tiling`.

    A convolution keeps its windows, which share inputs; what has none is a convolution of 1 × 1 windows over an image
    of m × 1. Where a transposed convolution's windows overlap, sums are added where they are written.
    """
    op = node.op
    products = matrix_products(network, node)
    if not isinstance(op, Conv2d) or (op.kernel == (1, 1) and op.stride == (1, 1) and not any(op.padding)):
        return [(groups, 1, m, 1, m, 1, 1, 1, 1, 1, 1, 1, k, n) for groups, m, k, n in products]
    ((groups, _, _, n),) = products
    *images, channels, height, width = network.input_shapes(node)[0]
    *_, out_h, out_w = node.shape
    (r, s), (dh, dw) = op.kernel, op.dilation
    return [(
        groups, network.batch * math.prod(images), out_h, out_w, height, width, r, s,
        (r - 1) * dh + 1, (s - 1) * dw + 1, *op.stride, channels // groups, n,
    )]  # fmt: skip


def _operations(node: Node) -> float:
    """Count vector-unit operations for one sample; negative for an operator that costs nothing at all."""
    elements, op = math.prod(node.shape), node.op
    if isinstance(op, Elementwise):
        return float(elements * elementwise_operations(op.function))
    if isinstance(op, Pool2d):
        return float(elements * op.kernel[0] * op.kernel[1])
    if isinstance(op, Softmax):
        return float(elements * SOFTMAX_OPERATIONS)
    if isinstance(op, Normalization):
        return float(elements * NORMALIZATION_OPERATIONS[op.kind])
    if isinstance(op, Generic):
        return float(elements * op.operations)
    return 0.0 if isinstance(op, Embedding) else -1.0


def _followed(network: Network, node: Node, passing: dict[str, bool]) -> str | None:
    """Return the node whose results `node` works on as they pass by: it is element-wise, and their only reader."""
    alike = isinstance(node.op, Elementwise) or (isinstance(node.op, Normalization) and node.op.kind == "batch")
    if not alike or len(node.inputs) != 1:
        return None
    (source,) = node.inputs
    return source if source in passing and len(network.consumers[source]) == 1 else None

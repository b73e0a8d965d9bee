"""A network as the kernels of a dataflow machine: what each computes, moves and keeps, and what feeds what.

Reshaping, transposing, slicing and joining are address patterns of the memory units and no kernels. A function of one
tensor element by element runs in the remaining pipeline stages of the kernel whose only reader it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ....datasets import (
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
    Network,
    Node,
    Normalization,
    Pool2d,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    sample_product,
)
from ...core.operations import NORMALIZATION_OPERATIONS, SOFTMAX_OPERATIONS, elementwise_operations
from ..model import columns as c
from .experts import send_to_experts
from .kernels import INPUT, Edge, Kernel

Matrix = np.ndarray[Any, np.dtype[Any]]

_MOVES = (Reshape, Transpose, Slice, Concat)


@dataclass(frozen=True)
class KernelGraph:
    """Kernels in topological order, the first of which is the source, and the edges between them.

    Attributes:
        table_bytes: of embedding tables, which are looked up in off-chip memory and never streamed.
    """

    kernels: tuple[Kernel, ...]
    edges: tuple[Edge, ...]
    table_bytes: float = 0.0

    @cached_property
    def matrix(self) -> Matrix:
        """Float64 (kernels, FIELDS)."""
        return np.array([k.row() for k in self.kernels], dtype=np.float64)

    @cached_property
    def links(self) -> Matrix:
        """Int64 (edges, 3), sorted by consumer."""
        return np.array([(e.producer, e.consumer, e.barrier) for e in self.edges], dtype=np.int64).reshape(-1, 3)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the kernels."""
        return tuple(k.name for k in self.kernels)

    @property
    def macs(self) -> float:
        """Multiply-accumulates per sample."""
        return sum(k.macs for k in self.kernels)

    @property
    def weight_bytes(self) -> float:
        """Bytes of all weights that are streamed or resident."""
        return sum(k.weights for k in self.kernels)

    @property
    def sample_rows(self) -> int:
        """Rows that a sample is cut into tiles along: the most of any product with weights, tokens of a transformer."""
        products = (k for k in self.kernels if k.kind == c.PRODUCT and k.shared)
        return int(max((k.rows / max(k.active, 1) for k in products), default=1))

    @property
    def experts(self) -> tuple[int, int]:
        """How many experts there are, and to how many of them a token goes; (0, 0) of a graph without any."""
        return max((k.experts, k.active) for k in self.kernels)


@dataclass
class _Source:
    """Where a tensor comes from: kernels, and elements per sample that come from the KV cache."""

    kernels: tuple[int, ...] = ()
    cached: float = 0.0
    constant: float = 0.0


@dataclass
class Lowering:
    """Builds a `KernelGraph` node by node.

    Attributes:
        network: what is lowered.
        word: bytes of an element.
        prefix: of node names, left out of the kernels'.
        causal: whether later rows of a sample never feed earlier ones, so that attention needs no barrier.
        refine: changes a kernel as it is made: how tensor parallelism may cut it.
    """

    network: Network
    word: float
    causal: bool
    refine: Callable[[Kernel], Kernel]
    prefix: str = ""
    kernels: list[Kernel] = field(default_factory=list)
    edges: dict[tuple[int, int], bool] = field(default_factory=dict)
    table_bytes: float = 0.0
    _sources: dict[str, _Source] = field(default_factory=dict)

    def lower(self, nodes: Sequence[Node], inputs: Sequence[str] = ()) -> KernelGraph:
        """Make the graph of some nodes in order; `inputs` names those outside that feed them."""
        self.kernels.append(Kernel(INPUT, c.SOURCE, 0.0))
        read = 0.0
        for name in inputs:
            self._sources[name] = _Source((0,))
            read += math.prod(self.network.node(name).shape) * self.word
        for node in nodes:
            if isinstance(node.op, Input):
                kept = node.name.rpartition(".")[2].startswith("past_")
                size = math.prod(node.shape)
                self._sources[node.name] = _Source(cached=size) if kept else _Source((0,))
                read += 0.0 if kept else size * self.word
            elif isinstance(node.op, LearnedTensor):
                self._sources[node.name] = _Source(constant=math.prod(node.shape))
            elif isinstance(node.op, _MOVES):
                self._sources[node.name] = self._joined([self._sources[i] for i in node.inputs])
            elif (producer := self._follows(node)) is not None:
                self._sources[node.name] = _Source((producer,))
            else:
                self._sources[node.name] = _Source((self._add(node),))
        self.kernels[0] = replace(self.kernels[0], rows=read / self.word, out=read)
        edges = tuple(Edge(*pair, barrier) for pair, barrier in sorted(self.edges.items(), key=lambda e: e[0][::-1]))
        return KernelGraph(send_to_experts(self.kernels, edges, self.word), edges, self.table_bytes)

    @staticmethod
    def _joined(sources: Sequence[_Source]) -> _Source:
        kernels = tuple(dict.fromkeys(k for s in sources for k in s.kernels))
        return _Source(kernels, sum(s.cached for s in sources), sum(s.constant for s in sources))

    def _follows(self, node: Node) -> int | None:
        """Find the kernel in whose pipeline `node` runs: it is of one tensor, by element, and its only reader."""
        op = node.op
        alike = isinstance(op, Elementwise) or (isinstance(op, Normalization) and op.kind == "batch")
        if not alike or len(node.inputs) != 1:
            return None
        source = self._sources[node.inputs[0]]
        name = node.inputs[0]
        while len(self.network.consumers[name]) == 1 and isinstance(self.network.node(name).op, _MOVES[:3]):
            name = self.network.node(name).inputs[0]
        alone = len(self.network.consumers[name]) == 1 and len(source.kernels) == 1 and not source.cached
        return source.kernels[0] if alone and source.kernels[0] > 0 else None

    def _add(self, node: Node) -> int:
        shapes = self.network.input_shapes(node)
        sources = [self._sources[name] for name in node.inputs]
        kernel = self.refine(self._kernel(node, shapes, sources))
        self.kernels.append(kernel)
        me = len(self.kernels) - 1
        for place, source in enumerate(sources):
            for producer in source.kernels:
                made = self.kernels[producer]
                whole = made.whole_sample or (isinstance(node.op, MatMul) and place == 1 and not self.causal)
                # One row made of many: a flattened map before a classifier.
                whole |= not self.causal and isinstance(node.op, Linear) and kernel.rows == 1 < made.positions
                self.edges[producer, me] = self.edges.get((producer, me), False) or whole
        return me

    def _kernel(self, node: Node, shapes: Sequence[tuple[int, ...]], sources: Sequence[_Source]) -> Kernel:
        op, word = node.op, self.word
        size = math.prod(node.shape)
        name = re.sub(r"\W", "_", node.name.removeprefix(self.prefix))
        if isinstance(op, Conv2d | ConvTranspose2d | Linear | ExpertLinear | MatMul):
            count, rows, inner, cols = sample_product(self.network, node)
            kernel = Kernel(name, c.PRODUCT, rows, cols, inner, count, out=size * word, positions=rows)
            if not isinstance(op, MatMul):
                kernel = replace(kernel, weights=self.network.node_parameters(node) * word if _owns(op) else 0.0)
                return replace(kernel, experts=op.experts, active=op.active) if isinstance(op, ExpertLinear) else kernel
            cached = sources[1].cached
            held = math.prod(shapes[1]) - cached if sources[1].kernels else 0
            return replace(kernel, shared=False, stream=cached * word, hold=held * word, cache=cached > 0)
        positions = math.prod(node.shape[1:] if isinstance(op, Pool2d) else node.shape[:-1])
        if isinstance(op, Embedding):
            self.table_bytes += self.network.node_parameters(node) * word
            return Kernel(name, c.VECTOR, size, stream=size * word, out=size * word, positions=positions)
        ops, collects = 1.0, False
        if isinstance(op, Softmax):
            ops = SOFTMAX_OPERATIONS
        elif isinstance(op, Normalization):
            ops, collects = NORMALIZATION_OPERATIONS[op.kind], op.kind == "group"
        elif isinstance(op, Pool2d):
            ops = math.prod(op.kernel)
            collects = math.prod(node.shape[1:]) == 1 < math.prod(shapes[0][1:])
        elif isinstance(op, Elementwise):
            ops = elementwise_operations(op.function)
        elif isinstance(op, Generic):
            ops = float(op.operations)
        weights = self.network.node_parameters(node) + sum(s.constant for s in sources)
        return Kernel(
            name, c.VECTOR, size, ops=ops, weights=weights * word, out=size * word,
            positions=1 if collects else positions, whole_sample=collects,
        )  # fmt: skip


def _owns(op: Conv2d | ConvTranspose2d | Linear | ExpertLinear) -> bool:
    return not (isinstance(op, Linear) and op.tied_to is not None)

"""Writes networks as code: each method adds one node and returns its name, which later calls take as input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ...errors import ChipgymError, shorten, unknown
from .graph import Network, Node, check_node, infer_shape
from .operators import (
    Concat,
    Conv2d,
    Elementwise,
    Embedding,
    ExpertLinear,
    Input,
    LearnedTensor,
    Linear,
    MatMul,
    Normalization,
    Operator,
    Pool2d,
    Reshape,
    Shape,
    Slice,
    Softmax,
    Transpose,
)

#: One number for both axes, or (height, width).
Pair = int | Sequence[int]


class NetworkBuilder:
    """Builds a `Network` node by node.

    >>> b = NetworkBuilder("tiny")
    >>> x = b.input((3, 8, 8))
    >>> x = b.relu(b.conv(x, 16, 3, padding=1, name="conv1"))
    >>> b.build().macs
    27648

    A node without a `name` is called after its operator and numbered where needed; inside `with b.scope("layer1"):`
    names start with "layer1.". Every call raises ChipgymError where the operator does not fit its inputs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: dict[str, Node] = {}
        self._scopes: list[str] = []

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of the nodes added inside it."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def shape(self, node: str) -> Shape:
        """Return the output shape of a node, per sample."""
        return self.node(node).shape

    def node(self, name: str) -> Node:
        """Return a node added before."""
        if name not in self._nodes:
            raise unknown(f"node of {self.name!r}", name, self._nodes)
        return self._nodes[name]

    def add(self, op: Operator, *inputs: str, name: str | None = None) -> str:
        """Add any operator; the other methods are shorthands for this one."""
        label = ".".join((*self._scopes, name)) if name else self._unnamed(op)
        shape = infer_shape(label, op, tuple(self.shape(source) for source in inputs))
        node = Node(label, op, inputs, shape)
        check_node(node, self._nodes)
        self._nodes[label] = node
        return label

    def _unnamed(self, op: Operator) -> str:
        base = op.function if isinstance(op, Elementwise) else op.type_name.lower()
        label = first = ".".join((*self._scopes, base))
        number = 1
        while label in self._nodes:
            number += 1
            label = f"{first}_{number}"
        return label

    def build(self, batch: int = 1, outputs: Sequence[str] | None = None) -> Network:
        """Build the network so far, or of it what the nodes named in `outputs` need."""
        kept = tuple(self._nodes) if outputs is None else self.needed(outputs)
        return Network(self.name, tuple(self._nodes[label] for label in kept), batch)

    def own(self, counts: Mapping[str, int]) -> None:
        """Set for the nodes of these names how many of their trained numbers count there."""
        for label, count in counts.items():
            self._nodes[label] = replace(self.node(label), owned=count)

    def needed(self, outputs: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the nodes that those named in `outputs` need, themselves included, in order."""
        kept: set[str] = set()
        waiting = list(outputs)
        while waiting:
            label = waiting.pop()
            self.shape(label)  # that there is such a node
            if label not in kept:
                kept.add(label)
                node = self._nodes[label]
                waiting += node.inputs
                if isinstance(node.op, Linear) and node.op.tied_to is not None:
                    waiting.append(node.op.tied_to)
        return tuple(label for label in self._nodes if label in kept)

    def input(self, shape: Sequence[int], *, name: str = "input") -> str:
        """Add an input of the network, `shape` per sample."""
        return self.add(Input(extents("shape", shape)), name=name)

    def learned(self, shape: Sequence[int], *, name: str) -> str:
        """Add a trained tensor of `shape` that enters the graph as an activation.

        It is a class token or a position embedding, say.
        """
        return self.add(LearnedTensor(extents("shape", shape)), name=name)

    def embedding(self, x: str, num_embeddings: int, dim: int, *, name: str | None = None) -> str:
        """Add a look-up of integers (...,) in a trained (num_embeddings, dim) table, to (..., dim)."""
        return self.add(Embedding(num_embeddings, dim), x, name=name)

    def conv(
        self,
        x: str,
        out_channels: int,
        kernel: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        name: str | None = None,
    ) -> str:
        """Add a convolution; `padding` is one number, (height, width), or (top, bottom, left, right)."""
        window = (pair("kernel", kernel), pair("stride", stride), sides(padding), pair("dilation", dilation))
        op = Conv2d(out_channels, *window, groups, bias)
        return self.add(op, x, name=name)

    def linear(
        self, x: str, out_features: int, *, bias: bool = True, tied_to: str | None = None, name: str | None = None
    ) -> str:
        """Add a linear layer, (..., in) to (..., out_features).

        `tied_to` names the earlier node whose weight it shares.
        """
        return self.add(Linear(out_features, bias, tied_to), x, name=name)

    def expert_linear(self, x: str, out_features: int, *, experts: int, active: int, name: str | None = None) -> str:
        """Add rows of (..., in) times the weight of the expert that each is routed to, to (..., out_features).

        Each token stands in the rows once for each of the `active` of `experts` weights that it goes to. There is no
        bias.
        """
        return self.add(ExpertLinear(out_features, experts, active), x, name=name)

    def matmul(self, a: str, b: str, *, transpose_b: bool = False, name: str | None = None) -> str:
        """Add the product of two nodes, (..., m, k) x (..., k, n) to (..., m, n).

        With `transpose_b` the second is (..., n, k).
        """
        return self.add(MatMul(transpose_b), a, b, name=name)

    def max_pool(
        self,
        x: str,
        kernel: Pair,
        *,
        stride: Pair | None = None,
        padding: Pair = 0,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> str:
        """Add max pooling; the stride is the kernel unless given."""
        steps = pair("stride", kernel if stride is None else stride)
        return self.add(Pool2d("max", pair("kernel", kernel), steps, sides(padding), ceil_mode), x, name=name)

    def avg_pool(
        self,
        x: str,
        kernel: Pair,
        *,
        stride: Pair | None = None,
        padding: Pair = 0,
        ceil_mode: bool = False,
        name: str | None = None,
    ) -> str:
        """Add average pooling; the stride is the kernel unless given."""
        steps = pair("stride", kernel if stride is None else stride)
        return self.add(Pool2d("avg", pair("kernel", kernel), steps, sides(padding), ceil_mode), x, name=name)

    def global_avg_pool(self, x: str, *, name: str | None = None) -> str:
        """Add the average of each channel's whole map: (C, H, W) to (C, 1, 1)."""
        return self.avg_pool(x, self.shape(x)[1:], name=name)

    def elementwise(self, function: str, *inputs: str, name: str | None = None) -> str:
        """Add a function of one or two nodes, element by element; without a `name` the node is called after it."""
        return self.add(Elementwise(function), *inputs, name=name)

    def relu(self, x: str, *, name: str | None = None) -> str:
        """Add max(x, 0) of each element."""
        return self.elementwise("relu", x, name=name)

    def relu6(self, x: str, *, name: str | None = None) -> str:
        """Add max(x, 0), at most 6, of each element."""
        return self.elementwise("relu6", x, name=name)

    def gelu(self, x: str, *, name: str | None = None) -> str:
        """Add GELU of each element."""
        return self.elementwise("gelu", x, name=name)

    def tanh(self, x: str, *, name: str | None = None) -> str:
        """Add tanh of each element."""
        return self.elementwise("tanh", x, name=name)

    def scale(self, x: str, *, name: str | None = None) -> str:
        """Add a multiplication by a constant, one number or one per channel."""
        return self.elementwise("scale", x, name=name)

    def tensor_add(self, a: str, b: str, *, name: str | None = None) -> str:
        """Add the sum of two nodes."""
        return self.elementwise("add", a, b, name=name)

    def softmax(self, x: str, *, name: str | None = None) -> str:
        """Add softmax over the last axis."""
        return self.add(Softmax(), x, name=name)

    def batch_norm(self, x: str, *, name: str | None = None) -> str:
        """Add batch normalisation: per channel of (C, ...), with stored statistics."""
        return self.add(Normalization("batch"), x, name=name)

    def layer_norm(self, x: str, *, name: str | None = None) -> str:
        """Add layer normalisation over the last axis."""
        return self.add(Normalization("layer"), x, name=name)

    def rms_norm(self, x: str, *, name: str | None = None) -> str:
        """Add RMS normalisation over the last axis."""
        return self.add(Normalization("rms"), x, name=name)

    def reshape(self, x: str, shape: Sequence[int], *, name: str | None = None) -> str:
        """Add the same elements, in row-major order, under another shape."""
        return self.add(Reshape(extents("shape", shape)), x, name=name)

    def flatten(self, x: str, *, name: str | None = None) -> str:
        """Add a reshape of all elements to one axis."""
        size = 1
        for extent in self.shape(x):
            size *= extent
        return self.reshape(x, (size,), name=name)

    def transpose(self, x: str, permutation: Sequence[int], *, name: str | None = None) -> str:
        """Add a reordering of axes: output axis i is input axis `permutation[i]`."""
        return self.add(Transpose(extents("permutation", permutation)), x, name=name)

    def concat(self, *inputs: str, axis: int, name: str | None = None) -> str:
        """Join two or more nodes along `axis`, equal in every other dimension."""
        return self.add(Concat(axis), *inputs, name=name)

    def slice(self, x: str, *, axis: int, start: int, stop: int, name: str | None = None) -> str:
        """Take positions `start` to `stop` (exclusive) along `axis`."""
        return self.add(Slice(axis, start, stop), x, name=name)


def extents(field: str, value: Sequence[int]) -> tuple[int, ...]:
    """Return several numbers as a tuple; the operator checks each.

    Raises:
        ChipgymError: naming `field` where it is no list of numbers.
    """
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise ChipgymError(f"{field}: {shorten(value)} is not a list of whole numbers, as (3, 224, 224) is")
    return tuple(value)


def pair(field: str, value: Pair) -> tuple[int, int]:
    """Return one number for both axes as (value, value); the operator checks the rest.

    Raises:
        ChipgymError: naming `field` where it is a text.
    """
    if isinstance(value, str):
        raise ChipgymError(f"{field}: {shorten(value)} is not a whole number or (height, width)")
    if isinstance(value, Sequence):
        return tuple(value)  # type: ignore[return-value]
    return (value, value)


def sides(value: Pair) -> tuple[int, int, int, int]:
    """Return padding as (top, bottom, left, right) from one number, (height, width) or all four.

    Raises:
        ChipgymError: where it is a text, as frameworks have "same".
    """
    if isinstance(value, str):
        raise ChipgymError(
            f"padding: {shorten(value)} is not a whole number, (height, width) or (top, bottom, left, right)"
        )
    if not isinstance(value, Sequence):
        return (value, value, value, value)
    if len(value) == 2:
        return (value[0], value[0], value[1], value[1])
    return tuple(value)  # type: ignore[return-value]

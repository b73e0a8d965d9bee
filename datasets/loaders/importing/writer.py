"""Tensors of an imported graph, and the `Network` nodes that they become.

Imported graphs have their batch as an axis of every shape; a `Network` has shapes per sample. An import is of one
sample, so that the batch axis is 1 wherever it is. A leading axis of 1 is dropped from what is written, and a tensor
is reshaped, which costs nothing, where an operator needs it otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import ChipgymError, shorten
from ...network import Network, NetworkBuilder
from ...network.operator import MAX_DIMENSION, Operator, Shape, elements
from ...network.operators import Elementwise, Generic, Input, LearnedTensor, Reshape

Values = np.ndarray[Any, np.dtype[Any]]

#: Names of operators that a warning lists before it says how many more there are.
SHOWN = 5
#: Most operators that a network is imported with: a thousand times those of ResNet-50, and a minute's work.
MAX_NODES = 200_000


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the graph that is imported.

    Attributes:
        label: what the graph calls it; errors and learned tensors are named after it.
        shape: whole, batch axis included.
        node: the node that makes it; None for a constant: a weight, or what is computed from weights alone.
        values: of a small constant, where they are known.
        sign: which weight a constant is, however it was reshaped; two tensors of one sign are the same numbers.
        trained: whether a constant's numbers count among the network's parameters.
    """

    label: str
    shape: Shape
    node: str | None = None
    values: Values | None = None
    sign: str | None = None
    trained: bool = True

    @property
    def constant(self) -> bool:
        """Whether the tensor is a weight, or computed from weights alone."""
        return self.node is None

    @property
    def size(self) -> int:
        """Elements in all."""
        return elements(self.shape)


def per_sample(shape: Shape) -> Shape:
    """Return a shape without its leading axis of 1, unless that is all it has."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


class GraphWriter:
    """Writes imported operators into a `NetworkBuilder`.

    `source` is what errors and warnings call the import. `allowed` names operators that, where they are not known, are
    costed as memory traffic.
    """

    def __init__(self, name: str, source: str, allowed: Sequence[str] = ()) -> None:
        if isinstance(allowed, str) or not all(isinstance(kind, str) for kind in allowed):
            raise ChipgymError(f"{source}: as_traffic: expected a list of operators' names, got {shorten(allowed)}")
        self.builder = NetworkBuilder(name)
        self.source = source
        self.allowed = frozenset(allowed)
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._learned: dict[str, str] = {}
        self._reshaped: dict[tuple[str, Shape], str] = {}
        self._weights: dict[str, tuple[Tensor, ...]] = {}
        self._as_traffic: dict[str, str] = {}

    # -- nodes

    def unique(self, name: str) -> str:
        """Return `name`, numbered where it is taken."""
        name = name or "node"
        label, number = name, self._numbers.get(name, 1)
        while label in self._names:
            number += 1
            label = f"{name}_{number}"
        self._names.add(label)
        self._numbers[name] = number
        return label

    def emit(self, op: Operator, *inputs: str, name: str, weights: Sequence[Tensor | None] = ()) -> str:
        """Add a node and return its name.

        `weights` are the constants that hold all its trained numbers. Those that a node before it has too count there.
        """
        if len(self._weights) >= MAX_NODES:
            raise ChipgymError(f"{self.source}: is a network of more than {MAX_NODES} operators")
        try:
            node = self.builder.add(op, *inputs, name=self.unique(name))
        except ChipgymError as error:
            raise ChipgymError(f"{self.source}: {error}") from None
        self._weights[node] = tuple(x for x in weights if x is not None)
        return node

    def input(self, label: str, shape: Shape) -> Tensor:
        """Add an input of the network, its whole shape given, and return its tensor.

        Raises:
            ChipgymError: an extent is not a positive number that fits.
        """
        check_shape(f"{self.source}: input {shorten(label)}", shape)
        return Tensor(label, shape, self.emit(Input(per_sample(shape)), name=label))

    def made(self, node: str, shape: Shape, label: str = "") -> Tensor:
        """Return the tensor that `node` makes, under its whole shape.

        Raises:
            ChipgymError: the node's elements are not those of `shape`: the operator was understood wrongly.
        """
        shape = tuple(int(extent) for extent in shape)
        if elements(self.builder.shape(node)) != elements(shape):
            raise ChipgymError(
                f"{self.source}: node {shorten(node)}: puts out {self.builder.shape(node)} where {shape} was expected"
            )
        return Tensor(label or node, shape, node)

    # -- tensors as inputs of nodes

    def activation(self, tensor: Tensor) -> str:
        """Return the node that makes a tensor.

        A constant becomes a learned tensor the first time it is asked for.
        """
        if tensor.node is not None:
            return tensor.node
        if tensor.label not in self._learned:
            op = LearnedTensor(per_sample(tensor.shape) or (1,))
            self._learned[tensor.label] = self.emit(op, name=tensor.label, weights=[tensor])
        return self._learned[tensor.label]

    def shaped(self, tensor: Tensor, shape: Shape) -> str:
        """Return the node that makes a tensor, reshaped (once) to `shape` where it has another."""
        node = self.activation(tensor)
        if self.builder.shape(node) == shape:
            return node
        key = (node, shape)
        if key not in self._reshaped:
            self._reshaped[key] = self.emit(Reshape(shape), node, name=f"{node}.as")
        return self._reshaped[key]

    def whole(self, tensor: Tensor) -> str:
        """Return the node in the tensor's whole shape."""
        return self.shaped(tensor, tensor.shape or (1,))

    def sample(self, tensor: Tensor) -> str:
        """Return the node in the tensor's shape per sample."""
        return self.shaped(tensor, per_sample(tensor.shape) or (1,))

    # -- element by element

    def unary(self, function: str, x: Tensor, name: str) -> Tensor:
        """Write a function of each element, in whatever shape the tensor has been written."""
        return self.made(self.emit(Elementwise(function), self.activation(x), name=name), x.shape)

    def binary(self, function: str, a: Tensor, b: Tensor, name: str) -> Tensor:
        """Write a function of two tensors that broadcast.

        A constant of one number, or of one number per position of one axis, is no tensor that is read: the function
        becomes `scale` or `shift`, which work as results pass by.
        """
        shape = broadcast(self.source, name, a.shape, b.shape)
        for x, constant in ((a, b), (b, a)):
            if constant.constant and not x.constant and x.shape == shape and _along_one_axis(constant.shape):
                return self.unary("scale" if function in ("mul", "div") else "shift", x, name)
        nodes = (self._aligned(x, len(shape), shape) for x in (a, b))
        return self.made(self.emit(Elementwise(function), *nodes, name=name), shape)

    def _aligned(self, tensor: Tensor, rank: int, shape: Shape) -> str:
        """Return the node in a shape that broadcasts with others of a result of `shape`.

        It has the result's leading axis if any has.
        """
        full = (1,) * (rank - len(tensor.shape)) + tensor.shape
        if len(shape) > 1 and shape[0] == 1:
            full = full[1:]
        own = self.builder.shape(self.activation(tensor))
        # As it was written is as good, as long as it differs by axes of 1 in front alone.
        return self.activation(tensor) if _stripped(own) == _stripped(full) else self.shaped(tensor, full or (1,))

    def generic(self, kind: str, inputs: Sequence[Tensor], shape: Shape, name: str, operations: int = 0) -> Tensor:
        """Write an operation without a type of its own; constants among its inputs are left aside."""
        nodes = [self.activation(x) for x in inputs if not x.constant] or [self.activation(inputs[0])]
        op = Generic(kind, per_sample(tuple(shape)) or (1,), operations)
        return self.made(self.emit(op, *nodes, name=name), shape)

    def as_traffic(
        self, kind: str, inputs: Sequence[Tensor], shape: Shape, name: str, error: Callable[[str], ChipgymError]
    ) -> Tensor:
        """Write an operation that nothing is known of.

        The user said to cost it as what it reads and writes alone.

        Raises:
            ChipgymError: the user did not; made by `error`.
        """
        if kind not in self.allowed:
            raise error(
                "the operation is not one of those known here, so that what it costs is not known;"
                f" as_traffic=[{shorten(kind)}] in Python costs it as the memory traffic that it causes alone"
            )
        self._as_traffic.setdefault(kind, name)
        return self.generic(kind, inputs, shape, name)

    # -- the end

    def build(self, outputs: Sequence[Tensor], batch: int = 1) -> Network:
        """Return the network that `outputs` need.

        One warning names the operators that were costed as memory traffic alone.

        Raises:
            ChipgymError: no output depends on an input.
        """
        nodes = [x.node for x in outputs if x.node is not None]
        if not nodes:
            raise ChipgymError(f"{self.source}: its outputs do not depend on its inputs")
        if self._as_traffic:
            listed = [f"{kind} (node {shorten(node)})" for kind, node in list(self._as_traffic.items())[:SHOWN]]
            more = len(self._as_traffic) - len(listed)
            text = ", ".join(listed) + (f" and {more} more" if more else "")
            warnings.warn(
                f"{self.source}: operators not known here are costed as memory traffic alone: {text}", stacklevel=4
            )
        self.builder.own(self._owned(self.builder.needed(nodes)))
        try:
            return self.builder.build(batch, nodes)
        except ChipgymError as error:
            raise ChipgymError(f"{self.source}: {error}") from None

    def _owned(self, labels: Sequence[str]) -> dict[str, int]:
        """Count by node the trained numbers that count there, where those are fewer than its operator's."""
        seen: set[str] = set()
        counts: dict[str, int] = {}
        for label in labels:
            node, weights = self.builder.node(label), self._weights[label]
            if not weights:
                continue
            most = node.op.parameters(tuple(self.builder.shape(source) for source in node.inputs))
            new = sum(x.size for x in weights if x.trained and (x.sign is None or x.sign not in seen))
            seen.update(x.sign for x in weights if x.sign is not None)
            if new < most:
                counts[label] = new
        return counts


def check_shape(what: str, shape: Sequence[int]) -> None:
    """Raise ChipgymError unless every extent is a positive number that fits."""
    for axis, extent in enumerate(shape):
        if not 1 <= extent <= MAX_DIMENSION:
            raise ChipgymError(f"{what}: axis {axis} is {extent}, expected 1 to {MAX_DIMENSION}")


def broadcast(source: str, name: str, *shapes: Shape) -> Shape:
    """Return the common shape of several under NumPy's rules."""
    try:
        return tuple(int(extent) for extent in np.broadcast_shapes(*shapes))
    except ValueError:
        raise ChipgymError(
            f"{source}: node {shorten(name)}: shapes {' and '.join(map(str, shapes))} do not broadcast"
        ) from None


def _along_one_axis(shape: Shape) -> bool:
    return sum(extent > 1 for extent in shape) <= 1


def _stripped(shape: Shape) -> Shape:
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape

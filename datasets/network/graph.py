"""The operator graph of a neural network, with its totals, content hash and descriptive features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ...errors import ChipgymError, shorten, unknown
from .features import network_features
from .operator import integer
from .operators import MAX_ELEMENTS, Embedding, Input, Linear, Operator, Shape, elements
from .operators import __all__ as _operators

#: Most multiply-accumulates (activations, parameters) of a network over its batch, so that int64 counts are exact.
MAX_COUNT = 2**62


@dataclass(frozen=True, slots=True)
class Node:
    """One operator of a network.

    Attributes:
        name: unique in the network, e.g. "layer1.0.conv1".
        op: the operator.
        inputs: names of the nodes whose outputs it reads, in order.
        shape: of its output, per sample.
        owned: trained numbers that count here, where those are fewer than the operator's. What an earlier node has too
            counts there: a module that is called twice, an embedding that is the output layer's weight. What was never
            trained counts nowhere: a table of sines, the shift that a normalisation goes without.
    """

    name: str
    op: Operator
    inputs: tuple[str, ...]
    shape: Shape
    owned: int | None = None


@dataclass(frozen=True)
class Network:
    """Operators in topological order; every shape is per sample, and `batch` samples run together.

    Raises:
        ChipgymError: a name occurs twice, an input is not an earlier node, shapes do not fit, or sizes are absurd.
    """

    name: str
    nodes: tuple[Node, ...] = field(repr=False)
    batch: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch", integer("batch", self.batch))
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if not isinstance(self.name, str) or not self.name:
            raise ChipgymError(f"network name: expected a text, got {shorten(self.name)}")
        if not self.nodes:
            raise ChipgymError(f"network {shorten(self.name)} has no operators")
        seen: dict[str, Node] = {}
        for node in self.nodes:
            check_node(node, seen)
            seen[node.name] = node
        for what in ("macs", "activations", "parameters"):
            if getattr(self, what) > MAX_COUNT:
                raise ChipgymError(f"network {shorten(self.name)}: more than 2**62 {what} with batch {self.batch}")

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def with_batch(self, batch: int) -> Network:
        """Return the same network run with `batch` samples at once."""
        return replace(self, batch=batch)

    @cached_property
    def _by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    def node(self, name: str) -> Node:
        """Return the node of that name, or raise a ChipgymError with the nearest one."""
        try:
            return self._by_name[name]
        except KeyError:
            raise unknown(f"node of {self.name!r}", name, self._by_name) from None

    def input_shapes(self, node: Node | str) -> tuple[Shape, ...]:
        """Return the shapes that a node reads, per sample, in the order of its inputs."""
        node = self.node(node) if isinstance(node, str) else node
        return tuple(self.node(name).shape for name in node.inputs)

    def node_macs(self, node: Node | str) -> int:
        """Count the multiply-accumulates of one node for one sample."""
        node = self.node(node) if isinstance(node, str) else node
        return node.op.macs(self.input_shapes(node), node.shape)

    def node_parameters(self, node: Node | str) -> int:
        """Count the trained numbers of one node; what it shares counts at the node that came first with it."""
        node = self.node(node) if isinstance(node, str) else node
        return node.op.parameters(self.input_shapes(node)) if node.owned is None else node.owned

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates over all samples of the batch."""
        return self.batch * sum(self.node_macs(node) for node in self.nodes)

    @cached_property
    def parameters(self) -> int:
        """Trained numbers, shared ones counted once; the batch does not change it."""
        return sum(self.node_parameters(node) for node in self.nodes)

    @cached_property
    def activations(self) -> int:
        """Elements that all nodes put out, over all samples of the batch."""
        return self.batch * sum(elements(node.shape) for node in self.nodes)

    @cached_property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(producer, consumer) names, in the order of the consumers and their inputs."""
        return tuple((source, node.name) for node in self.nodes for source in node.inputs)

    @cached_property
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """By node name, the names of the nodes that read its output, each once, in order."""
        found: dict[str, dict[str, None]] = {node.name: {} for node in self.nodes}
        for source, target in self.edges:
            found[source][target] = None
        return {name: tuple(targets) for name, targets in found.items()}

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The network's inputs."""
        return tuple(node for node in self.nodes if isinstance(node.op, Input))

    @property
    def outputs(self) -> tuple[Node, ...]:
        """Nodes that no other node reads."""
        return tuple(node for node in self.nodes if not self.consumers[node.name])

    @property
    def matrix_nodes(self) -> tuple[Node, ...]:
        """Nodes that are matrix products: convolutions, linear layers and products of activations."""
        return tuple(node for node in self.nodes if node.op.matrix)

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of the nodes, their names, attributes and edges, and of the batch; not of the network's name."""
        # What a node owns stands in it only where the operator does not say, so that other networks keep their digest.
        content = [
            [n.name, n.op.type_name, n.op.attributes(), list(n.inputs), *([] if n.owned is None else [n.owned])]
            for n in self.nodes
        ]
        text = json.dumps({"network": content, "batch": self.batch}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def features(self) -> dict[str, float]:
        """Compute the descriptive numbers under the keys of `FEATURE_NAMES`, all finite."""
        return network_features(self)


def check_node(node: Node, earlier: Mapping[str, Node]) -> None:
    """Raise ChipgymError unless `node` fits the nodes before it."""
    if not isinstance(node.name, str) or not node.name:
        raise ChipgymError(f"node name: expected a text, got {shorten(node.name)}")
    if node.name in earlier:
        raise ChipgymError(f"node {shorten(node.name)}: the name occurs twice")
    if not isinstance(node.op, Operator):
        raise ChipgymError(f"node {node.name!r} op: expected one of {', '.join(_operators)}, got {shorten(node.op)}")
    for source in node.inputs:
        if source not in earlier:
            raise ChipgymError(f"node {node.name!r} input: {shorten(source)} is not an earlier node")
    inputs = tuple(earlier[source].shape for source in node.inputs)
    shape = infer_shape(node.name, node.op, inputs)
    if node.shape != shape:
        raise ChipgymError(f"node {node.name!r} shape: {node.shape} was given but the operator puts out {shape}")
    if node.owned is not None:
        owned, most = integer(f"node {node.name!r} owned", node.owned, 0), node.op.parameters(inputs)
        if owned > most:
            raise ChipgymError(f"node {node.name!r} owned: {owned} is more than its {most} trained numbers")
    if isinstance(node.op, Linear) and node.op.tied_to is not None:
        check_tie(node, node.op, inputs[0][-1], earlier)


def infer_shape(name: str, op: Operator, inputs: tuple[Shape, ...]) -> Shape:
    """Infer the output shape of operator `op` under the node name `name`, with errors that name the node."""
    try:
        op.check_arity(inputs)
        shape = op.infer(inputs)
    except ChipgymError as error:
        raise ChipgymError(f"node {shorten(name)}: {error}") from None
    if elements(shape) > MAX_ELEMENTS:
        raise ChipgymError(f"node {shorten(name)}: output {shape} has more than 2**48 elements")
    return shape


def check_tie(node: Node, op: Linear, width: int, earlier: Mapping[str, Node]) -> None:
    """Raise ChipgymError unless the weight that `node` shares exists and has its size."""
    owner = earlier.get(op.tied_to or "")
    if owner is None:
        raise ChipgymError(f"node {node.name!r} tied_to: {shorten(op.tied_to)} is not an earlier node")
    if isinstance(owner.op, Embedding):
        size = (owner.op.num_embeddings, owner.op.dim)
    elif isinstance(owner.op, Linear):
        size = (owner.op.out_features, earlier[owner.inputs[0]].shape[-1])
    else:
        raise ChipgymError(
            f"node {node.name!r} tied_to: {op.tied_to!r} is a {owner.op.type_name} and has no such weight"
        )
    if size != (op.out_features, width):
        raise ChipgymError(
            f"node {node.name!r} tied_to: the weight of {op.tied_to!r} is {size}, expected {(op.out_features, width)}"
        )

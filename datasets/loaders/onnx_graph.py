"""Walks an ONNX graph in order: shapes by the onnx package's inference, values of what shapes are computed from.

Weights are shapes here, never numbers. Small constants and what follows from them and from shapes alone is computed,
node by node, so that a reshape to a computed shape is known; the shape of everything else is asked of the onnx package.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import ChipgymError, shorten
from .importing import GraphWriter, Tensor
from .onnx_shapes import inferred
from .onnx_values import attribute_value, computed, constant, shape_of, type_of

if TYPE_CHECKING:
    import onnx

#: Control flow; `If` alone can be resolved, where its condition is known.
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
#: Most nodes of a model, functions and branches resolved: of real ones the largest have some ten thousand.
MAX_NODES = 50_000
#: What a node raises that lacks an attribute or an input, or has them of another type or length.
MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError)


@dataclass
class Graph:
    """The state of a walk.

    Attributes:
        writer: what the operators are written into.
        opsets: version of each domain, "" for ONNX's own.
        tensors: what is known so far, by name.
        types: ONNX's element type of each tensor.
        readers: how many nodes read each tensor.
        fused: outputs of nodes that were written along with the one before, with what they are.
        elsewhere: small constants whose values lie in another file that could not be read, with its name and why.
        declared: shapes that the file gives, for operators that the onnx package does not know.
        count: nodes seen, those of branches included.
    """

    writer: GraphWriter
    opsets: dict[str, int]
    folder: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    readers: dict[str, list[onnx.NodeProto]] = field(default_factory=dict)
    fused: dict[str, Tensor] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    declared: dict[str, tuple[int, ...]] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class Call:
    """One node of the graph: what it is called, reads, puts out and is set to."""

    graph: Graph
    op: str
    domain: str
    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    attributes: dict[str, Any]

    @property
    def writer(self) -> GraphWriter:
        """What writes the network."""
        return self.graph.writer

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators; 1 where the model does not say."""
        return self.graph.opsets.get("", 1)

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.need(0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return self.shapes[0]

    def need(self, position: int) -> Tensor:
        """Return an input that must be there.

        Raises:
            ChipgymError: it is missing.
        """
        found = self.optional(position)
        if found is None:
            raise self.error(f"input {position} is missing")
        return found

    def optional(self, position: int) -> Tensor | None:
        """Return an input, or None where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def values(self, position: int, default: list[int] | None = None) -> list[int]:
        """Return a small constant input as whole numbers; `default` where it is left out.

        Raises:
            ChipgymError: it is missing without a default, or not known before the model runs.
        """
        tensor = self.optional(position)
        if tensor is None:
            if default is None:
                raise self.error(f"input {position} is missing")
            return default
        if tensor.values is None:
            raise self.error(f"input {shorten(tensor.label)} decides shapes but is not known before the model runs")
        return [int(v) for v in tensor.values.ravel()]

    def get(self, name: str, default: Any = None) -> Any:
        """Return what the attribute `name` is set to; `default` where it is not set."""
        return self.attributes.get(name, default)

    def axis(self, default: int, rank: int | None = None) -> int:
        """Return the attribute `axis`, counted from the front."""
        rank = len(self.x.shape) if rank is None else rank
        axis = int(self.get("axis", default))
        if not -rank <= axis <= max(rank - 1, 0):
            raise self.error(f"axis {axis} is not one of an input of shape {self.x.shape}")
        return axis % rank if rank else 0

    def error(self, text: str) -> ChipgymError:
        """Make a ChipgymError that names the file, the operator and the node."""
        return ChipgymError(f"{self.writer.source}: {self.op} node {shorten(self.name)}: {text}")


#: Writes one node; answers a tensor for each of its outputs, or for the first alone.
Handler = Callable[[Call], "Tensor | list[Tensor]"]


def walk(graph: Graph, nodes: Iterable[onnx.NodeProto], handle: Handler) -> None:
    """Write nodes in order; `handle` writes those that are not constants.

    Raises:
        ChipgymError: a node reads what is not there, its shapes cannot be inferred or are open, or `handle` refuses it.
    """
    nodes = list(nodes)
    graph.count += len(nodes)
    if graph.count > MAX_NODES:
        raise ChipgymError(f"{graph.writer.source}: has {graph.count} operators, expected at most {MAX_NODES}")
    for node in nodes:
        for source in node.input:
            graph.readers.setdefault(source, []).append(node)
    for node in nodes:
        if node.output and node.output[0] in graph.fused:
            graph.tensors[node.output[0]] = graph.fused[node.output[0]]
            continue
        try:
            _node(graph, node, handle)
        except ChipgymError:
            raise
        except MALFORMED as error:
            name = node.name or (node.output[0] if node.output else "")
            raise ChipgymError(
                f"{graph.writer.source}: {node.op_type} node {shorten(name)}: is not as ONNX defines it"
                f" ({type(error).__name__}: {shorten(str(error))})"
            ) from error


def _node(graph: Graph, node: onnx.NodeProto, handle: Handler) -> None:
    source, name = graph.writer.source, node.name or (node.output[0] if node.output else "")
    where = f"{source}: {node.op_type} node {shorten(name)}"
    for label in node.input:
        if label and label not in graph.tensors:
            raise ChipgymError(f"{where}: reads {shorten(label)}, which nothing before it makes")
    if node.op_type in CONTROL_FLOW and node.domain in ("", "ai.onnx"):
        _branch(graph, node, handle, where)
        return
    inputs = tuple(graph.tensors[label] if label else None for label in node.input)
    known = shape_of(node, inputs) or computed(graph, node, inputs)
    shapes = None if known is not None else inferred(graph, node, where)
    if known is not None:
        for label, values in zip(node.output, known, strict=False):
            graph.tensors[label] = Tensor(
                label, values.shape, values=values, sign=_sign(node, inputs, values.shape, label)
            )
            graph.types[label] = type_of(values)
        return
    assert shapes is not None
    if all(x is None or x.constant for x in inputs):
        for label, shape in zip(node.output, shapes, strict=True):
            graph.tensors[label] = Tensor(label, shape, sign=_sign(node, inputs, shape, label))
        return
    attributes = {a.name: attribute_value(a) for a in node.attribute}
    call = Call(graph, node.op_type, node.domain, name, inputs, tuple(node.output), shapes, attributes)
    made = handle(call)
    for label, tensor in zip(node.output, made if isinstance(made, list) else [made], strict=False):
        graph.tensors[label] = tensor


def _sign(node: onnx.NodeProto, inputs: tuple[Tensor | None, ...], shape: tuple[int, ...], label: str) -> str:
    """Tell which weight a constant computed from others is.

    What has as many numbers as the one weight that it is made of is that weight, transposed or converted. What the same
    operator makes of the same weights is the same.
    """
    signs = [x.sign for x in inputs if x is not None and x.size > 1]
    sizes = [x.size for x in inputs if x is not None and x.size > 1]
    if len(signs) == 1 and signs[0] is not None and sizes == [math.prod(shape)]:
        return signs[0]
    known = [(None if x is None else x.sign, () if x is None else x.shape) for x in inputs]
    if not known or any(x is not None and x.sign is None for x in inputs):
        return label
    settings = sorted(a.SerializeToString() for a in node.attribute)
    text = repr((node.domain, node.op_type, known, settings, list(node.output).index(label)))
    return hashlib.sha256(text.encode()).hexdigest()


def _branch(graph: Graph, node: onnx.NodeProto, handle: Handler, where: str) -> None:
    """Write control flow: an `If` whose condition is known is the branch that it takes."""
    condition = graph.tensors[node.input[0]].values if node.op_type == "If" else None
    if condition is None:
        hint = "; set an input that decides it, as in model.onnx:sr=16000" if node.op_type == "If" else ""
        raise ChipgymError(f"{where}: control flow is not supported unless it is known beforehand{hint}")
    wanted = "then_branch" if condition.any() else "else_branch"
    body = next(a.g for a in node.attribute if a.name == wanted)
    add_initializers(graph, body)
    walk(graph, body.node, handle)
    for label, inner in zip(node.output, body.output, strict=True):
        if inner.name not in graph.tensors:
            raise ChipgymError(f"{where}: puts out {shorten(inner.name)}, which nothing in it makes")
        graph.tensors[label] = graph.tensors[inner.name]
        graph.types[label] = graph.types.get(inner.name, 1)


def add_initializers(graph: Graph, body: onnx.GraphProto) -> None:
    """Add the weights of a graph: their shapes, and the values of small ones that lie in the file."""
    for weight in body.initializer:
        graph.types[weight.name] = weight.data_type
        graph.tensors[weight.name] = constant(graph, weight.name, weight)
    for sparse in body.sparse_initializer:
        graph.types[sparse.values.name] = sparse.values.data_type
        if any(extent < 0 for extent in sparse.dims):
            raise ChipgymError(f"{graph.writer.source}: weight {shorten(sparse.values.name)}: negative extents")
        graph.tensors[sparse.values.name] = Tensor(sparse.values.name, tuple(sparse.dims), sign=sparse.values.name)

"""Walks an ONNX graph in order: shapes by the onnx package's inference, values of what shapes are computed from.

Weights are shapes here, never numbers. Small constants and what follows from them and from shapes alone is computed,
node by node, so that a reshape to a computed shape is known; the shape of everything else is asked of the onnx package.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ChipgymError, shorten
from .importing import GraphWriter, Tensor
from .importing.writer import check_shape

if TYPE_CHECKING:
    import onnx

#: Most elements of a constant whose values are kept: shapes, axes and indices, not weights.
MAX_VALUES = 8192
#: Control flow; `If` alone can be resolved, where its condition is known.
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
#: Operators that models compute shapes with; no other is ever run.
COMPUTED = frozenset((
    "Abs", "Add", "And", "ArgMax", "ArgMin", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast",
    "CastLike", "Ceil", "Clip", "Compress", "Concat", "ConstantOfShape", "CumSum", "Div", "Equal", "Exp", "Expand",
    "EyeLike", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "Identity",
    "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "MatMul", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "NonZero",
    "Not", "OneHot", "Or", "Pad", "Pow", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean",
    "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Round", "ScatterElements", "ScatterND", "Sign",
    "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tile", "TopK", "Transpose", "Trilu", "Unique", "Unsqueeze",
    "Where", "Xor",
))  # fmt: skip
#: Of these, the ones that put out no more than they read, so that the size need not be known beforehand.
SHRINKING = ("Compress", "NonZero", "Reshape", "Slice", "Split", "Squeeze", "TopK", "Unique")
#: Most nodes of a model, functions and branches resolved: of real ones the largest have some ten thousand.
MAX_NODES = 50_000
#: Quantisers of QONNX (https://github.com/fastmachinelearning/qonnx), which the onnx package does not know: they round
#: their first input, and leave its shape and what it costs to carry alone.
QUANTISERS = ("Quant", "BipolarQuant", "Trunc", "IntQuant", "FloatQuant")
QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
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
        return self.graph.writer

    @property
    def opset(self) -> int:
        return self.graph.opsets.get("", 1)

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.need(0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first output."""
        return self.shapes[0]

    def need(self, position: int) -> Tensor:
        """An input that must be there."""
        found = self.optional(position)
        if found is None:
            raise self.error(f"input {position} is missing")
        return found

    def optional(self, position: int) -> Tensor | None:
        return self.inputs[position] if position < len(self.inputs) else None

    def values(self, position: int, default: list[int] | None = None) -> list[int]:
        """A small constant input as whole numbers; `default` where it is left out."""
        tensor = self.optional(position)
        if tensor is None:
            if default is None:
                raise self.error(f"input {position} is missing")
            return default
        if tensor.values is None:
            raise self.error(f"input {shorten(tensor.label)} decides shapes but is not known before the model runs")
        return [int(v) for v in tensor.values.ravel()]

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def axis(self, default: int, rank: int | None = None) -> int:
        """The attribute `axis`, counted from the front."""
        rank = len(self.x.shape) if rank is None else rank
        axis = int(self.get("axis", default))
        if not -rank <= axis <= max(rank - 1, 0):
            raise self.error(f"axis {axis} is not one of an input of shape {self.x.shape}")
        return axis % rank if rank else 0

    def error(self, text: str) -> ChipgymError:
        return ChipgymError(f"{self.writer.source}: {self.op} node {shorten(self.name)}: {text}")


#: Writes one node; answers a tensor for each of its outputs, or for the first alone.
Handler = Callable[[Call], "Tensor | list[Tensor]"]


def walk(graph: Graph, nodes: Iterable[onnx.NodeProto], handle: Handler) -> None:
    """Writes nodes in order; `handle` writes those that are not constants.

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
    known = _shape_of(node, inputs) or _computed(graph, node, inputs)
    shapes = None if known is not None else _inferred(graph, node, where)
    if known is not None:
        for label, values in zip(node.output, known, strict=False):
            graph.tensors[label] = Tensor(
                label, values.shape, values=values, sign=_sign(node, inputs, values.shape, label)
            )
            graph.types[label] = _type_of(values)
        return
    assert shapes is not None
    if all(x is None or x.constant for x in inputs):
        for label, shape in zip(node.output, shapes, strict=True):
            graph.tensors[label] = Tensor(label, shape, sign=_sign(node, inputs, shape, label))
        return
    attributes = {a.name: _attribute(a) for a in node.attribute}
    call = Call(graph, node.op_type, node.domain, name, inputs, tuple(node.output), shapes, attributes)
    made = handle(call)
    for label, tensor in zip(node.output, made if isinstance(made, list) else [made], strict=False):
        graph.tensors[label] = tensor


def _sign(node: onnx.NodeProto, inputs: tuple[Tensor | None, ...], shape: tuple[int, ...], label: str) -> str:
    """Of a constant computed from others: what has as many numbers as the one weight that it is made of is that weight,
    transposed or converted. What the same operator makes of the same weights is the same."""
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
    """Control flow: an `If` whose condition is known is the branch that it takes."""
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
    """The weights of a graph: their shapes, and the values of small ones that lie in the file."""
    for weight in body.initializer:
        graph.types[weight.name] = weight.data_type
        graph.tensors[weight.name] = _constant(graph, weight.name, weight)
    for sparse in body.sparse_initializer:
        graph.types[sparse.values.name] = sparse.values.data_type
        graph.tensors[sparse.values.name] = Tensor(sparse.values.name, tuple(sparse.dims), sign=sparse.values.name)


def _constant(graph: Graph, label: str, proto: onnx.TensorProto) -> Tensor:
    from onnx import TensorProto, numpy_helper

    shape = tuple(proto.dims)
    if any(extent < 0 for extent in shape):
        raise ChipgymError(f"{graph.writer.source}: weight {shorten(label)}: shape {shape} has a negative extent")
    values = None
    if math.prod(shape) <= MAX_VALUES:
        if proto.data_location != TensorProto.EXTERNAL:
            with contextlib.suppress(Exception):  # onnx has its own for data that do not fit the shape
                values = numpy_helper.to_array(proto)
        elif proto.data_type in (TensorProto.INT64, TensorProto.INT32):
            # Shapes are whole numbers; of weights in other files, which may be missing, nothing more is needed.
            location = {entry.key: entry.value for entry in proto.external_data}
            try:
                values = _outside(
                    location, graph.folder, "<i8" if proto.data_type == TensorProto.INT64 else "<i4", shape
                )
            except (ChipgymError, OSError, ValueError) as error:
                reason = str(error) if isinstance(error, ChipgymError) else "which cannot be read"
                graph.elsewhere[label] = f"{shorten(location.get('location', '?'))}, {reason}"
    return Tensor(label, shape, values=values, sign=label)


def _outside(location: dict[str, str], folder: str, kind: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The numbers of a small tensor in a file beside the model; no more than these are read.

    Raises:
        ChipgymError: the file is outside the model's folder, or no regular file.
        OSError, ValueError: it cannot be read, or ends before them.
    """
    path = Path(folder, location["location"]).resolve() if location.get("location") else Path()
    if not path.is_relative_to(Path(folder).resolve()):
        raise ChipgymError("which is outside the model's folder and is not read")
    if not path.is_file():
        raise ChipgymError("which cannot be read")
    size = math.prod(shape) * np.dtype(kind).itemsize
    with open(path, "rb") as file:
        file.seek(int(location.get("offset", 0)))
        return np.frombuffer(file.read(size), kind).reshape(shape)


def _shape_of(node: onnx.NodeProto, inputs: tuple[Tensor | None, ...]) -> list[np.ndarray[Any, Any]] | None:
    """What `Shape` and `Size` answer."""
    if node.op_type not in ("Shape", "Size") or node.domain not in ("", "ai.onnx") or not inputs or inputs[0] is None:
        return None
    if node.op_type == "Size":
        return [np.array(inputs[0].size, np.int64)]
    bounds = {a.name: int(a.i) for a in node.attribute}
    return [np.array(inputs[0].shape[bounds.get("start", 0) : bounds.get("end")], np.int64)]


def _computed(
    graph: Graph, node: onnx.NodeProto, inputs: tuple[Tensor | None, ...]
) -> list[np.ndarray[Any, Any]] | None:
    """The outputs of a node whose inputs are all known and small; None where they are not."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    if any(x is not None and x.values is None for x in inputs):
        return None
    if node.op_type == "Constant":
        return _constant_node(graph, node)
    if not any(x is not None for x in inputs):
        return None
    if node.op_type not in COMPUTED or node.domain not in ("", "ai.onnx"):
        return None
    found = _try_inferred(graph, node)  # much may be made from little
    if found is None and node.op_type not in SHRINKING:
        return None
    if found is not None and any(math.prod(shape) > MAX_VALUES for shape in found):
        return None
    names = [label for label in dict.fromkeys(node.input) if label]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node],
            "node",
            [onnx.helper.make_tensor_value_info(label, graph.types.get(label, 1), None) for label in names],
            [onnx.helper.make_empty_tensor_value_info(label) for label in node.output if label],
        ),
        opset_imports=[onnx.helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()],
    )
    try:
        with np.errstate(all="ignore"):
            evaluated = ReferenceEvaluator(model).run(None, {label: graph.tensors[label].values for label in names})
    except Exception:  # the evaluator is many small functions, with as many ways to say that they cannot
        return None
    values = [np.asarray(v) for v in evaluated]
    return values if all(v.size <= MAX_VALUES for v in values) else None


def _constant_node(graph: Graph, node: onnx.NodeProto) -> list[np.ndarray[Any, Any]] | None:
    for attribute in node.attribute:
        if attribute.name == "value":
            found = _constant(graph, node.output[0], attribute.t)
            return None if found.values is None else [found.values]
        if attribute.name in ("value_int", "value_ints"):
            return [np.array(_attribute(attribute), np.int64)]
        if attribute.name in ("value_float", "value_floats"):
            return [np.array(_attribute(attribute), np.float32)]
    return None


def _inferred(graph: Graph, node: onnx.NodeProto, where: str) -> tuple[tuple[int, ...], ...]:
    """Shapes of a node's outputs, all known.

    Raises:
        ChipgymError: they are open or contradictory.
    """
    import onnx

    shapes = _try_inferred(graph, node, where)
    if shapes is None:
        for label in node.input:
            if label in graph.elsewhere:
                raise ChipgymError(
                    f"{where}: the shape of its output is not known: {shorten(label)} is in {graph.elsewhere[label]}"
                )
        if not onnx.defs.has(node.op_type, node.domain):
            domain = f" of domain {shorten(node.domain)}" if node.domain else ""
            raise ChipgymError(
                f"{where}: the shape of its output is not known: no operator{domain} of that name is known here, "
                "and the file does not state the shape (value_info)"
            )
        raise ChipgymError(
            f"{where}: the shape of its output is not known before the model runs, and so neither what it costs"
        )
    for shape in shapes:
        check_shape(where, shape)
    return shapes


def _try_inferred(graph: Graph, node: onnx.NodeProto, where: str = "") -> tuple[tuple[int, ...], ...] | None:
    import onnx
    from onnx import helper, numpy_helper, shape_inference

    domain = "" if node.domain == "ai.onnx" else node.domain
    if domain in QONNX_DOMAINS and node.op_type in QUANTISERS and node.input and node.input[0]:
        return (graph.tensors[node.input[0]].shape,)
    if domain == "com.microsoft" and node.op_type == "MatMulNBits" and node.input and len(node.output) == 1:
        columns = [int(a.i) for a in node.attribute if a.name == "N"]
        return ((*graph.tensors[node.input[0]].shape[:-1], *columns),)
    declared = tuple(graph.declared[label] for label in node.output if label in graph.declared)
    try:
        schema = onnx.defs.get_schema(node.op_type, graph.opsets.get(domain, 1), domain)
    except onnx.defs.SchemaError:
        return declared if len(declared) == len(node.output) else None
    labels = [label for label in node.input if label]
    types = {
        label: helper.make_tensor_type_proto(graph.types.get(label, 1), graph.tensors[label].shape) for label in labels
    }
    data = {}
    for label in labels:
        values = graph.tensors[label].values
        if values is not None and values.dtype.kind in "iufb":
            data[label] = numpy_helper.from_array(np.ascontiguousarray(values), label)
    try:
        found = shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=[helper.make_opsetid(d, v) for d, v in graph.opsets.items()]
        )
    except Exception as error:  # C++ errors of several types, a page long
        if not where:
            return None
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ChipgymError(f"{where}: its shapes do not fit ({shorten(reason, 160)})") from None
    shapes: list[tuple[int, ...]] = []
    for label in node.output:
        if not label:
            shapes.append((1,))
            continue
        tensor = found[label].tensor_type if label in found else None
        if tensor is None or not tensor.HasField("shape") or any(not d.HasField("dim_value") for d in tensor.shape.dim):
            if shapes and label not in graph.readers:  # a mask or statistics that nothing asks for
                shapes.append((1,))
                continue
            return None
        graph.types[label] = tensor.elem_type
        shapes.append(tuple(int(d.dim_value) for d in tensor.shape.dim))
    return tuple(shapes)


def _type_of(values: np.ndarray[Any, Any]) -> int:
    from onnx import helper

    try:
        return int(helper.np_dtype_to_tensor_dtype(values.dtype))
    except (KeyError, ValueError, TypeError):
        return 1


def _attribute(attribute: onnx.AttributeProto) -> Any:
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "__len__") and not isinstance(value, str) and not hasattr(value, "DESCRIPTOR"):
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]
    return value

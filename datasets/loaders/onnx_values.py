"""Values of an ONNX graph's small constants, and of what is computed from these and from shapes alone."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ChipgymError, shorten
from .importing import Tensor
from .onnx_shapes import try_inferred

if TYPE_CHECKING:
    import onnx

    from .onnx_graph import Graph

#: Most elements of a constant whose values are kept: shapes, axes and indices, not weights.
MAX_VALUES = 8192
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


def constant(graph: Graph, label: str, proto: onnx.TensorProto) -> Tensor:
    """Make a tensor of a weight, with its values where they are at most `MAX_VALUES` and can be read.

    Raises:
        ChipgymError: its shape has a negative extent.
    """
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
    """Read the numbers of a small tensor from a file beside the model; no more than these are read.

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


def shape_of(node: onnx.NodeProto, inputs: tuple[Tensor | None, ...]) -> list[np.ndarray[Any, Any]] | None:
    """Return what `Shape` and `Size` answer, or None for another node."""
    if node.op_type not in ("Shape", "Size") or node.domain not in ("", "ai.onnx") or not inputs or inputs[0] is None:
        return None
    if node.op_type == "Size":
        return [np.array(inputs[0].size, np.int64)]
    bounds = {a.name: int(a.i) for a in node.attribute}
    return [np.array(inputs[0].shape[bounds.get("start", 0) : bounds.get("end")], np.int64)]


def computed(
    graph: Graph, node: onnx.NodeProto, inputs: tuple[Tensor | None, ...]
) -> list[np.ndarray[Any, Any]] | None:
    """Compute the outputs of a node whose inputs are all known and small; None where they are not."""
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
    found = try_inferred(graph, node)  # much may be made from little
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
            found = constant(graph, node.output[0], attribute.t)
            return None if found.values is None else [found.values]
        if attribute.name in ("value_int", "value_ints"):
            return [np.array(attribute_value(attribute), np.int64)]
        if attribute.name in ("value_float", "value_floats"):
            return [np.array(attribute_value(attribute), np.float32)]
    return None


def type_of(values: np.ndarray[Any, Any]) -> int:
    """Return ONNX's number of an array's data type; 1 (float) for one that ONNX does not have."""
    from onnx import helper

    try:
        return int(helper.np_dtype_to_tensor_dtype(values.dtype))
    except (KeyError, ValueError, TypeError):
        return 1


def attribute_value(attribute: onnx.AttributeProto) -> Any:
    """Return an attribute's value, its bytes decoded to text."""
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "__len__") and not isinstance(value, str) and not hasattr(value, "DESCRIPTOR"):
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]
    return value

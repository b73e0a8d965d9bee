"""Shapes of an ONNX node's outputs, by the onnx package's inference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ChipgymError, shorten
from .importing.writer import check_shape

if TYPE_CHECKING:
    import onnx

    from .onnx_graph import Graph

#: Quantisers of QONNX (https://github.com/fastmachinelearning/qonnx), which the onnx package does not know: they round
#: their first input, and leave its shape and what it costs to carry alone.
QUANTISERS = ("Quant", "BipolarQuant", "Trunc", "IntQuant", "FloatQuant")
QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")


def inferred(graph: Graph, node: onnx.NodeProto, where: str) -> tuple[tuple[int, ...], ...]:
    """Infer the shapes of a node's outputs, all known.

    Raises:
        ChipgymError: they are open or contradictory.
    """
    import onnx

    shapes = try_inferred(graph, node, where)
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


def _is_equation(node: onnx.NodeProto) -> bool:
    """Tell whether an einsum's equation is one: of others the onnx package's inference may never end."""
    text = b"".join(a.s for a in node.attribute if a.name == "equation").decode("utf-8", "replace").replace(" ", "")
    terms = text.split("->", 1)[0].split(",")
    result = text.split("->", 1)[1:]
    whole = all(re.fullmatch(r"[A-Za-z]*(\.{3})?[A-Za-z]*", term) for term in (*terms, *result))
    return whole and len(terms) == len(node.input)


def try_inferred(graph: Graph, node: onnx.NodeProto, where: str = "") -> tuple[tuple[int, ...], ...] | None:
    """Infer the shapes of a node's outputs, or return None where they are not known or are open.

    Raises:
        ChipgymError: they are contradictory and there is a `where` for the message to begin with; None without one.
    """
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
    if node.op_type == "Einsum" and not _is_equation(node):
        if not where:
            return None
        raise ChipgymError(f"{where}: its equation is not letters, commas, ellipses and an arrow for its inputs")
    types = {
        label: helper.make_tensor_type_proto(graph.types.get(label, 1), graph.tensors[label].shape) for label in labels
    }
    data = {}
    for label in labels:
        values = graph.tensors[label].values
        if values is not None and values.dtype.kind in "iufb":
            data[label] = numpy_helper.from_array(np.array(values, order="C"), label)
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

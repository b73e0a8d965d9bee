"""Small ONNX models for tests, written with `onnx.helper`."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name, *shape, kind=np.float32):
    return numpy_helper.from_array(np.zeros(shape, kind), name)


def values(name, numbers, kind=np.int64):
    return numpy_helper.from_array(np.array(numbers, kind), name)


def node(op, inputs, outputs="y", **attributes):
    """A node named after its first output."""
    outputs = [outputs] if isinstance(outputs, str) else outputs
    inputs = inputs.split() if isinstance(inputs, str) else inputs
    return helper.make_node(op, ["" if i == "-" else i for i in inputs], outputs, name=outputs[0], **attributes)


def model(nodes, inputs, weights=(), outputs=None, opset=17, domains=(), value_info=()):
    """A model whose outputs are those of its last node, or the ones named."""
    named = outputs or list(nodes[-1].output)
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [i if not isinstance(i, tuple) else tensor(*i) for i in inputs],
        [helper.make_empty_tensor_value_info(name) for name in named],
        list(weights),
        value_info=list(value_info),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def saved(path, *args, **kwargs):
    """Where `model(...)` was saved."""
    onnx.save(model(*args, **kwargs), path)
    return path

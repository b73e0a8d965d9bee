"""A network from an ONNX file: what it takes, and where a systolic array spends its time on it."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import chipgym
from chipgym.datasets import Network, load_workload


def small_model(folder: str) -> str:
    """Write a detector's first layers as a training framework would export them: an open batch, height and width."""
    weights = {"w1": (16, 3, 3, 3), "w2": (16, 1, 3, 3), "w3": (32, 16, 1, 1), "w4": (32, 8, 2, 2), "b4": (8,)}
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["stem"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["stem"], ["stem_relu"]),
        helper.make_node("Conv", ["stem_relu", "w2"], ["depthwise"], pads=[1, 1, 1, 1], group=16),
        helper.make_node("Add", ["depthwise", "stem_relu"], ["sum"]),
        helper.make_node("Conv", ["sum", "w3"], ["pointwise"]),
        helper.make_node("ConvTranspose", ["pointwise", "w4", "b4"], ["upsampled"], strides=[2, 2]),
        helper.make_node("Sigmoid", ["upsampled"], ["map"]),
    ]
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_empty_tensor_value_info("map")],
        [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in weights.items()],
    )
    path = Path(folder) / "detector.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return f"{path}:height=320,width=320"


def main() -> None:
    """Print a model's totals, its operators, and its slowest layers on the default design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="an ONNX file, its open dimensions behind it: model.onnx:height=640")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        network = load_workload(arguments.model or small_model(folder))
    assert isinstance(network, Network)
    print(f"{network.name}: {network.macs:,} multiply-accumulates, {network.parameters:,} parameters")
    kinds = Counter(node.op.type_name for node in network.nodes)
    print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    sim = chipgym.make_simulator("systolic", network)
    layers = sim.evaluate_layers({})
    total = layers["latency_s"].sum()
    print(f"{1e3 * total:.3f} ms on the default design, of which")
    for at in np.argsort(-layers["latency_s"])[:5]:
        print(f"  {layers['latency_s'][at] / total:5.1%}  {layers.kinds[at]:16} {layers.names[at]}")


if __name__ == "__main__":
    main()

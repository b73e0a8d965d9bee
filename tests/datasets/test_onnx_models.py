"""ONNX models: operators against hand counts, open dimensions, weights elsewhere, control flow."""

from __future__ import annotations

import runpy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import chipgym
from chipgym.datasets import (
    ConvTranspose2d,
    Elementwise,
    Embedding,
    Generic,
    Linear,
    Network,
    Softmax,
    load_onnx,
    load_workload,
)
from chipgym.errors import ChipgymError

onnx = pytest.importorskip("onnx")
models = pytest.importorskip("onnx_models")
helper, TensorProto = onnx.helper, onnx.TensorProto
model, node, saved, tensor, values, weight = (
    models.model, models.node, models.saved, models.tensor, models.values, models.weight,
)  # fmt: skip


@pytest.fixture
def load(tmp_path):
    def one(nodes, inputs, weights=(), dimensions=None, batch=None, **kwargs):
        path = saved(tmp_path / "model.onnx", nodes, inputs, weights, **kwargs)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return load_onnx(path, dimensions=dimensions, batch=batch)

    return one


def operators(network: Network) -> list[str]:
    return [n.op.type_name for n in network.nodes]


IMAGE = ("x", [1, 4, 9, 7])


@pytest.mark.parametrize(
    ("nodes", "inputs", "weights", "macs", "parameters"),
    [
        # A filter of each of 6 outputs sees the 2 channels of its group, in 3 x 3 taps; output 5 x 4.
        ([node("Conv", "x w b", group=2, strides=[2, 2], pads=[1, 1, 1, 1])], [IMAGE],
         [weight("w", 6, 2, 3, 3), weight("b", 6)],
         6 * 5 * 4 * 2 * 9, 6 * 2 * 9 + 6),
        ([node("Conv", "x w", dilations=[2, 2])], [IMAGE], [weight("w", 6, 4, 3, 3)], 6 * 5 * 3 * 4 * 9, 6 * 4 * 9),
        ([node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], [IMAGE], [weight("w", 6, 4, 4, 4)],
         6 * 5 * 4 * 4 * 16, 6 * 4 * 16),
        # One axis: length 10, 3 taps, stride 2: 4 outputs; several sequences are rows of one image.
        ([node("Conv", "x w", strides=[2])], [("x", [1, 4, 10])], [weight("w", 6, 4, 3)], 6 * 4 * 4 * 3, 72),
        ([node("Conv", "x w", strides=[2])], [("x", [5, 4, 10])], [weight("w", 6, 4, 3)], 5 * 6 * 4 * 4 * 3, 72),
        # Three axes of one tap each, and several images of one tap.
        ([node("Conv", "x w")], [("x", [1, 4, 3, 5, 2])], [weight("w", 6, 4, 1, 1, 1)], 30 * 24, 24),
        ([node("Conv", "x w")], [("x", [3, 4, 5, 2])], [weight("w", 6, 4, 1, 1)], 30 * 24, 24),
        # Every input element meets 3 filters of its group (6 outputs, 2 groups), each of 2 x 2 taps.
        ([node("ConvTranspose", "x w b", group=2, strides=[2, 2])], [IMAGE], [weight("w", 4, 3, 2, 2), weight("b", 6)],
         4 * 9 * 7 * 3 * 4, 4 * 3 * 4 + 6),
        ([node("ConvTranspose", "x w", strides=[2, 2], pads=[1, 0, 0, 1], output_padding=[1, 1])], [IMAGE],
         [weight("w", 4, 3, 3, 3)], 4 * 63 * 3 * 9, 4 * 3 * 9),
        ([node("ConvTranspose", "x w", strides=[2])], [("x", [1, 4, 10])], [weight("w", 4, 3, 4)], 4 * 10 * 3 * 4, 48),
        ([node("Gemm", "x w b", transB=1)], [("x", [1, 8])], [weight("w", 5, 8), weight("b", 5)], 40, 45),
        ([node("Gemm", "x w", transA=1)], [("x", [8, 3])], [weight("w", 8, 5)], 120, 40),
        ([node("Gemm", "x z", transB=1)], [("x", [3, 8]), ("z", [5, 8])], [], 120, 0),
        ([node("MatMul", "x w")], [("x", [1, 6, 8])], [weight("w", 8, 5)], 240, 40),
        ([node("MatMul", "x w")], [("x", [1, 6, 8])], [weight("w", 1, 8, 5)], 240, 40),
        ([node("MatMul", "x w")], [("x", [1, 2, 6, 8])], [weight("w", 2, 8, 5)], 480, 80),
        ([node("MatMul", "w x")], [("x", [1, 8, 6])], [weight("w", 5, 8)], 240, 40),
        ([node("MatMul", "x z")], [("x", [1, 2, 6, 8]), ("z", [1, 2, 8, 5])], [], 480, 0),
        ([node("MatMul", "x z")], [("x", [1, 2, 6, 8]), ("z", [8, 5])], [], 480, 0),
        ([node("MatMul", "x z")], [("x", [1, 1, 6, 8]), ("z", [1, 3, 8, 5])], [], 720, 0),
        ([node("MatMul", "x z")], [("x", [8]), ("z", [1, 8, 5])], [], 40, 0),
        ([node("MatMul", "x z")], [("x", [2, 6, 8]), ("z", [8])], [], 96, 0),
        ([node("Einsum", "x z", equation="bhqd,bhkd->bhqk")], [("x", [1, 2, 6, 8]), ("z", [1, 2, 5, 8])], [], 480, 0),
        ([node("Einsum", "x w", equation="bsd,dhe->bshe")], [("x", [1, 6, 8])], [weight("w", 8, 2, 3)], 6 * 8 * 6, 48),
        ([node("QLinearConv", "x s z w s z s z b")], [tensor("x", [1, 4, 9, 7], TensorProto.UINT8)],
         [weight("w", 6, 4, 3, 3, kind=np.uint8), weight("s"), weight("z", kind=np.uint8),
          weight("b", 6, kind=np.int32)],
         6 * 7 * 5 * 36, 6 * 36 + 6),
        ([node("MatMulInteger", "x w")], [tensor("x", [1, 6, 8], TensorProto.UINT8)], [weight("w", 8, 5, kind=np.int8)],
         240, 40),
        # A weight that is dequantised, converted or transposed stays one.
        ([node("DequantizeLinear", "q s z", "d"), node("Transpose", "d", "t", perm=[1, 0]), node("MatMul", "x t")],
         [("x", [1, 6, 8])], [weight("q", 5, 8, kind=np.int8), weight("s"), weight("z", kind=np.int8)], 240, 40),
        # Four steps of an LSTM: input 3, hidden 5, four gates, and two biases each.
        ([node("LSTM", "x w r b", ["y", "h", "c"], hidden_size=5)], [("x", [4, 1, 3])],
         [weight("w", 1, 20, 3), weight("r", 1, 20, 5), weight("b", 1, 40)], 4 * 20 * 8, 20 * 8 + 40),
        ([node("GRU", "x w r - - h", ["y"], hidden_size=5, direction="bidirectional")],
         [("x", [4, 1, 3]), ("h", [2, 1, 5])],
         [weight("w", 2, 15, 3), weight("r", 2, 15, 5)], 2 * 4 * 15 * 8, 2 * 15 * 8),
        ([node("RNN", "x w r", ["y"], hidden_size=5, direction="reverse")], [("x", [4, 1, 3])],
         [weight("w", 1, 5, 3), weight("r", 1, 5, 5)], 4 * 5 * 8, 40),
        ([node("BatchNormalization", "x s b m v")], [IMAGE], [weight(i, 4) for i in "sbmv"], 0, 8),
        ([node("InstanceNormalization", "x s b")], [IMAGE], [weight("s", 4), weight("b", 4)], 0, 8),
        ([node("LayerNormalization", "x s b")], [("x", [1, 6, 8])], [weight("s", 8), weight("b", 8)], 0, 16),
        ([node("LayerNormalization", "x s b", axis=1)], [("x", [1, 6, 8])],
         [weight("s", 6, 8), weight("b", 6, 8)], 0, 96),
        # What follows an integer product's weight are zero points, no biases.
        ([node("ConvInteger", "x w z q")], [tensor("x", [1, 4, 9, 7], TensorProto.UINT8)],
         [weight("w", 6, 4, 3, 3, kind=np.uint8), weight("z", kind=np.uint8), weight("q", 6, kind=np.uint8)],
         6 * 7 * 5 * 36, 6 * 36),
        ([node("MatMulInteger", "x w z q")], [tensor("x", [1, 6, 8], TensorProto.UINT8)],
         [weight("w", 8, 5, kind=np.int8), weight("z", kind=np.uint8), weight("q", 5, kind=np.int8)], 240, 40),
        ([node("QLinearMatMul", "x s z w s q s z")], [tensor("x", [1, 6, 8], TensorProto.UINT8)],
         [weight("w", 8, 5, kind=np.uint8), weight("s"), weight("z", kind=np.uint8), weight("q", kind=np.uint8)],
         240, 40),
        ([helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], name="y", domain="com.microsoft", K=64, N=5, bits=4,
                           block_size=32)], [("x", [1, 6, 64])],
         [weight("w", 5, 2, 16, kind=np.uint8), weight("s", 10)], 6 * 64 * 5, 64 * 5),
        # Peepholes: three gates see the memory through a weight of their own for each element.
        ([node("LSTM", "x w r b - - - p", ["y", "h", "c"], hidden_size=32)], [("x", [4, 1, 3])],
         [weight("w", 1, 128, 3), weight("r", 1, 128, 32), weight("b", 1, 256), weight("p", 1, 96)],
         4 * 128 * 35, 128 * 35 + 256 + 96),
        ([node("LSTM", "x w r - - - - p", ["y"], hidden_size=8, direction="bidirectional")], [("x", [4, 2, 3])],
         [weight("w", 2, 32, 3), weight("r", 2, 32, 8), weight("p", 2, 24)], 2 * 2 * 4 * 32 * 11, 2 * (32 * 11 + 24)),
        # Several sequences side by side, and with a layout that has them first.
        ([node("LSTM", "x w r", ["y"], hidden_size=5)], [("x", [4, 2, 3])],
         [weight("w", 1, 20, 3), weight("r", 1, 20, 5)], 2 * 4 * 20 * 8, 160),
        ([node("GRU", "x w r - - h", ["y"], hidden_size=5, layout=1)], [("x", [2, 4, 3]), ("h", [2, 1, 5])],
         [weight("w", 1, 15, 3), weight("r", 1, 15, 5)], 2 * 4 * 15 * 8, 120),
        # Several images, a video, one frame at a time and several.
        ([node("Conv", "x w b")], [("x", [3, 4, 9, 7])], [weight("w", 6, 4, 3, 3), weight("b", 6)],
         3 * 6 * 7 * 5 * 36, 6 * 36 + 6),
        ([node("Conv", "x w")], [("x", [1, 4, 8, 9, 7])], [weight("w", 6, 4, 1, 3, 3)], 8 * 6 * 7 * 5 * 36, 6 * 36),
        ([node("Conv", "x w", group=2, strides=[2, 1, 1], pads=[1, 0, 0, 1, 0, 0])], [("x", [1, 4, 8, 9, 7])],
         [weight("w", 6, 2, 3, 3, 3)], 4 * 6 * 7 * 5 * 2 * 27, 6 * 2 * 27),
        ([node("Conv", "x w")], [("x", [2, 4, 8, 9, 7])], [weight("w", 6, 4, 3, 1, 1)], 2 * 6 * 63 * 6 * 12, 6 * 12),
        ([node("ConvTranspose", "x w b", strides=[2, 2, 2])], [("x", [1, 4, 3, 5, 2])],
         [weight("w", 4, 6, 3, 3, 3), weight("b", 6)], 4 * 30 * 6 * 27, 4 * 6 * 27 + 6),
        # An ellipsis, no arrow, three tensors, an axis of one tensor alone.
        ([node("Einsum", "x z", equation="...i,...i->...")], [("x", [2, 5]), ("z", [2, 5])], [], 10, 0),
        ([node("Einsum", "x z", equation="bij,jk")], [("x", [1, 6, 8]), ("z", [8, 5])], [], 240, 0),
        ([node("Einsum", "x w", equation="...i,ij")], [("x", [1, 6, 8])], [weight("w", 8, 5)], 240, 40),
        ([node("Einsum", "x z u", equation="ij,jk,kl->il")], [("x", [2, 3]), ("z", [3, 4]), ("u", [4, 5])], [],
         2 * 3 * 4 + 2 * 4 * 5, 0),
        ([node("Einsum", "x z", equation="ij,kl->ik")], [("x", [2, 3]), ("z", [4, 5])], [], 8, 0),
        ([node("Einsum", "x", equation="ij->j")], [("x", [4, 3])], [], 0, 0),
        # Weights that several nodes have count once, each by itself.
        ([node("Conv", "x w b", "a", pads=[1] * 4), node("Conv", "a w b", pads=[1] * 4)], [IMAGE],
         [weight("w", 4, 4, 3, 3), weight("b", 4)], 2 * 63 * 4 * 36, 148),
        ([node("Gemm", "x w b", "a"), node("Gemm", "a v b")], [("x", [1, 4])],
         [weight("w", 4, 4), weight("v", 4, 4), weight("b", 4)], 32, 36),
        ([node("LayerNormalization", "x s b", "a"), node("LayerNormalization", "a s c")], [("x", [1, 6, 8])],
         [weight("s", 8), weight("b", 8), weight("c", 8)], 0, 24),
        ([node("LayerNormalization", "x s")], [("x", [1, 6, 8])], [weight("s", 8)], 0, 8),
        ([node("Slice", "w o f", "p"), node("Slice", "w f e", "q"), node("MatMul", "x p", "a"),
          node("MatMul", "x q", "c"), node("Add", "a c")], [("x", [1, 4])],
         [weight("w", 8, 4), values("o", [0]), values("f", [4]), values("e", [8])], 32, 32),
        # A position embedding is a tensor that is read, a scale per channel passes by.
        ([node("Add", "x p")], [("x", [1, 6, 8])], [weight("p", 6, 8)], 0, 48),
        ([node("Mul", "x p")], [IMAGE], [weight("p", 4, 1, 1)], 0, 0),
    ],
)  # fmt: skip
def test_work_and_parameters_of_operators(load, nodes, inputs, weights, macs, parameters):
    network = load(nodes, inputs, weights, opset=17 if nodes[0].domain == "" else 21, domains=["com.microsoft"])
    assert (network.macs, network.parameters) == (macs, parameters)
    moved = {n.op.kind for n in network.nodes if isinstance(n.op, Generic)}
    assert moved <= {"Expand", "Unfold", "Fold"}


@pytest.mark.parametrize(
    ("nodes", "inputs", "weights", "shape", "expected"),
    [
        ([node("Softmax", "x", axis=1)], [IMAGE], [], (4, 9, 7), ["Input", "Transpose", "Softmax", "Transpose"]),
        ([node("GlobalAveragePool", "x")], [IMAGE], [], (4, 1, 1), ["Input", "Pool2d"]),
        ([node("ReduceMean", "x", axes=[2, 3], keepdims=0)], [IMAGE], [], (4, 1, 1), ["Input", "Pool2d"]),
        ([node("ReduceMax", "x", axes=[1])], [IMAGE], [], (63, 1, 1), ["Input", "Transpose", "Reshape", "Pool2d"]),
        ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], [IMAGE], [], (4, 4, 3),
         ["Input", "Pool2d"]),
        ([node("Slice", "x a b c d")], [IMAGE],
         [values("a", [1, -3]), values("b", [2**62, 2**62]), values("c", [2, 1]), values("d", [1, 1])],
         (3, 8, 7), ["Input", "Slice", "Slice"]),
        ([node("Split", "x", ["a", "b"], axis=1), node("Concat", "b a", axis=2)], [IMAGE], [], (2, 18, 7),
         ["Input", "Slice", "Slice", "Concat"]),
        ([node("Gather", "x i", axis=2)], [IMAGE], [values("i", 3)], (4, 1, 7), ["Input", "Slice"]),
        ([node("Gather", "x i", axis=2)], [IMAGE], [values("i", [5, 1])], (4, 2, 7), ["Input", "Generic"]),
        ([node("Gather", "w i")], [tensor("i", [1, 6], TensorProto.INT64)], [weight("w", 50, 8)], (6, 8),
         ["Input", "Embedding"]),
        ([node("Gather", "w i")], [tensor("i", [1, 6], TensorProto.INT64)], [weight("w", 50, 2, 4)], (6, 8),
         ["Input", "Embedding"]),
        ([node("DepthToSpace", "x", blocksize=2)], [IMAGE], [], (1, 18, 14),
         ["Input", "Reshape", "Transpose", "Reshape"]),
        ([node("Resize", "x - s", mode="nearest")], [IMAGE], [values("s", [1, 1, 2, 2], np.float32)], (4, 18, 14),
         ["Input", "Generic"]),
        ([node("Clip", "x a b")], [IMAGE], [values("a", 0, np.float32), values("b", 6, np.float32)], (4, 9, 7),
         ["Input", "Elementwise"]),
        ([node("Dropout", "x")], [IMAGE], [], (4, 9, 7), ["Input"]),
        # Positions that a model counts itself, from scalars and from its input's length.
        ([node("Shape", "x", "s", start=2, end=3), node("Squeeze", "s", "n"), node("Range", "zero n one", "i"),
          node("Gather", "p i", "e"), node("Add", "x e")], [IMAGE],
         [values("zero", 0), values("one", 1), weight("p", 20, 1)], (4, 9, 7), None),
        # A flatten to a shape that the model computes from its input's shape.
        ([node("Shape", "x", "s", end=1), node("Concat", "s m", "t", axis=0), node("Reshape", "x t")], [IMAGE],
         [values("m", [-1])], (252,), ["Input", "Reshape"]),
        ([node("Where", "c x z")], [tensor("c", [1, 8], TensorProto.BOOL), ("x", [1, 8]), ("z", [1, 8])], [], (8,),
         ["Input", "Input", "Input", "Generic"]),
    ],
)  # fmt: skip
def test_shapes_and_operators(load, nodes, inputs, weights, shape, expected):
    network = load(nodes, inputs, weights)
    assert network.outputs[-1].shape == shape
    assert expected is None or operators(network) == expected


def test_old_softmax_is_over_everything_from_its_axis_on(load):
    network = load([node("Softmax", "x")], [IMAGE], opset=11)
    softmax = next(n for n in network.nodes if isinstance(n.op, Softmax))
    assert softmax.shape == (252,)


def test_a_bias_joins_the_product_that_it_alone_follows(load):
    weights = [weight("w", 8, 5), weight("b", 5), weight("f", 6, 4, 3, 3), weight("g", 1, 6, 1, 1)]
    network = load(
        [node("MatMul", "x w", "m"), node("Add", "b m", "y"), node("Relu", "y", "z")], [("x", [1, 6, 8])], weights
    )
    assert operators(network) == ["Input", "Linear", "Elementwise"]
    assert network.parameters == 45
    network = load([node("Conv", "x f", "m"), node("Add", "m g", "y")], [IMAGE], weights)
    assert (operators(network), network.parameters) == (["Input", "Conv2d"], 6 * 4 * 9 + 6)
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b", "y"), node("Mul", "y m", "z")]
    network = load(nodes, [("x", [1, 6, 8])], weights)
    assert network.parameters == 40


@pytest.mark.parametrize(
    ("nodes", "functions"),
    [
        ([node("Sigmoid", "x", "s"), node("Mul", "x s")], ["silu"]),
        ([node("HardSigmoid", "x", "s"), node("Mul", "s x")], ["hardswish"]),
        ([node("Add", "x c", "a"), node("Clip", "a z six", "b"), node("Mul", "x b", "m"), node("Div", "m six")],
         ["hardswish", "scale"]),
        ([node("Div", "x c", "a"), node("Erf", "a", "b"), node("Add", "b c", "d"), node("Mul", "x d", "m"),
          node("Mul", "m c")], ["gelu", "scale"]),
        ([node("Mul", "x c", "h"), node("Div", "x c", "a"), node("Erf", "a", "b"), node("Add", "b c", "d"),
          node("Mul", "h d")], ["gelu"]),
        ([node("Softplus", "x", "a"), node("Tanh", "a", "b"), node("Mul", "x b")], ["mish"]),
        # A gate that others read stays; one of another tensor, or of another function, is a product.
        ([node("Sigmoid", "x", "s"), node("Mul", "x s", "m"), node("Add", "m s")], ["sigmoid", "silu", "add"]),
        ([node("Relu", "x", "r"), node("Sigmoid", "x", "s"), node("Mul", "r s")], ["relu", "sigmoid", "mul"]),
        ([node("Exp", "x", "s"), node("Mul", "x s")], ["exp", "mul"]),
        ([node("Mul", "x x")], ["mul"]),
    ],
)  # fmt: skip
def test_activation_functions_written_out_are_recognised(load, nodes, functions):
    constants = [values(name, number, np.float32) for name, number in (("c", 3), ("z", 0), ("six", 6))]
    network = load(nodes, [("x", [1, 6, 8])], constants)
    assert [n.op.function for n in network.nodes if isinstance(n.op, Elementwise)] == functions
    assert {n.shape for n in network.nodes} == {(6, 8)}


@pytest.mark.parametrize("square", ["Pow", "Mul"])
def test_layer_normalisation_written_out_is_recognised(load, square):
    def nodes(centred="d"):
        return [
            node("ReduceMean", "x", "m", axes=[-1]), node("Sub", "x m", "d"),
            node("Pow", f"{centred} two", "q") if square == "Pow" else node("Mul", f"{centred} {centred}", "q"),
            node("ReduceMean", "q", "v", axes=[-1]), node("Add", "v e", "w"), node("Sqrt", "w", "r"),
            node("Div", "d r", "n"), node("Mul", "n g", "k"), node("Add", "k g"),
        ]  # fmt: skip

    constants = [values("two", 2, np.float32), values("e", 1e-5, np.float32), weight("g", 8)]
    network = load(nodes(), [("x", [1, 6, 8])], constants)
    assert operators(network) == ["Input", "Normalization", "Elementwise", "Elementwise"]
    assert operators(load(nodes("x"), [("x", [1, 6, 8])], constants)).count("Normalization") == 0


def test_parts_of_one_weight_are_told_apart(load):
    nodes = [
        node("Slice", "p zero two zero", "a"), node("Slice", "p zero three zero", "b"),
        node("Add", "x a", "c"), node("Add", "z b", "d"), node("Concat", "c d", axis=1),
    ]  # fmt: skip
    weights = [weight("p", 50, 400), values("zero", [0]), values("two", [2]), values("three", [3])]
    network = load(nodes, [("x", [1, 2, 400]), ("z", [1, 3, 400])], weights)
    assert network.outputs[0].shape == (5, 400)
    assert sorted(n.shape for n in network.nodes if n.op.type_name == "LearnedTensor") == [(2, 400), (3, 400)]


def test_attention_is_products_and_a_softmax(load):
    inputs = [("q", [1, 4, 6, 8]), ("k", [1, 2, 10, 8]), ("v", [1, 2, 10, 5])]
    network = load([node("Attention", "q k v", is_causal=1)], inputs, opset=23)
    assert network.macs == 4 * 6 * 10 * (8 + 5)
    assert [n.op.type_name for n in network.matrix_nodes] == ["MatMul", "MatMul"]
    assert network.outputs[-1].shape == (4, 6, 5)
    assert network.node("y.softmax").shape[-1] == 10
    flat = load(
        [node("Attention", "q k v", q_num_heads=4, kv_num_heads=2)],
        [("q", [1, 6, 32]), ("k", [1, 10, 16]), ("v", [1, 10, 10])], opset=23,
    )  # fmt: skip
    assert flat.macs == network.macs


def test_attention_reads_what_was_read_before(load):
    inputs = [("q", [1, 4, 1, 8]), *((name, [1, 2, 1, 8]) for name in "kv"), *((name, [1, 2, 9, 8]) for name in "st")]
    network = load([node("Attention", "q k v - s t", ["y", "keys", "values"])], inputs, opset=23,
                   outputs=["y", "keys", "values"])  # fmt: skip
    assert network.macs == 4 * 1 * 10 * (8 + 8)
    assert sorted(n.shape for n in network.nodes if n.op.type_name == "Concat") == [(2, 10, 8), (2, 10, 8)]


def test_a_time_first_recurrent_layer_loads_as_its_hint_says(load):
    weights = [weight("w", 1, 20, 3), weight("r", 1, 20, 5)]
    layer = [node("LSTM", "x w r", ["y"], hidden_size=5)]
    with pytest.raises(ChipgymError, match=r"seq \(input x, axis 0\) must be set, as in \S+:seq=128$"):
        load(layer, [("x", ["seq", "batch", 3])], weights)
    for names, batch in (("seq", "batch"), ("T", "N"), ("steps", "batch_size")):
        network = load(layer, [("x", [names, batch, 3])], weights, {names: 7}, batch=2)
        assert (network.batch, network.macs, network.parameters) == (2, 2 * 7 * 20 * 8, 160)
    # A second axis of another name is of sequences within one sample.
    with pytest.raises(ChipgymError, match=r"as in \S+:seq=128,width=128$"):
        load(layer, [("x", ["seq", "width", 3])], weights)
    assert load(layer, [("x", ["seq", "width", 3])], weights, {"seq": 7, "width": 2}).macs == 2 * 7 * 20 * 8


def test_a_fixed_batch_is_images_of_one_sample(load):
    nodes = [node("Conv", "x w b", "c"), node("BatchNormalization", "c s b s s", "n"), node("Relu", "n", "r"),
             node("GlobalAveragePool", "r", "g"), node("Flatten", "g", "f"), node("Gemm", "f v")]  # fmt: skip
    weights = [weight("w", 6, 3, 3, 3), weight("b", 6), weight("s", 6), weight("v", 6, 10)]
    one, four = (load(nodes, [("x", [n, 3, 8, 8])], weights) for n in (1, 4))
    assert (four.macs, four.parameters) == (4 * one.macs, one.parameters)
    costs = [chipgym.make_simulator("systolic", n).evaluate([{}])["cycles"] for n in (four, one.with_batch(4))]
    assert costs[0] >= costs[1]  # the same products; normalisation over several images moves words besides


def test_a_weight_used_twice_counts_once(load):
    """The embedding of a language model is its output layer too."""
    ids = tensor("i", [1, 6], TensorProto.INT64)
    nodes = [node("Gather", "w i", "e"), node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "e t")]
    network = load(nodes, [ids], [weight("w", 50, 8)])
    assert network.parameters == 400
    head = network.matrix_nodes[0]
    assert isinstance(head.op, Linear)
    assert isinstance(network.node("e").op, Embedding)
    assert (network.node_parameters("e"), network.node_parameters(head)) == (400, 0)


def test_the_batch_is_not_in_the_shapes(load):
    w = weight("w", 6, 4, 3, 3)
    for first in ("batch", "N", "unk__214", None, "batch_size"):
        network = load([node("Conv", "x w")], [("x", [first, 4, 9, 7])], [w], batch=3)
        assert (network.batch, network.macs) == (3, 3 * 6 * 7 * 5 * 36)
        assert network.inputs[0].shape == (4, 9, 7)
    for dimensions in ({"batch": 3}, {"x": (3, 4, 9, 7)}):
        assert load([node("Conv", "x w")], [("x", ["batch", 4, 9, 7])], [w], dimensions).batch == 3
    # Of the same name, also on another axis.
    inputs = [("x", ["batch", 4, 9, 7]), ("h", [2, "batch", 8])]
    network = load([node("Conv", "x w"), node("Relu", "h", "z")], inputs, [w], {"batch": 2}, outputs=["y", "z"])
    assert (network.batch, network.inputs[1].shape) == (2, (2, 1, 8))
    with pytest.raises(ChipgymError, match=r"batch: 2 was given, and 3 by the dimensions"):
        load([node("Conv", "x w")], [("x", ["batch", 4, 9, 7])], [w], {"batch": 3}, batch=2)


OPEN = ([node("Relu", "x")], [("x", ["batch", 3, "height", "width"])])


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        (None, r"height \(input x, axis 2\), width \(input x, axis 3\) must be set, as in \S+:height=128,width=128$"),
        ({"height": 8}, r": width \(input x, axis 3\) must be set, as in \S+.onnx:width=128$"),
        ({"hight": 8}, r"dimension 'hight' is not one of the model's; did you mean 'height'\? \(known: batch, height"),
        ({"height": (8, 8), "width": 8}, r"dimension 'height': expected one number, got \(8, 8\)"),
        ({"x": 8}, "input 'x': expected a shape of 4 numbers, got 8"),
        ({"x": (1, 3, 8)}, r"input 'x' has 4 axes, got the shape \(1, 3, 8\)"),
        ({"x": (1, 4, 8, 8)}, "input 'x': axis 1 is fixed to 3, not 4"),
        ({"height": 0, "width": 8}, "dimension height: expected an integer from 1"),
        ({"height": 2**40, "width": 8}, "dimension 'height': expected an integer from 0"),
        ({"height": "8", "width": 8}, "dimension 'height': expected a"),
    ],
)
def test_open_dimensions_must_be_set_and_fit(load, dimensions, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        load(*OPEN, dimensions=dimensions)
    assert "\n" not in str(caught.value)


def test_open_dimensions_behind_the_name(tmp_path):
    path = saved(tmp_path / "open.onnx", *OPEN)
    network = load_workload(f"{path}:height=8,width=4", batch=2)
    assert (network.inputs[0].shape, network.batch) == ((3, 8, 4), 2)
    assert network.name == "open:height=8,width=4"
    assert load_workload(f"{path}:x=1x3x8x4").digest == network.with_batch(1).digest
    with pytest.raises(ChipgymError, match="'height=a' is not of the form"):
        load_workload(f"{path}:height=a")


def test_an_axis_with_a_name_of_its_own_is_no_batch(load):
    with pytest.raises(ChipgymError, match=r"sequence_length \(input x, axis 0\)"):
        load([node("Relu", "x")], [("x", ["sequence_length", 8])])
    assert load([node("Relu", "x")], [("x", ["sequence_length", 8])], dimensions={"sequence_length": 4}).inputs[
        0
    ].shape == (4, 8)


def test_weights_elsewhere_are_not_needed(tmp_path):
    path = tmp_path / "big.onnx"
    made = model([node("Conv", "x w")], [IMAGE], [weight("w", 6, 4, 3, 3)])
    onnx.save(made, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    assert load_onnx(path).macs == 6 * 7 * 5 * 36


def test_a_shape_elsewhere_is_read_or_named(tmp_path):
    path = tmp_path / "big.onnx"
    made = model([node("Reshape", "x s")], [IMAGE], [values("s", [1, -1])])
    onnx.save(made, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert load_onnx(path).outputs[0].shape == (252,)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(
        ChipgymError, match=r"Reshape node 'y': the shape of its output is not known: 's' is in 'weights.bin'"
    ):
        load_onnx(path)


def branches(then, otherwise):
    def graph(nodes, name):
        return helper.make_graph(nodes, name, [], [helper.make_empty_tensor_value_info(nodes[-1].output[0])])

    return {"then_branch": graph([then], "then"), "else_branch": graph([otherwise], "else")}


def test_a_branch_whose_condition_is_known_is_taken(load):
    choice = branches(node("MatMul", "x w", "a"), node("Relu", "x", "b"))
    nodes = [node("Equal", "rate k", "is16k"), node("If", "is16k", "y", **choice)]
    inputs = [("x", [1, 6, 8]), tensor("rate", [], TensorProto.INT64)]
    weights = [weight("w", 8, 5), values("k", 16000)]
    assert load(nodes, inputs, weights, {"rate": 16000}).macs == 240
    assert load(nodes, inputs, weights, {"rate": 8000}).macs == 0
    with pytest.raises(ChipgymError, match=r"If node 'y': control flow is not supported unless .* model.onnx:sr=16000"):
        load(nodes, inputs, weights)


def test_a_loop_is_refused(load):
    body = helper.make_graph(
        [node("Identity", "c", "d")], "body", [tensor("i", [], 7), tensor("c", [], 9)], [tensor("d", [], 9)]
    )
    with pytest.raises(ChipgymError, match="Loop node 'y': control flow"):
        load([node("Loop", "n c x", body=body)], [("x", [1, 8]), tensor("n", [], 7), tensor("c", [], 9)])


def test_functions_of_the_model_are_resolved(tmp_path):
    square = helper.make_function("mine", "Twice", ["a", "w"], ["b"], [helper.make_node("MatMul", ["a", "w"], ["b"])],
                                  [helper.make_opsetid("", 17)])  # fmt: skip
    nodes = [
        helper.make_node("Twice", ["x", "w"], ["m"], domain="mine"),
        helper.make_node("Twice", ["m", "w"], ["y"], domain="mine"),
    ]
    made = model(nodes, [("x", [1, 6, 8])], [weight("w", 8, 8)], domains=["mine"])
    made.functions.append(square)
    onnx.save(made, tmp_path / "functions.onnx")
    network = load_onnx(tmp_path / "functions.onnx")
    assert (network.macs, network.parameters) == (2 * 6 * 64, 64)  # the second shares the first's weight


def test_quantisers_of_qonnx_are_passed_through(load):
    """Of weights and of activations: what remains is the network without them."""
    custom = {"domains": ["qonnx.custom_op.general"]}
    scale, zero, bits = (values(name, number, np.float32) for name, number in (("s", 0.5), ("z", 0.0), ("b", 6.0)))

    def quant(x, y):
        return helper.make_node("Quant", [x, "s", "z", "b"], [y], name=y, domain="qonnx.custom_op.general", signed=1)

    nodes = [
        quant("x", "xq"), quant("w1", "w1q"), node("Conv", "xq w1q", "c"), node("Relu", "c", "r"),
        helper.make_node("BipolarQuant", ["r", "s"], ["rq"], name="rq", domain="qonnx.custom_op.general"),
        node("Flatten", "rq", "f"), quant("w2", "w2q"), node("MatMul", "f w2q", "y"),
    ]  # fmt: skip
    plain = [node("Conv", "x w1", "c"), node("Relu", "c", "r"), node("Flatten", "r", "f"), node("MatMul", "f w2", "y")]
    weights = [weight("w1", 4, 2, 3, 3), weight("w2", 64, 10)]
    quantised = load(nodes, [("x", [1, 2, 6, 6])], [*weights, scale, zero, bits], **custom)
    expected = load(plain, [("x", [1, 2, 6, 6])], weights)
    assert (quantised.macs, quantised.parameters) == (expected.macs, expected.parameters) == (16 * 72 + 640, 72 + 640)
    kinds = [[type(n.op).__name__ for n in network.nodes] for network in (quantised, expected)]
    assert kinds[0] == kinds[1]
    sim = chipgym.make_simulator("hls4ml", quantised)
    assert [(layer.n_in, layer.n_out) for layer in sim.network.matrix_layers] == [(18, 4), (64, 10)]


def test_an_operator_that_is_not_known_is_refused_unless_the_user_says_otherwise(tmp_path):
    odd = helper.make_node("Sparkle", ["x"], ["y"], name="odd", domain="their.own")
    path = saved(tmp_path / "odd.onnx", [odd, node("Relu", "y", "z")], [("x", [1, 8])], domains=["their.own"],
                 value_info=[tensor("y", [1, 16])])  # fmt: skip
    message = r"file 'odd.onnx': Sparkle node 'odd': .* not known; as_traffic=\['Sparkle'\] in Python"
    with pytest.raises(ChipgymError, match=message):
        load_onnx(path)
    with pytest.raises(ChipgymError, match=message):
        load_onnx(path, as_traffic=["Twinkle"])
    with pytest.raises(ChipgymError, match="as_traffic: expected a list of operators' names, got 'Sparkle'"):
        load_onnx(path, as_traffic="Sparkle")
    with pytest.warns(UserWarning, match=r"file 'odd.onnx': .* memory traffic alone: Sparkle \(node 'odd'\)"):
        network = load_onnx(path, as_traffic=["Sparkle"])
    assert network.node("odd").op == Generic("Sparkle", (16,))


@pytest.mark.parametrize(
    ("nodes", "inputs", "kwargs", "message"),
    [
        ([helper.make_node("Sparkle", ["x"], ["y"], name="odd", domain="their.own")], [("x", [1, 8])],
         {"domains": ["their.own"]},
         "Sparkle node 'odd': .* no operator of domain 'their.own' of that name .* the file does not state the shape"),
        ([helper.make_node("FusedConvX", ["x"], ["y"], name="odd", domain="their.own")], [("x", [1, 8])],
         {"domains": ["their.own"], "outputs": ["y"], "value_info": [tensor("y", [1, 8])]},
         "FusedConvX node 'odd': the operation is not one of those known here"),
        ([node("NonZero", "x")], [("x", [1, 8])], {},
         "NonZero node 'y': the shape of its output is not known before the model runs"),
        ([node("TopK", "x k", ["y", "i"])], [("x", [1, 8])], {"weights": [values("k", [2])]},
         "TopK node 'y': the operation is not one of those known"),
        ([node("Conv", "x w")], [("x", [1, 4, 9, 9]), ("w", [6, 4, 3, 3])], {}, "its weight is computed while"),
        ([node("Conv", "x w")], [("x", [1, 2, 5, 5, 5, 5])], {"weights": [weight("w", 6, 2, 3, 3, 3, 3)]},
         "node 'y': a convolution over 4 axes is not supported, at most 3"),
        ([node("Conv", "x w")], [("x", [1, 5, 9, 9])], {"weights": [weight("w", 6, 4, 3, 3)]},
         r"weight of shape \(6, 4, 3, 3\) does not fit 5 channels in 1 groups"),
        ([node("MatMul", "x w")], [("x", [1, 5])], {"weights": [weight("w", 6, 4)]},
         "MatMul node 'y': its shapes do not fit"),
        ([node("Relu", "nowhere")], [("x", [1, 5])], {},
         "Relu node 'y': reads 'nowhere', which nothing before it makes"),
        *(([node("Einsum", "x x", equation=equation)], [("x", [5, 5])], {}, "its equation is not letters, commas")
          for equation in ("...i\x7f,ij", "i..j,ij", "ij", "ij,jk->i,k", "ij,jk-k", "....ij,jk", "")),
        ([node("Einsum", "x x", equation="ii,ij->j")], [("x", [5, 5])], {},
         "einsum 'ii,ij->j' is not supported: it takes a diagonal"),
        ([node("LSTM", "x w z", ["y"], hidden_size=5)], [("x", [4, 2, 3]), ("z", [1, 20, 5])],
         {"weights": [weight("w", 1, 20, 3)]}, "its weights are computed while the model runs"),
        ([helper.make_node("Attention", ["x", "w", "b"], ["y"], name="y", domain="com.microsoft", num_heads=2),
          node("Relu", "y", "z")], [("x", [1, 6, 64])],
         {"weights": [weight("w", 64, 192), weight("b", 192)], "domains": ["com.microsoft"],
          "value_info": [tensor("y", [1, 6, 64])]}, "Attention node 'y': attention of domain com.microsoft is not"),
        ([helper.make_node("MultiHeadAttention", ["x", "x", "x"], ["y"], name="y", domain="com.microsoft")],
         [("x", [1, 6, 64])], {"domains": ["com.microsoft"]},
         "MultiHeadAttention node 'y': .* no operator of domain 'com.microsoft' of that name is known"),
        ([node("LSTM", "x w r", ["y"], hidden_size=5)], [("x", [5000, 1, 3])],
         {"weights": [weight("w", 1, 20, 3), weight("r", 1, 20, 5)]}, "of 5000 steps, at most 4096"),
        ([node("Relu", "x")], [helper.make_tensor_sequence_value_info("x", 1, [1, 5])], {},
         "input 'x': is a sequence_type"),
        ([node("Relu", "x")], [helper.make_tensor_value_info("x", 1, None)], {}, "input 'x': has no shape"),
        ([node("Relu", "x")], [("x", [1, 2**31])], {}, "axis 1 is 2147483648"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_with_its_node(load, nodes, inputs, kwargs, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        load(nodes, inputs, kwargs.pop("weights", ()), **kwargs)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("file 'model.onnx': ")


def test_files_that_are_no_model(tmp_path, monkeypatch):
    whole = model([node("Conv", "x w")], [IMAGE], [weight("w", 6, 4, 3, 3)]).SerializeToString()
    for name, data, message in (
        ("empty.onnx", b"", "is empty"),
        ("text.onnx", b"not a protobuf, just a text\n" * 9, "is no whole ONNX model"),
        ("cut.onnx", whole[: len(whole) // 2], "is no whole ONNX model"),
        (
            "nothing.onnx",
            onnx.ModelProto(ir_version=8).SerializeToString(),
            r"is no whole ONNX model \(it has no opset",
        ),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ChipgymError, match=f"file '{name}': {message}") as caught:
            load_onnx(tmp_path / name)
        assert "\n" not in str(caught.value)
    with open(tmp_path / "huge.onnx", "wb") as file:
        file.truncate(3 * 2**30)  # a hole: nothing is written
    with pytest.raises(ChipgymError, match=r"is 3\.0 GiB, and an ONNX file at most 2"):
        load_onnx(tmp_path / "huge.onnx")
    with pytest.raises(ChipgymError, match="does not exist"):
        load_onnx(tmp_path / "missing.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ChipgymError, match=r"need onnx: pip install 'chipgym\[onnx\]'"):
        load_onnx(tmp_path / "cut.onnx")


def test_transposed_convolutions_come_out_as_large_as_onnx_says(load):
    network = load(
        [node("ConvTranspose", "x w", strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 0], dilations=[2, 1])],
        [IMAGE], [weight("w", 4, 3, 3, 3)],
    )  # fmt: skip
    (made,) = (n for n in network.nodes if isinstance(n.op, ConvTranspose2d))
    # onnx's formula: stride (in - 1) + output_padding + (kernel - 1) dilation + 1 - pads
    assert made.shape == (3, 2 * 8 + 1 + 2 * 2 + 1 - 1, 3 * 6 + 0 + 2 + 1 - 1)


@pytest.mark.parametrize("shape", [(["batch", 3, "?", "?"]), ([0, 3, -1, -1])])
def test_dimensions_without_a_name_are_set_as_a_shape(load, shape):
    with pytest.raises(
        ChipgymError, match=r"\? \(input x, axis 2\), \? \(input x, axis 3\) must be set, as in \S+:x=1x3x1x1$"
    ):
        load([node("Relu", "x")], [tensor("x", shape)])
    assert load([node("Relu", "x")], [tensor("x", shape)], dimensions={"x": (2, 3, 8, 4)}).inputs[0].shape == (3, 8, 4)


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    script = Path(__file__).parents[2] / "examples" / "onnx_model.py"
    model_file = saved(tmp_path / "mine.onnx", *OPEN)
    for arguments, expected in (
        ([], "ConvTranspose2d"),
        ([f"{model_file}:height=8,width=8"], "mine:height=8,width=8: 0 "),
    ):
        monkeypatch.setattr(sys, "argv", [str(script), *arguments])
        runpy.run_path(str(script), run_name="__main__")
        assert expected in capsys.readouterr().out

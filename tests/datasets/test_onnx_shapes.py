"""Drawn convolutions and poolings: as large as ONNX and PyTorch say; and drawn damage to a model's file."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chipgym.datasets import Network, from_torch, load_onnx
from chipgym.errors import ChipgymError

onnx = pytest.importorskip("onnx")
models = pytest.importorskip("onnx_models")

QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
small = st.integers(1, 3)


@st.composite
def windows(draw, axes=(1, 2)):
    """Attributes of a window over 1 or 2 axes, and an image that it may fit."""
    n = draw(st.sampled_from(axes))
    window = {
        "kernel_shape": [draw(small) for _ in range(n)],
        "strides": [draw(small) for _ in range(n)],
        "dilations": [draw(st.integers(1, 2)) for _ in range(n)],
        "pads": [draw(st.integers(0, 1)) for _ in range(2 * n)],
    }
    if draw(st.booleans()):
        del window["pads"]
        window["auto_pad"] = draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    # A window that fits: onnx's inference rounds towards zero and so has an output where PyTorch and others have none.
    pads = window.get("pads", [0] * 2 * n)
    reach = [d * (k - 1) + 1 for d, k in zip(window["dilations"], window["kernel_shape"], strict=True)]
    least = [max(1, reach[i] - pads[i] - pads[i + n]) for i in range(n)]
    return window, [draw(st.integers(low, low + 7)) for low in least]


def inferred(made) -> tuple[int, ...]:
    """Shape of the first output as the onnx package infers it for the whole model."""
    output = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True).graph.output[0]
    return tuple(d.dim_value for d in output.type.tensor_type.shape.dim)


def both(tmp_path, made) -> tuple[Network, tuple[int, ...]]:
    """The network of a model, and the shape that it should put out; the draw is left out where no window fits."""
    try:
        shape = inferred(made)
    except onnx.shape_inference.InferenceError:
        shape = (0,)
    assume(min(shape) > 0)
    onnx.save(made, tmp_path / "drawn.onnx")
    return load_onnx(tmp_path / "drawn.onnx"), shape


@QUIET
@given(windows(), small, small, small)
def test_convolutions_are_as_large_as_onnx_says(tmp_path, case, groups, channels, filters):
    window, size = case
    shape = [groups * filters, channels, *window["kernel_shape"]]
    nodes = [models.node("Conv", "x w", group=groups, **window)]
    made = models.model(nodes, [("x", [1, groups * channels, *size])], [models.weight("w", *shape)])
    network, output = both(tmp_path, made)
    assert np.prod(network.outputs[0].shape) == np.prod(output)
    assert network.macs == np.prod(output) * np.prod(shape[1:])
    assert network.parameters == np.prod(shape)


@QUIET
@given(windows(), small, small, small, st.integers(0, 1))
def test_transposed_convolutions_are_as_large_as_onnx_says(tmp_path, case, groups, channels, filters, extra):
    window, size = case
    window["output_padding"] = [min(extra, stride - 1) for stride in window["strides"]]
    shape = [groups * channels, filters, *window["kernel_shape"]]
    nodes = [models.node("ConvTranspose", "x w", group=groups, **window)]
    made = models.model(nodes, [("x", [1, groups * channels, *size])], [models.weight("w", *shape)])
    network, output = both(tmp_path, made)
    assert np.prod(network.outputs[0].shape) == np.prod(output)
    assert network.macs == groups * channels * np.prod(size) * np.prod(shape[1:])


@QUIET
@given(windows(), st.sampled_from(["MaxPool", "AveragePool"]), st.integers(0, 1))
def test_poolings_are_as_large_as_onnx_says(tmp_path, case, op, ceil_mode):
    window, size = case
    assume(all(p < k for p, k in zip(window.get("pads", []), 2 * window["kernel_shape"], strict=False)))
    nodes = [models.node(op, "x", ceil_mode=ceil_mode, **window)]
    made = models.model(nodes, [("x", [1, 3, *size])], opset=19)
    network, output = both(tmp_path, made)
    assert np.prod(network.outputs[0].shape) == np.prod(output)


@settings(max_examples=12, deadline=None)
@given(windows(), small, small, small, st.booleans())
def test_convolutions_are_as_large_as_pytorch_says(case, groups, channels, filters, backwards):
    torch = pytest.importorskip("torch")
    window, size = case
    name = f"Conv{'Transpose' if backwards else ''}{len(size)}d"
    pads = window.get("pads", [0] * 4)[: len(size)]
    arguments = (groups * channels, groups * filters, window["kernel_shape"], window["strides"], pads)
    module = getattr(torch.nn, name)(*arguments, groups=groups, dilation=window["dilations"])
    x = torch.zeros(1, groups * channels, *size)
    try:
        output = module(x).shape
    except RuntimeError:  # the window is larger than the image
        output = (0,)
    assume(min(output) > 0)
    network = from_torch(module, (x,))
    assert np.prod(network.outputs[0].shape) == np.prod(output)
    assert network.parameters == sum(p.numel() for p in module.parameters())


def whole() -> bytes:
    nodes = [
        models.node("Conv", "x w b", "a", pads=[1, 1, 1, 1]),
        models.node("Shape", "a", "s", start=0, end=1),
        models.node("Concat", "s m", "t", axis=0),
        models.node("Reshape", "a t", "f"),
        models.node("Gemm", "f v", "y"),
    ]
    weights = [
        models.weight("w", 2, 3, 3, 3),
        models.weight("b", 2),
        models.weight("v", 32, 5),
        models.values("m", [-1]),
    ]
    return models.model(nodes, [("x", ["batch", 3, 4, 4])], weights).SerializeToString()


def one_line_or_a_network(path, data: bytes) -> None:
    path.write_bytes(data)
    message, macs = "", 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            macs = load_onnx(path).macs
        except ChipgymError as error:
            message = str(error)
    assert "\n" not in message
    assert len(message) < 700
    assert macs >= 0


def test_every_beginning_of_a_file(tmp_path):
    data = whole()
    for length in range(len(data)):
        one_line_or_a_network(tmp_path / "cut.onnx", data[:length])
    (tmp_path / "cut.onnx").write_bytes(data)
    assert load_onnx(tmp_path / "cut.onnx").macs == 2 * 16 * 27 + 32 * 5


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_to_a_file(tmp_path, changes):
    data = bytearray(whole())
    for place, byte in changes:
        data[place % len(data)] = byte
    one_line_or_a_network(tmp_path / "damaged.onnx", bytes(data))


@QUIET
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path, data):
    one_line_or_a_network(tmp_path / "bytes.onnx", data)


def others() -> list[bytes]:
    """Models of recurrent layers, an einsum, a video's convolutions and attention."""
    node, weight = models.node, models.weight
    lstm = node("LSTM", "x w r b - h c p", ["y", "s", "m"], hidden_size=4, direction="bidirectional")
    video = [node("Conv", "x w b", "c", pads=[1] * 6, strides=[1, 2, 1]), node("ConvTranspose", "c v")]
    cache = [(name, [1, 2, 9, 8]) for name in "st"]
    made = [
        models.model([lstm], [("x", [4, 1, 3]), ("h", [2, 1, 4]), ("c", [2, 1, 4])],
                     [weight("w", 2, 16, 3), weight("r", 2, 16, 4), weight("b", 2, 32), weight("p", 2, 12)]),
        models.model([node("Einsum", "x z u", equation="...ij,jk,kl")],
                     [("x", [1, 2, 3]), ("z", [3, 4]), ("u", [4, 5])]),
        models.model(video, [("x", [2, 4, 5, 5, 5])],
                     [weight("w", 6, 4, 3, 3, 3), weight("b", 6), weight("v", 6, 2, 2, 2, 2)]),
        models.model([node("Attention", "q k v - s t", ["y", "a", "b"])],
                     [*((name, [1, 2, 1, 8]) for name in "qkv"), *cache], opset=23),
    ]  # fmt: skip
    return [each.SerializeToString() for each in made]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 3), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255), st.integers(0, 3)), max_size=4)
)
def test_any_damage_to_other_files(tmp_path, which, changes):
    data = bytearray(others()[which])
    for place, byte, kind in changes:
        at = place % len(data)
        data[at : at + (kind != 2)] = b"" if kind == 1 else bytes([byte])
    one_line_or_a_network(tmp_path / "damaged.onnx", bytes(data))

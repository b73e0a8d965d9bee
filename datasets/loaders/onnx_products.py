"""ONNX's matrix products: convolutions, linear layers, products of activations, attention, recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ...errors import shorten
from .importing import Tensor
from .importing.movement import concat, reshape, take, transpose
from .importing.products import attention, einsum, linear, matmul
from .importing.recurrent import GATES as CELLS
from .importing.recurrent import Layer, Weights, recurrent, time_first
from .importing.windows import Window, conv, conv_transpose
from .onnx_graph import Call

#: Functions that onnxruntime joins with a convolution (FusedConv).
ACTIVATIONS = {
    "Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "LeakyRelu": "leaky_relu", "Clip": "clip",
    "HardSigmoid": "hardsigmoid",
}  # fmt: skip


def window_of(call: Call, kernel: tuple[int, ...], size: tuple[int, ...]) -> Window:
    """Return the window of a convolution or pooling with its padding written out."""
    axes = len(kernel)
    stride = tuple(call.get("strides") or (1,) * axes)
    dilation = tuple(call.get("dilations") or (1,) * axes)
    pads = call.get("pads") or (0,) * (2 * axes)
    padding = tuple((int(pads[i]), int(pads[i + axes])) for i in range(axes))
    mode = call.get("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        padding = tuple(_same(size[i], kernel[i], stride[i], dilation[i], mode == "SAME_UPPER") for i in range(axes))
    elif mode == "VALID":
        padding = ((0, 0),) * axes
    return Window(kernel, stride, dilation, padding)


def _same(size: int, kernel: int, stride: int, dilation: int, upper: bool) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return (total // 2, total - total // 2) if upper else (total - total // 2, total // 2)


def _conv(call: Call) -> Tensor:
    return _convolution(call, call.x, call.need(1), call.optional(2))


def _conv_integer(call: Call) -> Tensor:
    return _convolution(call, call.x, call.need(1), None)  # what follows the weight are zero points


def _qlinear_conv(call: Call) -> Tensor:
    return _convolution(call, call.x, call.need(3), call.optional(8))


def _fused_conv(call: Call) -> Tensor:
    made = _conv(call)
    added = call.optional(3)
    if added is not None:
        made = call.writer.binary("add", made, added, f"{call.name}.add")
    activation = call.get("activation")
    if not activation:
        return made
    if activation not in ACTIVATIONS:
        raise call.error(f"its activation {shorten(activation)} is not one of {', '.join(ACTIVATIONS)}")
    return call.writer.unary(ACTIVATIONS[activation], made, f"{call.name}.activation")


def _convolution(call: Call, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if not weight.constant or not (bias is None or bias.constant):
        raise call.error("its weight is computed while the model runs, which is not supported")
    groups = int(call.get("group", 1))
    if weight.shape[1] * groups != x.shape[1]:
        raise call.error(f"its weight of shape {weight.shape} does not fit {x.shape[1]} channels in {groups} groups")
    window = window_of(call, weight.shape[2:], x.shape[2:])
    channels, fused = weight.shape[0], ""
    if bias is None:
        fused, bias = _bias_after(call, channels, (channels, *(1,) * (len(x.shape) - 2)))
    return _fuse(call, fused, conv(call.writer, x, (weight, bias), window, groups, call.shape, call.name))


def _conv_transpose(call: Call) -> Tensor:
    weight, groups = call.need(1), int(call.get("group", 1))
    if not weight.constant:
        raise call.error("its weight is computed while the model runs, which is not supported")
    if weight.shape[0] != call.x.shape[1]:
        raise call.error(f"its weight of shape {weight.shape} does not fit {call.x.shape[1]} channels")
    kernel, size = weight.shape[2:], call.x.shape[2:]
    window = window_of(call, kernel, size)
    axes = range(len(kernel))
    extra = tuple(call.get("output_padding") or (0,) * len(kernel))
    full = [
        (size[i] - 1) * window.stride[i] + window.dilation[i] * (kernel[i] - 1) + 1 + extra[i] - call.shape[2 + i]
        for i in axes
    ]
    # However the file says it, what is cut off is what the output lacks; beyond it comes more output.
    padding = tuple((max(cut, 0) // 2, max(cut, 0) - max(cut, 0) // 2) for cut in full)
    extra = tuple(extra[i] + max(-full[i], 0) for i in axes)
    window = replace(window, padding=padding)
    weights = (weight, call.optional(2))
    return conv_transpose(call.writer, call.x, weights, window, extra, groups, call.shape, call.name)


def _bias_after(call: Call, channels: int, *shapes: tuple[int, ...]) -> tuple[str, Tensor | None]:
    """Return the bias that an Add gives a product, which it alone reads, and the Add's output.

    Neither (an empty name and None) where there is none.
    """
    readers = call.graph.readers.get(call.outputs[0], [])
    if len(readers) != 1 or readers[0].op_type != "Add" or readers[0].domain not in ("", "ai.onnx"):
        return "", None
    others = [label for label in readers[0].input if label != call.outputs[0]]
    other = call.graph.tensors.get(others[0]) if len(others) == 1 else None
    if other is None or not other.constant or other.size != channels:
        return "", None
    shape = other.shape
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return (str(readers[0].output[0]), other) if shape in shapes else ("", None)


def _fuse(call: Call, label: str, made: Tensor) -> Tensor:
    if label:
        call.graph.fused[label] = made
        call.graph.types[label] = call.graph.types.get(call.outputs[0], 1)
    return made


def _matmul(call: Call) -> Tensor:
    return _product(call, call.x, call.need(1))


def _qlinear_matmul(call: Call) -> Tensor:
    return _product(call, call.x, call.need(3))


def _product(call: Call, a: Tensor, b: Tensor) -> Tensor:
    fused, bias = "", None
    if b.constant and not a.constant and len(b.shape) == 2:
        fused, bias = _bias_after(call, b.shape[-1], (b.shape[-1],))
    return _fuse(call, fused, matmul(call.writer, a, b, call.name, bias))


def _gemm(call: Call) -> Tensor:
    w, a, b, bias = call.writer, call.x, call.need(1), call.optional(2)
    if call.get("transA", 0):
        a = transpose(w, a, (1, 0), f"{call.name}.a")
    if b.constant and not a.constant:
        own = bias if bias is not None and bias.constant and bias.size == call.shape[-1] else None
        made = linear(w, a, b, call.shape[-1], own, call.name)
        if bias is not None and own is None:
            made = w.binary("add", made, bias, f"{call.name}.add")
        return made
    if call.get("transB", 0):
        b = transpose(w, b, (1, 0), f"{call.name}.b")
    made = matmul(w, a, b, call.name)
    return made if bias is None else w.binary("add", made, bias, f"{call.name}.add")


def _matmul_nbits(call: Call) -> Tensor:
    """Write a linear layer whose weight of n x k numbers lies packed.

    Its scales make no difference to its work.
    """
    packed, out, inner = call.need(1), int(call.get("N")), int(call.get("K"))
    if not packed.constant or call.x.shape[-1] != inner:
        raise call.error(f"expected a constant weight, and an input of {inner} columns")
    weight = replace(packed, shape=(out, inner), values=None)
    return linear(call.writer, call.x, weight, out, call.optional(5), call.name)


def _einsum(call: Call) -> Tensor:
    tensors = [call.need(i) for i in range(len(call.inputs))]
    return einsum(call.writer, str(call.get("equation", "")), tensors, call.shape, call.name)


def _attention(call: Call) -> list[Tensor]:
    if call.domain == "com.microsoft":
        raise call.error("attention of domain com.microsoft is not supported; ONNX's own Attention (opset 23) is")
    if len(call.outputs) > 3 and call.graph.readers.get(call.outputs[3]):
        raise call.error("the scores that it puts out are not supported")
    w, parts = call.writer, []
    for i, (what, heads) in enumerate((("q", "q_num_heads"), ("k", "kv_num_heads"), ("v", "kv_num_heads"))):
        x = call.need(i)
        if len(x.shape) == 3:  # (batch, tokens, heads x width)
            count = int(call.get(heads, 1))
            x = reshape(w, x, (*x.shape[:2], count, x.shape[2] // count), f"{call.name}.{what}.split")
            x = transpose(w, x, (0, 2, 1, 3), f"{call.name}.{what}.heads")
        past = call.optional(3 + i) if i else None
        if past is not None:  # what was read before comes first
            x = concat(w, [past, x], 2, f"{call.name}.{what}.present")
        parts.append(x)
    mask = call.optional(3)
    q, k, v = parts
    made = attention(w, q, k, v, mask if mask is not None else bool(call.get("is_causal", 0)), call.name)
    if len(call.x.shape) == 3:
        made = transpose(w, made, (0, 2, 1, 3), f"{call.name}.merge")
    return [reshape(w, made, call.shape, f"{call.name}.flat"), k, v][: len(call.outputs)]


def _recurrent(call: Call) -> list[Tensor]:
    w, direction = call.writer, call.get("direction", "forward")
    if not all(x is None or x.constant for x in (call.need(1), call.need(2), call.optional(3), call.optional(7))):
        raise call.error("its weights are computed while the model runs, which is not supported")
    hidden = int(call.get("hidden_size", call.need(2).shape[-1]))
    directions, rows = 2 if direction == "bidirectional" else 1, CELLS[call.op] * hidden
    expected = {1: (rows, call.x.shape[-1]), 2: (rows, hidden), 3: (2 * rows,), 7: (3 * hidden,)}
    for position, shape in expected.items():
        given = call.optional(position)
        if given is not None and given.shape != (directions, *shape):
            raise call.error(f"input {position} is of shape {given.shape}, expected {(directions, *shape)}")
    weights = tuple(_weights(call, i) for i in range(directions))
    layer = Layer(call.op, hidden, weights, direction == "reverse")
    batch_first = bool(call.get("layout", 0))
    x = time_first(w, call.x, call.name) if batch_first else call.x
    initial = [call.optional(5), call.optional(6)] if call.op == "LSTM" else [call.optional(5)]
    if batch_first:
        initial = [s if s is None else transpose(w, s, (1, 0, 2), f"{call.name}.start") for s in initial]
    outputs, state, memory = recurrent(w, layer, x, initial, call.name)
    if batch_first:
        outputs = transpose(w, outputs, (2, 0, 1, 3), f"{call.name}.batch")
        state, memory = (transpose(w, t, (1, 0, 2), f"{call.name}.last") for t in (state, memory))
    return [outputs, state, memory][: len(call.outputs)]


def _weights(call: Call, direction: int) -> Weights:
    """Return the weights of one direction, which lie one behind the other; of biases, the input's come first."""

    def part(position: int, at: int, of: int) -> Tensor | None:
        tensor = call.optional(position)
        if tensor is None:
            return None
        own = take(call.writer, tensor, 0, direction, direction + 1, call.name)
        own = replace(own, shape=own.shape[1:], values=None)
        rows = own.shape[0] // of
        return take(call.writer, own, 0, at * rows, (at + 1) * rows, call.name)

    inputs, state = part(1, 0, 1), part(2, 0, 1)
    assert inputs is not None
    assert state is not None
    return Weights(inputs, state, part(3, 0, 2), part(3, 1, 2), None, part(7, 0, 1) if call.op == "LSTM" else None)


#: What writes each product.
PRODUCTS: Mapping[str, Callable[[Call], Tensor | list[Tensor]]] = {
    "Conv": _conv, "ConvInteger": _conv_integer, "QLinearConv": _qlinear_conv, "FusedConv": _fused_conv,
    "ConvTranspose": _conv_transpose, "MatMul": _matmul, "MatMulInteger": _matmul, "QLinearMatMul": _qlinear_matmul,
    "MatMulNBits": _matmul_nbits,
    "Gemm": _gemm, "Einsum": _einsum, "Attention": _attention, "LSTM": _recurrent, "GRU": _recurrent, "RNN": _recurrent,
}  # fmt: skip

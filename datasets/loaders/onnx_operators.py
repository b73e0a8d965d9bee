"""ONNX operators as those of a `Network` (https://onnx.ai/onnx/operators/).

What an operator reads and computes is what its definition says, whether an implementation would fuse it with its
neighbours or not; a bias alone joins the product that it follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ...errors import shorten
from .importing import Tensor
from .importing.movement import concat, flattened, gather, reshape, split, take, transpose
from .importing.patterns import combined
from .importing.products import attention, einsum, linear, matmul, softmax
from .importing.recurrent import GATES as CELLS
from .importing.recurrent import Layer, Weights, recurrent, time_first
from .importing.windows import Window, conv, conv_transpose, normalize, pool, reduce
from .onnx_graph import QONNX_DOMAINS, QUANTISERS, Call

Result = Tensor | list[Tensor]

#: Operators that are a function of each element of their first input.
UNARY = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "PRelu": "leaky_relu", "Elu": "elu", "Selu": "elu", "Celu": "elu",
    "Sigmoid": "sigmoid", "HardSigmoid": "hardsigmoid", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign",
    "HardSwish": "hardswish", "Mish": "mish", "Swish": "silu", "ThresholdedRelu": "relu", "Exp": "exp", "Log": "log",
    "Erf": "erf", "Sin": "sin", "Cos": "cos", "Tan": "sin", "Asin": "sin", "Acos": "cos", "Atan": "sin",
    "Sinh": "exp", "Cosh": "exp", "Asinh": "log", "Acosh": "log", "Atanh": "log", "BitwiseNot": "negate",
    "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Neg": "negate",
    "Abs": "abs", "Sign": "sign", "Round": "round", "Floor": "round", "Ceil": "round", "Not": "negate",
    "QuantizeLinear": "scale", "DequantizeLinear": "scale", "IsNaN": "threshold", "IsInf": "threshold",
    "Shrink": "threshold", "FastGelu": "gelu_tanh", "QuickGelu": "silu", "BiasGelu": "gelu",
}  # fmt: skip
#: Operators of two or more tensors, element by element.
BINARY = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Max": "maximum", "Min": "minimum", "Sum": "add",
    "Mean": "add",
}  # fmt: skip
#: Comparisons and the like: with a constant one pass by, of two tensors an operation per element.
COMPARISONS = (
    "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Mod", "BitShift", "BitwiseAnd",
    "BitwiseOr", "BitwiseXor",
)  # fmt: skip
#: Operators that change neither words nor their order.
ALIASES = ("Identity", "Dropout", "Cast", "CastLike", "Squeeze", "Unsqueeze", "Flatten", "Reshape")
#: Operators that move words, and what each takes a vector unit per output element.
MOVEMENT = {
    "Expand": 0, "Tile": 0, "Pad": 0, "GatherElements": 0, "GatherND": 0, "ScatterElements": 0, "ScatterND": 0,
    "Scatter": 0, "ReverseSequence": 0, "Trilu": 0, "CenterCropPad": 0, "OneHot": 0, "Col2Im": 1, "Where": 1,
    "CumSum": 1, "CumProd": 1, "TensorScatter": 0, "Hardmax": 1, "MaxUnpool": 0, "GridSample": 8,
}  # fmt: skip
REDUCTIONS = {
    "ReduceMean": "avg", "ReduceSum": "avg", "ReduceMax": "max", "ReduceMin": "max", "ReduceProd": "avg",
    "ReduceL1": "avg", "ReduceL2": "avg", "ReduceLogSum": "avg", "ReduceLogSumExp": "avg", "ReduceSumSquare": "avg",
    "ArgMax": "max", "ArgMin": "max",
}  # fmt: skip


def handle(call: Call) -> Result:
    """Writes one node whose inputs are not all constants.

    Raises:
        ChipgymError: the operator is not one of those known here, or cannot be told by those of a `Network`.
    """
    if call.domain in ("", "ai.onnx", "com.microsoft"):
        if call.op in HANDLERS:
            return HANDLERS[call.op](call)
        if call.op in UNARY:
            return call.writer.unary(UNARY[call.op], call.x, call.name)
        if call.op in BINARY:
            return _binary(call)
        if call.op in ALIASES:
            return _alias(call)
        if call.op in REDUCTIONS:
            return _reduce(call)
        if call.op in COMPARISONS:
            return _comparison(call)
        if call.op in MOVEMENT:
            return _generic(call, MOVEMENT[call.op])
    if call.domain in QONNX_DOMAINS and call.op in QUANTISERS:
        return _alias(call)
    inputs = [x for x in call.inputs if x is not None]
    return [
        call.writer.as_traffic(call.op, inputs, shape, call.name if i == 0 else f"{call.name}.{i}", call.error)
        for i, shape in enumerate(call.shapes)
    ]


def _generic(call: Call, operations: int = 0) -> Tensor:
    inputs = [x for x in call.inputs if x is not None]
    return call.writer.generic(call.op, inputs, call.shape, call.name, operations)


def _alias(call: Call) -> Result:
    # The second output of Dropout, a mask, is all ones when a model is run.
    made = reshape(call.writer, call.x, call.shape, call.name)
    return [made] + [Tensor(label, call.shape) for label in call.outputs[1:]]


def _binary(call: Call) -> Tensor:
    inputs = [x for x in call.inputs if x is not None]
    if len(inputs) == 1:
        return inputs[0]
    made = inputs[0]
    if len(inputs) == 2 and call.op in ("Mul", "Div"):
        known = combined(call.writer, BINARY[call.op], made, inputs[1], call.name)
        if known is not None:
            return known
    for i, x in enumerate(inputs[1:]):
        made = call.writer.binary(BINARY[call.op], made, x, call.name if i == 0 else f"{call.name}.{i}")
    return call.writer.unary("scale", made, f"{call.name}.mean") if call.op == "Mean" else made


def _power(call: Call) -> Tensor:
    if call.need(1).constant:
        return call.writer.unary("power", call.x, call.name)
    return _generic(call, 1)


def _comparison(call: Call) -> Tensor:
    x = next(x for x in call.inputs if x is not None and not x.constant)
    if any(x is not None and x.constant and x.size == 1 for x in call.inputs) and x.shape == call.shape:
        return call.writer.unary("threshold", x, call.name)
    return _generic(call, 1)


def _clip(call: Call) -> Tensor:
    low = call.get("min", _scalar(call.optional(1)))
    high = call.get("max", _scalar(call.optional(2)))
    function = "relu6" if (low, high) == (0, 6) else "relu" if (low, high) == (0, None) else "clip"
    return call.writer.unary(function, call.x, call.name)


def _scalar(tensor: Tensor | None) -> float | None:
    return None if tensor is None or tensor.values is None or tensor.size != 1 else float(tensor.values.ravel()[0])


def _gelu(call: Call) -> Tensor:
    return call.writer.unary("gelu_tanh" if call.get("approximate") == "tanh" else "gelu", call.x, call.name)


# -- matrix products


def _window(call: Call, kernel: tuple[int, ...], size: tuple[int, ...]) -> Window:
    """The window of a convolution or pooling with its padding written out."""
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
    if activation not in UNARY and activation != "Clip":
        raise call.error(f"its activation {shorten(activation)} is not known")
    return call.writer.unary(UNARY.get(activation, "clip"), made, f"{call.name}.activation")


def _convolution(call: Call, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if not weight.constant or not (bias is None or bias.constant):
        raise call.error("its weight is computed while the model runs, which is not supported")
    groups = int(call.get("group", 1))
    if weight.shape[1] * groups != x.shape[1]:
        raise call.error(f"its weight of shape {weight.shape} does not fit {x.shape[1]} channels in {groups} groups")
    window = _window(call, weight.shape[2:], x.shape[2:])
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
    window = _window(call, kernel, size)
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
    """The bias that an Add gives a product, which it alone reads, and the Add's output; neither where there is none."""
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
    """A linear layer whose weight of n x k numbers lies packed, with scales that make no difference to its work."""
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
    """The weights of one direction, which lie one behind the other; of biases, the input's come first."""

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


# -- windows, normalisation, reductions


def _pool(call: Call) -> Result:
    kind = "max" if call.op == "MaxPool" else "avg"
    window = _window(call, tuple(call.get("kernel_shape")), call.x.shape[2:])
    if len(call.outputs) > 1 and call.graph.readers.get(call.outputs[1]):
        raise call.error("the indices that it puts out are not supported")
    return pool(call.writer, kind, call.x, window, call.shape, bool(call.get("ceil_mode", 0)), call.name)


def _global_pool(call: Call) -> Tensor:
    axes = tuple(range(2, len(call.x.shape)))
    return reduce(call.writer, "max" if call.op == "GlobalMaxPool" else "avg", call.x, axes, call.shape, call.name)


def _reduce(call: Call) -> Tensor:
    rank = len(call.x.shape)
    if call.op in ("ArgMax", "ArgMin"):
        axes = [call.axis(0)]
    elif call.get("axes") is not None:
        axes = [int(a) % rank for a in call.get("axes")]
    else:
        axes = [a % rank for a in call.values(1, [])] or ([] if call.get("noop_with_empty_axes") else list(range(rank)))
    return reduce(call.writer, REDUCTIONS[call.op], call.x, axes, call.shape, call.name)


def _batch_norm(call: Call) -> list[Tensor]:
    return [normalize(call.writer, "batch", call.x, [call.optional(1), call.optional(2)], call.name)]


def _group_norm(call: Call) -> Tensor:
    return normalize(call.writer, "group", call.x, [call.optional(1), call.optional(2)], call.name)


def _lrn(call: Call) -> Tensor:
    return normalize(call.writer, "local_response", call.x, (), call.name)


def _layer_norm(call: Call) -> list[Tensor]:
    return [normalize(call.writer, "layer", call.x, [call.optional(1), call.optional(2)], call.name, call.axis(-1))]


def _rms_norm(call: Call) -> list[Tensor]:
    return [normalize(call.writer, "rms", call.x, [call.optional(1)], call.name, call.axis(-1))]


def _skip_norm(call: Call) -> list[Tensor]:
    total = call.writer.binary("add", call.x, call.need(1), f"{call.name}.add")
    simple = "Simplified" in call.op
    weights = [call.optional(2), None if simple else call.optional(3)]
    made = normalize(call.writer, "rms" if simple else "layer", total, weights, call.name)
    return [made, made, made, total][: len(call.outputs)]


def _softmax(call: Call) -> Tensor:
    w, x = call.writer, call.x
    if call.opset >= 13:
        made = softmax(w, x, call.axis(-1), call.name)
    else:  # over everything from the axis on
        rows = reshape(w, x, flattened(x.shape, call.axis(1)), f"{call.name}.flat")
        made = reshape(w, softmax(w, rows, 1, call.name), x.shape, f"{call.name}.shape")
    return w.unary("log", made, f"{call.name}.log") if call.op == "LogSoftmax" else made


# -- data movement


def _transpose(call: Call) -> Tensor:
    rank = len(call.x.shape)
    return transpose(call.writer, call.x, call.get("perm") or tuple(reversed(range(rank))), call.name)


def _concat(call: Call) -> Tensor:
    inputs = [x for x in call.inputs if x is not None]
    return concat(call.writer, inputs, call.axis(0), call.name)


def _split(call: Call) -> list[Tensor]:
    axis = call.axis(0)
    return split(call.writer, call.x, axis, [shape[axis] for shape in call.shapes], call.name)


def _slice(call: Call) -> Tensor:
    rank, x = len(call.x.shape), call.x
    if call.get("starts") is not None:
        starts, ends = list(call.get("starts")), list(call.get("ends"))
        axes, steps = list(call.get("axes") or range(len(starts))), [1] * len(starts)
    else:
        starts, ends = call.values(1), call.values(2)
        axes, steps = call.values(3, list(range(len(starts)))), call.values(4, [1] * len(starts))
    if any(step != 1 for step in steps):
        return _generic(call)
    for axis, first, last in zip(axes, starts, ends, strict=True):
        start, stop, _ = slice(first, last).indices(x.shape[axis % rank])
        x = take(call.writer, x, axis % rank, start, stop, call.name)
    return x


def _gather(call: Call) -> Tensor:
    return gather(call.writer, call.x, call.need(1), call.axis(0), call.shape, call.name)


def _resize(call: Call) -> Tensor:
    mode = call.get("mode", "nearest")
    # Per output element: nothing but moving; two taps an axis; four taps an axis: each a multiply and an add.
    taps = {"nearest": 0, "linear": 2, "cubic": 4}.get(mode, 2)
    axes = sum(a != b for a, b in zip(call.x.shape, call.shape, strict=True))
    return call.writer.generic(call.op, [call.x], call.shape, call.name, 2 * taps**axes if taps else 0)


def _depth_to_space(call: Call) -> Tensor:
    w, x, block = call.writer, call.x, int(call.get("blocksize", 1))
    n, c, h, width = x.shape
    # Which axis comes first (DCR or CRD) moves the same words.
    if call.op == "DepthToSpace":
        parted = reshape(w, x, (n, c // block**2, block, block, h, width), f"{call.name}.part")
        order = (0, 1, 4, 2, 5, 3)
    else:
        parted = reshape(w, x, (n, c, h // block, block, width // block, block), f"{call.name}.part")
        order = (0, 3, 5, 1, 2, 4)
    return reshape(w, transpose(w, parted, order, f"{call.name}.order"), call.shape, call.name)


def _dynamic_quantize(call: Call) -> list[Tensor]:
    # The range is found by one pass over the words, a second scales them; scale and zero point are constants then.
    found = reduce(call.writer, "max", call.x, range(len(call.x.shape)), (), f"{call.name}.range")
    scaled = call.writer.unary("scale", call.x, call.name)
    return [scaled, replace(found, shape=()), replace(found, shape=())]


def _rotary(call: Call) -> Tensor:
    return call.writer.unary("rotary", call.x, call.name)


def _like(call: Call) -> Tensor:
    """A constant that takes of a tensor its shape alone."""
    return Tensor(call.outputs[0], call.shape)


HANDLERS: Mapping[str, Callable[[Call], Result]] = {
    "Conv": _conv, "ConvInteger": _conv_integer, "QLinearConv": _qlinear_conv, "FusedConv": _fused_conv,
    "ConvTranspose": _conv_transpose, "MatMul": _matmul, "MatMulInteger": _matmul, "QLinearMatMul": _qlinear_matmul,
    "MatMulNBits": _matmul_nbits,
    "Gemm": _gemm, "Einsum": _einsum, "Attention": _attention, "LSTM": _recurrent, "GRU": _recurrent, "RNN": _recurrent,
    "MaxPool": _pool, "AveragePool": _pool, "LpPool": _pool, "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool, "GlobalLpPool": _global_pool, "BatchNormalization": _batch_norm,
    "InstanceNormalization": _group_norm, "GroupNormalization": _group_norm, "LRN": _lrn,
    "LayerNormalization": _layer_norm, "RMSNormalization": _rms_norm, "SimplifiedLayerNormalization": _rms_norm,
    "SkipLayerNormalization": _skip_norm, "SkipSimplifiedLayerNormalization": _skip_norm, "Softmax": _softmax,
    "LogSoftmax": _softmax, "Pow": _power, "Clip": _clip, "Gelu": _gelu, "Transpose": _transpose, "Concat": _concat,
    "Split": _split, "Slice": _slice, "Gather": _gather, "Resize": _resize, "Upsample": _resize,
    "DepthToSpace": _depth_to_space, "SpaceToDepth": _depth_to_space, "DynamicQuantizeLinear": _dynamic_quantize,
    "RotaryEmbedding": _rotary, **dict.fromkeys(("EyeLike", "RandomNormalLike", "RandomUniformLike"), _like),
}  # fmt: skip

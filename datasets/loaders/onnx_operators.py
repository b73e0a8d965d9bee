"""ONNX operators as those of a `Network` (https://onnx.ai/onnx/operators/).

What an operator reads and computes is what its definition says, whether an implementation would fuse it with its
neighbours or not; a bias alone joins the product that it follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from .importing import Tensor
from .importing.movement import concat, flattened, gather, reshape, split, take, transpose
from .importing.patterns import combined
from .importing.products import softmax
from .importing.windows import normalize, pool, reduce
from .onnx_graph import Call
from .onnx_products import PRODUCTS, window_of
from .onnx_shapes import QONNX_DOMAINS, QUANTISERS

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
    """Write one node whose inputs are not all constants.

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


# -- windows, normalisation, reductions


def _pool(call: Call) -> Result:
    kind = "max" if call.op == "MaxPool" else "avg"
    window = window_of(call, tuple(call.get("kernel_shape")), call.x.shape[2:])
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
    """Make a constant that takes of a tensor its shape alone."""
    return Tensor(call.outputs[0], call.shape)


HANDLERS: Mapping[str, Callable[[Call], Result]] = {
    **PRODUCTS,
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

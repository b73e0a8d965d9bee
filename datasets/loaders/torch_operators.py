"""PyTorch's operations (ATen, as `torch.export` leaves them) as those of a `Network`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .importing import Tensor
from .importing.movement import concat, gather, reshape, split, take, transpose
from .importing.patterns import combined
from .importing.products import softmax
from .importing.windows import Window, normalize, pool, reduce
from .torch_graph import Call
from .torch_products import PRODUCTS, batched, numbers, window_of

Result = Tensor | list[Tensor]

#: Functions of each element of the first tensor.
UNARY = {
    "relu": "relu", "relu6": "relu6", "leaky_relu": "leaky_relu", "prelu": "leaky_relu", "rrelu": "leaky_relu",
    "elu": "elu", "selu": "elu", "celu": "elu", "sigmoid": "sigmoid", "hardsigmoid": "hardsigmoid", "tanh": "tanh",
    "softplus": "softplus", "softsign": "softsign", "silu": "silu", "hardswish": "hardswish", "mish": "mish",
    "exp": "exp", "exp2": "exp", "expm1": "exp", "sinh": "exp", "cosh": "exp", "log": "log", "log1p": "log",
    "log2": "log", "log10": "log", "log_sigmoid": "log", "log_sigmoid_forward": "log", "logit": "log", "asinh": "log",
    "acosh": "log", "atanh": "log", "erf": "erf", "erfc": "erf", "erfinv": "erf", "sin": "sin", "cos": "cos",
    "tan": "sin", "asin": "sin", "acos": "cos", "atan": "sin", "sinc": "sin", "sqrt": "sqrt", "rsqrt": "rsqrt",
    "reciprocal": "reciprocal", "neg": "negate", "abs": "abs", "sign": "sign", "sgn": "sign", "round": "round",
    "floor": "round", "ceil": "round", "trunc": "round", "frac": "round", "bitwise_not": "negate",
    "logical_not": "negate", "square": "power", "masked_fill": "mask", "tril": "mask", "triu": "mask",
    "threshold": "threshold", "hardshrink": "threshold", "softshrink": "threshold", "isnan": "threshold",
    "isinf": "threshold", "nan_to_num": "clip",
}  # fmt: skip
#: Functions of two tensors, or of one and a number.
BINARY = {
    "add": "add", "sub": "sub", "rsub": "sub", "mul": "mul", "div": "div", "maximum": "maximum", "minimum": "minimum",
    "fmax": "maximum", "fmin": "minimum", "true_divide": "div", "multiply": "mul", "divide": "div", "subtract": "sub",
}  # fmt: skip
#: Comparisons and the like: with a number they pass by, of two tensors an operation per element.
COMPARISONS = (
    "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or",
    "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "remainder", "fmod", "floor_divide",
)  # fmt: skip
#: Operations that cost nothing: they change neither words nor their order.
ALIASES = (
    "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout", "contiguous", "clone",
    "detach", "to", "_to_copy", "type_as", "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "alias",
    "lift_fresh_copy", "identity", "_unsafe_view", "view_as", "reshape_as", "float", "half", "bfloat16", "positive",
    "_reshape_alias", "view_copy", "detach_copy",
)  # fmt: skip
#: Operations that move words, and what each takes a vector unit per output element.
MOVEMENT = {
    "expand": 0, "expand_as": 0, "repeat": 0, "repeat_interleave": 0, "tile": 0, "pad": 0, "constant_pad_nd": 0,
    "reflection_pad1d": 0, "reflection_pad2d": 0, "reflection_pad3d": 0, "replication_pad1d": 0,
    "replication_pad2d": 0, "replication_pad3d": 0, "roll": 0, "flip": 0, "index": 0, "gather": 0, "take": 0,
    "scatter": 0, "scatter_add": 1, "index_add": 1, "index_copy": 0, "index_fill": 0, "masked_scatter": 0,
    "index_put": 0, "copy": 0, "fill": 0, "slice_scatter": 0, "select_scatter": 0, "diagonal": 0,
    "diagonal_scatter": 0, "diag_embed": 0, "as_strided": 0, "unfold": 0, "im2col": 0, "col2im": 1, "where": 1,
    "cumsum": 1, "cumprod": 1, "cummax": 1, "cummin": 1, "logcumsumexp": 2, "channel_shuffle": 0, "rot90": 0,
    "view_as_complex": 0, "view_as_real": 0, "upsample_nearest1d": 0, "upsample_nearest2d": 0, "upsample_nearest3d": 0,
    "_upsample_nearest_exact1d": 0, "_upsample_nearest_exact2d": 0, "_upsample_nearest_exact3d": 0,
    "upsample_linear1d": 4, "upsample_bilinear2d": 8, "_upsample_bilinear2d_aa": 8, "upsample_bicubic2d": 32,
    "_upsample_bicubic2d_aa": 32, "upsample_trilinear3d": 16, "grid_sampler": 8, "grid_sampler_2d": 8,
    "grid_sampler_3d": 16, "max_unpool2d": 0, "max_unpool3d": 0, "one_hot": 0,
}  # fmt: skip
#: Functions of several tensors that are no sum or product of two, and what each takes per output element.
SEVERAL = {
    "addcmul": 3, "addcdiv": 3, "lerp": 3, "atan2": 1, "hypot": 3, "copysign": 1, "heaviside": 1, "xlogy": 2,
    "linalg_cross": 3,
}  # fmt: skip
REDUCTIONS = {
    "mean": "avg", "sum": "avg", "nansum": "avg", "amax": "max", "amin": "max", "prod": "avg", "var": "avg",
    "std": "avg", "var_mean": "avg", "std_mean": "avg", "linalg_vector_norm": "avg", "norm": "avg", "argmax": "max",
    "argmin": "max", "logsumexp": "avg", "any": "max", "all": "max", "count_nonzero": "avg",
}  # fmt: skip


def handle(call: Call) -> Result | None:
    """Write one operation whose tensors are not all constants; None where it is not one of those known here.

    Raises:
        ChipgymError: it cannot be told by the operators of a `Network`.
    """
    w = call.writer
    if call.op in HANDLERS:
        return HANDLERS[call.op](call)
    if call.op in UNARY:
        return w.unary(UNARY[call.op], call.x, call.name)
    if call.op in BINARY:
        return _binary(call)
    if call.op in COMPARISONS:
        return _comparison(call)
    if call.op in ALIASES:
        return reshape(w, call.x, call.shape, call.name)
    if call.op in MOVEMENT:
        return w.generic(call.op, call.tensors(), call.shape, call.name, MOVEMENT[call.op])
    if call.op in SEVERAL:
        return w.generic(call.op, call.tensors(), call.shape, call.name, SEVERAL[call.op])
    return _reduce(call) if call.op in REDUCTIONS else None


def _binary(call: Call) -> Tensor:
    tensors = call.tensors()
    if len(tensors) == 2:
        known = combined(call.writer, BINARY[call.op], tensors[0], tensors[1], call.name)
        if known is not None:
            return known
        return call.writer.binary(BINARY[call.op], tensors[0], tensors[1], call.name)
    return call.writer.unary("scale" if BINARY[call.op] in ("mul", "div") else "shift", tensors[0], call.name)


def _comparison(call: Call) -> Tensor:
    tensors = [x for x in call.tensors() if not x.constant or x.size > 1]
    if len(tensors) == 1 and tensors[0].shape == call.shape:
        return call.writer.unary("threshold", tensors[0], call.name)
    return call.writer.generic(call.op, tensors, call.shape, call.name, 1)


def _clip(call: Call) -> Tensor:
    low, high = (
        (call.get("min_val", 0), call.get("max_val", 6))
        if call.op == "hardtanh"
        else (call.get("min"), call.get("max"))
    )
    function = "relu6" if (low, high) == (0, 6) else "relu" if (low, high) == (0, None) else "clip"
    return call.writer.unary(function, call.x, call.name)


def _gelu(call: Call) -> Tensor:
    return call.writer.unary("gelu_tanh" if call.get("approximate") == "tanh" else "gelu", call.x, call.name)


def _power(call: Call) -> Tensor:
    tensors = [x for x in call.tensors() if not x.constant]
    if len(tensors) == 1:
        return call.writer.unary("power", tensors[0], call.name)
    return call.writer.generic(call.op, tensors, call.shape, call.name, 1)


# -- windows, normalisation, reductions


def _pool(call: Call) -> Result:
    rank = int(call.op.removesuffix("_with_indices")[-2]) + 2
    x, shape = batched(call, call.x, rank)
    kernel = numbers(call.get("kernel_size"), rank - 2, 1)
    kind = "max" if call.op.startswith("max") else "avg"
    made = pool(
        call.writer, kind, x, window_of(call, kernel, kernel), shape, bool(call.get("ceil_mode", False)), call.name
    )
    return [reshape(call.writer, made, call.shape, call.name)]


def _adaptive_pool(call: Call) -> Tensor:
    x = call.x
    axes = int(call.op[-2])
    sizes, wanted = x.shape[-axes:], call.shape[-axes:]
    kind = "max" if "max" in call.op else "avg"
    if sizes == wanted:
        return x
    if any(size % want for size, want in zip(sizes, wanted, strict=True)):
        # Windows of several sizes; none has more positions than this.
        operations = 1
        for size, want in zip(sizes, wanted, strict=True):
            operations *= -(-size // want) + 1
        return call.writer.generic("AdaptivePool", [x], call.shape, call.name, operations)
    x, shape = batched(call, x, axes + 2)
    kernel = tuple(size // want for size, want in zip(sizes, wanted, strict=True))
    made = pool(call.writer, kind, x, Window(kernel, kernel, (1,) * axes, ((0, 0),) * axes), shape, False, call.name)
    return reshape(call.writer, made, call.shape, call.name)


def _reduce(call: Call) -> Result:
    rank = len(call.x.shape)
    given = call.get("dim")
    dims = [] if given is None else [int(d) % rank for d in (given if isinstance(given, list | tuple) else [given])]
    made = reduce(call.writer, REDUCTIONS[call.op], call.x, dims or range(rank), call.shape, call.name)
    return [made] * len(call.shapes)


def _extreme(call: Call) -> Result:
    """Write `max` or `min` of two tensors, of one axis, or of all."""
    tensors = call.tensors()
    if len(tensors) == 2:
        function = "maximum" if call.op == "max" else "minimum"
        return call.writer.binary(function, tensors[0], tensors[1], call.name)
    dims = range(len(call.x.shape)) if call.get("dim") is None else [call.dim()]
    made = reduce(call.writer, "max", call.x, dims, call.shape, call.name)
    return [made] * len(call.shapes)


def _affine(call: Call) -> list[Tensor | None]:
    return [call.tensor("weight"), call.tensor("bias")]


def _batch_norm(call: Call) -> list[Tensor]:
    return [normalize(call.writer, "batch", call.x, _affine(call), call.name)]


def _group_norm(call: Call) -> list[Tensor]:
    return [normalize(call.writer, "group", call.x, _affine(call), call.name)]


def _layer_norm(call: Call) -> list[Tensor]:
    kind = "rms" if "rms" in call.op else "layer"
    axis = -len(call.get("normalized_shape"))
    return [normalize(call.writer, kind, call.x, _affine(call), call.name, axis)]


def _softmax(call: Call) -> Tensor:
    made = softmax(call.writer, call.x, call.dim(), call.name)
    return call.writer.unary("log", made, f"{call.name}.log") if "log" in call.op else made


# -- data movement


def _embedding_bag(call: Call) -> list[Tensor]:
    w, (weight, indices), bags = call.writer, call.tensors()[:2], call.shape[0]
    count = indices.size
    rows = gather(w, weight, indices, 0, (count, weight.shape[1]), f"{call.name}.rows")
    scales = call.tensor("per_sample_weights")
    if scales is not None:
        rows = w.binary("mul", rows, reshape(w, scales, (count, 1), f"{call.name}.scales"), f"{call.name}.scaled")
    if count == bags:
        return [reshape(w, rows, call.shape, call.name)]
    # How many rows each bag has is data's to say; all of them are added up.
    return [w.generic("EmbeddingBag", [rows], call.shape, call.name, -(-count // bags))]


def _glu(call: Call) -> Tensor:
    axis = call.dim()
    half = call.shape[axis]
    a, b = split(call.writer, call.x, axis, (half, half), f"{call.name}.half")
    return call.writer.binary("mul", a, call.writer.unary("sigmoid", b, f"{call.name}.sigmoid"), call.name)


def _transpose(call: Call) -> Tensor:
    rank = len(call.x.shape)
    if call.op == "permute":
        order = [int(d) % rank for d in call.get("dims")]
    else:
        order = list(range(rank))
        if rank > 1:
            pair = {"t": (0, 1), "numpy_T": (0, 1), "mT": (-1, -2), "adjoint": (-1, -2)}.get(call.op)
            first, second = pair or [v for v in call.arguments.values() if isinstance(v, int)]
            order[first], order[second] = order[second], order[first]
    return transpose(call.writer, call.x, order, call.name)


def _concat(call: Call) -> Tensor:
    return concat(call.writer, call.tensors(), call.dim(default=0), call.name)


def _stack(call: Call) -> Tensor:
    tensors = call.tensors()
    axis = call.dim(default=0, rank=len(tensors[0].shape) + 1)
    parts = [
        reshape(call.writer, x, (*x.shape[:axis], 1, *x.shape[axis:]), f"{call.name}.{i}")
        for i, x in enumerate(tensors)
    ]
    return concat(call.writer, parts, axis, call.name)


def _split(call: Call) -> list[Tensor]:
    axis = call.dim(default=0)
    made = split(call.writer, call.x, axis, [_extent(shape, axis, call) for shape in call.shapes], call.name)
    return [reshape(call.writer, x, shape, call.name) for x, shape in zip(made, call.shapes, strict=True)]


def _extent(shape: tuple[int, ...], axis: int, call: Call) -> int:
    return 1 if call.op == "unbind" else shape[axis]


def _slice(call: Call) -> Tensor:
    axis = call.dim(default=0)
    if int(call.get("step", 1)) != 1:
        return call.writer.generic("slice", [call.x], call.shape, call.name)
    start, stop, _ = slice(call.get("start"), call.get("end")).indices(call.x.shape[axis])
    return take(call.writer, call.x, axis, start, stop, call.name)


def _narrow(call: Call) -> Tensor:
    axis, start = call.dim(), int(call.get("start", 0))
    start %= call.x.shape[axis]
    return take(call.writer, call.x, axis, start, start + int(call.get("length", 1)), call.name)


def _select(call: Call) -> Tensor:
    axis = call.dim()
    at = int(call.get("index", 0)) % call.x.shape[axis]
    return reshape(call.writer, take(call.writer, call.x, axis, at, at + 1, call.name), call.shape, call.name)


def _embedding(call: Call) -> Tensor:
    weight, indices = call.tensors()[:2]
    return gather(call.writer, weight, indices, 0, call.shape, call.name)


def _index_select(call: Call) -> Tensor:
    data, indices = call.tensors()[:2]
    return gather(call.writer, data, indices, call.dim(), call.shape, call.name)


def _pixel_shuffle(call: Call) -> Tensor:
    w, x, shape = call.writer, call.x, call.shape
    *lead, c, h, width = x.shape
    if call.op == "pixel_shuffle":
        r = int(call.get("upscale_factor", 1))
        parted = reshape(w, x, (*lead, c // r**2, r, r, h, width), f"{call.name}.part")
        order = (0, 3, 1, 4, 2)
    else:
        r = int(call.get("downscale_factor", 1))
        parted = reshape(w, x, (*lead, c, h // r, r, width // r, r), f"{call.name}.part")
        order = (0, 2, 4, 1, 3)
    k = len(lead)
    return reshape(
        w, transpose(w, parted, (*range(k), *(k + i for i in order)), f"{call.name}.order"), shape, call.name
    )


HANDLERS: Mapping[str, Callable[[Call], Result | None]] = {
    **PRODUCTS, **dict.fromkeys(("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"), _embedding_bag),
    "glu": _glu,
    **dict.fromkeys((f"{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)), _pool),
    "max_pool2d_with_indices": _pool,
    **dict.fromkeys((f"adaptive_{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)), _adaptive_pool),
    "batch_norm": _batch_norm, "_native_batch_norm_legit_no_training": _batch_norm, "group_norm": _group_norm,
    "instance_norm": _group_norm, "layer_norm": _layer_norm, "rms_norm": _layer_norm, "softmax": _softmax,
    "log_softmax": _softmax, "_softmax": _softmax, "_log_softmax": _softmax, "max": _extreme, "min": _extreme,
    "gelu": _gelu, "hardtanh": _clip, "clamp": _clip, "clip": _clip, "clamp_min": _clip, "clamp_max": _clip,
    "pow": _power, "cat": _concat,
    **dict.fromkeys(("transpose", "permute", "t", "numpy_T", "mT", "adjoint", "swapaxes", "swapdims"), _transpose),
    "concat": _concat, "stack": _stack, **dict.fromkeys(("split", "split_with_sizes", "chunk", "unbind"), _split),
    **dict.fromkeys(("unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk"), _split),
    "slice": _slice, "narrow": _narrow, "select": _select, "embedding": _embedding, "index_select": _index_select,
    "pixel_shuffle": _pixel_shuffle, "pixel_unshuffle": _pixel_shuffle,
}  # fmt: skip

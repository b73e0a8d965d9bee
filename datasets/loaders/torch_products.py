"""PyTorch's matrix products: convolutions, linear layers, products of activations, attention, recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .importing import Tensor
from .importing.movement import concat, reshape, take, transpose
from .importing.products import attention, bilinear, einsum, linear, matmul
from .importing.recurrent import GATES as CELLS
from .importing.recurrent import Layer, Weights, recurrent, time_first
from .importing.windows import Window, conv, conv_transpose
from .torch_graph import Call


def numbers(value: Any, axes: int, default: int) -> tuple[int, ...]:
    """Return one number for each axis, given one for all or one each; `default` where there is none."""
    if value is None:
        return (default,) * axes
    numbers = [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)]
    return tuple(numbers * axes if len(numbers) == 1 else numbers or [default] * axes)


def window_of(call: Call, kernel: tuple[int, ...], stride: int | Sequence[int] | None = None) -> Window:
    """Return the window of a convolution or pooling, with "same" and "valid" padding as numbers."""
    axes = len(kernel)
    dilation = numbers(call.get("dilation"), axes, 1)
    padding = call.get("padding", 0)
    if padding == "same":  # the odd one goes behind
        reach = [dilation[i] * (kernel[i] - 1) for i in range(axes)]
        pairs = tuple((r // 2, r - r // 2) for r in reach)
    elif padding == "valid":
        pairs = ((0, 0),) * axes
    else:
        pairs = tuple((p, p) for p in numbers(padding, axes, 0))
    return Window(kernel, numbers(call.get("stride") or stride, axes, 1), dilation, pairs)


def batched(call: Call, x: Tensor, rank: int) -> tuple[Tensor, tuple[int, ...]]:
    """Return the input and the result's shape with a batch axis, which PyTorch lets go missing."""
    if len(x.shape) == rank:
        return x, call.shape
    return reshape(call.writer, x, (1, *x.shape), f"{call.name}.batch"), (1, *call.shape)


def _conv(call: Call) -> Tensor:
    weight, bias = call.tensor("weight"), call.tensor("bias")
    if weight is None or not weight.constant or not (bias is None or bias.constant):
        raise call.error("its weight is computed while the module runs, which is not supported")
    x, shape = batched(call, call.x, len(weight.shape))
    groups, window = int(call.get("groups", 1)), window_of(call, weight.shape[2:])
    if call.op.startswith("conv_transpose") or call.get("transposed", False):
        extra = numbers(call.get("output_padding"), len(window.kernel), 0)
        made = conv_transpose(call.writer, x, (weight, bias), window, extra, groups, shape, call.name)
    else:
        made = conv(call.writer, x, (weight, bias), window, groups, shape, call.name)
    return reshape(call.writer, made, call.shape, call.name)


def _linear(call: Call) -> Tensor:
    w, x, weight, bias = call.writer, call.x, call.tensor("weight"), call.tensor("bias")
    if weight is None:
        raise call.error("its weight is missing")
    if weight.constant and not x.constant and len(weight.shape) == 2 and (bias is None or bias.constant):
        return linear(w, x, weight, call.shape[-1], bias, call.name)
    rows = reshape(w, weight, (1, *weight.shape), f"{call.name}.row") if len(weight.shape) == 1 else weight
    made = matmul(w, x, transpose(w, rows, (1, 0), f"{call.name}.weight"), call.name)
    made = reshape(w, made, call.shape, f"{call.name}.flat")
    return made if bias is None else w.binary("add", made, bias, f"{call.name}.add")


def _matmul(call: Call) -> Tensor:
    a, b = call.tensors()[:2]
    return matmul(call.writer, a, b, call.name)


def _scaled_mm(call: Call) -> Tensor:
    a, b = call.tensors()[:2]
    made = matmul(call.writer, a, b, call.name, _own(b, call.tensor("bias")))
    return call.writer.unary("scale", made, f"{call.name}.scale")


def _own(weight: Tensor, bias: Tensor | None) -> Tensor | None:
    """Return the bias of a product with a constant matrix, if it is one number for each of its columns."""
    if bias is None or not (weight.constant and bias.constant and len(weight.shape) == 2):
        return None
    return bias if bias.size == weight.shape[-1] else None


def _addmm(call: Call) -> Tensor:
    bias, a, b = call.tensors()
    if call.op == "addbmm":  # the sum over all products is one product of longer rows
        n, rows, inner = a.shape
        a = reshape(
            call.writer, transpose(call.writer, a, (1, 0, 2), f"{call.name}.a"), (rows, n * inner), f"{call.name}.left"
        )
        b = reshape(call.writer, b, (n * inner, b.shape[-1]), f"{call.name}.right")
    own = None if a.constant else _own(b, bias)
    made = matmul(call.writer, a, b, call.name, own)
    return made if own is not None else call.writer.binary("add", made, bias, f"{call.name}.add")


def _addr(call: Call) -> Tensor:
    bias, a, b = call.tensors()
    pairs = call.writer.binary("mul", reshape(call.writer, a, (*a.shape, 1), f"{call.name}.column"), b, call.name)
    return call.writer.binary("add", pairs, bias, f"{call.name}.add")


def _einsum(call: Call) -> Tensor | None:
    equation = str(call.get("equation", ""))
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if any(len(set(term)) != len(term) for term in (i.replace("...", "") for i in terms)):
        return None  # a diagonal, which PyTorch resolves
    return einsum(call.writer, equation, call.tensors(), call.shape, call.name)


def _bilinear(call: Call) -> Tensor:
    a, b, weight, bias = call.x, call.tensor("input2"), call.tensor("weight"), call.tensor("bias")
    if b is None or weight is None or not weight.constant or not (bias is None or bias.constant):
        raise call.error("its weight is computed while the module runs, which is not supported")
    return bilinear(call.writer, a, b, weight, bias, call.name)


def _attention(call: Call) -> Tensor:
    q, k, v = call.tensors()[:3]
    q, k, v = (
        x if len(x.shape) > 2 else reshape(call.writer, x, (1, *x.shape), f"{call.name}.head") for x in (q, k, v)
    )
    mask = call.tensor("attn_mask")
    made = attention(call.writer, q, k, v, mask if mask is not None else bool(call.get("is_causal", False)), call.name)
    return reshape(call.writer, made, call.shape, f"{call.name}.flat")


def _recurrent(call: Call) -> list[Tensor]:
    w, weights = call.writer, call.get("params")
    if weights is None or call.tensor("data") is not None:
        raise call.error("a packed sequence is not supported")
    if not all(x.constant for x in weights):
        raise call.error("its weights are computed while the module runs, which is not supported")
    cell = {"lstm": "LSTM", "gru": "GRU"}.get(call.op, "RNN")
    directions = 2 if call.get("bidirectional", False) else 1
    layers, biased = int(call.get("num_layers", 1)), bool(call.get("has_biases", True))
    given = call.get("hx")
    starts = list(given) if isinstance(given, list | tuple) else [given]
    x, batch_first = call.x, bool(call.get("batch_first", False))
    single = len(x.shape) == 2
    if single:
        x = reshape(w, x, (x.shape[0], 1, x.shape[1]), f"{call.name}.batch")
        starts = [s and reshape(w, s, (s.shape[0], 1, s.shape[1]), f"{call.name}.start") for s in starts]
    elif batch_first:
        x = time_first(w, x, call.name)
    each = len(weights) // (layers * directions)
    sets = [_set(weights[i : i + each], biased) for i in range(0, len(weights), each)]
    hidden = weights[0].shape[0] // CELLS[cell]
    states, memories = [], []
    for number in range(layers):
        label, first = f"{call.name}.{number}", number * directions
        initial = [None if s is None or s.constant else take(w, s, 0, first, first + directions, label) for s in starts]
        layer = Layer(cell, hidden, tuple(sets[first : first + directions]))
        outputs, state, memory = recurrent(w, layer, x, initial, label)
        # (steps, directions, sequences, width) to (steps, sequences, directions x width)
        merged = transpose(w, outputs, (0, 2, 1, 3), f"{label}.merge")
        x = reshape(w, merged, (*merged.shape[:2], directions * layer.width), f"{label}.flat")
        states.append(state)
        memories.append(memory)
    if batch_first and not single:
        x = transpose(w, x, (1, 0, 2), f"{call.name}.first")
    made = [x, concat(w, states, 0, f"{call.name}.h"), concat(w, memories, 0, f"{call.name}.c")]
    return [reshape(w, part, shape, call.name) for part, shape in zip(made, call.shapes, strict=False)]


def _cell(call: Call) -> list[Tensor]:
    """Write one step of a recurrent layer (`LSTMCell`, `GRUCell`, `RNNCell`)."""
    w, given = call.writer, call.get("hx")
    cell = {"lstm_cell": "LSTM", "gru_cell": "GRU"}.get(call.op, "RNN")
    weights = [call.tensor(name) for name in ("w_ih", "w_hh", "b_ih", "b_hh")]
    own = [x for x in weights if x is not None]
    if len(own) < 2 or not all(x.constant for x in own):
        raise call.error("its weights are computed while the module runs, which is not supported")
    # Cells of one sample without a batch have been given one by PyTorch.
    starts = [
        None if s.constant else reshape(w, s, (1, *s.shape), f"{call.name}.start")
        for s in (given if isinstance(given, list | tuple) else [given])
    ]
    x = reshape(w, call.x, (1, *call.x.shape), f"{call.name}.step")
    layer = Layer(cell, own[0].shape[0] // CELLS[cell], (_set(own, len(own) == 4),))
    _, state, memory = recurrent(w, layer, x, starts, call.name)
    return [reshape(w, part, shape, call.name) for part, shape in zip((state, memory), call.shapes, strict=False)]


def _set(weights: Sequence[Tensor], biased: bool) -> Weights:
    """Return one direction's weights, given in PyTorch's order: of input and state, their biases, the projection."""
    projection = weights[-1] if len(weights) in (3, 5) else None
    if not biased:
        return Weights(weights[0], weights[1], projection=projection)
    return Weights(weights[0], weights[1], weights[2], weights[3], projection)


#: What writes each product; a handler answers None for one that PyTorch itself should resolve.
PRODUCTS: Mapping[str, Callable[[Call], Tensor | list[Tensor] | None]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d"), _conv),
    "conv_transpose3d": _conv, "linear": _linear, "einsum": _einsum, "bilinear": _bilinear,
    **dict.fromkeys(("addmm", "baddbmm", "addbmm", "addmv"), _addmm), "addr": _addr, "_scaled_mm": _scaled_mm,
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "vdot", "_int_mm", "linalg_matmul"), _matmul),
    "_convolution": _conv,
    "scaled_dot_product_attention": _attention, "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_attention_math": _attention,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent),
    **dict.fromkeys(("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), _cell),
}  # fmt: skip

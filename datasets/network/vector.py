"""Operators that compute element by element or over small windows and are no matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...errors import ChipgymError, unknown
from .matrix import window_output
from .operator import Operator, Shape, rank

#: Functions of one tensor. `scale` multiplies by a constant and `shift` adds one, each one number or one per channel;
#: `mask` blanks positions by a constant pattern; `rotary` turns pairs by their position's angle (arXiv:2104.09864).
UNARY = (
    "relu", "relu6", "leaky_relu", "gelu", "gelu_tanh", "tanh", "sigmoid", "silu", "hardswish", "hardsigmoid",
    "softplus", "softsign", "elu", "mish", "exp", "log", "erf", "sin", "cos", "sqrt", "rsqrt", "reciprocal", "power",
    "negate", "abs", "sign", "round", "clip", "threshold", "scale", "shift", "mask", "rotary",
)  # fmt: skip
#: Functions of two tensors of equal or broadcastable shape.
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")


@dataclass(frozen=True, slots=True)
class Pool2d(Operator):
    """Maximum or average over windows of (C, H, W): (C, H', W'); the global average is a window of the whole map.

    `kernel` and `stride` are (height, width), `padding` is (top, bottom, left, right). With `ceil_mode` a last window
    that runs past the edge counts, if it starts inside the input or the leading padding.
    """

    kind: Literal["max", "avg"]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("max", "avg"):
            raise unknown("Pool2d kind", self.kind, ("max", "avg"))
        self._ints("kernel", 2)
        self._ints("stride", 2)
        self._ints("padding", 4, minimum=0)
        self._bool("ceil_mode")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (C, H', W') for an input of (C, H, W).

        Raises:
            ChipgymError: the input has other axes, or is, padded, smaller than the kernel.
        """
        shape = inputs[0]
        if len(shape) != 3:
            raise ChipgymError(f"Pool2d input: expected shape (C, H, W), got {shape}")
        top, bottom, left, right = self.padding
        return (
            shape[0],
            self._axis(shape[1], self.kernel[0], self.stride[0], top, bottom),
            self._axis(shape[2], self.kernel[1], self.stride[1], left, right),
        )

    def _axis(self, size: int, kernel: int, stride: int, before: int, after: int) -> int:
        count = window_output("Pool2d", size, kernel, stride, before + after, 1, self.ceil_mode)
        if self.ceil_mode and (count - 1) * stride >= size + before:
            count -= 1
        return count


@dataclass(frozen=True, slots=True)
class Elementwise(Operator):
    """A function of each element: one of `UNARY`, or one of `BINARY` with NumPy's broadcasting of the two shapes."""

    function: str

    def __post_init__(self) -> None:
        if self.function not in UNARY + BINARY:
            raise unknown("Elementwise function", self.function, UNARY + BINARY)

    def check_arity(self, inputs: tuple[Shape, ...]) -> None:
        """Raise ChipgymError unless there are two inputs for a function of `BINARY`, and one for another."""
        expected = 2 if self.function in BINARY else 1
        if len(inputs) != expected:
            raise ChipgymError(f"Elementwise {self.function} takes {expected} input(s), got {len(inputs)}")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the input's shape, or that of two under NumPy's broadcasting.

        Raises:
            ChipgymError: two shapes do not broadcast.
        """
        if len(inputs) == 1:
            return inputs[0]
        a, b = inputs
        length = max(len(a), len(b))
        # Missing leading dimensions broadcast as 1.
        pairs = zip((1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b, strict=True)
        shape = []
        for x, y in pairs:
            if x != y and 1 not in (x, y):
                raise ChipgymError(f"Elementwise {self.function} inputs: shapes {a} and {b} do not broadcast")
            shape.append(max(x, y))
        return tuple(shape)


@dataclass(frozen=True, slots=True)
class Softmax(Operator):
    """Softmax over the last axis; the shape stays."""

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the input's shape, of one axis or more."""
        rank("Softmax", inputs[0], 1, "(..., n)")
        return inputs[0]


@dataclass(frozen=True, slots=True)
class Normalization(Operator):
    """Normalisation; the shape stays. `affine` has a trained scale (and, but for "rms", a trained shift).

    `kind`: "batch" per channel of (C, ...) with stored statistics; "group" over groups of channels of (C, ...), each of
    one channel or more; "layer" and "rms" over the last axis; "local_response" across neighbouring channels
    (AlexNet's), never affine.
    """

    kind: Literal["batch", "group", "layer", "rms", "local_response"]
    affine: bool = True
    kinds: ClassVar[tuple[str, ...]] = ("batch", "group", "layer", "rms", "local_response")

    def __post_init__(self) -> None:
        if self.kind not in self.kinds:
            raise unknown("Normalization kind", self.kind, self.kinds)
        self._bool("affine")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the input's shape, of one axis or more."""
        rank("Normalization", inputs[0], 1, "(C, ...)" if self.kind in ("batch", "group") else "(..., n)")
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count a scale, and but for "rms" a shift, for each channel or each position of the last axis.

        There are none without `affine`.
        """
        if not self.affine or self.kind == "local_response":
            return 0
        if self.kind == "rms":
            return inputs[0][-1]
        return 2 * (inputs[0][0] if self.kind in ("batch", "group") else inputs[0][-1])

"""Operators that are matrix products: convolution, linear, that of routed experts, and of two activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import ChipgymError, shorten
from .operator import Operator, Shape, elements, rank


def window_output(kind: str, size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Count the positions of a sliding window along one padded axis.

    floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1; with `ceil_mode` the division rounds up.

    Raises:
        ChipgymError: the window is larger than the padded axis.
    """
    reach = dilation * (kernel - 1) + 1
    room = size + padding - reach
    if room < 0:
        raise ChipgymError(f"{kind} kernel: a window of {reach} does not fit an axis of {size} padded by {padding}")
    return (-(-room // stride) if ceil_mode else room // stride) + 1


@dataclass(frozen=True, slots=True)
class Conv2d(Operator):
    """Cross-correlation of (C, H, W) with `out_channels` filters of (C / groups, kernel): (out_channels, H', W').

    `kernel`, `stride` and `dilation` are (height, width); `padding` is zeros at (top, bottom, left, right). Axes in
    front, (..., C, H, W), are several images under the same filters: a video's frames.
    """

    out_channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = True
    matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_fields(self)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (..., out_channels, H', W') for an image of (..., C, H, W).

        Raises:
            ChipgymError: the input is no such image, or, padded, smaller than the kernel.
        """
        shape = _checked_image(self, inputs[0])
        top, bottom, left, right = self.padding
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        height = window_output("Conv2d", shape[-2], kh, sh, top + bottom, dh, False)
        width = window_output("Conv2d", shape[-1], kw, sw, left + right, dw, False)
        return (*shape[:-3], self.out_channels, height, width)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Count a kernel of C / groups channels for every output element."""
        # Products with padded zeros count: an array executes them, and published totals include them.
        return elements(output) * (inputs[0][-3] // self.groups) * self.kernel[0] * self.kernel[1]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the filters' weights, and a bias for each filter where there is one."""
        weights = self.out_channels * (inputs[0][-3] // self.groups) * self.kernel[0] * self.kernel[1]
        return weights + self.out_channels * self.bias


@dataclass(frozen=True, slots=True)
class ConvTranspose2d(Operator):
    """The transpose of a convolution: every element of (C, H, W) adds a weighted filter to (out_channels, H', W').

    H' = (H - 1) stride - top - bottom + dilation (kernel - 1) + output_padding + 1, and W' likewise; `padding` is
    (top, bottom, left, right) and takes rows away. `groups` divides channels and axes in front are images, as in
    `Conv2d`.
    """

    out_channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    output_padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = True
    matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._ints("output_padding", 2, minimum=0)
        _check_fields(self)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (..., out_channels, H', W') for an image of (..., C, H, W).

        Raises:
            ChipgymError: the input is no such image, or the padding takes all of the output.
        """
        shape = _checked_image(self, inputs[0])
        cut = (self.padding[0] + self.padding[1], self.padding[2] + self.padding[3])
        height, width = (
            (shape[axis - 2] - 1) * self.stride[axis]
            - cut[axis]
            + self.dilation[axis] * (self.kernel[axis] - 1)
            + self.output_padding[axis]
            + 1
            for axis in (0, 1)
        )
        if height < 1 or width < 1:
            raise ChipgymError(f"ConvTranspose2d padding: {self.padding} leaves nothing of an input of shape {shape}")
        return (*shape[:-3], self.out_channels, height, width)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Count a kernel of out_channels / groups channels for every input element."""
        # Products that fall into the padding count, as those with padded zeros do in a convolution.
        return elements(inputs[0]) * (self.out_channels // self.groups) * self.kernel[0] * self.kernel[1]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the filters' weights, and a bias for each output channel where there is one."""
        weights = inputs[0][-3] * (self.out_channels // self.groups) * self.kernel[0] * self.kernel[1]
        return weights + self.out_channels * self.bias


def _check_fields(conv: Conv2d | ConvTranspose2d) -> None:
    """Check the fields that a convolution and its transpose have in common."""
    conv._int("out_channels")
    for field in ("kernel", "stride", "dilation"):
        conv._ints(field, 2)
    conv._ints("padding", 4, minimum=0)
    conv._int("groups")
    conv._bool("bias")
    if conv.out_channels % conv.groups:
        raise ChipgymError(
            f"{type(conv).__name__} groups: {conv.groups} does not divide out_channels {conv.out_channels}"
        )


def _checked_image(conv: Conv2d | ConvTranspose2d, shape: Shape) -> Shape:
    """Return an input's shape, if it is (..., C, H, W) and the groups divide its channels."""
    name = type(conv).__name__
    if len(shape) < 3:
        raise ChipgymError(f"{name} input: expected shape (C, H, W), got {shape}")
    if shape[-3] % conv.groups:
        raise ChipgymError(f"{name} groups: {conv.groups} does not divide the input's {shape[-3]} channels")
    return shape


@dataclass(frozen=True, slots=True)
class Linear(Operator):
    """(..., in) times a weight of (in, out_features): (..., out_features); leading dimensions are rows.

    `tied_to` names an earlier node whose weight this one shares; the weight then counts there alone.
    """

    out_features: int
    bias: bool = True
    tied_to: str | None = None
    matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._int("out_features")
        self._bool("bias")
        if self.tied_to is not None and not isinstance(self.tied_to, str):
            raise ChipgymError(f"Linear tied_to: expected the name of a node, got {shorten(self.tied_to)}")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (..., out_features) for an input of (..., in)."""
        rank("Linear", inputs[0], 1, "(..., in)")
        return (*inputs[0][:-1], self.out_features)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Count `out_features` for every input element."""
        return elements(inputs[0]) * self.out_features

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the weight, unless it is another node's, and a bias for each output feature where there is one."""
        weights = 0 if self.tied_to is not None else inputs[0][-1] * self.out_features
        return weights + self.out_features * self.bias


@dataclass(frozen=True, slots=True)
class ExpertLinear(Operator):
    """Rows of (..., in), each times the weight of the expert that it is routed to: (..., out_features), no bias.

    One of `experts` weights of (in, out_features). A token stands in the rows once for each of the `active` experts
    that it goes to. Which those are depends on the data and is no part of a network.
    """

    out_features: int
    experts: int
    active: int
    matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for field in ("out_features", "experts", "active"):
            self._int(field)
        if self.active > self.experts:
            raise ChipgymError(
                f"ExpertLinear active: {self.active} is more than the {self.experts} experts; nearest is {self.experts}"
            )

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (..., out_features) for an input of (..., rows, in).

        Raises:
            ChipgymError: the rows are not `active` for each token.
        """
        rank("ExpertLinear", inputs[0], 2, "(..., rows, in)")
        rows = elements(inputs[0][:-1])
        if rows % self.active:
            raise ChipgymError(f"ExpertLinear input: {rows} rows are not {self.active} for each token")
        return (*inputs[0][:-1], self.out_features)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Count `out_features` for every input element."""
        return elements(inputs[0]) * self.out_features

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        """Count the weights of all experts."""
        return self.experts * inputs[0][-1] * self.out_features


@dataclass(frozen=True, slots=True)
class MatMul(Operator):
    """Product of two activations, (..., m, k) x (..., k, n): (..., m, n), one per leading index (heads).

    With `transpose_b` the second is (..., n, k), as the keys of attention are.
    """

    transpose_b: bool = False
    arity: ClassVar[int] = 2
    matrix: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._bool("transpose_b")

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return (..., m, n) for inputs of (..., m, k) and (..., k, n), or (..., n, k) with `transpose_b`.

        Raises:
            ChipgymError: the inputs do not fit each other.
        """
        a, b = inputs
        for shape in inputs:
            rank("MatMul", shape, 2, "(..., rows, columns)")
        if a[:-2] != b[:-2]:
            raise ChipgymError(f"MatMul inputs: leading dimensions of {a} and {b} differ")
        inner, columns = (b[-1], b[-2]) if self.transpose_b else (b[-2], b[-1])
        if a[-1] != inner:
            form = "(..., m, k) x (..., n, k)" if self.transpose_b else "(..., m, k) x (..., k, n)"
            raise ChipgymError(f"MatMul inputs: expected {form}, got {a} and {b}")
        return (*a[:-1], columns)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Count k for every output element."""
        return elements(output) * inputs[0][-1]

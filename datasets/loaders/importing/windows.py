"""Convolutions, pooling, reductions and normalisation of imported graphs.

Images are (N, C, length), (N, C, H, W) or (N, C, D, H, W). One axis is an image of one row; three axes work where the
operator can be told as one of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import ChipgymError, shorten
from ...network.operator import Shape, elements
from ...network.operators import Conv2d, ConvTranspose2d, Normalization, Pool2d
from .movement import reshape, transpose
from .writer import GraphWriter, Tensor


@dataclass(frozen=True)
class Window:
    """Kernel, stride and dilation of each spatial axis, and its padding before and after."""

    kernel: Shape
    stride: Shape
    dilation: Shape
    padding: tuple[tuple[int, int], ...]

    @property
    def pointwise(self) -> bool:
        """Whether each output comes from one position of the input, which has as many."""
        return not any(sum(sides) for sides in self.padding) and set(self.kernel) | set(self.stride) == {1}

    def planar(self) -> Window:
        """As a window of two axes: one axis becomes the width of one row."""
        if len(self.kernel) == 2:
            return self
        return Window((1, *self.kernel), (1, *self.stride), (1, *self.dilation), ((0, 0), *self.padding))

    def plane(self, field: str) -> tuple[int, int]:
        """A field of a planar window as (height, width)."""
        height, width = getattr(self, field)
        return (height, width)

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """Padding of two axes as (top, bottom, left, right)."""
        (top, bottom), (left, right) = self.padding
        return (top, bottom, left, right)


def conv(
    w: GraphWriter, x: Tensor, out_channels: int, window: Window, groups: int, bias: bool, shape: Shape, name: str
) -> Tensor:
    """A convolution of (N, C, ...) to `shape`.

    Raises:
        ChipgymError: three spatial axes, or several images per sample, and a window of more than one position.
    """
    if window.pointwise:  # whatever the axes, one image of all their positions
        window = Window((1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)))
        source = _planes(w, x, name)
    else:
        source = _planar_image(w, x, len(window.kernel), "convolution", name)
        window = window.planar()
    sizes = (window.plane("kernel"), window.plane("stride"), window.sides, window.plane("dilation"))
    op = Conv2d(out_channels, *sizes, groups, bias)
    return _unplaned(w, w.emit(op, source, name=name), shape, name)


def conv_transpose(
    w: GraphWriter,
    x: Tensor,
    out_channels: int,
    window: Window,
    output_padding: Shape,
    groups: int,
    bias: bool,
    shape: Shape,
    name: str,
) -> Tensor:
    """A transposed convolution of (N, C, ...) to `shape`; see `conv`."""
    rows, columns = (*(0,) * (2 - len(output_padding)), *output_padding)[:2]
    source = _planar_image(w, x, len(window.kernel), "transposed convolution", name)
    window = window.planar()
    sizes = (window.plane("kernel"), window.plane("stride"), window.sides)
    op = ConvTranspose2d(out_channels, *sizes, (rows, columns), window.plane("dilation"), groups, bias)
    return _unplaned(w, w.emit(op, source, name=name), shape, name)


def _planes(w: GraphWriter, x: Tensor, name: str) -> str:
    """Any (N, C, ...) as one image (C, rows, columns)."""
    if x.shape[0] == 1 and len(x.shape) == 4:
        return w.sample(x)
    if x.shape[0] != 1:
        x = transpose(w, x, (1, 0, *range(2, len(x.shape))), f"{name}.images")
        return w.shaped(x, (x.shape[0], elements(x.shape[1:-1]), x.shape[-1]))
    return w.shaped(x, (x.shape[1], elements(x.shape[2:-1]), x.shape[-1]))


def _planar_image(w: GraphWriter, x: Tensor, axes: int, what: str, name: str) -> str:
    if axes == 1:  # several sequences are rows of one image, over which a window of one row moves
        return _planes(w, x, name)
    if axes > 2:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a {what} over {axes} axes is not supported, at most 2")
    if x.shape[0] != 1:
        raise ChipgymError(
            f"{w.source}: node {shorten(name)}: a {what} of {x.shape[0]} images per sample is not supported; where that"
            " is the batch, save the model with a batch of 1 or an open one"
        )
    return w.sample(x)


def _unplaned(w: GraphWriter, node: str, shape: Shape, name: str) -> Tensor:
    """The image that `_planes` made, as (N, C, ...)."""
    if shape[0] == 1:
        return w.made(node, shape)
    swapped = w.made(node, (shape[1], shape[0], *shape[2:]))
    return transpose(w, swapped, (1, 0, *range(2, len(shape))), f"{name}.batch")


def pool(w: GraphWriter, kind: str, x: Tensor, window: Window, shape: Shape, ceil_mode: bool, name: str) -> Tensor:
    """Maximum ("max") or average ("avg") over windows of each channel, as a `Pool2d` where that can say it."""
    if len(window.kernel) <= 2 and set(window.dilation) == {1}:
        channels = x.shape[0] * x.shape[1]
        source = w.shaped(x, (channels, *((1,) * (2 - len(window.kernel))), *x.shape[2:]))
        flat = window.planar()
        sizes = (flat.plane("kernel"), flat.plane("stride"), flat.sides)
        op = Pool2d("max" if kind == "max" else "avg", *sizes, ceil_mode)
        try:
            fits = elements(op.infer((w.builder.shape(source),))) == elements(shape)
        except ChipgymError:  # a window that reaches beyond its padding, as some frameworks round
            fits = False
        if fits:
            return w.made(w.emit(op, source, name=name), shape)
    return w.generic(f"{kind.capitalize()}Pool", [x], shape, name, elements(window.kernel))


def reduce(w: GraphWriter, kind: str, x: Tensor, axes: Sequence[int], shape: Shape, name: str) -> Tensor:
    """A sum, mean, maximum or the like over some axes: a window as large as they are."""
    reduced = [axis for axis in axes if x.shape[axis] > 1]
    if not reduced:
        return reshape(w, x, shape, name)
    kept = [axis for axis in range(len(x.shape)) if axis not in reduced]
    size = elements(tuple(x.shape[axis] for axis in reduced))
    if len(x.shape) == 4 and sorted(reduced) == [2, 3] and x.shape[0] == 1:
        source, kernel = w.sample(x), (x.shape[2], x.shape[3])
    else:
        moved = transpose(w, x, (*kept, *reduced), f"{name}.last")
        source, kernel = w.shaped(moved, (moved.size // size, size, 1)), (size, 1)
    op = Pool2d("max" if kind == "max" else "avg", kernel, kernel)
    return w.made(w.emit(op, source, name=name), shape)


def normalize(w: GraphWriter, kind: str, x: Tensor, affine: bool, name: str, axis: int = -1) -> Tensor:
    """Normalisation: "batch", "group" and "local_response" of (N, C, ...), "layer" and "rms" from `axis` on."""
    if kind in ("layer", "rms"):
        first = axis % len(x.shape)
        if first < len(x.shape) - 1:
            shape = (elements(x.shape[:first]), elements(x.shape[first:]))
            source = w.shaped(x, shape)
        else:
            source = w.sample(x)
        return w.made(w.emit(Normalization(kind, affine), source, name=name), x.shape)  # type: ignore[arg-type]
    if x.shape[0] != 1 and len(x.shape) > 1:
        order = (1, 0, *range(2, len(x.shape)))
        moved = transpose(w, x, order, f"{name}.channels")
        node = w.emit(Normalization(kind, affine), w.whole(moved), name=name)  # type: ignore[arg-type]
        return transpose(w, w.made(node, moved.shape), order, f"{name}.batch")
    # As a one-row image it may have been written: its channels come first all the same.
    node = w.activation(x)
    node = node if w.builder.shape(node)[0] == x.shape[min(1, len(x.shape) - 1)] else w.sample(x)
    made = w.emit(Normalization(kind, affine), node, name=name)  # type: ignore[arg-type]
    return w.made(made, x.shape)

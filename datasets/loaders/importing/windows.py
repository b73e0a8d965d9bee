"""Convolutions, pooling, reductions and normalisation of imported graphs.

Images are (N, C, length), (N, C, H, W) or (N, C, D, H, W). One axis is an image of one row; a convolution over three is
one over two of as many images as the first has positions, under the same filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import ChipgymError, shorten
from ...network.operator import Shape, elements
from ...network.operators import Conv2d, ConvTranspose2d, Elementwise, Normalization, Pool2d
from .movement import reshape, take, transpose
from .writer import GraphWriter, Tensor

#: A weight, and the bias where there is one.
Weights = tuple[Tensor, Tensor | None]


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
        """Return the window over two axes: one axis becomes the width of one row."""
        if len(self.kernel) == 2:
            return self
        return Window((1, *self.kernel), (1, *self.stride), (1, *self.dilation), ((0, 0), *self.padding))

    def first(self) -> Window:
        """Return the window over the first axis alone."""
        return Window(self.kernel[:1], self.stride[:1], self.dilation[:1], self.padding[:1])

    def rest(self) -> Window:
        """Return the window over all but the first axis."""
        return Window(self.kernel[1:], self.stride[1:], self.dilation[1:], self.padding[1:])

    def spread(self, size: Shape, extra: Shape) -> Shape:
        """Return how large a transposed convolution of an image of `size` comes out."""
        return tuple(
            (size[i] - 1) * self.stride[i]
            - sum(self.padding[i])
            + self.dilation[i] * (self.kernel[i] - 1)
            + extra[i]
            + 1
            for i in range(len(size))
        )

    def plane(self, field: str) -> tuple[int, int]:
        """Return a field of a planar window as (height, width)."""
        height, width = getattr(self, field)
        return (height, width)

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """Padding of two axes as (top, bottom, left, right)."""
        (top, bottom), (left, right) = self.padding
        return (top, bottom, left, right)


#: A window of one position.
POINT = Window((1, 1), (1, 1), (1, 1), ((0, 0), (0, 0)))


def conv(w: GraphWriter, x: Tensor, weights: Weights, window: Window, groups: int, shape: Shape, name: str) -> Tensor:
    """Write a convolution of (N, C, ...) to `shape`; its weight is (out, C / groups, ...)."""
    weight, bias = weights
    out = weight.shape[0]

    def one(x: Tensor, plane: Window, out_shape: Shape) -> Tensor:
        sizes = (plane.plane("kernel"), plane.plane("stride"), plane.sides, plane.plane("dilation"))
        op = Conv2d(out, *sizes, groups, bias is not None)
        return w.made(w.emit(op, w.sample(x), name=name, weights=weights), out_shape)

    flat = _flattened(w, x, window, name)
    if flat is not None:
        image, plane = flat
        return one(image, plane, shape)
    # Over three axes: every position of the first is an image of all that its window reaches there.
    depth, plane = window.first(), window.rest()
    frames = _frames(w, x, depth, shape[2], name)
    made = one(frames, plane, (shape[0], shape[2], out, *shape[3:]))
    return transpose(w, made, (0, 2, 1, 3, 4), f"{name}.channels")


def conv_transpose(
    w: GraphWriter, x: Tensor, weights: Weights, window: Window, extra: Shape, groups: int, shape: Shape, name: str
) -> Tensor:
    """Write a transposed convolution of (N, C, ...) to `shape`; its weight is (C, out / groups, ...).

    Args:
        w: writes the network.
        x: (N, C, ...), with one, two or three spatial axes.
        weights: the weight, and the bias of (out,) or None.
        window: kernel, stride, dilation and padding of each spatial axis.
        extra: rows of output more than the windows reach, for each axis.
        groups: parts of the channels that do not meet; divides C and out.
        shape: of the result, (N, out, ...).
        name: of the node; what the names begin with where there are several.
    """
    weight, bias = weights
    out = weight.shape[1] * groups

    def one(x: Tensor, plane: Window, more: Shape, channels: int, own: Weights, out_shape: Shape) -> Tensor:
        sizes = (plane.plane("kernel"), plane.plane("stride"), plane.sides)
        dilation = plane.plane("dilation")
        op = ConvTranspose2d(channels, *sizes, (more[0], more[1]), dilation, groups, own[1] is not None)
        return w.made(w.emit(op, w.sample(x), name=name, weights=own), out_shape)

    flat = _flattened(w, x, window, name)
    if flat is not None:
        # One axis is the row's; of three, the first is the image's height.
        more = (0, 0) if window.pointwise else {1: (0, *extra), 2: extra}.get(len(extra), (extra[0], 0))
        return one(*flat, more, out, weights, shape)
    depth, plane = window.first(), window.rest()
    frames = transpose(w, x, (0, 2, 1, 3, 4), f"{name}.frames")
    size = plane.spread(frames.shape[3:], extra[1:])
    if depth.pointwise and not extra[0]:
        made = one(frames, plane, extra[1:], out, weights, (*frames.shape[:2], out, *size))
        return transpose(w, made, (0, 2, 1, 3, 4), f"{name}.channels")
    # Each image gives one for every position of the window that it meets; those that meet are added.
    taps = depth.kernel[0]
    parts = one(frames, plane, extra[1:], out * taps, (weight, None), (*frames.shape[:2], out * taps, *size))
    made = w.generic("Fold", [parts], shape, f"{name}.fold", -(-taps // depth.stride[0]))
    if bias is None:
        return made
    node = w.emit(Elementwise("add"), w.whole(made), w.shaped(bias, (out, 1, 1, 1)), name=f"{name}.bias")
    return w.made(node, shape)


def _flattened(w: GraphWriter, x: Tensor, window: Window, name: str) -> tuple[Tensor, Window] | None:
    """Return (N, C, ...) as images (N, C, rows, columns) and the window over them.

    None where it moves over three axes.
    """
    n, c, *size = x.shape
    if window.pointwise:  # whatever the axes, one image of all their positions
        return reshape(w, x, (n, c, elements(tuple(size[:-1])), size[-1]), f"{name}.plane"), POINT
    if len(size) == 1:  # a row
        return reshape(w, x, (n, c, 1, size[0]), f"{name}.plane"), window.planar()
    if len(size) == 2:
        return x, window
    if len(size) == 3 and window.rest().pointwise:  # along the first axis alone
        first = window.first()
        plane = Window((*first.kernel, 1), (*first.stride, 1), (*first.dilation, 1), (*first.padding, (0, 0)))
        return reshape(w, x, (n, c, size[0], size[1] * size[2]), f"{name}.plane"), plane
    if len(size) == 3:
        return None
    raise ChipgymError(
        f"{w.source}: node {shorten(name)}: a convolution over {len(size)} axes is not supported, at most 3"
    )


def _frames(w: GraphWriter, x: Tensor, depth: Window, count: int, name: str) -> Tensor:
    """Unfold (N, C, D, H, W) to `count` images (N, count, C x taps, H, W), each of all that a window over D reaches."""
    n, c, _, h, width = x.shape
    (taps,), (stride,), (dilation,) = depth.kernel, depth.stride, depth.dilation
    if not any(depth.padding[0]) and taps == stride and (dilation == 1 or taps == 1):  # no frame is in two windows
        x = take(w, x, 2, 0, count * taps, f"{name}.depth")
        parted = reshape(w, x, (n, c, count, taps, h, width), f"{name}.part")
        moved = transpose(w, parted, (0, 2, 1, 3, 4, 5), f"{name}.frames")
        return reshape(w, moved, (n, count, c * taps, h, width), f"{name}.stack")
    return w.generic("Unfold", [x], (n, count, c * taps, h, width), f"{name}.unfold")


def pool(w: GraphWriter, kind: str, x: Tensor, window: Window, shape: Shape, ceil_mode: bool, name: str) -> Tensor:
    """Write the maximum ("max") or average ("avg") over windows of each channel.

    It is a `Pool2d` where that can say it.
    """
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
    """Write a sum, mean, maximum or the like over some axes: a window as large as they are."""
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


def normalize(
    w: GraphWriter, kind: str, x: Tensor, weights: Sequence[Tensor | None], name: str, axis: int = -1
) -> Tensor:
    """Write a normalisation: "batch", "group" and "local_response" of (N, C, ...), "layer" and "rms" from `axis` on.

    `weights` are its trained scale and shift, as far as it has them.
    """
    weights = [given for given in weights if given is not None]
    op = Normalization(kind, bool(weights))  # type: ignore[arg-type]
    if kind in ("layer", "rms"):
        first = axis % len(x.shape)
        if first < len(x.shape) - 1:
            shape = (elements(x.shape[:first]), elements(x.shape[first:]))
            source = w.shaped(x, shape)
        else:
            source = w.sample(x)
        return w.made(w.emit(op, source, name=name, weights=weights), x.shape)
    if x.shape[0] != 1 and len(x.shape) > 1:
        order = (1, 0, *range(2, len(x.shape)))
        moved = transpose(w, x, order, f"{name}.channels")
        node = w.emit(op, w.whole(moved), name=name, weights=weights)
        return transpose(w, w.made(node, moved.shape), order, f"{name}.batch")
    # As a one-row image it may have been written: its channels come first all the same.
    node = w.activation(x)
    node = node if w.builder.shape(node)[0] == x.shape[min(1, len(x.shape) - 1)] else w.sample(x)
    return w.made(w.emit(op, node, name=name, weights=weights), x.shape)

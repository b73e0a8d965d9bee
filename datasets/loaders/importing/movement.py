"""Data movement of imported graphs: reshapes, transposes, slices, joins, look-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...network.operator import Shape, elements
from ...network.operators import Concat, Embedding, Reshape, Slice, Transpose
from .writer import GraphWriter, Tensor, per_sample


def reshape(w: GraphWriter, x: Tensor, shape: Shape, name: str) -> Tensor:
    """Put the same elements under another shape; axes of 1 come and go without a node."""
    if x.constant:
        return replace(x, shape=shape, values=None if x.values is None else x.values.reshape(shape))
    if _without_ones(x.shape) == _without_ones(shape):
        return replace(x, shape=shape)
    return w.made(w.emit(Reshape(per_sample(shape) or (1,)), w.activation(x), name=name), shape)


def transpose(w: GraphWriter, x: Tensor, order: Sequence[int], name: str) -> Tensor:
    """Reorder axes, without a node where only axes of 1 change places."""
    shape = tuple(x.shape[axis] for axis in order)
    if x.constant:
        return replace(x, shape=shape, values=None if x.values is None else x.values.transpose(order))
    moved = [axis for axis in order if x.shape[axis] > 1]
    if moved == sorted(moved):
        return replace(x, shape=shape)
    if order[0] == 0 and x.shape[0] == 1:
        node = w.emit(Transpose(tuple(axis - 1 for axis in order[1:])), w.sample(x), name=name)
    else:
        node = w.emit(Transpose(tuple(order)), w.whole(x), name=name)
    return w.made(node, shape)


def take(w: GraphWriter, x: Tensor, axis: int, start: int, stop: int, name: str) -> Tensor:
    """Take positions `start` to `stop` (exclusive) of one axis."""
    shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
    if shape == x.shape:
        return x
    if x.constant:
        values = None if x.values is None else x.values.take(range(start, stop), axis)
        part = f".{axis}.{start}.{stop}"
        sign = None if x.sign is None else x.sign + part
        return replace(x, label=x.label + part, shape=shape, values=values, sign=sign)
    drop = axis > 0 and x.shape[0] == 1
    node = w.emit(Slice(axis - drop, start, stop), w.sample(x) if drop else w.whole(x), name=name)
    return w.made(node, shape)


def concat(w: GraphWriter, tensors: Sequence[Tensor], axis: int, name: str) -> Tensor:
    """Join tensors along an axis; those without elements are left aside."""
    kept = [x for x in tensors if x.size] or list(tensors[:1])
    if len(kept) == 1:
        return kept[0]
    first = kept[0].shape
    shape = (*first[:axis], sum(x.shape[axis] for x in kept), *first[axis + 1 :])
    drop = axis > 0 and first[0] == 1
    nodes = (w.shaped(x, x.shape[1:]) if drop else w.whole(x) for x in kept)
    return w.made(w.emit(Concat(axis - drop), *nodes, name=name), shape)


def split(w: GraphWriter, x: Tensor, axis: int, sizes: Sequence[int], name: str) -> list[Tensor]:
    """Split an axis into consecutive parts."""
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [
        take(w, x, axis, at, at + size, f"{name}.{i}") for i, (at, size) in enumerate(zip(starts, sizes, strict=True))
    ]


def gather(w: GraphWriter, data: Tensor, indices: Tensor, axis: int, shape: Shape, name: str) -> Tensor:
    """Take positions of an axis by their numbers: a look-up of a constant table's rows, a slice, or words that move."""
    if data.constant and axis == 0 and data.shape and not indices.constant:
        op = Embedding(data.shape[0], elements(data.shape[1:]))
        return w.made(w.emit(op, w.sample(indices), name=name, weights=[data]), shape)
    if indices.values is not None and not data.constant and indices.size:
        at = [int(i) % data.shape[axis] for i in indices.values.ravel()]
        if at == list(range(at[0], at[0] + len(at))):
            return replace(take(w, data, axis, at[0], at[0] + len(at), name), shape=shape)
    return w.generic("Gather", [data, indices], shape, name)


def _without_ones(shape: Shape) -> Shape:
    return tuple(extent for extent in shape if extent > 1)


def flattened(shape: Shape, axis: int) -> Shape:
    """Fold a shape to two axes, with `axis` axes in front of the fold."""
    return (elements(shape[:axis]), elements(shape[axis:]))

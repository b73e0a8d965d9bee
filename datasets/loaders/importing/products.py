"""Matrix products of imported graphs: linear layers, products of activations, einsum, attention."""

from __future__ import annotations

import re
from dataclasses import replace

from ....errors import ChipgymError, shorten
from ...network.operator import Shape, elements
from ...network.operators import Linear, MatMul, Softmax
from .movement import reshape, transpose
from .writer import GraphWriter, Tensor, broadcast


def linear(w: GraphWriter, x: Tensor, weight: Tensor, out: int, bias: bool, name: str) -> Tensor:
    """(..., in) times a constant weight of in x out numbers, in either order: (..., out)."""
    node = w.sample(x) if len(x.shape) > 1 else w.shaped(x, x.shape)
    label = w.unique(name)
    tied = w.owner(weight, (out, x.shape[-1]), label)
    return w.made(w.builder.add(Linear(out, bias, tied), node, name=label), (*x.shape[:-1], out))


def matmul(w: GraphWriter, a: Tensor, b: Tensor, name: str, bias: bool = False) -> Tensor:
    """NumPy's matmul; a second operand that is a constant matrix makes it a linear layer."""
    if not a.shape or not b.shape:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a matrix product of {a.shape} and {b.shape}")
    matrix = 2 <= len(b.shape) <= max(len(a.shape), 2) and elements(b.shape[:-2]) == 1
    if b.constant and matrix and not a.constant:
        return linear(w, a, b, b.shape[-1], bias, name)
    if a.constant and len(a.shape) == 2 and len(b.shape) >= 2 and not b.constant:
        # (m, k) x (..., k, n): the rows of the second are the layer's inputs, read by columns.
        swapped = (*range(len(b.shape) - 2), len(b.shape) - 1, len(b.shape) - 2)
        turned = linear(w, transpose(w, b, swapped, f"{name}.columns"), a, a.shape[0], False, name)
        return transpose(w, turned, swapped, f"{name}.rows")
    left = a if len(a.shape) > 1 else reshape(w, a, (1, *a.shape), f"{name}.row")
    right = b if len(b.shape) > 1 else reshape(w, b, (*b.shape, 1), f"{name}.column")
    out = _product(w, left, right, name)
    shape = list(out.shape)
    if len(a.shape) == 1:
        del shape[-2]
    if len(b.shape) == 1:
        del shape[-1]
    return replace(out, shape=tuple(shape))


def _product(w: GraphWriter, a: Tensor, b: Tensor, name: str, transpose_b: bool = False) -> Tensor:
    """Product of two tensors of two or more axes whose leading axes broadcast."""
    columns, inner = (b.shape[-2], b.shape[-1]) if transpose_b else (b.shape[-1], b.shape[-2])
    rows = a.shape[-2]
    if a.shape[-1] != inner:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a matrix product of {a.shape} and {b.shape}")
    lead = broadcast(w.source, name, a.shape[:-2], b.shape[:-2])
    out = (*lead, rows, columns)
    if elements(b.shape[:-2]) == 1:  # one matrix for all: their rows stand above one another
        first = w.shaped(a, (elements(a.shape[:-1]), inner))
        second = w.shaped(b, b.shape[-2:])
    else:
        heads = tuple(extent for extent in lead if extent > 1)
        pair = []
        for x in (a, b):
            full = (1,) * (len(lead) - len(x.shape[:-2])) + x.shape[:-2]
            if full != lead:  # one operand stands for several: the words are read again for each
                x = w.generic("Expand", [x], (*lead, *x.shape[-2:]), f"{name}.expand")
            pair.append(w.shaped(x, (*heads, *x.shape[-2:])))
        first, second = pair
    return w.made(w.emit(MatMul(transpose_b), first, second, name=name), out)


def einsum(w: GraphWriter, equation: str, a: Tensor, b: Tensor, out: Shape, name: str) -> Tensor:
    """A sum of products of two tensors, with letters for axes, as one matrix product.

    Raises:
        ChipgymError: an ellipsis, a diagonal, or a letter that one operand alone has and the result has not.
    """
    found = re.fullmatch(r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]*)", re.sub(r"\s", "", equation))
    if not found or any(len(set(letters)) != len(letters) for letters in found.groups()):
        raise ChipgymError(f"{w.source}: node {shorten(name)}: einsum {shorten(equation)} is not supported")
    left, right, result = found.groups()
    shared = [i for i in left if i in right and i in result]
    summed = [i for i in left if i in right and i not in result]
    rows = [i for i in left if i not in right]
    columns = [i for i in right if i not in left]
    if any(i not in result for i in rows + columns):
        raise ChipgymError(f"{w.source}: node {shorten(name)}: einsum {shorten(equation)} sums an axis of one operand")
    extent = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}

    def grouped(x: Tensor, letters: str, *groups: list[str]) -> Tensor:
        order = tuple(letters.index(i) for group in groups for i in group)
        shape = tuple(elements(tuple(extent[i] for i in group)) for group in groups)
        return reshape(w, transpose(w, x, order, f"{name}.transpose"), shape, f"{name}.reshape")

    if b.constant and not shared:
        width = elements(tuple(extent[i] for i in columns))
        product = linear(w, grouped(a, left, rows, summed), b, width, False, name)
    else:
        product = _product(w, grouped(a, left, shared, rows, summed), grouped(b, right, shared, summed, columns), name)
    letters = "".join(shared + rows + columns)
    split = reshape(w, product, tuple(extent[i] for i in letters), f"{name}.split")
    made = transpose(w, split, tuple(letters.index(i) for i in result), f"{name}.order")
    return replace(made, shape=out)


def attention(w: GraphWriter, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | bool, name: str) -> Tensor:
    """Scaled dot-product attention, operator by operator: (..., heads, queries, width) and (..., groups, keys, width).

    Where several query heads share a key head (grouped queries), their queries stand above one another in one product.
    A mask blanks scores after they are computed: all queries x keys products count.
    """
    lead, heads, queries = q.shape[:-3], q.shape[-3], q.shape[-2]
    groups, keys = k.shape[-3], k.shape[-2]
    if heads % groups:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: {groups} key heads do not divide {heads} query heads")
    stacked = reshape(w, q, (*lead, groups, heads // groups * queries, q.shape[-1]), f"{name}.queries")
    scores = w.unary("scale", _product(w, stacked, k, f"{name}.scores", transpose_b=True), f"{name}.scale")
    if isinstance(mask, Tensor) and not mask.constant:
        whole = reshape(w, scores, (*lead, heads, queries, keys), f"{name}.heads")
        scores = reshape(w, w.binary("add", whole, mask, f"{name}.mask"), scores.shape, f"{name}.stacked")
    elif mask:
        scores = w.unary("mask", scores, f"{name}.mask")
    weights = softmax(w, scores, len(scores.shape) - 1, f"{name}.softmax")
    context = _product(w, weights, v, f"{name}.context")
    return reshape(w, context, (*lead, heads, queries, v.shape[-1]), f"{name}.out")


def softmax(w: GraphWriter, x: Tensor, axis: int, name: str) -> Tensor:
    """Softmax over one axis, which is moved to the end and back where it is not the last."""
    last = len(x.shape) - 1
    if axis == last:
        return w.made(w.emit(Softmax(), w.sample(x), name=name), x.shape)
    order = (*(i for i in range(last + 1) if i != axis), axis)
    moved = transpose(w, x, order, f"{name}.last")
    done = w.made(w.emit(Softmax(), w.sample(moved), name=name), moved.shape)
    return transpose(w, done, tuple(order.index(i) for i in range(last + 1)), f"{name}.back")

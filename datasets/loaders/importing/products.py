"""Matrix products of imported graphs: linear layers, products of activations, einsum, attention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ....errors import ChipgymError, shorten
from ...network.operator import Shape, elements
from ...network.operators import Linear, MatMul, Softmax
from .movement import reshape, transpose
from .windows import reduce
from .writer import GraphWriter, Tensor, broadcast


def linear(w: GraphWriter, x: Tensor, weight: Tensor, out: int, bias: Tensor | None, name: str) -> Tensor:
    """Multiply (..., in) by a constant weight of in x out numbers, in either order, to (..., out)."""
    node = w.sample(x) if len(x.shape) > 1 else w.shaped(x, x.shape)
    made = w.emit(Linear(out, bias is not None), node, name=name, weights=[weight, bias])
    return w.made(made, (*x.shape[:-1], out))


def matmul(w: GraphWriter, a: Tensor, b: Tensor, name: str, bias: Tensor | None = None) -> Tensor:
    """Write NumPy's matmul; a second operand that is a constant matrix makes it a linear layer."""
    if not a.shape or not b.shape:
        raise ChipgymError(f"{w.source}: node {shorten(name)}: a matrix product of {a.shape} and {b.shape}")
    matrix = 2 <= len(b.shape) <= max(len(a.shape), 2) and elements(b.shape[:-2]) == 1
    if b.constant and matrix and not a.constant:
        return linear(w, a, b, b.shape[-1], bias, name)
    if a.constant and len(a.shape) == 2 and len(b.shape) >= 2 and not b.constant:
        # (m, k) x (..., k, n): the rows of the second are the layer's inputs, read by columns.
        swapped = (*range(len(b.shape) - 2), len(b.shape) - 1, len(b.shape) - 2)
        turned = linear(w, transpose(w, b, swapped, f"{name}.columns"), a, a.shape[0], None, name)
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
    """Multiply two tensors of two or more axes whose leading axes broadcast."""
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


def einsum(w: GraphWriter, equation: str, tensors: Sequence[Tensor], out: Shape, name: str) -> Tensor:
    """Write a sum of products of tensors, with letters for axes, as matrix products of two at a time from the left.

    An ellipsis stands for axes that broadcast; without an arrow the result has the letters that stand once, in order.

    Raises:
        ChipgymError: the equation does not fit the tensors, or has one letter twice in a tensor (a diagonal).
    """
    terms, result = _terms(w, equation, tensors, name)
    parts = [_factor(w, x, letters, name) for x, letters in zip(tensors, terms, strict=True)]
    (left, letters), rest = parts[0], parts[1:]
    for place, (right, others) in enumerate(rest):
        later = set(result).union(*(some for _, some in rest[place + 1 :]))
        at = f"{name}.{place}" if place + 1 < len(rest) else name
        left, letters = _contracted(w, left, letters, right, others, later, at)
    left, letters = _summed(w, left, letters, set(result), name)
    kept = "".join(i for i in result if i in letters)  # the others are of one position
    return replace(transpose(w, left, tuple(letters.index(i) for i in kept), f"{name}.order"), shape=out)


def _terms(w: GraphWriter, equation: str, tensors: Sequence[Tensor], name: str) -> tuple[list[str], str]:
    """Return the letters of each tensor's axes and of the result's, with letters in place of an ellipsis."""
    text = re.sub(r"\s", "", equation)
    where = f"{w.source}: node {shorten(name)}: einsum {shorten(equation)}"
    given, arrow, result = text.partition("->")
    terms = given.split(",")
    if len(terms) != len(tensors) or not all(re.fullmatch(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*", i) for i in (*terms, result)):
        raise ChipgymError(f"{where} does not fit {len(tensors)} tensors")
    free = [chr(i) for i in range(0x3B1, 0x3B1 + 17)]  # no letter of the equation's
    spans = [len(x.shape) - len(i.replace("...", "")) for x, i in zip(tensors, terms, strict=True) if "..." in i]
    most = max(spans, default=0)
    if most > len(free):
        raise ChipgymError(f"{where} has an ellipsis of {most} axes, at most {len(free)}")
    whole = []
    for x, term in zip(tensors, terms, strict=True):
        count = len(x.shape) - len(term.replace("...", ""))
        if count < 0 or (count and "..." not in term):
            raise ChipgymError(f"{where} does not fit a tensor of shape {x.shape}")
        whole.append(term.replace("...", "".join(free[most - count : most])))
    if arrow:
        result = result.replace("...", "".join(free[:most]))
    else:
        letters = "".join(terms).replace(".", "")
        result = "".join(free[:most]) + "".join(i for i in sorted(set(letters)) if letters.count(i) == 1)
    if any(len(set(letters)) != len(letters) for letters in (*whole, result)):
        raise ChipgymError(f"{where} is not supported: it takes a diagonal")
    return whole, result


def _factor(w: GraphWriter, x: Tensor, letters: str, name: str) -> tuple[Tensor, str]:
    """Return a tensor without its axes of one position, which broadcast, and the letters of those that remain."""
    kept = [axis for axis, extent in enumerate(x.shape) if extent > 1]
    shape = tuple(x.shape[axis] for axis in kept)
    return reshape(w, x, shape, f"{name}.factor"), "".join(letters[axis] for axis in kept)


def _summed(w: GraphWriter, x: Tensor, letters: str, kept: set[str], name: str) -> tuple[Tensor, str]:
    """Sum a tensor over the axes whose letters nothing else has."""
    axes = [axis for axis, letter in enumerate(letters) if letter not in kept]
    if not axes:
        return x, letters
    left = "".join(letter for letter in letters if letter in kept)
    shape = tuple(extent for letter, extent in zip(letters, x.shape, strict=True) if letter in kept)
    return reduce(w, "avg", x, axes, shape, f"{name}.sum"), left


def _contracted(
    w: GraphWriter, a: Tensor, left: str, b: Tensor, right: str, later: set[str], name: str
) -> tuple[Tensor, str]:
    """Return the product of two tensors, summed over the letters that nothing later has, and its letters."""
    if a.constant and not b.constant:  # a weight comes second
        a, left, b, right = b, right, a, left
    a, left = _summed(w, a, left, later | set(right), f"{name}.a")
    b, right = _summed(w, b, right, later | set(left), f"{name}.b")
    shared = [i for i in left if i in right and i in later]
    summed = [i for i in left if i in right and i not in later]
    rows = [i for i in left if i not in right]
    columns = [i for i in right if i not in left]
    extent = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}

    def grouped(x: Tensor, letters: str, *groups: list[str]) -> Tensor:
        order = tuple(letters.index(i) for group in groups for i in group)
        shape = tuple(elements(tuple(extent[i] for i in group)) for group in groups)
        return reshape(w, transpose(w, x, order, f"{name}.transpose"), shape, f"{name}.reshape")

    if b.constant and not a.constant and not shared:
        width = elements(tuple(extent[i] for i in columns))
        product = linear(w, grouped(a, left, rows, summed), b, width, None, name)
    else:
        product = _product(w, grouped(a, left, shared, rows, summed), grouped(b, right, shared, summed, columns), name)
    letters = "".join(shared + rows + columns)
    return reshape(w, product, tuple(extent[i] for i in letters), f"{name}.split"), letters


def bilinear(w: GraphWriter, a: Tensor, b: Tensor, weight: Tensor, bias: Tensor | None, name: str) -> Tensor:
    """Write x' W y for each of `out` matrices W: the products of all pairs, then one weighted sum of these.

    `a` is (..., m), `b` is (..., n), `weight` (out, m, n).
    """
    out, m, n = weight.shape
    pairs = w.binary(
        "mul",
        reshape(w, a, (*a.shape, 1), f"{name}.column"),
        reshape(w, b, (*b.shape[:-1], 1, n), f"{name}.row"),
        f"{name}.pairs",
    )
    flat = reshape(w, pairs, (*a.shape[:-1], m * n), f"{name}.flat")
    return linear(w, flat, reshape(w, weight, (out, m * n), f"{name}.weight"), out, bias, name)


def attention(w: GraphWriter, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | bool, name: str) -> Tensor:
    """Write scaled dot-product attention of (..., heads, queries, width) and (..., groups, keys, width) by operator.

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
    """Write softmax over one axis, which is moved to the end and back where it is not the last."""
    last = len(x.shape) - 1
    if axis == last:
        return w.made(w.emit(Softmax(), w.sample(x), name=name), x.shape)
    order = (*(i for i in range(last + 1) if i != axis), axis)
    moved = transpose(w, x, order, f"{name}.last")
    done = w.made(w.emit(Softmax(), w.sample(moved), name=name), moved.shape)
    return transpose(w, done, tuple(order.index(i) for i in range(last + 1)), f"{name}.back")

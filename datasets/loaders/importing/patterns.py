"""Functions that a graph writes out in smaller ones: x * sigmoid(x), a division by a standard deviation.

A function that is recognised is written from its source; the nodes of its pieces stay where others read them, and are
left out of the network where nobody does.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...network import Node
from ...network.operators import Elementwise, Pool2d, Reshape, Transpose
from .windows import normalize
from .writer import GraphWriter, Tensor

#: What x times these functions of x is, constants left aside; the outermost first.
GATES = {
    ("sigmoid",): "silu",
    ("hardsigmoid",): "hardswish",
    ("relu6",): "hardswish",
    ("clip",): "hardswish",
    ("erf",): "gelu",
    ("tanh", "softplus"): "mish",
    ("tanh", "add"): "gelu_tanh",
}
#: What leads from a mean of squares to the divisor of a normalisation, and to its factor.
QUOTIENTS = (("sqrt",),)
PRODUCTS = (("rsqrt",), ("reciprocal", "sqrt"))
#: Functions with constants alone, which do not tell one activation function from another.
CONSTANTS = ("scale", "shift")
#: Most nodes that a function is looked for behind: GELU's tanh form has ten.
LONGEST = 32


def combined(w: GraphWriter, function: str, a: Tensor, b: Tensor, name: str) -> Tensor | None:
    """Write the product or quotient of two tensors as the function that it completes, or return None."""
    if function == "mul":
        return gated(w, a, b, name) or normalized(w, a, b, name, PRODUCTS) or normalized(w, b, a, name, PRODUCTS)
    return normalized(w, a, b, name, QUOTIENTS) if function == "div" else None


def gated(w: GraphWriter, a: Tensor, b: Tensor, name: str) -> Tensor | None:
    """Write the product of two tensors where one is a known function of the other (SiLU, hard swish, GELU, Mish)."""
    for x, gate in ((a, b), (b, a)):
        if x.node is None or gate.node is None or x.shape != gate.shape:
            continue
        # GELU may have its half on x's side, or behind the product.
        sources = {node.name for node in _chain(w, x.node, CONSTANTS)}
        functions: list[str] = []
        for node in _chain(w, gate.node):
            if functions and node.name in sources:
                known = GATES.get(tuple(f for f in functions if f not in CONSTANTS))
                return None if known is None else w.made(w.emit(Elementwise(known), node.name, name=name), x.shape)
            functions.append(node.op.function if isinstance(node.op, Elementwise) else "")
    return None


def normalized(
    w: GraphWriter, x: Tensor, spread: Tensor, name: str, roots: tuple[tuple[str, ...], ...]
) -> Tensor | None:
    """Write x over the root of its squares' mean over the last axis, and some epsilon, as a normalisation.

    It is RMS normalisation, or layer normalisation where x is what a mean was taken from. A scale and shift that follow
    stay nodes of their own.

    Args:
        w: writes the network.
        x: (..., n), what is normalised.
        spread: (..., 1), what x meets: the root, or one over it.
        name: of the node that is written.
        roots: what leads from the mean of squares to what x meets, constants left aside; the outermost first.

    Returns:
        The normalised tensor, (..., n); None where the two are no normalisation.
    """
    if x.node is None or spread.node is None or spread.shape != (*x.shape[:-1], 1):
        return None
    chain = list(_chain(w, spread.node))
    functions = [node.op.function for node in chain[:-1] if isinstance(node.op, Elementwise)]
    squared = _mean_of(w, chain[-1].name)
    if squared is None or tuple(f for f in functions if f not in CONSTANTS) not in roots:
        return None
    square = w.builder.node(squared)
    twice = square.op == Elementwise("mul") and len(set(square.inputs)) == 1
    if not (twice or square.op == Elementwise("power")):
        return None
    source = _moved(w, x.node)
    if _moved(w, square.inputs[0]).name != source.name:
        return None
    kind, made_of = "rms", x.node
    if source.op == Elementwise("sub") and _mean_of(w, source.inputs[1]) == _moved(w, source.inputs[0]).name:
        kind, made_of = "layer", source.inputs[0]
    return normalize(w, kind, Tensor(made_of, x.shape, made_of), (), name)


def _chain(w: GraphWriter, label: str, only: tuple[str, ...] = ()) -> Iterator[Node]:
    """Yield the node, and those before it, as long as each is a function of one tensor.

    With `only`, the function must be one of these.

    x plus a multiple of a power of x is one such.
    """
    for _ in range(LONGEST):
        node = _moved(w, label)
        yield node
        if not isinstance(node.op, Elementwise) or (only and node.op.function not in only):
            return
        label = node.inputs[0]
        if len(node.inputs) == 2:
            powers = (*CONSTANTS, "power")
            if node.op.function != "add" or label not in {n.name for n in _chain(w, node.inputs[1], powers)}:
                return


def _moved(w: GraphWriter, label: str) -> Node:
    """Return the node, or the one before it that was reshaped or transposed to it."""
    node = w.builder.node(label)
    for _ in range(LONGEST):
        if not isinstance(node.op, Reshape | Transpose):
            break
        node = w.builder.node(node.inputs[0])
    return node


def _mean_of(w: GraphWriter, label: str) -> str | None:
    """Return the name of what the average over a whole axis is taken of, or None where `label` is no such average."""
    node = _moved(w, label)
    if not isinstance(node.op, Pool2d) or node.op.kind != "avg" or node.op.kernel[1] != 1:
        return None
    return _moved(w, node.inputs[0]).name

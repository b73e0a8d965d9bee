"""Matrix operators as the matrix products that they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .operators import Conv2d, ConvTranspose2d, ExpertLinear, Linear, MatMul

#: g products of m × k by k × n: (g, m, k, n).
Product = tuple[int, int, int, int]

if TYPE_CHECKING:  # graph.py imports features.py, which imports this module
    from .graph import Network, Node


def sample_product(network: Network, node: Node) -> Product:
    """Return a matrix operator on one sample as g products of m × k by k × n, (g, m, k, n).

    A convolution multiplies its unfolded windows by its filters, a transposed one every pixel's channels by all taps of
    all filters. Of routed experts it is as if every row went to one.
    """
    op, shapes = node.op, network.input_shapes(node)
    if isinstance(op, Conv2d):
        *images, _, height, width = node.shape
        k = math.prod(op.kernel) * shapes[0][-3] // op.groups
        return op.groups, math.prod(images) * height * width, k, op.out_channels // op.groups
    if isinstance(op, ConvTranspose2d):
        *images, channels, height, width = shapes[0]
        n = op.out_channels // op.groups * math.prod(op.kernel)
        return op.groups, math.prod(images) * height * width, channels // op.groups, n
    if isinstance(op, Linear | ExpertLinear):
        *rows, k = shapes[0]
        return 1, math.prod(rows), k, op.out_features
    assert isinstance(op, MatMul), f"{type(op).__name__} is marked as a matrix product but is not known here"
    *heads, m, k = shapes[0]
    return math.prod(heads), m, k, node.shape[-1]


def matrix_products(network: Network, node: Node) -> tuple[Product, ...]:
    """Return a matrix operator over the whole batch as g products of m × k by k × n, (g, m, k, n).

    Mostly they are of one shape.

    Every sample adds rows to the product of one, or products where both operands are its own. Routed experts share the
    rows as evenly as whole rows can be, so that some have one more than others.
    """
    groups, m, k, n = sample_product(network, node)
    if isinstance(node.op, MatMul):
        return ((network.batch * groups, m, k, n),)
    if isinstance(node.op, ExpertLinear):
        each, more = divmod(network.batch * m, node.op.experts)
        shared = ((more, each + 1), (node.op.experts - more, each))
        return tuple((count, rows, k, n) for count, rows in shared if count and rows)
    return ((groups, network.batch * m, k, n),)

"""Matrix operators as the matrix products that they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .operators import Conv2d, ConvTranspose2d, ExpertLinear, Linear, MatMul

#: g products of m × k by k × n: (g, m, k, n).
Product = tuple[int, int, int, int]

if TYPE_CHECKING:  # graph.py imports features.py, which imports this module
    from .graph import Network, Node


def matrix_products(network: Network, node: Node) -> tuple[Product, ...]:
    """A matrix operator over the whole batch as g products of m × k by k × n, (g, m, k, n); mostly of one shape.

    A convolution multiplies its unfolded windows by its filters, a transposed one every pixel's channels by all taps of
    all filters. Routed experts share the rows as evenly as whole rows can be, so that some have one more than others.
    """
    shapes = network.input_shapes(node)
    if isinstance(node.op, Conv2d):
        groups, channels = node.op.groups, shapes[0][0]
        k = math.prod(node.op.kernel) * channels // groups
        return ((groups, network.batch * node.shape[1] * node.shape[2], k, node.op.out_channels // groups),)
    if isinstance(node.op, ConvTranspose2d):
        groups = node.op.groups
        channels, height, width = shapes[0]
        n = node.op.out_channels // groups * math.prod(node.op.kernel)
        return ((groups, network.batch * height * width, channels // groups, n),)
    if isinstance(node.op, Linear):
        *rows, k = shapes[0]
        return ((1, network.batch * math.prod(rows), k, node.op.out_features),)
    if isinstance(node.op, ExpertLinear):
        *rows, k = shapes[0]
        each, more = divmod(network.batch * math.prod(rows), node.op.experts)
        shared = ((more, each + 1), (node.op.experts - more, each))
        return tuple((g, m, k, node.op.out_features) for g, m in shared if g and m)
    assert isinstance(node.op, MatMul), f"{type(node.op).__name__} is marked as a matrix product but is not known here"
    *heads, m, k = shapes[0]
    return ((network.batch * math.prod(heads), m, k, node.shape[-1]),)

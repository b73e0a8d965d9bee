"""Matrix operators as the matrix products that they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .operators import Conv2d, ConvTranspose2d, Linear, MatMul

if TYPE_CHECKING:  # graph.py imports features.py, which imports this module
    from .graph import Network, Node


def matrix_product(network: Network, node: Node) -> tuple[int, int, int, int]:
    """A matrix operator over the whole batch as g products of m × k by k × n: (g, m, k, n).

    A convolution multiplies its unfolded windows by its filters, a transposed one every pixel's channels by all taps of
    all filters.
    """
    shapes = network.input_shapes(node)
    if isinstance(node.op, Conv2d):
        groups, channels = node.op.groups, shapes[0][0]
        k = math.prod(node.op.kernel) * channels // groups
        return groups, network.batch * node.shape[1] * node.shape[2], k, node.op.out_channels // groups
    if isinstance(node.op, ConvTranspose2d):
        groups = node.op.groups
        channels, height, width = shapes[0]
        n = node.op.out_channels // groups * math.prod(node.op.kernel)
        return groups, network.batch * height * width, channels // groups, n
    if isinstance(node.op, Linear):
        *rows, k = shapes[0]
        return 1, network.batch * math.prod(rows), k, node.op.out_features
    assert isinstance(node.op, MatMul), f"{type(node.op).__name__} is marked as a matrix product but is not known here"
    *heads, m, k = shapes[0]
    return network.batch * math.prod(heads), m, k, node.shape[-1]

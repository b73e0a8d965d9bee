"""Numbers that describe a network to an agent or a cost model, under one fixed set of keys."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from .operators import Conv2d, ConvTranspose2d, ExpertLinear, Linear, MatMul, elements
from .products import matrix_products

if TYPE_CHECKING:  # graph.py imports this module
    from .graph import Network, Node

# Sizes that dimensions of matrix products are rounded up to: those of a small and of a large array.
_TILES = (32, 128)
_SIDES = ("mk", "kn", "mn")

#: Keys of `network_features`, in order, and what each is.
NETWORK_FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "log10_macs": "log10(1 + multiply-accumulates of the whole batch)",
        "log10_parameters": "log10(1 + trained numbers)",
        "log10_activations": "log10(1 + elements that all operators put out over the batch)",
        "log10_batch": "log10 of the batch",
        "log10_intensity": "log10 of multiply-accumulates per word that matrix operators read and write at least once",
        "matrix_layers": "number of matrix operators: convolutions, linear layers, products of activations",
        "matrix_depth": "most matrix operators on one path",
        "macs_conv_depthwise": "fraction of the MACs in convolutions of one channel per group",
        "macs_conv_pointwise": "fraction in convolutions with a 1x1 kernel and one group",
        "macs_conv_other": "fraction in other convolutions",
        "macs_linear": "fraction in linear layers",
        "macs_matmul": "fraction in products of activations",
        "vector_elements": "fraction of output elements that come from operators without matrix products",
        "log10_inputs": "log10(1 + elements of the left matrices, m x k, of all matrix products)",
        "log10_weights": "log10(1 + elements of the right matrices, k x n)",
        "log10_outputs": "log10(1 + elements of the products, m x n)",
        "log10_vector": "log10(1 + output elements of operators without matrix products)",
        **{
            f"log10_macs_{sides}_{tile}": "log10(1 + multiply-accumulates"
            f" with {sides[0]} and {sides[1]} of each product rounded up to multiples of {tile})"
            for tile, sides in itertools.product(_TILES, _SIDES)
        },
    }
)
FEATURE_NAMES = tuple(NETWORK_FEATURES)


def network_features(network: Network) -> dict[str, float]:
    """Compute the features of a network, all finite, under the keys of `NETWORK_FEATURES`, which says what each is.

    Each matrix operator is g products of m × k by k × n (a convolution multiplies its unfolded windows). Dimensions
    rounded up to multiples of 32 or 128 give the multiply-accumulates that an array of that size is busy for.
    """
    macs = dict.fromkeys(("conv_depthwise", "conv_pointwise", "conv_other", "linear", "matmul"), 0)
    words = 0
    for node in network.matrix_nodes:
        macs[matrix_class(network, node)] += network.batch * network.node_macs(node)
        words += matrix_words(network, node)
    total = network.macs
    vector = sum(elements(node.shape) for node in network.nodes if not node.op.matrix and node.op.arity)
    outputs = vector + sum(elements(node.shape) for node in network.matrix_nodes)
    features = {
        "log10_macs": math.log10(1 + total),
        "log10_parameters": math.log10(1 + network.parameters),
        "log10_activations": math.log10(1 + network.activations),
        "log10_batch": math.log10(network.batch),
        "log10_intensity": math.log10(total / words) if words else 0.0,
        "matrix_layers": float(len(network.matrix_nodes)),
        "matrix_depth": float(matrix_depth(network)),
        **{f"macs_{kind}": count / total if total else 0.0 for kind, count in macs.items()},
        "vector_elements": vector / outputs if outputs else 0.0,
        "log10_vector": math.log10(1 + network.batch * vector),
        **_products(network),
    }
    return {name: features[name] for name in FEATURE_NAMES}


def _products(network: Network) -> dict[str, float]:
    """Compute the features that come from the dimensions of matrix products."""
    sizes = dict.fromkeys(("inputs", "weights", "outputs"), 0)
    padded = dict.fromkeys(itertools.product(_TILES, _SIDES), 0)
    for node in network.matrix_nodes:
        for groups, m, k, n in matrix_products(network, node):
            for name, a, b in (("inputs", m, k), ("weights", k, n), ("outputs", m, n)):
                sizes[name] += groups * a * b
            for tile, sides in padded:
                up = {d: -(-size // tile) * tile if d in sides else size for d, size in (("m", m), ("k", k), ("n", n))}
                padded[tile, sides] += groups * up["m"] * up["k"] * up["n"]
    return {
        **{f"log10_{name}": math.log10(1 + size) for name, size in sizes.items()},
        **{f"log10_macs_{sides}_{tile}": math.log10(1 + macs) for (tile, sides), macs in padded.items()},
    }


def matrix_class(network: Network, node: Node) -> str:
    """Return which of the `macs_*` features a matrix operator's work counts in."""
    if isinstance(node.op, Conv2d):
        channels = network.input_shapes(node)[0][-3]
        if node.op.groups > 1 and node.op.groups == channels:
            return "conv_depthwise"
        return "conv_pointwise" if node.op.kernel == (1, 1) and node.op.groups == 1 else "conv_other"
    if isinstance(node.op, ConvTranspose2d):
        return "conv_other"
    return "linear" if isinstance(node.op, Linear | ExpertLinear) else "matmul"


def matrix_words(network: Network, node: Node) -> int:
    """Count the words that a matrix operator moves if each operand crosses once.

    Activations cross per sample, weights per batch.
    """
    inputs = network.input_shapes(node)
    moved = network.batch * (sum(elements(shape) for shape in inputs) + elements(node.shape))
    if isinstance(node.op, MatMul):
        return moved
    if isinstance(node.op, Linear):  # a tied weight is read like any other
        return moved + inputs[0][-1] * node.op.out_features
    if isinstance(node.op, ExpertLinear):  # of the experts that have rows
        return moved + sum(g * k * n for g, _, k, n in matrix_products(network, node))
    return moved + node.op.parameters(inputs)


def matrix_depth(network: Network) -> int:
    """Count the most matrix operators on any one path through the network."""
    depth: dict[str, int] = {}
    for node in network.nodes:
        depth[node.name] = max((depth[source] for source in node.inputs), default=0) + node.op.matrix
    return max(depth.values())

"""A network as the layers that hls4ml makes circuits of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from ....datasets import (
    Concat,
    Conv2d,
    Elementwise,
    Input,
    Linear,
    Network,
    Node,
    Normalization,
    Pool2d,
    Reshape,
    Softmax,
)
from ....errors import ChipgymError

#: Kinds of layers: products with trained matrices, and what works on each element by itself or on small windows.
PRODUCT, SELECT, LOOK_UP, SOFTMAX, ADD, MULTIPLY, MAX_POOL, AVERAGE_POOL = range(8)

#: Element-wise functions that hls4ml has layers for, by what they are made of. Those of `LOOK_UP` are looked up.
FUNCTIONS = {
    "relu": SELECT, "relu6": SELECT, "leaky_relu": SELECT, "clip": SELECT, "threshold": SELECT, "hardsigmoid": SELECT,
    "sigmoid": LOOK_UP, "tanh": LOOK_UP, "elu": LOOK_UP, "softplus": LOOK_UP, "softsign": LOOK_UP,
    "add": ADD, "sub": ADD, "maximum": ADD, "minimum": ADD, "shift": ADD, "mul": MULTIPLY, "scale": MULTIPLY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the circuit; counts are per sample.

    Attributes:
        name: of the node.
        kind: operator type, such as "Conv2d".
        family: one of `PRODUCT` … `AVERAGE_POOL`.
        sources: places in the list of layers of those whose results it reads; empty for the network's inputs.
        n_in: of a product: inputs that an output is a weighted sum of. Of a pool: elements of its `window`.
        n_out: outputs at one place, the elements of a pixel of the result.
        places: output pixels; 1 for a dense layer.
        packets: input pixels, padding included: what a stream brings in one after the other.
        elements: input elements in all, padding left out.
        channels: elements of an input pixel.
        rows, cols: height and width of the window, 1 where there is none.
        width: input pixels in a row, padding included.
        is_convolution: whether a product is repeated at several places.
        whole: whether it waits for its whole input, as a dense layer does.
    """

    name: str
    kind: str
    family: int
    sources: tuple[int, ...]
    n_in: int
    n_out: int
    places: int = 1
    packets: int = 1
    elements: int = 1
    channels: int = 1
    rows: int = 1
    cols: int = 1
    width: int = 1
    is_convolution: bool = False
    whole: bool = False

    @property
    def window(self) -> int:
        """Elements of a pool's window."""
        return self.n_in


@dataclass(frozen=True)
class LoweredNetwork:
    """The layers of a network in graph order, `batch` samples to be run, and places of layers by family."""

    layers: tuple[Layer, ...]
    batch: int

    @cached_property
    def products(self) -> tuple[int, ...]:
        """Places of the layers that have reuse factors and weights."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.family == PRODUCT)

    @cached_property
    def read(self) -> frozenset[int]:
        """Places of the layers whose results another layer reads; those of others leave the circuit."""
        return frozenset(j for layer in self.layers for j in layer.sources)

    @property
    def matrix_layers(self) -> tuple[Layer, ...]:
        """The layers that have reuse factors and weights."""
        return tuple(self.layers[i] for i in self.products)


def lower(network: Network) -> LoweredNetwork:
    """List the layers of `network`.

    Batch normalisation directly behind a product that nothing else reads becomes part of its weights, as hls4ml's
    optimiser has it. Reshaping and joining are wires.

    Raises:
        ChipgymError: for an operator that hls4ml has no layer for, and for a network without products.
    """
    layers: list[Layer] = []
    sources: dict[str, tuple[int, ...]] = {}  # by node, the layers that its result comes from
    pixels: dict[str, int] = {}
    for node in network.nodes:
        read = tuple(dict.fromkeys(i for name in node.inputs for i in sources[name]))
        if isinstance(node.op, Input | Reshape | Concat):
            sources[node.name] = read
            pixels[node.name] = pixels[node.inputs[0]] if node.inputs else math.prod(_places(node.shape))
            continue
        if _joins_weights(network, node):
            sources[node.name], pixels[node.name] = read, pixels[node.inputs[0]]
            continue
        layer = replace(_layer(network, node), sources=read)
        if layer.whole:
            layer = replace(layer, packets=pixels[node.inputs[0]])
        layers.append(layer)
        sources[node.name], pixels[node.name] = (len(layers) - 1,), layer.places
    if not any(layer.family == PRODUCT for layer in layers):
        raise ChipgymError(f"workload: {network.name!r} has no dense or convolutional layer, which hls4ml needs")
    return LoweredNetwork(tuple(layers), network.batch)


def _places(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of a shape that are places, not channels: images are (C, H, W), all else (..., features)."""
    return shape[1:] if len(shape) == 3 else shape[:-1]


def _joins_weights(network: Network, node: Node) -> bool:
    op = node.op
    if not isinstance(op, Normalization) or op.kind != "batch":
        return False
    (source,) = node.inputs
    return network.node(source).op.matrix and len(network.consumers[source]) == 1


def _layer(network: Network, node: Node) -> Layer:
    """Return a node as a layer; its sources, and a dense layer's packets, are the caller's to say."""
    op, shape = node.op, node.shape
    size = math.prod(shape)
    places = math.prod(_places(shape))
    channels = size // places
    name, kind = node.name, type(op).__name__
    if isinstance(op, Linear):
        (given,) = network.input_shapes(node)
        rows = math.prod(given[:-1])
        return Layer(name, kind, PRODUCT, (), given[-1], op.out_features, rows, rows, math.prod(given), given[-1],
                     is_convolution=rows > 1, whole=rows == 1)  # fmt: skip
    if isinstance(op, Conv2d):
        return _convolution(network, node, op)
    if isinstance(op, Pool2d):
        ((_, height, width),) = network.input_shapes(node)
        width += op.padding[2] + op.padding[3]
        packets = (height + op.padding[0] + op.padding[1]) * width
        family = MAX_POOL if op.kind == "max" else AVERAGE_POOL
        return Layer(name, kind, family, (), math.prod(op.kernel), channels, places, packets,
                     math.prod(network.input_shapes(node)[0]), channels, *op.kernel, width)  # fmt: skip
    if isinstance(op, Softmax):
        return Layer(name, kind, SOFTMAX, (), shape[-1], channels, places, places, size, channels)
    if isinstance(op, Normalization) and op.kind == "batch":
        return Layer(name, kind, MULTIPLY, (), 1, channels, places, places, size, channels)
    if isinstance(op, Elementwise) and op.function in FUNCTIONS:
        return Layer(name, kind, FUNCTIONS[op.function], (), 1, channels, places, places, size, channels)
    what = op.function if isinstance(op, Elementwise) else kind
    raise ChipgymError(
        f"workload: node {name!r} is {what}, for which the hls4ml simulator has no layer; it has Linear, Conv2d, "
        f"Pool2d, Softmax, batch normalisation, Reshape, Concat and {', '.join(FUNCTIONS)}"
    )


def _convolution(network: Network, node: Node, op: Conv2d) -> Layer:
    *images, channels, height, width = network.input_shapes(node)[0]
    if images:
        raise ChipgymError(
            f"workload: node {node.name!r} is a convolution of {math.prod(images)} images per sample; the hls4ml "
            "simulator has those of one"
        )
    if op.groups > 1 or op.dilation != (1, 1):
        raise ChipgymError(
            f"workload: node {node.name!r} is a convolution of {op.groups} groups and dilation {op.dilation}; the "
            "hls4ml simulator has those of one group and dilation (1, 1)"
        )
    top, bottom, left, right = op.padding
    across = width + left + right
    return Layer(
        node.name, "Conv2d", PRODUCT, (), channels * math.prod(op.kernel), op.out_channels,
        math.prod(node.shape[1:]), (height + top + bottom) * across, channels * height * width, channels,
        *op.kernel, across, is_convolution=True,
    )  # fmt: skip

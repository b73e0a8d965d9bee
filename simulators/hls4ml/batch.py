"""What the cost models take: the layers of a network as columns, and a batch of designs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .lowering import LoweredNetwork, Vector

Table = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Products:
    """The product layers of a network, each field float64 (layers,)."""

    n_in: Vector
    n_out: Vector
    places: Vector
    packets: Vector
    elements: Vector
    channels: Vector
    rows: Vector
    cols: Vector
    width: Vector
    convolution: Mask

    @classmethod
    def of(cls, network: LoweredNetwork) -> Products:
        """Those of a lowered network."""
        names = ("n_in", "n_out", "places", "packets", "elements", "channels", "rows", "cols", "width")
        return cls(
            **{name: network.column(network.products, name) for name in names},
            convolution=np.array([layer.is_convolution for layer in network.matrix_layers], bool),
        )


@dataclass(frozen=True)
class Settings:
    """A batch of designs. Shape (n, layers), or (n, 1) for what is the same in all layers."""

    reuse: Table
    weight_bits: Table
    activation_bits: Table
    resource: Mask
    stream: Mask
    clock_ns: float

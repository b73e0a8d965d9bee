"""The knobs of an hls4ml project, under the names that its configuration has."""

from __future__ import annotations

from ..core import Choices, DesignSpace, Integers, Parameter
from .lowering.layers import LoweredNetwork
from .lowering.reuse import common_reuse_factors, legal_reuse_factors

LATENCY, RESOURCE = STRATEGIES = ("latency", "resource")
PARALLEL, STREAM = IO_TYPES = ("io_parallel", "io_stream")
GRANULARITIES = ("model", "layer")

#: Bits of a fixed-point number: those that people use are on the grid.
WIDTHS = (2, 4, 6, 8, 10, 12, 14, 16)
WIDTH = Integers(2, 32)
#: hls4ml's default precision is ap_fixed<16,6>.
DEFAULT_WIDTH = 16


def hls4ml_space(network: LoweredNetwork, granularity: str) -> DesignSpace:
    """Make the design space of one network.

    With one reuse factor for the model, its grid holds those that are legal in every layer; with one for each layer,
    those of that layer. Another is refused with the nearest, where hls4ml itself would warn and take the nearest.
    """
    layers = network.matrix_layers
    stream = any(layer.is_convolution for layer in layers)
    knobs = [
        Parameter("strategy", STRATEGIES, Choices(STRATEGIES), subsystem="architecture",
                  doc="latency: every product has a multiplier of its own; resource: products take turns on a few"),
        Parameter("io_type", IO_TYPES, Choices(IO_TYPES), "io_stream" if stream else "io_parallel",
                  subsystem="architecture",
                  doc="layers hand over whole arrays in registers, or pixels through FIFOs"),
        Parameter("activation_bits", WIDTHS[2:], WIDTH, DEFAULT_WIDTH, "bit", subsystem="precision",
                  doc="width of inputs and of what layers hand over"),
    ]  # fmt: skip
    if granularity == "model":
        legal = common_reuse_factors((layer.n_in, layer.n_out) for layer in layers)
        knobs += _layer_knobs("", legal, "the model")
    else:
        for i, layer in enumerate(layers):
            knobs += _layer_knobs(f"_{i}", legal_reuse_factors(layer.n_in, layer.n_out), layer.name)
    return DesignSpace(tuple(knobs))


def _layer_knobs(suffix: str, legal: tuple[int, ...], where: str) -> list[Parameter]:
    return [
        Parameter(f"reuse_factor{suffix}", legal, Integers(1, legal[-1], only=legal), 1, subsystem="parallelism",
                  doc=f"products that one multiplier of {where} does for a result"),
        Parameter(f"weight_bits{suffix}", WIDTHS, WIDTH, DEFAULT_WIDTH, "bit", subsystem="precision",
                  doc=f"width of the weights of {where}"),
    ]  # fmt: skip

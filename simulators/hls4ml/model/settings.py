"""What the cost models take and answer, of one layer under one design."""

from __future__ import annotations

from dataclasses import dataclass

from ...fpga.formulas import Term, Truth


@dataclass(frozen=True)
class Settings:
    """A design, as one layer sees it.

    Attributes:
        reuse: the reuse factor; 1 for a layer without weights.
        weight_bits, activation_bits: widths of weights, and of what layers hand over.
        resource: whether the strategy is resource and not latency.
        stream: whether layers hand over pixels and not arrays.
        clock_ns: period of the clock.
    """

    reuse: Term
    weight_bits: Term
    activation_bits: Term
    resource: Truth
    stream: Truth
    clock_ns: float


@dataclass(frozen=True)
class LayerCosts:
    """Costs of a layer.

    Attributes:
        stages: cycles from the first input to the first cycle that another layer can use the result.
        interval: cycles from one sample to the next.
        busy: cycles of a stream's layer from its first pixel to its last result.
        fill: the same to its first result.
        drain: cycles by which the last result of a stream's layer is later than that of the layer before.
        lut, ff, dsp, bram18: resources.
    """

    stages: Term
    interval: Term
    busy: Term
    fill: Term
    drain: Term
    lut: Term
    ff: Term
    dsp: Term
    bram18: Term


@dataclass(frozen=True)
class ProductCosts(LayerCosts):
    """Costs of a layer with weights.

    Attributes:
        unrolled: multiplications that the tool unrolls.
        reuse_limit: the largest reuse factor that the circuit is right for: a multiplier of a convolution in arrays
            works for one output only (asserted in hls4ml's `nnet_conv2d_resource.h`).
    """

    unrolled: Term
    reuse_limit: Term

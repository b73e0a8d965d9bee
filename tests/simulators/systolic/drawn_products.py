"""Hypothesis strategies for small layers and the SRAMs that they run in."""

from __future__ import annotations

from event_model import Product
from hypothesis import strategies as st

from chipgym.simulators.systolic.lowering.cuts import cut_layers
from chipgym.simulators.systolic.model.batch import plan_layer


@st.composite
def products(draw, most=9):
    """Small layers: plain products and convolutions whose windows cover the input exactly."""
    if draw(st.booleans()):
        m = draw(st.integers(1, 24))
        return Product(
            groups=draw(st.integers(1, 3)), out_h=m, in_h=m,
            channels=draw(st.integers(1, 24)), filters=draw(st.integers(1, 24)),
        )  # fmt: skip
    taps, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    taps_w, stride_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    out_h, out_w = draw(st.integers(1, most)), draw(st.integers(1, most))
    return Product(
        groups=draw(st.integers(1, 2)), images=draw(st.integers(1, 3)), out_h=out_h, out_w=out_w,
        in_h=(out_h - 1) * stride + taps, in_w=(out_w - 1) * stride_w + taps_w,
        taps_h=taps, taps_w=taps_w, stride_h=stride, stride_w=stride_w,
        channels=draw(st.integers(1, 6)), filters=draw(st.integers(1, 8)),
    )  # fmt: skip


#: Words of half of each SRAM.
capacities = st.tuples(*[st.one_of(st.integers(9, 60), st.integers(9, 600))] * 3)


def planned(p: Product, caps, flow=0, psum_words=1.0, order=-1, compute=0.0, bandwidth=float("inf")):
    """What the kernel makes of a layer: see `planning.plan`."""
    layers = p.row()[None]
    return plan_layer(cut_layers(layers), layers[0], 0, flow, *caps, psum_words, order, compute, bandwidth)

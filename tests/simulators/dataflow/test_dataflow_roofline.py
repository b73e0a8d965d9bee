"""The roofline of a dataflow design, by hand and as a bound that nothing exceeds."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError


def make(workload="llama-3-8b", **options):
    return chipgym.make_simulator("dataflow", workload, **options)


def test_by_hand():
    """A product of 64 x 32 by 32 x 256 on one socket of 64 PCUs at 1 GHz, beside 51.2 GB/s of DDR."""
    b = chipgym.datasets.NetworkBuilder("product")
    b.linear(b.input((64, 32)), 256, bias=False)
    roof = make(b.build(), chip="plasticine", sockets=1).roofline({"weight_residency": "section"})
    assert roof.peak_macs_per_s == 64 * 16 * 6 * 1e9
    assert roof.macs.tolist() == [64 * 32 * 256]
    assert roof.dram_bytes.tolist() == [2 * (64 * 32 + 32 * 256 + 64 * 256)]  # each once
    np.testing.assert_allclose(roof.ridge, 64 * 16 * 6 / 51.2)


@pytest.mark.parametrize(
    ("workload", "options"),
    [
        ("llama-3-8b", {"input_tokens": 256, "output_tokens": 8, "batch": 4}),
        ("mixtral-8x7b", {"input_tokens": 64, "output_tokens": 8, "batch": 16}),
        ("bert_base", {"batch": 8}),
        ("resnet50", {"chip": "sn10", "batch": 4}),
    ],
)
def test_no_section_is_above_its_ceiling(workload, options):
    sim = make(workload, **options)
    designs = sim.space.sample(80, np.random.default_rng(0))
    feasible = designs[sim.evaluate(designs)["feasible"]]
    assert len(feasible) > 6
    for row in feasible:
        design = sim.space.design(row)
        roof, layers, out = sim.roofline(design), sim.evaluate_layers(design), sim.evaluate(design)
        assert (roof.throughput <= roof.ceiling(roof.intensity) * (1 + 1e-9)).all()
        for metric in ("hbm_bytes", "ddr_bytes", "latency_s"):
            extra = 1e-9 if design["pp"] == 1 else 0.2  # what stages hand over is no section's
            assert layers[metric].sum() == pytest.approx(out[metric][0], rel=extra)
        assert roof.macs.sum() >= out["utilization"][0] * out["latency_s"][0] * roof.peak_macs_per_s * (1 - 1e-9)


def test_a_section_stands_under_the_memory_that_holds_it_up():
    sim = make(input_tokens=64, output_tokens=8)
    near, far = (sim.roofline({"weight_tier": tier, "weight_residency": "section"}) for tier in ("hbm", "ddr"))
    assert set(near.bandwidth_bytes_per_s) == {8 * 1600e9}
    assert set(far.bandwidth_bytes_per_s) == {8 * 125e9}
    assert (far.ridge > near.ridge).all()


def test_a_design_that_cannot_be_built_has_none():
    with pytest.raises(ChipgymError, match="roofline: the design cannot be built: tp \\* pp is 16"):
        make().roofline({"tp": 8, "pp": 2})

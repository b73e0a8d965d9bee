"""The roofline of a systolic design, by hand and as a bound that nothing exceeds."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym.simulators import Roofline


def test_by_hand():
    """A 16 x 8 array of two at 500 MHz with 4 words a cycle and interface: 128 GMAC/s and 6 GB/s of 8-bit words."""
    simulator = chipgym.make_simulator("systolic", "mlp:64-32-16")
    design = {"rows": 16, "cols": 8, "num_arrays": 2, "clock_mhz": 500, "dram_bandwidth": 4}
    roof = simulator.roofline(design)
    assert roof.peak_macs_per_s == 2 * 16 * 8 * 500e6
    assert roof.bandwidth_bytes_per_s == 3 * 4 * 500e6
    assert roof.ridge == pytest.approx(128 / 6)
    assert roof.macs.tolist() == [64 * 32, 32 * 16]
    assert roof.dram_bytes.tolist() == [64 + 64 * 32 + 32, 32 + 32 * 16 + 16]  # each word once: all of it fits
    np.testing.assert_allclose(roof.intensity, roof.macs / roof.dram_bytes)
    layers = simulator.evaluate_layers(design)
    latency = dict(zip(layers.names, layers["latency_s"], strict=True))
    np.testing.assert_allclose(roof.throughput, [m / latency[n] for n, m in zip(roof.names, roof.macs, strict=True)])


def test_wider_words_are_more_bytes():
    narrow, wide = (
        chipgym.make_simulator("systolic", "mlp:64-32-16", operand_bits=bits, accumulator_bits=32).roofline({})
        for bits in (8, 16)
    )
    assert wide.bandwidth_bytes_per_s == 2 * narrow.bandwidth_bytes_per_s
    np.testing.assert_allclose(wide.dram_bytes, 2 * narrow.dram_bytes)


@pytest.mark.parametrize("workload", ["resnet18", "mobilenet_v2", "bert_base"])
def test_no_layer_is_above_its_ceiling(workload):
    simulator = chipgym.make_simulator("systolic", workload, accumulator_bits=32)
    rng = np.random.default_rng(0)
    designs = simulator.space.sample(60, rng)
    feasible = designs[simulator.evaluate(designs)["feasible"]]
    assert len(feasible) > 20
    for row in feasible:
        design = simulator.space.design(row)
        roof = simulator.roofline(design)
        assert (roof.throughput <= roof.ceiling(roof.intensity) * (1 + 1e-9)).all()
        assert roof.macs.sum() == pytest.approx(simulator.evaluate(design)["macs"][0])


def test_memory_that_never_stalls_is_no_ceiling():
    roof = chipgym.make_simulator("systolic", "mlp:64-32-16").roofline({"dram_bandwidth": float("inf")})
    assert roof.ridge == 0.0
    assert (roof.ceiling(roof.intensity) == roof.peak_macs_per_s).all()
    assert roof.ceiling(0.0) == roof.peak_macs_per_s


def test_a_part_that_moves_nothing():
    column = np.array([4.0])
    roof = Roofline(("a",), column, np.zeros(1), column, 8.0, 2.0)
    assert len(roof) == 1
    assert roof.intensity.tolist() == [np.inf]
    assert roof.ceiling(roof.intensity).tolist() == [8.0]


def test_a_design_that_cannot_be_built_has_none():
    simulator = chipgym.make_simulator("systolic", "mlp:64-32-16")
    with pytest.raises(chipgym.ChipgymError, match="has no roofline, since it cannot be built: clock_mhz is 15000"):
        simulator.roofline({"clock_mhz": 15000})
    with pytest.raises(chipgym.ChipgymError, match="roofline takes one design, not 2"):
        simulator.roofline([{}, {}])

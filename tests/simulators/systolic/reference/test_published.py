"""Sanity bands: published chips, with what the model leaves out said beside each band."""

from __future__ import annotations

import pytest

import chipgym
from chipgym.datasets import NetworkBuilder

INF = float("inf")
# TPU v1 (Jouppi et al., ISCA 2017): 256 × 256, 700 MHz, weight stationary, weights from DDR3 at 34 GB/s, activations in
# a 24 MiB buffer.
TPU = {
    "rows": 256, "cols": 256, "dataflow": "ws", "clock_mhz": 700,
    "ifmap_sram_kb": 8192, "filter_sram_kb": 256, "ofmap_sram_kb": 8192,
}  # fmt: skip


def active(out) -> float:
    """Percentage of cycles in which the array takes in data: the paper's "array active cycles" (Table 3)."""
    return 100 * out["utilization"][0] / out["mapping_efficiency"][0]


def perceptron(widths: list[int], batch: int):
    b = NetworkBuilder("mlp")
    x = b.input((widths[0],))
    for width in widths[1:]:
        x = b.relu(b.linear(x, width))
    return b.build(batch=batch)


@pytest.mark.parametrize(
    ("widths", "batch", "published"),
    # 5 layers with 20 M weights and 4 layers with 5 M weights (Table 1); widths chosen as whole 256 × 256 tiles.
    [([2048] * 6, 200, 12.7), ([1280, 1024, 1280, 1024, 1280], 168, 10.6)],
)
def test_tpu_mlps_are_bound_by_weights(widths, batch, published):
    """A tile of 65,536 weights takes 1,349 cycles to fetch and is used for one cycle per sample of the batch."""
    sim = chipgym.make_simulator("systolic", perceptron(widths, batch))
    out = sim.evaluate({**TPU, "dram_bandwidth": 34e9 / 700e6})
    assert active(out) == pytest.approx(100 * batch / (65536 / 34e9 * 700e6), rel=0.1)
    assert active(out) == pytest.approx(published, rel=0.25)
    assert out["stall_cycles"][0] > 0.2 * out["cycles"][0]


def test_tpu_cnn0_is_bound_by_its_array():
    """16 layers, 8 M weights, 2,888 operations per weight at batch 8 (Table 1): 19 × 19 maps of 240 channels.

    Its activations stay in the unified buffer, which a model of one layer at a time does not have: unlimited bandwidth.
    """
    b = NetworkBuilder("cnn0")
    x = b.input((240, 19, 19))
    for _ in range(16):
        x = b.relu(b.conv(x, 240, 3, padding=1))
    network = b.build(batch=8)
    assert network.macs / (network.parameters) == pytest.approx(2888, rel=0.01)
    out = chipgym.make_simulator("systolic", network).evaluate({**TPU, "dram_bandwidth": INF})
    assert active(out) == pytest.approx(78.2, rel=0.05)


def test_gemmini_resnet50():
    """Gemmini 16 × 16 on ResNet-50, batch 4: 153.7 M cycles at 40 % utilisation (FireSim, ucb-bar/gemmini PR 69).

    Here 256 KB scratchpad, 64 KB accumulator, a 16-byte bus shared by three operands. The model has neither the RISC-V
    core that issues every tile nor its blocking loops, so it must be faster, but not by more than about two.
    """
    sim = chipgym.make_simulator("systolic", "resnet50", batch=4, accumulator_bits=32)
    out = sim.evaluate({
        "rows": 16, "cols": 16, "dataflow": "ws", "ifmap_sram_kb": 128, "filter_sram_kb": 128, "ofmap_sram_kb": 64,
        "dram_bandwidth": 16 / 3,
    })  # fmt: skip
    assert out["macs"][0] / 256 == pytest.approx(153.709356e6 * 0.40, rel=0.05)  # the published numbers are consistent
    assert 0.5 <= out["cycles"][0] / 153.709356e6 <= 1.0


EYERISS = {
    "rows": 12, "cols": 14, "dataflow": "ws", "ifmap_sram_kb": 36, "filter_sram_kb": 36, "ofmap_sram_kb": 36,
    "clock_mhz": 200, "dram_bandwidth": 2.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def eyeriss_layers():
    widths = {"operand_bits": 16, "accumulator_bits": 16}
    sim = chipgym.make_simulator("systolic", "alexnet", batch=4, technology="65nm", **widths)
    return sim.evaluate_layers(EYERISS).to_pandas()


def test_an_eyeriss_class_chip_draws_what_eyeriss_did(eyeriss_layers):
    """168 PEs, 108 KB, 65 nm, 200 MHz, 16 bit on AlexNet's convolutions: 278 mW at 34.7 frames/s (Chen et al., JSSC
    2017, section VI-A), chip without DRAM. Within a factor of two: this is a plain array, not row stationary."""
    conv = eyeriss_layers[eyeriss_layers.kind == "Conv2d"]
    seconds = conv.latency_s.sum()
    watts = (conv.energy_j - conv.dram_energy_j).sum() / seconds
    assert 0.5 <= watts / 0.278 <= 2.0
    assert 0.5 <= (4 / seconds) / 34.7 <= 2.0


def test_energy_shares_of_an_eyeriss_class_chip(eyeriss_layers):
    """Convolutions spend most in the PEs, layers without reuse most in DRAM (Chen et al., ISCA 2016, section VII)."""
    conv = eyeriss_layers[eyeriss_layers.kind == "Conv2d"].sum(numeric_only=True)
    full = eyeriss_layers[eyeriss_layers.kind == "Linear"].sum(numeric_only=True)
    assert conv.array_energy_j > 0.5 * conv.energy_j
    assert conv.array_energy_j > 3 * conv.sram_energy_j > 0
    dynamic = full.energy_j - full.static_energy_j
    assert full.dram_energy_j > 0.6 * dynamic
    assert conv.static_energy_j < 0.25 * conv.energy_j  # leakage must not drown it

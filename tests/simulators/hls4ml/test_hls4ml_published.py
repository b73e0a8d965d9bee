"""Whole networks against figures that hls4ml's authors publish, of Vivado HLS at 5 ns.

None of these networks is among the reports that constants are fitted to; cycles of single layers of the SVHN network in
a stream are, as the comments in the model say.
"""

from __future__ import annotations

import pytest

from chipgym.datasets import NetworkBuilder
from chipgym.simulators.hls4ml import Hls4mlSimulator

# fastmachinelearning/hls4ml-tutorial, quantized_pruned_cnn/…/myproject_csynth.rpt (Vivado HLS 2020.1, xcu250): weights
# and activations of 6 bits, io_stream, latency, reuse factor 1.
SVHN = {"weight_bits": 6, "activation_bits": 6, "io_type": "io_stream"}
SVHN_LAYERS = {
    "conv1": 1027, "conv2": 229, "conv3": 40, "conv1_relu": 902, "conv2_relu": 171, "conv3_relu": 18,
    "pool1": 903, "pool2": 172, "pool3": 19, "fc1": 7, "fc2": 3, "output": 2, "softmax": 7,
}  # fmt: skip


def test_svhn_network_in_a_stream():
    out = Hls4mlSimulator("svhn_cnn").evaluate(SVHN)
    assert out["cycles"][0] == pytest.approx(1044, rel=0.01)
    assert out["initiation_interval"][0] == pytest.approx(1028, rel=0.002)
    assert Hls4mlSimulator("svhn_cnn").evaluate(SVHN | {"activation_bits": 16})["bram18"][0] == 100


def test_svhn_layers_in_a_stream():
    sim = Hls4mlSimulator("svhn_cnn")
    layers = sim.evaluate_layers(SVHN)
    cycles = dict(zip(layers.names, layers.metrics["cycles"], strict=True))
    assert set(cycles) - set(SVHN_LAYERS) == {"fc1_relu", "fc2_relu"}
    for name, theirs in SVHN_LAYERS.items():
        assert abs(cycles[name] - theirs) <= 1, name
    assert cycles["fc1_relu"] == cycles["fc2_relu"] == 0


def test_svhn_resources_of_layers_in_a_stream():
    """pruned_cnn (weights and activations of 16 bits): half the weights of these layers are 0, and cost nothing.

    Twice what a product of half the weights costs is compared with ours, loosely, since whether a constant takes a DSP
    or LUTs depends on the weights; trained ones use less of their width than those of the reports behind the fit.
    """
    pruned = {"conv2": (786, 38710), "conv3": (1300, 53724), "fc1": (1394, 59765), "fc2": (1167, 35083)}
    design = {"io_type": "io_stream", "weight_bits": 16, "activation_bits": 16}
    sim = Hls4mlSimulator("svhn_cnn")
    columns, n = sim.space.columns(design)
    costs = sim._layers_program.run(sim._knobs(columns), n)  # too many DSPs for the device, so that metrics are NaN
    names = [layer.name for layer in sim.network.layers]
    for name, (dsp, lut) in pruned.items():
        i = names.index(name)
        assert 2 * dsp <= costs[f"{i} dsp"][0] * 1.05
        assert costs[f"{i} dsp"][0] <= 2 * dsp * 1.5
        assert costs[f"{i} lut"][0] == pytest.approx(2 * lut, rel=0.5)


def test_jet_tagger():
    """Duarte et al. (arXiv:1804.06913): of the order of 100 ns at 200 MHz, a result each clock with reuse factor 1."""
    out = Hls4mlSimulator("jet_tagger").evaluate({})
    assert out["initiation_interval"][0] == 1
    assert 50e-9 <= out["latency_s"][0] <= 150e-9


def test_convolution_in_arrays():
    """hls4ml's baseline test_conv2d_io_parallel-Vivado-Resource-same (2020.1): 51 to 52 cycles, every 49."""
    b = NetworkBuilder("baseline")
    b.conv(b.input((3, 28, 28)), 32, 4, stride=4, bias=False)
    out = Hls4mlSimulator(b.build()).evaluate({"strategy": "resource", "io_type": "io_parallel"})
    assert out["initiation_interval"][0] == 49
    assert 50 <= out["cycles"][0] <= 52
    assert out["ff"][0] == pytest.approx(52870, rel=0.1)
    assert out["lut"][0] == pytest.approx(86819, rel=0.5)


@pytest.mark.parametrize(
    ("function", "io_type", "cycles", "bram18"),
    # test_activations-Vivado (2020.1): a dense layer of 1 input and 64 outputs, and an activation
    [("relu", "io_parallel", 0, 0), ("sigmoid", "io_parallel", 2, 32), ("elu", "io_parallel", 2, 32),
     ("relu", "io_stream", 2, 0), ("sigmoid", "io_stream", 4, 32), ("elu", "io_stream", 3, 32)],
)  # fmt: skip
def test_activations(function, io_type, cycles, bram18):
    b = NetworkBuilder("baseline")
    b.elementwise(function, b.linear(b.input((1,)), 64))
    out = Hls4mlSimulator(b.build()).evaluate({"io_type": io_type})
    assert abs(out["cycles"][0] - cycles) <= 1
    assert out["initiation_interval"][0] == 1
    assert out["bram18"][0] == bram18

"""The batch kernel against the same model in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import convolutional, networks
from scalar_model import evaluate

from chipgym.datasets import Network, load_workload
from chipgym.simulators.hls4ml import Hls4mlSimulator


def assert_agrees(network: Network, seed: int, clock_ns: float = 5.0, designs: int = 20) -> None:
    sim = Hls4mlSimulator(network, clock_ns=clock_ns)
    rng = np.random.default_rng(seed)
    columns = sim.space.decode(sim.space.sample(designs, rng))
    columns["weight_bits"] = rng.integers(2, 33, designs)  # off the grid too
    columns["activation_bits"] = rng.integers(2, 33, designs)
    values, _ = sim.simulate(columns, designs)
    for i in range(designs):
        knobs = {name: column[i].item() for name, column in columns.items()}
        for name, expected in evaluate(sim.network, knobs, clock_ns, sim.constants).items():
            # LUTs and flip-flops are rounded layer by layer, and 1 - exp in another way may round otherwise
            slack = len(sim.network.layers) if name in ("lut", "ff") else 0
            assert abs(values[name][i] - expected) <= slack, (name, knobs)


@pytest.mark.parametrize("workload", ["jet_tagger", "svhn_cnn", "mlp:784-32-10", "mlp:1-1"])
def test_named_networks(workload):
    assert_agrees(load_workload(workload), seed=1, designs=40)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("clock_ns", [1.0, 2.5, 10.0])
def test_every_kind_of_layer(batch, clock_ns):
    assert_agrees(convolutional(batch), 2, clock_ns, designs=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), seed=st.integers(0, 2**32 - 1))
def test_drawn_networks(network, seed):
    assert_agrees(network, seed)

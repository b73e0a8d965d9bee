"""Knobs, limits and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import convolutional

import chipgym
from chipgym.datasets import NetworkBuilder
from chipgym.errors import ChipgymError
from chipgym.simulators.hls4ml import Hls4mlSimulator, legal_reuse_factors

WIDTHS = st.integers(2, 96)


def test_the_pinned_knobs_and_metrics():
    sim = chipgym.make_simulator("hls4ml", workload="mlp:16-64-32-32-5", device="xcu250", clock_ns=5)
    assert set(sim.space.names) == {"reuse_factor", "strategy", "io_type", "weight_bits", "activation_bits"}
    assert sim.space.default == {
        "strategy": "latency", "io_type": "io_parallel", "activation_bits": 16, "reuse_factor": 1, "weight_bits": 16,
    }  # fmt: skip
    out = sim.evaluate({})
    assert out["latency_s"][0] == pytest.approx(out["cycles"][0] * 5e-9)
    assert {"cycles", "initiation_interval", "lut", "ff", "dsp", "bram18", "feasible", "violation"} <= set(out)


def test_one_of_each_for_every_layer():
    sim = Hls4mlSimulator("mlp:16-64-32-32-5", granularity="layer")
    shapes = [(16, 64), (64, 32), (32, 32), (32, 5)]
    for i, shape in enumerate(shapes):
        assert sim.space[f"reuse_factor_{i}"].values == legal_reuse_factors(*shape)
        assert f"weight_bits_{i}" in sim.space
    model = Hls4mlSimulator("mlp:16-64-32-32-5")
    for reuse, bits, strategy in ((1, 16, "latency"), (8, 6, "resource"), (32, 4, "resource")):
        one = {"reuse_factor": reuse, "weight_bits": bits, "strategy": strategy}
        each = {f"{name}_{i}": one[name] for name in ("reuse_factor", "weight_bits") for i in range(4)}
        a, b = model.evaluate(one), sim.evaluate({"strategy": strategy, **each})
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_a_layer_of_its_own_changes_that_layer_alone():
    sim = Hls4mlSimulator("mlp:16-64-32-32-5", granularity="layer")
    base = {"strategy": "resource"} | {f"reuse_factor_{i}": 16 for i in range(4)}
    before, after = sim.evaluate_layers(base), sim.evaluate_layers(base | {"reuse_factor_2": 32})
    differ = [n for n, a, b in zip(before.names, before.metrics["dsp"], after.metrics["dsp"], strict=True) if a != b]
    assert differ == ["fc3"]


def test_layers_add_up():
    sim = Hls4mlSimulator(convolutional(), device="xcvu13p")
    for design in ({}, {"io_type": "io_parallel"}, {"strategy": "resource", "weight_bits": 6}):
        whole, layers = sim.evaluate(design), sim.evaluate_layers(design)
        assert list(layers.names) == [layer.name for layer in sim.network.layers]
        for name in ("lut", "ff", "dsp", "bram18"):
            assert layers.metrics[name].sum() == whole[name][0]
        assert layers.metrics["initiation_interval"].max() == whole["initiation_interval"][0]


@settings(max_examples=40, deadline=None)
@given(n_in=WIDTHS, n_out=WIDTHS, bits=st.integers(8, 16))
def test_shared_products_obey_the_tool(n_in, n_out, bits):
    """Interval, latency and multipliers of strategy resource, in every legal reuse factor above 1."""
    sim = Hls4mlSimulator(f"mlp:{n_in}-{n_out}", device="xcvu13p")
    reuse = np.array(sim.space["reuse_factor"].values[1:])
    out = sim.evaluate({"reuse_factor": reuse, "strategy": "resource", "weight_bits": bits})
    done = out["feasible"]
    assert (out["initiation_interval"][done] == reuse[done]).all()
    assert (out["dsp"][done] == (n_in * n_out / reuse)[done]).all()
    whole = done & (reuse >= n_in)
    assert (out["cycles"][whole] == reuse[whole] + 2).all()
    assert (np.diff(out["cycles"][done]) > 0).all()
    assert (done == (n_in * n_out / reuse <= 4095)).all()


def test_no_knob_is_free():
    """Raising one to its maximum costs time or resources in most designs."""
    for workload in ("jet_tagger", "svhn_cnn"):
        sim = Hls4mlSimulator(workload, granularity="layer", device="xcvu13p")
        rows = sim.space.sample(400, np.random.default_rng(0))
        costs = ("latency_s", "initiation_interval", "lut", "ff", "dsp", "bram18")
        for j, p in enumerate(sim.space.parameters):
            if not p.ordinal:
                continue
            low, high = rows.copy(), rows.copy()
            low[:, j], high[:, j] = 0, p.size - 1
            a, b = sim.evaluate(low), sim.evaluate(high)
            both = a["feasible"] & b["feasible"]
            if not both.any():
                continue
            worse = np.zeros(both.sum(), bool)
            for name in costs:
                worse |= b[name][both] > a[name][both]
            assert worse.mean() > 0.5, p.name


def test_wider_numbers_cost_more():
    sim = Hls4mlSimulator("jet_tagger", device="xcvu13p")
    for strategy, reuse in (("latency", 1), ("resource", 16)):
        for knob in ("weight_bits", "activation_bits"):
            out = sim.evaluate({knob: np.arange(2, 33), "strategy": strategy, "reuse_factor": reuse})
            total = out["lut"] + 100 * out["dsp"] + 100 * out["bram18"]
            more = total[1:] >= total[:-1] * 0.99  # a DSP that takes a product over leaves a few LUTs
            assert more[out["feasible"][1:]].all(), (strategy, knob)


def test_what_the_tool_does_not_unroll():
    """4095 multiplications side by side are built, 4096 are not; sharing them helps with strategy resource alone."""
    built = Hls4mlSimulator("mlp:63-65")
    assert built.evaluate({"weight_bits": 4})["feasible"][0]
    sim = Hls4mlSimulator("mlp:64-64")
    assert not sim.evaluate({"weight_bits": 4})["feasible"][0]
    (limit,) = sim.broken_limits({"weight_bits": 4})
    assert str(limit) == "multiplications side by side in fc1 is 4096, above the limit of 4095"
    assert not sim.evaluate({"weight_bits": 4, "reuse_factor": 64})["feasible"][0]
    assert sim.evaluate({"weight_bits": 4, "reuse_factor": 64, "strategy": "resource"})["feasible"][0]


def test_a_convolution_in_arrays_shares_within_an_output():
    b = NetworkBuilder("conv")
    b.conv(b.input((2, 8, 8)), 6, 3)
    sim = Hls4mlSimulator(b.build())
    arrays = {"strategy": "resource", "io_type": "io_parallel"}
    assert sim.evaluate({**arrays, "reuse_factor": 18})["feasible"][0]
    (limit,) = sim.broken_limits({**arrays, "reuse_factor": 54})
    assert str(limit) == "reuse factor of conv2d in arrays is 54, above the limit of 18"
    assert sim.evaluate({"strategy": "resource", "io_type": "io_stream", "reuse_factor": 54})["feasible"][0]


def test_a_smaller_device():
    """The same circuit, of which a small device lacks something."""
    large, small = Hls4mlSimulator("jet_tagger"), Hls4mlSimulator("jet_tagger", device="xc7z020clg400-1")
    rows = large.space.sample(300, np.random.default_rng(0))
    a, b = large.evaluate(rows), small.evaluate(rows)
    assert small.options["device"] == "xc7z020"
    assert a["feasible"].all()
    assert 0 < b["feasible"].mean() < 1
    kept = b["feasible"]
    for name in ("cycles", "lut", "ff", "dsp", "bram18"):
        np.testing.assert_array_equal(a[name][kept], b[name][kept])
    budget = small.device.resources
    over = np.maximum.reduce([a[name] / budget[name] for name in ("lut", "ff", "dsp", "bram18")])
    np.testing.assert_array_equal(b["feasible"], over <= 1)
    np.testing.assert_allclose(b["device_share"][kept], over[kept])
    for row in rows[:50]:
        limits = small.broken_limits(small.space.design(row))
        assert {limit.name for limit in limits} <= {"lut", "ff", "dsp", "bram18"}


def test_a_batch_of_samples_follows_one_another():
    one = Hls4mlSimulator("jet_tagger").evaluate({"reuse_factor": 8})
    b = chipgym.datasets.load_workload("jet_tagger", batch=10)
    ten = Hls4mlSimulator(b).evaluate({"reuse_factor": 8})
    assert ten["cycles"][0] == one["cycles"][0] + 9 * one["initiation_interval"][0]
    assert ten["dsp"][0] == one["dsp"][0]


def test_a_slower_clock_holds_more_in_a_cycle():
    cycles, latency = [], []
    for clock in (1, 2, 5, 10, 50):
        out = Hls4mlSimulator("jet_tagger", clock_ns=clock).evaluate({})
        cycles.append(out["cycles"][0])
        latency.append(out["latency_s"][0])
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[0] > cycles[-1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "xcu"}, "did you mean 'xcu200'"),
        ({"granularity": "layers"}, "did you mean 'layer'"),
        ({"clock_ns": 0.5}, "clock_ns: 0.5 is not a number from 1 to 100; nearest is 1"),
        ({"clock_ns": float("nan")}, "clock_ns: nan"),
        ({"clock_ns": "5"}, "clock_ns: '5'"),
        ({"clock_ns": True}, "clock_ns: True"),
        ({"workload": "stream"}, "runs networks"),
        ({"workload": "vit_b16"}, "has no layer"),
        ({"workload": "mobilenet_v1"}, "groups"),
    ],
)
def test_bad_options(options, says):
    with pytest.raises(ChipgymError, match=says) as error:
        chipgym.make_simulator("hls4ml", **options)
    assert len(str(error.value).splitlines()) == 1


def test_large_networks_are_answered():
    """Nothing is searched through: a reuse factor of 2**27 is as quick as one."""
    sim = Hls4mlSimulator("mlp:16384-8192-10", granularity="layer")
    assert sim.space["reuse_factor_0"].values[-1] == 2**27
    design = {"strategy": "resource", "reuse_factor_0": 2**27, "reuse_factor_1": 8192, "weight_bits_0": 2}
    (limit,) = sim.broken_limits(design)
    assert (limit.name, limit.value > 2**28 / 18432) == ("bram18", True)
    assert not sim.evaluate(design)["feasible"][0]

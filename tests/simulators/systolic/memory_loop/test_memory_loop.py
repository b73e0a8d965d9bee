"""DRAM traffic as requests, and the memory in the loop."""

from __future__ import annotations

import itertools
import json
import pickle

import gymnasium
import numpy as np
import pytest

import chipgym
from chipgym.datasets import NetworkBuilder, load_workload
from chipgym.errors import ChipgymError
from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.tables.device import load_device
from chipgym.simulators.systolic import SystolicSimulator
from chipgym.simulators.systolic.memory_loop import loop as in_loop
from chipgym.simulators.systolic.memory_loop import traffic

SMALL = {"ifmap_sram_kb": 8, "filter_sram_kb": 8, "ofmap_sram_kb": 8}
# Little SRAM, so that operands come again and partial sums spill; and much, so that all stays.
DESIGNS = [
    {**SMALL, "dataflow": "os", "rows": 16, "cols": 16},
    {**SMALL, "dataflow": "is", "rows": 8, "cols": 8, "loop_order": "knm"},
    {"dataflow": "ws", "ifmap_sram_kb": 4096, "filter_sram_kb": 4096, "ofmap_sram_kb": 4096},
]


def network():
    b = NetworkBuilder("net")
    x = b.input((16, 28, 28))
    x = b.relu(b.conv(x, 64, 3, padding=1, bias=False))
    x = b.conv(x, 64, 3, padding=1, groups=64, bias=False)
    x = b.conv(x, 32, 1, stride=2, bias=False)
    b.linear(b.flatten(b.global_avg_pool(x)), 10)
    return b.build()


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d["dataflow"])
@pytest.mark.parametrize("bits", [8, 32])
@pytest.mark.parametrize("workload", ["convolutions", "layers"])
def test_the_bytes_are_those_that_the_kernel_counts(design, bits, workload):
    net = network() if workload == "convolutions" else load_workload("mlp:2048-512-10", batch=16)
    sim = SystolicSimulator(net, accumulator_bits=bits)
    out, trace = sim.evaluate(design).row(0), sim.dram_trace(design)
    spilled = out["dram_ofmap_reads"]  # in words, of which a partial sum takes several
    reads, writes = (64 * int((trace.is_write == w).sum()) for w in (False, True))
    # Every operand of every layer ends within a burst.
    room = 64 * 4 * len(sim.network.layers)
    assert abs(reads - (out["dram_ifmap_reads"] + out["dram_filter_reads"] + spilled)) <= room
    assert abs(writes - out["dram_ofmap_writes"]) <= room
    if workload == "layers" and design["dataflow"] == "is":
        assert spilled > 0


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d["dataflow"])
def test_the_loop_moves_the_same_bytes_as_the_trace(design):
    sim = SystolicSimulator(network(), accumulator_bits=32)
    assert sim.dram_limited(design).layers["dram_bytes"].sum() == 64 * len(sim.dram_trace(design))


def test_nothing_is_read_before_it_may_be_and_all_layers_are_apart():
    sim = SystolicSimulator(network())
    design = {**DESIGNS[0], "loop_order": "mnk"}  # sums are complete before they leave
    trace, found = sim.dram_trace(design), sim.dram_limited(design)
    assert trace.cycle[0] == 0
    assert (trace.cycle[-1] - 1) * load_device("DDR4-2400").cycle_s <= found.compute_latency_s
    assert len(np.unique(trace.address[trace.is_write])) < len(trace)
    written = set(trace.address[trace.is_write].tolist())
    assert not written & set(trace.address[~trace.is_write].tolist())  # no partial sums here: nothing comes back


def test_a_memory_in_the_loop_only_ever_waits():
    """Layer by layer: never before its computing, nor before a memory that is busy without a break."""
    sim = SystolicSimulator("mlp:256-1024-1024-10", batch=64)
    for size in (8, 64, 256):
        for device, channels in (("DDR3-1600", 1), ("DDR4-2400", 2), ("LPDDR4-3200", 1)):
            d = load_device(device)
            peak = channels * d.burst_bytes / (d.timings["B"] * d.cycle_s)
            layers = sim.dram_limited({"rows": size, "cols": size}, device=device, channels=channels).layers
            assert (layers["dram_limited_latency_s"] >= layers["compute_latency_s"]).all()
            assert (layers["dram_limited_latency_s"] >= layers["dram_bytes"] / peak).all()


def test_an_ideal_memory_leaves_computing_and_what_overlaps_with_nothing():
    """At 512 GB/s, where tiles take longer than the memory's latency."""
    sim = SystolicSimulator(network())
    for design in (DESIGNS[1], {"rows": 8, "cols": 8, "clock_mhz": 100}):
        layers = sim.dram_limited({**design, "dram_bandwidth": 64}, device="HBM2", channels=32).layers
        waits = layers["dram_limited_latency_s"] - layers["compute_latency_s"]
        assert (waits[layers["dram_bytes"] > 0] > 0).all()
        assert waits.max() < 1e-6
        assert (waits[layers["dram_bytes"] == 0] == 0).all()


def test_bandwidth_does_not_hide_latency():
    """Tiles that take less than an answer of the memory: the next one is asked for too late, whatever the channels."""
    sim, design = SystolicSimulator(network()), DESIGNS[2]
    waits = [
        f.dram_limited_latency_s - f.compute_latency_s
        for f in (sim.dram_limited(design, device="HBM2", channels=c) for c in (16, 32))
    ]
    assert waits[1] > 2e-6
    assert waits[1] == pytest.approx(waits[0], rel=0.25)


def test_more_channels_are_faster():
    sim = SystolicSimulator("mlp:256-1024-1024-10", batch=64)
    found = [sim.dram_limited({"rows": 256, "cols": 256}, channels=c).dram_limited_latency_s for c in (1, 2, 4, 8, 16)]
    assert all(more < 1.03 * fewer for fewer, more in itertools.pairwise(found))
    assert found[1] < 0.7 * found[0]


def test_time_lost_is_not_made_up_for():
    """A layer that memory limits, and one that computes for long: a trace that never waits lets the second hide it."""
    b = NetworkBuilder("uneven")
    b.linear(b.input((1024,)), 2048)
    b.conv(b.input((64, 56, 56), name="image"), 64, 5, padding=2)
    sim = SystolicSimulator(b.build())
    design = {"rows": 64, "cols": 64, "dataflow": "os", "ifmap_sram_kb": 512, "filter_sram_kb": 512}
    layers = sim.dram_limited(design).layers
    in_loop_s, computing = layers["dram_limited_latency_s"], layers["compute_latency_s"]
    assert in_loop_s[0] > 3 * computing[0]
    trace = MemorySimulator(sim.dram_trace(design), device="DDR4-2400").evaluate({})["latency_s"][0]
    assert in_loop_s[1] < 1.1 * computing[1]
    assert in_loop_s.sum() > 1.3 * max(trace, computing.sum())


def test_the_controller_matters():
    sim = SystolicSimulator("mlp:256-1024-1024-10", batch=64)
    base = {"rows": 256, "cols": 256}
    good, poor = ({"page_policy": page, "scheduler": "fifo", "request_buffer_size": 1} for page in ("open", "closed"))
    assert sim.dram_limited(base, poor).dram_limited_latency_s > 2 * sim.dram_limited(base, good).dram_limited_latency_s


def test_equal_layers_take_the_same_time_and_more_rounds_change_little(monkeypatch):
    b = NetworkBuilder("twice")
    x = b.input((1024,))
    for _ in range(2):
        x = b.linear(x, 1024)
    sim = SystolicSimulator(b.build(), batch=16)
    few = sim.dram_limited({"rows": 64, "cols": 64}).layers
    assert few["dram_limited_latency_s"][0] == few["dram_limited_latency_s"][1]
    assert few["rounds"][0] < 6
    close = in_loop.close_loop
    monkeypatch.setattr(in_loop, "close_loop", lambda traffic, server: close(traffic, server, 0.0, 30))
    many = sim.dram_limited({"rows": 64, "cols": 64}).layers
    assert many["rounds"][0] > few["rounds"][0]
    assert few["dram_limited_latency_s"] == pytest.approx(many["dram_limited_latency_s"], rel=0.02)


@pytest.mark.parametrize("design", DESIGNS[:2], ids=lambda d: d["dataflow"])
def test_a_layer_of_many_requests_is_nearly_what_it_is_in_stretches(design, monkeypatch):
    sim = SystolicSimulator("mlp:2048-2048", batch=64)
    whole = sim.dram_limited(design).layers
    requests = int(whole["dram_bytes"][0] / 64)
    assert requests < in_loop.MOST_SERVED
    monkeypatch.setattr(in_loop, "MOST_SERVED", requests // 6)
    some = sim.dram_limited(design).layers
    assert some["dram_limited_latency_s"] != whole["dram_limited_latency_s"]
    for name in ("dram_limited_latency_s", "dram_devices_energy_j", "dram_bytes"):
        assert some[name] == pytest.approx(whole[name], rel=0.03), name


# --- as a metric ------------------------------------------------------------------------------------------------


MEMORY = {"device": "DDR4-2400", "channels": 2, "page_policy": "closed", "request_buffer_size": 4}


def test_without_the_option_nothing_changes():
    plain, same = SystolicSimulator(network()), SystolicSimulator(network(), memory=None)
    assert "dram_limited_latency_s" not in plain.evaluate({})
    assert "memory" not in plain.options
    assert plain.identity() == same.identity()


def test_the_metric_is_that_of_one_design():
    sim, plain = SystolicSimulator(network(), memory=MEMORY), SystolicSimulator(network())
    designs = [*DESIGNS, {"clock_mhz": 20000}]
    out, before = sim.evaluate(designs), plain.evaluate(designs)
    for name in before:
        np.testing.assert_array_equal(out[name], before[name])
    assert out.units["dram_limited_latency_s"] == "s"
    assert np.isnan(out["dram_limited_latency_s"]).tolist() == [False, False, False, True]
    for design, metric in zip(DESIGNS, out["dram_limited_latency_s"], strict=False):
        own = sim.dram_limited(design)
        other = plain.dram_limited(
            design, {"page_policy": "closed", "request_buffer_size": 4}, device="DDR4-2400", channels=2
        )
        assert metric == own.dram_limited_latency_s == other.dram_limited_latency_s
        assert sim.evaluate(design)["dram_limited_latency_s"][0] == metric
        layers = sim.evaluate_layers(design)
        np.testing.assert_array_equal(layers["dram_limited_latency_s"], own.layers["dram_limited_latency_s"])
        assert own.constant_bandwidth_latency_s == pytest.approx(sim.evaluate(design)["latency_s"][0])
        assert own.bandwidth_gbps == pytest.approx(own.layers["dram_bytes"].sum() / own.dram_limited_latency_s / 1e9)
    assert np.isnan(sim.evaluate_layers(designs[3])["dram_limited_latency_s"]).all()
    copy = pickle.loads(pickle.dumps(sim))
    np.testing.assert_array_equal(copy.evaluate(designs)["dram_limited_latency_s"], out["dram_limited_latency_s"])


def test_the_option_is_part_of_identity_in_full():
    sim = SystolicSimulator("mlp:64-32", memory=MEMORY)
    identity = sim.identity()
    assert json.loads(json.dumps(identity, allow_nan=False)) == identity
    assert identity["options"]["memory"].items() > MEMORY.items()
    assert identity["options"]["memory"]["scheduler"] == "fr_fcfs"
    assert SystolicSimulator("mlp:64-32", **sim.options).identity() == identity
    spelled = [SystolicSimulator("mlp:64-32", memory=m).identity() for m in ("DDR4-2400", {}, {"channels": 1})]
    assert spelled[0] == spelled[1] == spelled[2] != identity
    assert identity["version"] != SystolicSimulator("mlp:64-32").version  # the memory simulator's is in it


def test_it_is_an_objective_and_a_constraint(tmp_path):
    options = {"workload": "mlp:256-512-10", "memory": MEMORY, "space": {"dataflow": "os", "clock_mhz": 800}}
    problem = chipgym.make_problem(
        "systolic",
        objective="energy_j * dram_limited_latency_s",
        constraints="dram_limited_latency_s <= 6e-5",
        **options,
    )
    store = tmp_path / "found.db"
    result = chipgym.optimize(problem, agent="random", budget=24, seed=0, store=store)
    best = problem.evaluate(result.best.design)
    assert best.feasible.all()
    assert best.metrics["dram_limited_latency_s"][0] == result.best.metrics["dram_limited_latency_s"] <= 6e-5
    again = chipgym.optimize(problem, agent="random", budget=24, seed=0, store=store)
    assert again.best.design == result.best.design
    env = gymnasium.make("chipgym/Systolic-v0", objective="dram_limited_latency_s", **options)
    env.reset(seed=0)
    *_, info = env.step(env.action_space.sample())
    assert info["metrics"]["dram_limited_latency_s"] > 0


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        ("DDR9", "memory: unknown device 'DDR9'"),
        (3, "memory: 3 is neither a device such as 'DDR4-2400'"),
        ({"device": "HBM2", "chanels": 2}, "memory: unknown option or knob 'chanels'; did you mean 'channels'"),
        ({"channels": 3}, "memory: channels: 3 is not one of 1, 2, 4, 8, 16, 32 for DDR4-2400; nearest is"),
        ({"page_policy": "shut"}, "memory: unknown value of page_policy: 'shut'"),
        ({3: 4}, "memory: unknown option or knob 3"),
    ],
)
def test_a_wrong_memory_is_one_line(memory, message):
    with pytest.raises(ChipgymError) as error:
        SystolicSimulator("mlp:64-32", memory=memory)
    assert str(error.value).startswith(message)
    assert len(str(error.value).splitlines()) == 1


def test_bad_input(monkeypatch):
    sim = SystolicSimulator(network())
    with pytest.raises(ChipgymError, match="unknown device"):
        sim.dram_trace({}, "DDR9")
    for method in (sim.dram_trace, sim.dram_limited):
        with pytest.raises(ChipgymError, match="cannot be built"):
            method({"clock_mhz": 20000})
        with pytest.raises(ChipgymError, match="takes one design, not 2"):
            method({"rows": [8, 16]})
    with pytest.raises(ChipgymError, match="page_policy"):
        sim.dram_limited({}, {"page_policy": "shut"})
    with pytest.raises(ChipgymError, match="more than"):
        SystolicSimulator("vgg16", batch=64).dram_trace({})
    monkeypatch.setattr(traffic, "MOST_TILES", 10)
    with pytest.raises(ChipgymError, match="tiles, expected at most"):
        sim.dram_limited(DESIGNS[0])
    monkeypatch.undo()
    monkeypatch.setattr(in_loop, "MOST_REQUESTS", 10)
    with pytest.raises(ChipgymError, match="requests for a few tiles"):
        sim.dram_limited(DESIGNS[0])

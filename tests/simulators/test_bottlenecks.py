"""What binds a design: shares that add up, remedies that are knobs of the space, and problems that weigh them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from toy import ToySimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators import bind_problem
from chipgym.simulators.core.bottleneck import Bottleneck, Remedy, expanded, merged, powers_of, shares
from chipgym.simulators.core.objective import parse_objectives

MACHINES = (
    ("systolic", {"workload": "mlp:64-128-10"}), ("memory", {"workload": "random"}), ("hls", {"workload": "atax"}),
    ("hls4ml", {"workload": "mlp:16-32-5"}), ("hls4ml", {"workload": "mlp:16-32-5", "granularity": "layer"}),
    ("dataflow", {"workload": "mlp:64-128-10", "sockets": 2}), ("tabular", {"workload": "systolic-resnet18"}),
)  # fmt: skip


@pytest.fixture(params=MACHINES, ids=[f"{name}-{'-'.join(map(str, given.values()))}" for name, given in MACHINES])
def simulator(request):
    name, given = request.param
    return chipgym.make_simulator(name, **given)


def test_shares_of_a_metric_add_up_and_remedies_are_knobs(simulator):
    space = simulator.space
    rows = np.concatenate([space.default_indices[None, :], space.sample(12, np.random.default_rng(0))])
    for row in rows:
        design = space.design(row)
        found = simulator.bottlenecks(design)
        assert found or not simulator.evaluate(design)["feasible"][0]
        for metric in {b.metric for b in found if not b.broken}:
            assert sum(b.share for b in found if b.metric == metric and not b.broken) == pytest.approx(1.0)
            assert metric in {m.name for m in simulator.metrics}
        for b in found:
            assert b.share > 0
            assert not any(later.broken for later in found[found.index(b) + 1 :]) or b.broken
            for remedy in b.remedies:
                if remedy.knob not in space:  # one that other workloads or chips have
                    continue
                known = space[remedy.knob]
                assert remedy.why
                assert remedy.strength > 0
                assert bool(remedy.values) == (remedy.change == "try")
                assert all(value != design[remedy.knob] for value in remedy.values)
                assert all(known.accepts.column(known.name, [value]) is not None for value in remedy.values)
        json.dumps([b.to_json() for b in found], allow_nan=False)


def test_a_design_that_cannot_be_built_says_what_is_broken():
    simulator = chipgym.make_simulator("systolic", "mlp:64-128-10")
    broken = [b for b in simulator.bottlenecks({"clock_mhz": 19_000}) if b.broken]
    assert [b.name for b in broken] == ["clock_mhz"]
    assert [(r.knob, r.change) for r in broken[0].remedies] == [("clock_mhz", "lower")]
    assert "beyond its limit" in str(broken[0])
    products = chipgym.make_simulator("hls4ml", "mlp:64-128-64-10").bottlenecks({})
    assert ("strategy", ("resource",)) in {(r.knob, r.values) for r in products[0].remedies}


def test_a_slower_interface_makes_waiting_the_bottleneck():
    problem = chipgym.make_problem("systolic", "mlp:256-256", objective="latency_s")
    slow, fast = (problem.bottlenecks({"dram_bandwidth": words}) for words in (1.0, 32.0))
    assert slow[0].name == "waiting for DRAM"
    assert slow[0].remedies[0].knob == "dram_bandwidth"
    waiting = {b.name: b.share for b in fast}.get("waiting for DRAM", 0.0)
    assert waiting < slow[0].share


def test_a_problem_weighs_parts_by_the_powers_of_their_metrics():
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective="ed2p")
    found = problem.bottlenecks({})
    weight = {"energy_j": 1.0, "latency_s": 2.0}
    assert {b.metric for b in found} == set(weight)
    weighted = [b.share * weight[b.metric] for b in found]
    assert weighted == sorted(weighted, reverse=True)
    with pytest.raises(ChipgymError, match="takes one design, not 2"):
        problem.bottlenecks([{}, {}])


def test_a_broken_constraint_goes_before_the_parts_of_what_it_limits():
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective="edp", constraints="area_mm2 <= 1")
    first, *parts = problem.bottlenecks({})
    assert (first.name, first.broken) == ("area_mm2", True)
    assert {b.metric for b in parts} == {"area_mm2"}
    within = chipgym.make_problem("systolic", "mlp:64-128-10", constraints="utilization >= 0.99")
    assert {b.metric for b in within.bottlenecks({})[1:]} == {"latency_s"}  # which utilisation falls with


def test_metrics_that_are_made_of_others_have_their_parts():
    problem = chipgym.make_problem("memory", "random", objective="power_w")
    assert {b.metric for b in problem.bottlenecks({})} == {"energy_j"}  # a longer run lowers power
    assert expanded({"power_w": 2.0}, {"power_w": {"energy_j": 1.0, "latency_s": -1.0}}) == {
        "energy_j": 2.0, "latency_s": -2.0,
    }  # fmt: skip


def test_of_several_workloads_shares_are_means():
    names = ["mlp:64-64", "mlp:256-256"]
    suite = chipgym.make_simulator("systolic", names)
    each = [{(b.metric, b.name): b.share for b in chipgym.make_simulator("systolic", n).bottlenecks({})} for n in names]
    for b in suite.bottlenecks({}):
        assert b.share == pytest.approx(sum(one.get((b.metric, b.name), 0.0) for one in each) / 2)
    worst = merged([(Bottleneck("a", "a", 0.2, broken=True),), (Bottleneck("a", "a", 0.4, broken=True),)])
    assert [b.share for b in worst] == [0.4]


def test_a_table_tells_what_its_simulator_does():
    table = chipgym.make_simulator("tabular", "systolic-resnet18")
    assert table.bottlenecks({}) == chipgym.make_simulator("systolic", "resnet18").bottlenecks(table.space.default)


def test_a_simulator_without_a_breakdown_has_none():
    assert ToySimulator().bottlenecks({}) == ()
    assert bind_problem(ToySimulator()).bottlenecks({}) == ()


def test_powers_of_a_sum_are_those_of_its_larger_term():
    metrics = ToySimulator.metrics
    (total,) = parse_objectives("latency_s + 0.001 * energy_j", metrics)
    powers = powers_of(total.quantity, {"latency_s": 1.0, "energy_j": 1.0})
    assert powers["latency_s"] == pytest.approx(1 / 1.001, rel=1e-3)
    assert powers["energy_j"] == pytest.approx(0.001, rel=1e-2)


def test_parts_without_an_amount_are_left_out():
    parts = shares("latency_s", {"a": 3.0, "b": 0.0, "c": 1.0}, {"a": (Remedy("units", "raise", "more"),)})
    assert [(b.name, b.share) for b in parts] == [("a", 0.75), ("c", 0.25)]
    assert parts[0].remedies[0].knob == "units"
    assert shares("latency_s", {"a": float("nan")}, {}) == ()

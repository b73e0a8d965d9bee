"""ArchGym's space: its size, and that what is folded is the same controller."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import make_trace, traces
from hypothesis import given, settings

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.space import memory_space

SPACE = memory_space()


def test_size():
    assert SPACE.size == 4 * 3 * 3 * 8 * 2 * 2 * 4 * 4 * 3 * 8 == 442_368
    assert SPACE.canonical_size == 4 * 3 * 3 * 8 * 2 * (1 + 4 * 4) * (1 + 2 * 8) == 166_464


def test_every_knob_has_a_subsystem():
    assert {p.subsystem for p in SPACE.parameters} == {"page", "scheduling", "buffers", "refresh", "arbitration"}


@settings(max_examples=20, deadline=None)
@given(trace=traces())
def test_folded_knobs_change_nothing(trace):
    """The kernel itself, before any folding, on values that the space would never let through."""
    sim = MemorySimulator(trace)
    rows = SPACE.sample(40, np.random.default_rng(0))
    columns = SPACE.decode(rows)
    plain, n = sim.simulate(columns, len(rows))[0], len(rows)
    other = dict(columns)
    rng = np.random.default_rng(1)
    idle, simple = columns["refresh_policy"] == "no_refresh", columns["arbiter"] == "simple"
    assert idle.any()
    assert simple.any()
    for name, fold in (
        ("refresh_max_postponed", idle),
        ("refresh_max_pulledin", idle),
        ("max_active_transactions", simple),
    ):
        other[name] = np.where(fold, rng.integers(1, 9, n), columns[name])
    moved = sim.simulate(other, n)[0]
    for name in plain:
        np.testing.assert_array_equal(plain[name], moved[name], err_msg=name)


def test_knobs_that_are_not_folded_change_something():
    """On one trace or another; else the space would count the same controller twice."""
    bursts = make_trace([(20_000 if i % 40 == 0 else 4, False, 8256 * i) for i in range(2000)])  # with time to pull in
    sims = [MemorySimulator(workload) for workload in ("read_write_mix", "random", bursts)]
    base = {"arbiter": "fifo", "request_buffer_size": 4, "max_active_transactions": 16, "page_policy": "open_adaptive"}
    for p in SPACE.parameters:
        seen = [sim.evaluate({**base, p.name: list(p.values)}) for sim in sims]
        differ = [len(set(zip(out["read_latency_s"], out["energy_j"], strict=True))) > 1 for out in seen]
        assert any(differ), p.name


@pytest.mark.parametrize(
    ("knob", "value", "says"),
    [
        ("request_buffer_size", 0, "nearest is 1"),
        ("refresh_max_postponed", 9, "nearest is 8"),
        ("page_policy", "opened", "did you mean 'open'"),
        ("max_active_transactions", 2.5, "whole number"),
    ],
)
def test_values_out_of_the_domain(knob, value, says):
    with pytest.raises(ChipgymError, match=says) as error:
        MemorySimulator("stream").evaluate({knob: value})
    assert knob in str(error.value)


def test_archgym_targets_are_in_si_units():
    """1 W and 0.1 ms: ArchGym says mW and ns, but its parser divides DRAMSys's mW and ps by 1e3 and 1e9."""
    problem = chipgym.make_problem("memory", workload="stream", objective="low_latency", reward="target_distance")
    assert problem.reference.tolist() == [1e-4]
    both = chipgym.make_problem("memory", workload="stream", objective="low_power_latency", reward="target_distance")
    assert both.reference.tolist() == [1.0, 1e-4]
    given_ones = chipgym.make_problem(
        "memory", workload="stream", objective="low_power", reward="target_distance", targets=[0.5]
    )
    assert given_ones.reference.tolist() == [0.5]
    with pytest.raises(ChipgymError, match="targets"):
        chipgym.make_problem("memory", workload="stream", objective="tail_latency", reward="target_distance")

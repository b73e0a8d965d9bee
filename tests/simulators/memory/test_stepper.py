"""The kernel against a slow controller in plain Python, and every command trace against the DRAM's rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing import designs, make_trace, traces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol import check_protocol
from rules import T
from stepper import Stepper

from chipgym.datasets import load_workload
from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.lowering.mapping import address_map

MEMORIES = [
    ("DDR3-1600", 1), ("DDR3-1600", 2), ("DDR4-2400", 1), ("DDR4-2400", 4), ("LPDDR4-3200", 1), ("LPDDR4-3200", 2),
    ("HBM2", 1),
]  # fmt: skip
slowly = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def step(sim: MemorySimulator, design: dict) -> tuple[Stepper, int]:
    """The slow controller's run of a one-channel simulator's trace."""
    device, trace = sim.device.name, sim.bursts
    where = address_map(sim.device, sim.options["address_mapping"], 1, sim.ranks)
    place = where.decode(trace.address)
    line = trace.address % where.size // T[device].burst
    columns = (trace.is_write, line, place["bank"] // T[device].banks, place["bank"] % T[device].banks)
    times = trace.cycle.tolist()
    if trace.relative:
        further = np.diff(trace.request, prepend=-1) == 0
        times = [None if f else wait for f, wait in zip(further, np.diff(times, prepend=0).tolist(), strict=True)]
    requests = list(zip(times, *(c.tolist() for c in columns), place["row"].tolist(), strict=True))
    slow = Stepper(device, requests, design, sim.ranks, trace.relative)
    return slow, slow.run()


@pytest.mark.parametrize(("device", "ranks"), MEMORIES, ids=str)
@slowly
@given(
    trace=traces(), design=designs(), mapping=st.sampled_from(["rbc", "brc"]), relative=st.booleans(),
    sizes=st.none() | st.lists(st.sampled_from([0, 32, 64, 200]), min_size=60, max_size=60),
)  # fmt: skip
def test_commands_and_times_equal_the_steppers(device, ranks, trace, design, mapping, relative, sizes):
    size = None if sizes is None else np.array(sizes[: len(trace)])
    trace = replace(trace, relative=relative, size=size)
    sim = MemorySimulator(trace, device=device, address_mapping=mapping, ranks=ranks)
    slow, end = step(sim, design)
    fast = sim.history(design)
    c = fast.commands
    mine = list(zip(c.cycle, c.command, c.request, c.rank, c.bank, strict=True))
    assert sorted(mine) == sorted(slow.commands)
    answers = slow.answers()
    assert fast.requests.left.tolist() == slow.left
    assert fast.requests.stands.tolist() == slow.stands
    assert fast.requests.stored.tolist() == slow.kept
    assert fast.requests.answered.tolist() == [answers[i] for i in range(len(sim.bursts))]
    assert fast.requests.arrival.tolist() == [slow.arrival(i) for i in range(len(sim.bursts))]
    assert sorted(fast.requests.received.tolist()) == slow.receipts()
    assert sim.evaluate(design)["cycles"][0] == end
    check_protocol(device, c)


@pytest.mark.parametrize(("device", "ranks"), MEMORIES, ids=str)
@settings(slowly, max_examples=10)
@given(
    seed=st.integers(0, 2**32), design=designs(), gap=st.sampled_from([1, 3, 20]), channels=st.sampled_from([1, 2, 4])
)
def test_long_traces_keep_the_rules(device, ranks, seed, design, gap, channels):
    rng = np.random.default_rng(seed)
    n, spots = 1500, rng.integers(0, 2**31, 12)
    rows = zip(
        rng.integers(0, 2 * gap, n), rng.random(n) < 0.3, rng.choice(spots, n) + 64 * rng.integers(0, 8, n), strict=True
    )
    trace = make_trace([(int(g), bool(w), int(a)) for g, w, a in rows])
    sim = MemorySimulator(trace, device=device, channels=channels, ranks=ranks)
    history = sim.history(design)
    check_protocol(device, history.commands)
    check_service(sim, history)


def check_service(sim: MemorySimulator, history) -> None:
    """No request is lost or served twice, and those to one address are served in their order."""
    c, trace, times = history.commands, sim.workload, history.requests
    data = np.isin(c.command, ["RD", "RDA", "WR", "WRA"])
    assert sorted(c.request[data].tolist()) == list(range(len(trace)))
    order = c.request[data]
    assert (np.char.startswith(c.command[data], "WR") == trace.is_write[order]).all()
    served = np.empty(len(trace), int)
    served[order] = c.cycle[data]
    assert (served == times.served).all()
    where = address_map(sim.device, sim.options["address_mapping"], sim.channels, sim.ranks)
    place = where.decode(trace.address)
    assert (place["row"][order] == c.row[data]).all()
    assert (place["channel"][order] == c.channel[data]).all()
    line = trace.address % where.size // sim.device.burst_bytes
    by_line = np.lexsort((np.arange(len(trace)), line))
    same = np.diff(line[by_line]) == 0
    assert (np.diff(served[by_line])[same] > 0).all()
    assert (times.arrival <= times.left).all()
    assert (times.left <= times.stands).all()
    assert (times.stands <= times.stored).all()
    assert (times.stored <= times.served).all()
    assert (times.served < times.answered).all()
    assert (times.answered <= times.received).all()


@pytest.mark.parametrize("device", T)
def test_named_traces_keep_the_rules(device):
    for name in ("cloud-1", "read_write_mix", "gemm_tiled"):
        sim = MemorySimulator(load_workload(name), device=device)
        for scheduler in ("fr_fcfs_grp", "fifo"):
            history = sim.history({"scheduler": scheduler, "page_policy": "open_adaptive", "refresh_max_postponed": 1})
            check_protocol(device, history.commands)
            check_service(sim, history)

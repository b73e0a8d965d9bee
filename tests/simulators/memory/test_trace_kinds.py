"""What a memory makes of sizes, waits, clocks and address vectors that a trace has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import Trace, load_workload
from chipgym.errors import ChipgymError
from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.tables.device import device_names

HELD_UP = {"request_buffer_size": 1, "scheduler_buffer": "shared", "page_policy": "closed"}


def load(tmp_path, text: str, name: str = "some.stl") -> Trace:
    path = tmp_path / name
    path.write_text(text)
    trace = load_workload(path)
    assert isinstance(trace, Trace)
    return trace


def reads(cycles, addresses, **kind) -> Trace:
    return Trace("some", np.array(cycles), np.zeros(len(cycles), bool), np.array(addresses), **kind)


def same(a: MemorySimulator, b: MemorySimulator, design: dict) -> None:
    one, other = a.evaluate(design), b.evaluate(design)
    for metric in one:
        np.testing.assert_array_equal(one[metric], other[metric])


@pytest.mark.parametrize(
    ("device", "line", "addresses"),
    [
        ("DDR3-1600", "(256) read 0x0", [0, 64, 128, 192]),
        ("DDR4-2400", "(256) read 0x0", [0, 64, 128, 192]),
        ("HBM2", "(256) read 0x0", range(0, 256, 32)),
        ("LPDDR4-3200", "(64) read 0x40", [64, 96]),
        ("DDR3-1600", "(64) read 0x20", [0x20, 64]),  # across a boundary of bursts
        ("DDR3-1600", "(1) read 0x7f", [0x7F]),
        ("DDR3-1600", "read 0x7f", [0x7F]),
        ("HBM2", "read 0x0", [0]),
    ],
)
def test_a_size_is_as_many_bursts_as_it_takes(tmp_path, device, line, addresses):
    sized = MemorySimulator(load(tmp_path, f"5: {line}\n"), device=device)
    bursts = MemorySimulator(reads([5] * len(addresses), list(addresses)), device=device)
    same(sized, bursts, {"page_policy": ["open", "closed"]})
    assert sized.evaluate({})["n_rd"].tolist() == [len(addresses)]


def test_a_request_is_answered_with_its_last_burst(tmp_path):
    sim = MemorySimulator(load(tmp_path, "0: (256) read 0x0\n0: (128) write 0x100\n3: read 0x0\n"))
    assert sim.bursts.request.tolist() == [0, 0, 0, 0, 1, 1, 2]
    _, answered = sim.evaluate_requests({})
    received = sim.history({}).requests.received
    assert answered.tolist() == [received[:4].max(), received[4:6].max(), received[6]]
    out = sim.evaluate({})
    assert (out["n_rd"][0], out["n_wr"][0]) == (5, 2)
    assert out["bandwidth_gbps"][0] == pytest.approx(7 * 64 / out["latency_s"][0] / 1e9)


def test_more_bursts_than_a_trace_can_have():
    trace = reads([0, 1], [0, 0], size=np.array([2**30, 2**30]))
    with pytest.raises(ChipgymError, match="workload: 33554432 bursts of 64 bytes on DDR3-1600, expected at most"):
        MemorySimulator(trace)


@pytest.mark.parametrize("arbiter", ["simple", "fifo", "reorder"])
def test_waits_count_from_when_the_request_before_was_issued(tmp_path, arbiter):
    waits = [3, 0, 2, 200, 0, 1, 7, 0]
    lines = [f"{wait}: read {4096 * 16 * i:x}\n" for i, wait in enumerate(waits)]
    sim = MemorySimulator(load(tmp_path, "".join(lines), "some.rstl"))
    design = {**HELD_UP, "arbiter": arbiter, "max_active_transactions": 2, "refresh_policy": "no_refresh"}
    times = sim.history(design).requests
    left = times.left.tolist()
    issued = left if arbiter == "simple" else [max(a, b + 1) for a, b in zip(times.arrival, [-1, *left], strict=False)]
    assert times.arrival.tolist() == [a + wait for a, wait in zip([0, *issued], waits, strict=False)]
    assert (times.left - times.arrival).max() > 10  # some are held up
    absolute = MemorySimulator(reads(np.cumsum(waits), sim.workload.address)).evaluate(design)
    out = sim.evaluate(design)
    assert out["cycles"][0] >= absolute["cycles"][0]
    assert out["access_latency_s"][0] == pytest.approx((times.received - times.arrival).mean() * sim.device.cycle_s)


def test_a_request_that_was_held_up_puts_off_those_behind_it():
    """With one request at a time in a closed bank of DDR3 (RC 38), each is issued when the one before is served."""
    waits, design = [0, 0, 0, 20, 20], {**HELD_UP, "refresh_policy": "no_refresh"}
    addresses = [65536 * i for i in range(5)]  # rows of one bank
    relative = MemorySimulator(reads(np.cumsum(waits), addresses, relative=True)).history(design).requests
    absolute = MemorySimulator(reads(np.cumsum(waits), addresses)).history(design).requests
    # Served at 10, 48, 86, …; the third stands at 11 and is stored at 48, the fourth comes 20 later than it stood.
    assert relative.served[:3].tolist() == absolute.served[:3].tolist() == [10, 48, 86]
    assert absolute.arrival.tolist() == [0, 0, 0, 20, 40]
    assert relative.arrival.tolist() == [0, 0, relative.left[1], relative.left[2] + 20, relative.left[3] + 20]
    assert relative.left[2] > 2


def test_channels_count_waits_from_their_own_requests():
    trace = reads([5, 7, 10, 30], [0, 64, 128, 192], relative=True)  # channels 0, 1, 0, 1
    times = MemorySimulator(trace, channels=2).history({}).requests
    assert times.arrival.tolist() == [5, 7, 10, 30]


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize(
    ("device", "clk_mhz", "periods"),
    [
        ("DDR3-1600", 800, (1250, 1250)),
        ("DDR4-2400", 1200, (833, 833)),  # both rounded to whole picoseconds
        ("DDR3-1600", 1600, (625, 1250)),
        ("DDR3-1600", 3200.0, (312, 1250)),
        ("HBM2", 333, (3003, 1000)),
        ("LPDDR4-3200", 1, (10**6, 625)),
    ],
)
def test_a_trace_in_another_clock(device, clk_mhz, periods, relative):
    waits = [0, 1, 1, 5, 0, 300, 7]
    addresses = [64 * i for i in range(7)]
    theirs, mine = periods
    if relative:
        expected = np.cumsum([math.ceil(wait * theirs / mine) for wait in waits])
    else:
        expected = [math.ceil(cycle * theirs / mine) for cycle in np.cumsum(waits)]
    given = MemorySimulator(reads(np.cumsum(waits), addresses, relative=relative), device=device, clk_mhz=clk_mhz)
    assert given.bursts.cycle.tolist() == list(expected)
    same(given, MemorySimulator(reads(expected, addresses, relative=relative), device=device), {"arbiter": "fifo"})


def test_long_traces_in_a_slow_clock_are_exact():
    last = 2**36 // 1600
    sim = MemorySimulator(reads([0, last], [0, 64]), device="LPDDR4-3200", clk_mhz=1)
    assert sim.bursts.cycle.tolist() == [0, last * 1600]


@pytest.mark.parametrize(("cycle", "clk_mhz"), [(2**53, None), (2**36 + 1, None), (2**36 // 800 + 1, 1), (2**53, 1)])
def test_a_trace_of_hours_is_refused_before_its_refreshes_are_stepped(cycle, clk_mhz):
    with pytest.raises(ChipgymError, match=r"workload: the last request arrives in cycle [0-9]+ of DDR3-1600"):
        MemorySimulator(reads([0, cycle], [0, 64]), clk_mhz=clk_mhz)


@pytest.mark.parametrize("wrong", [0, -800, 0.5, 1e6, math.nan, math.inf, "800", True, [800]])
def test_what_is_no_clock(wrong):
    with pytest.raises(ChipgymError, match=r"^clk_mhz: .* is not a number of MHz from 1 to 10000"):
        MemorySimulator("stream", clk_mhz=wrong)


def test_a_clock_is_part_of_a_problem_only_where_it_is_given(tmp_path):
    trace = load(tmp_path, "0: read 0\n200: read 40\n")
    plain, other = (chipgym.make_problem("memory", workload=trace, **o) for o in ({}, {"clk_mhz": 1600}))
    assert "clk_mhz" not in plain.identity()["options"]
    assert other.identity()["options"]["clk_mhz"] == 1600.0
    assert other.simulator.evaluate({})["cycles"][0] == plain.simulator.evaluate({})["cycles"][0] - 100


PLACES = {
    "DDR3-1600": ("channel", "rank", "bank", "row", "column"),
    "DDR4-2400": ("channel", "rank", "group", "bank", "row", "column"),
    "LPDDR4-3200": ("channel", "rank", "bank", "row", "column"),
    "HBM2": ("channel", "rank", "group", "bank", "row", "column"),
}


@pytest.mark.parametrize("device", device_names())
def test_vectors_name_their_places(tmp_path, device):
    rng = np.random.default_rng(0)
    ranks = 1 if device == "HBM2" else 2
    sim = MemorySimulator("stream", device=device, channels=4, ranks=ranks)
    dev = sim.device
    sizes = {"channel": 4, "rank": 2, "group": dev.groups, "bank": dev.banks_per_group, "row": dev.rows}
    sizes["column"] = dev.columns
    vectors = {name: rng.integers(0, sizes[name], 50) for name in PLACES[device]}
    lines = "".join(f"R {','.join(map(str, row))}\n" for row in zip(*vectors.values(), strict=True))
    trace = load(tmp_path, lines, "some.trace")
    for mapping in dev.mappings:
        sim = MemorySimulator(trace, device=device, channels=4, ranks=ranks, address_mapping=mapping)
        found = sim.address_map.decode(sim.bursts.address)
        assert found["channel"].tolist() == vectors["channel"].tolist()
        assert found["row"].tolist() == vectors["row"].tolist()
        group = vectors.get("group", 0)
        bank = vectors["bank"] + dev.banks_per_group * (group + dev.groups * vectors["rank"])
        assert found["bank"].tolist() == bank.tolist()
        assert (sim.bursts.address < sim.address_map.size).all()
        assert (np.diff(np.sort(sim.bursts.address // dev.burst_bytes)) > 0).all()  # none two are one
        sim.evaluate({"scheduler": "fr_fcfs_grp"})


def test_vectors_are_where_bytes_are(tmp_path):
    vectors = load(tmp_path, "R 0,0,2,100,32\nW 0,0,3,200,16\nR 0,0,2,100,40\n", "some.trace")
    trace = reads([0, 1, 2], [100 << 16 | 2 << 13 | 256, 200 << 16 | 3 << 13 | 128, 100 << 16 | 2 << 13 | 320])
    by_bytes = Trace("bytes", trace.cycle, np.array([False, True, False]), trace.address)
    same(MemorySimulator(vectors), MemorySimulator(by_bytes), {"page_policy": ["open", "closed"]})
    # A shorter vector lacks its first levels.
    short = load(tmp_path, "R 2,100,32\nW 3,200,16\nR 2,100,40\n", "some.trace")
    same(MemorySimulator(short), MemorySimulator(by_bytes), {"page_policy": ["open", "closed"]})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("R 1,0,0,0,0", "channel 1 in the address of request 0, expected at most 0"),
        ("R 0,1,0,0,0", "rank 1 in the address of request 0, expected at most 0"),
        ("R 0,0,8,0,0", "bank 8 in the address of request 0, expected at most 7"),
        ("R 0,0,0,16384,0", "row 16384 in the address of request 0, expected at most 16383"),
        ("R 0,0,0,0,1024", "column 1024 in the address of request 0, expected at most 1023"),
        ("R 0,0,0,0,0,0", "6 numbers, expected at most 5 on DDR3-1600: channel, rank, bank, row, column"),
    ],
)
def test_vectors_that_are_nowhere(tmp_path, line, says):
    with pytest.raises(ChipgymError, match=says):
        MemorySimulator(load(tmp_path, f"{line}\n", "some.trace"))


small = st.integers(0, 300) | st.integers(0, 300) | st.integers(0, 2**63)
shapes = st.sampled_from(
    ["{}: read {:x}", "{}: ({}) write {:x}", "{:x} READ {}", "{:x} W", "LD {}", "R {},{},{}", "W {},{}", "{} {} {}"]
)
files = shapes.flatmap(lambda shape: st.lists(st.builds(shape.format, small, small, small), min_size=1, max_size=8))


@pytest.mark.filterwarnings("ignore:file .* is before the:UserWarning")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files, st.sampled_from(["f.stl", "f.rstl", "f.trace"]), st.sampled_from(device_names()), st.sampled_from([1, 4]))
def test_whatever_loads_is_served_or_refused_in_one_line(tmp_path, lines, name, device, channels):
    refusal = ""
    try:
        trace = load(tmp_path, "\n".join(lines), name)
        if trace.size is not None and trace.size.sum() > 2**20:
            return  # a matter of time alone
        sim = MemorySimulator(trace, device=device, channels=channels, clk_mhz=2000)
    except ChipgymError as error:
        refusal = str(error)
    if refusal:
        assert len(refusal.splitlines()) == 1
        return
    metrics, answered = sim.evaluate_requests({"refresh_policy": "no_refresh"})
    assert len(answered) == len(trace)
    assert (answered > 0).all()
    assert metrics["cycles"][0] == answered.max()
    assert metrics["n_rd"][0] + metrics["n_wr"][0] == len(sim.bursts)

"""Options, metrics and the record of one design."""

from __future__ import annotations

import numpy as np
import pytest
from rules import T

from chipgym.datasets import Trace
from chipgym.errors import ChipgymError
from chipgym.simulators import make_simulator
from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.lowering.mapping import address_map
from chipgym.simulators.memory.model.percentiles import DIGIT, percentiles
from chipgym.simulators.memory.tables.device import cycles, device_names, distance_table, load_device


def one(address: int, write: bool = False, cycle: int = 0) -> Trace:
    return Trace("one", np.array([cycle]), np.array([write]), np.array([address]))


@pytest.mark.parametrize("device", T)
def test_one_request_takes_activation_and_data(device):
    t = T[device]
    to_read = t.RCDRD + 1 if device == "HBM2" else t.RCD
    to_write = t.RCDWR + 1 if device == "HBM2" else t.RCD
    for write, cycles_ in ((False, to_read + t.read), (True, to_write + t.write)):
        out = MemorySimulator(one(0, write, 5), device=device).evaluate({})
        assert out["cycles"].tolist() == [5 + cycles_]
        assert out["n_act"].tolist() == [1]
        assert out["n_wr" if write else "n_rd"].tolist() == [1]
        assert out["row_misses"].tolist() == [1]
        latency = out["write_latency_s" if write else "read_latency_s"][0]
        assert latency == pytest.approx(cycles_ * load_device(device).cycle_s)


# (device, mapping) to (column, group, bank, row, pseudo channel) as first and last address bit.
BITS = {
    ("DDR3-1600", "rbc"): ((0, 12), None, (13, 15), (16, 29), None),
    ("DDR3-1600", "brc"): ((0, 12), None, (27, 29), (13, 26), None),
    ("DDR4-2400", "brc"): ((0, 12), (28, 29), (30, 31), (13, 27), None),
    ("DDR4-2400", "rbc"): ((0, 12), (13, 14), (15, 16), (17, 31), None),
    ("LPDDR4-3200", "brc"): ((0, 10), None, (27, 29), (11, 26), None),
    ("HBM2", "brc"): ((0, 9), (27, 28), (25, 26), (10, 24), 29),
}


@pytest.mark.parametrize(("device", "mapping"), BITS, ids=str)
def test_address_bits(device, mapping):
    _, group, bank, row, pseudo = BITS[device, mapping]
    address = np.random.default_rng(0).integers(0, 2**34, 500)

    def field(bits):
        return address * 0 if bits is None else (address >> bits[0]) & ((1 << (bits[1] - bits[0] + 1)) - 1)

    dev = load_device(device)
    found = address_map(dev, mapping, 1, dev.ranks).decode(address)
    rank = address * 0 if pseudo is None else (address >> pseudo) & 1
    np.testing.assert_array_equal(found["row"], field(row))
    np.testing.assert_array_equal(found["bank"], field(bank) + dev.banks_per_group * (field(group) + dev.groups * rank))


@pytest.mark.parametrize("device", device_names())
@pytest.mark.parametrize(("channels", "ranks"), [(1, 1), (4, 1), (1, 2), (2, 2)])
def test_a_map_is_a_permutation(device, channels, ranks):
    """Every burst of a memory has a place of its own: here on the bits above the column."""
    dev = load_device(device)
    if ranks > 1 and not dev.several_ranks:
        return
    where = address_map(dev, "rbc", channels, ranks * dev.ranks)
    assert where.size == dev.rows * dev.columns * dev.column_bytes * dev.banks * dev.ranks * ranks * channels
    address = np.arange(0, where.size, dev.columns * dev.column_bytes * channels)[: 2**16]
    found = where.decode(address)
    assert len(set(zip(found["channel"], found["bank"], found["row"], strict=True))) == len(address)
    neighbours = where.decode(np.arange(channels) * 64)["channel"]
    assert sorted(neighbours) == list(range(channels))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "DDR5-4800"}, "unknown device 'DDR5-4800'; did you mean 'DDR4-2400'"),
        ({"device": 3}, "unknown device 3"),
        ({"address_mapping": "rcb"}, "address_mapping of DDR3-1600"),
        ({"channels": 3}, "channels: 3 is not one of 1, 2, 4, 8, 16, 32 for DDR3-1600; nearest is 2"),
        ({"channels": "2"}, "channels: '2' is not one of"),
        ({"ranks": True}, "ranks: True is not one of"),
        ({"device": "HBM2", "ranks": 2}, "ranks: 2 is not one of 1 for HBM2; nearest is 1"),
        ({"workload": "resnet18"}, "workload: the memory simulator runs traces"),
    ],
)
def test_wrong_options(options, says):
    with pytest.raises(ChipgymError) as error:
        make_simulator("memory", **options)
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_channels_share_a_stream():
    """Neighbouring bursts lie in neighbouring channels, each with a requestor of its own."""
    times = [MemorySimulator("random", channels=c).evaluate({})["latency_s"][0] for c in (1, 2, 4)]
    assert times[0] > 1.5 * times[1] > 2 * times[2]


def test_requests_are_hits_misses_or_conflicts():
    for device in T:
        sim = MemorySimulator("cloud-1", device=device)
        out = sim.evaluate(sim.space.sample(20, np.random.default_rng(0)))
        assert (out["row_hits"] + out["row_misses"] + out["row_conflicts"] == len(sim.workload)).all()
        assert (out["n_rd"] + out["n_wr"] == len(sim.workload)).all()
        assert (out["row_misses"] + out["row_conflicts"] <= out["n_act"]).all()
        assert (out["read_latency_p50_s"] <= out["read_latency_p95_s"]).all()
        assert (out["read_latency_p95_s"] <= out["read_latency_p99_s"]).all()
        assert (out["queue_occupancy"] > 0).all()
        peak = 2e-9 * sim.device.column_bytes * sim.device.ranks / sim.device.cycle_s
        assert (out["bandwidth_gbps"] < peak).all()


def test_row_locality():
    """A row read twice is a hit while it is open; another row of the bank a conflict; after auto-precharge a miss."""
    trace = Trace("rows", np.array([0, 500, 1000]), np.zeros(3, bool), np.array([0, 64, 1 << 16]))
    sim = MemorySimulator(trace)
    out = sim.evaluate({"page_policy": ["open", "closed"], "refresh_policy": "no_refresh"})
    assert out["row_hits"].tolist() == [1, 0]
    assert out["row_misses"].tolist() == [1, 3]
    assert out["row_conflicts"].tolist() == [1, 0]
    assert out["n_pre"].tolist() == [1, 0]


def test_metrics_agree_with_the_record():
    sim = MemorySimulator("read_write_mix", device="DDR4-2400")
    for design in ({}, {"arbiter": "reorder", "max_active_transactions": 8, "page_policy": "closed_adaptive"}):
        out, history = sim.evaluate(design).row(0), sim.history(design)
        c, r = history.commands, history.requests
        assert out["cycles"] == r.received.max()
        for metric, names in {"n_act": ["ACT"], "n_rd": ["RD", "RDA"], "n_wr": ["WR", "WRA"], "n_ref": ["REFAB"],
                              "n_pre": ["PREPB", "PREAB"]}.items():  # fmt: skip
            assert out[metric] == np.isin(c.command, names).sum()
        reads = ~sim.workload.is_write
        latency = (r.answered - r.stands) * history.cycle_s
        assert out["read_latency_s"] == pytest.approx(latency[reads].mean())
        assert out["write_latency_s"] == pytest.approx(latency[~reads].mean())
        assert out["read_latency_p95_s"] == pytest.approx(np.percentile(latency[reads], 95, method="inverted_cdf"))
        assert out["request_latency_s"] == pytest.approx(((r.answered - r.left) * history.cycle_s).mean())
        assert out["access_latency_s"] == pytest.approx(((r.received - r.arrival) * history.cycle_s).mean())
        assert out["queue_occupancy"] == pytest.approx((r.served - r.stored).sum() / out["cycles"])
    with pytest.raises(ChipgymError, match="one design, not 2"):
        sim.history([{}, {}])


@pytest.mark.parametrize("arbiter", ["simple", "reorder"])
def test_answers_to_requests_are_those_of_the_record(arbiter):
    design = {"arbiter": arbiter, "page_policy": "closed"}
    sim = MemorySimulator("cloud-1", channels=2)
    metrics, answered = sim.evaluate_requests(design)
    np.testing.assert_array_equal(answered, sim.history(design).requests.received)
    expected = sim.evaluate(design)
    assert list(metrics) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(metrics[name], expected[name])
    with pytest.raises(ChipgymError, match="takes one design, not 2"):
        sim.evaluate_requests([design, design])


def test_threads_change_nothing(monkeypatch):
    sim = MemorySimulator("stream")
    rows = sim.space.sample(60, np.random.default_rng(0))
    alone = sim.evaluate(rows[:19])
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 3)
    shared = sim.evaluate(rows)
    for name in alone:
        np.testing.assert_array_equal(shared[name][:19], alone[name])


def test_device_tables():
    assert cycles("RL + B + 2 - WL", {"RL": 10, "B": 4, "WL": 8}) == 8
    assert cycles("AL + max(RTP, 4)", {"AL": 0, "RTP": 3}) == 4
    with pytest.raises(ChipgymError, match="'XX' in 'RL - XX' is no timing"):
        cycles("RL - XX", {"RL": 1})
    table = distance_table([["RD RDA", "ACT", "bank", "RCD"]], {"RCD": 10})
    assert (table == 10).sum() == 2


@pytest.mark.parametrize("top", [0, 5, 1000, 2**DIGIT - 1, 2**DIGIT, 2**DIGIT + 10, 2**40, 2**62])
def test_percentiles(top):
    for n in (1, 2, 19, 100, 101):
        values = np.random.default_rng(n).integers(0, top + 1, n)
        expected = [np.percentile(values, q, method="inverted_cdf") for q in (50, 95, 99)]
        assert list(percentiles(values)) == expected
    assert percentiles(np.empty(0, np.int64)) == (0, 0, 0)


@pytest.mark.parametrize(("device", "peak"), [("DDR4-2400", 19.2), ("HBM2", 32.0)])
def test_interleaved_neighbours_go_to_other_groups(device, peak):
    dev = load_device(device)
    where = address_map(dev, "interleaved", 1, dev.ranks)
    n = dev.groups * dev.ranks
    found = where.decode(dev.burst_bytes * np.arange(n))["bank"] // dev.banks_per_group
    assert sorted(found) == list(range(n))
    trace = Trace("run", np.arange(4000), np.zeros(4000, bool), dev.burst_bytes * np.arange(4000))
    plain, spread = (
        MemorySimulator(trace, device=device, address_mapping=mapping).evaluate({"refresh_policy": "no_refresh"})
        for mapping in ("rbc", "interleaved")
    )
    assert plain["bandwidth_gbps"][0] < 0.7 * peak  # one group at a time
    assert 0.95 * peak < spread["bandwidth_gbps"][0] <= 1.001 * peak


@pytest.mark.parametrize("device", device_names())
def test_lines_go_round_the_channels(device):
    history = MemorySimulator("stream", device=device, channels=4).history({})
    served = history.commands.channel[history.commands.request >= 0]
    share = np.bincount(served, minlength=4) / len(served)
    assert share == pytest.approx(0.25, abs=0.01)

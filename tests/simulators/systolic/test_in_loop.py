"""DRAM traffic as requests, and the memory in the loop."""

from __future__ import annotations

import numpy as np
import pytest

from chipgym.datasets import NetworkBuilder, load_workload
from chipgym.errors import ChipgymError
from chipgym.simulators.systolic import SystolicSimulator

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
    assert (spilled > 0) == (workload == "layers" and design["dataflow"] == "is")


def test_nothing_is_read_before_it_may_be_and_all_layers_are_apart():
    sim = SystolicSimulator(network())
    trace = sim.dram_trace(DESIGNS[0])
    found = sim.dram_limited(DESIGNS[0])
    assert trace.digest == found.trace.digest
    cycle_s = found.memory["latency_s"][0] / found.memory["cycles"][0]
    assert trace.cycle[0] == 0
    assert trace.cycle[-1] * cycle_s <= found.compute_latency_s
    assert len(np.unique(trace.address[trace.is_write])) < len(trace)
    written = set(trace.address[trace.is_write].tolist())
    assert not written & set(trace.address[~trace.is_write].tolist())  # no partial sums here: nothing comes back


def test_a_memory_in_the_loop_only_ever_waits():
    sim = SystolicSimulator("mlp:256-1024-1024-10", batch=64)
    wide, narrow = ({"rows": s, "cols": s} for s in (256, 8))
    for design in (wide, narrow):
        slow, fast = sim.dram_limited(design, device="DDR3-1600"), sim.dram_limited(design, device="HBM2", channels=8)
        assert min(slow.dram_limited_latency_s, fast.dram_limited_latency_s) >= slow.compute_latency_s
        assert slow.dram_limited_latency_s > 0.999 * fast.dram_limited_latency_s
    assert sim.dram_limited(wide).dram_limited_latency_s > 1.2 * sim.dram_limited(wide).compute_latency_s
    assert sim.dram_limited(narrow).dram_limited_latency_s == pytest.approx(
        sim.dram_limited(narrow).compute_latency_s, rel=0.01
    )


def test_the_controller_matters():
    sim = SystolicSimulator("mlp:256-1024-1024-10", batch=64)
    base = {"rows": 256, "cols": 256}
    good, poor = ({"page_policy": page, "scheduler": "fifo", "request_buffer_size": 1} for page in ("open", "closed"))
    assert sim.dram_limited(base, poor).dram_limited_latency_s > 2 * sim.dram_limited(base, good).dram_limited_latency_s


def test_bad_input():
    sim = SystolicSimulator(network())
    with pytest.raises(ChipgymError, match="unknown device"):
        sim.dram_trace({}, "DDR9")
    with pytest.raises(ChipgymError, match="cannot be built"):
        sim.dram_trace({"clock_mhz": 20000})
    with pytest.raises(ChipgymError, match="page_policy"):
        sim.dram_limited({}, {"page_policy": "shut"})
    with pytest.raises(ChipgymError, match="more than"):
        SystolicSimulator("vgg16", batch=64).dram_trace({})

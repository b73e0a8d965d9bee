"""The loop of tiles and memory with simple memories in the place of a modelled one."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_products import capacities, planned, products
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.simulators.systolic.memory_loop.timeline import Parts, close_loop
from chipgym.simulators.systolic.memory_loop.traffic import PAGE_BYTES, Plan, product_traffic, stream_traffic
from chipgym.simulators.systolic.model.schedule import stream_cycles, total_cycles

EXACT = {"settled": 1e-12, "most_rounds": 10_000}


class ConstantBandwidth:
    """Serves transfers in turn on interfaces of constant bandwidth, each `latency` after it is asked for at least.

    Three interfaces are the kernel's: one for inputs, one for filters, one for outputs. A tile then moves as soon as it
    may. With one interface for all, what is asked for part by part moves part by part.
    """

    def __init__(self, traffic, bandwidth, interfaces=3, latency=0.0):
        self.traffic, self.latency, self.interfaces = traffic, latency, interfaces
        size = np.array(traffic.nbytes)[traffic.operand] / np.array(traffic.pieces)[traffic.operand]
        spread = traffic.last - traffic.start + 1 if interfaces == 1 else np.ones(len(traffic), int)
        transfer = np.repeat(np.arange(len(traffic)), spread)
        begin = traffic.start if interfaces == 1 else traffic.last
        mark = np.concatenate([b + np.arange(n) for b, n in zip(begin, spread, strict=True)])
        order = Parts.order(traffic, transfer, mark)
        self.parts = Parts(transfer[order], mark[order])
        self.load = (size / spread / bandwidth)[self.parts.transfer]
        self.rounds = 0

    def serve(self, marks, held):
        self.rounds += 1
        t, over, free = self.traffic, np.zeros(len(self.load)), [0.0] * 3
        for p, (i, mark) in enumerate(zip(self.parts.transfer, self.parts.mark, strict=True)):
            which = min(t.operand[i], 2) if self.interfaces == 3 else 0
            asked = max(marks[t.start[i] if self.interfaces == 3 else mark], held[i])
            over[p] = free[which] = max(asked + self.latency, free[which]) + self.load[p]
        return over, self.latency


def walked(traffic, server):
    """The time of a layer on one interface, found by going through its marks once, each with all that it waits for."""
    over, marks, free = np.zeros(len(traffic)), [0.0], 0.0
    for mark in range(traffic.steps + 3):
        if mark > 0:
            computed = marks[-1] + (traffic.step_s if 2 <= mark <= traffic.steps + 1 else 0.0)
            marks.append(max([computed, *over[traffic.need == mark]]))
        for p in np.flatnonzero(server.parts.mark == mark):
            i = server.parts.transfer[p]
            asked = max(marks[mark], over[traffic.after[i]] if traffic.after[i] >= 0 else 0.0)
            over[i] = free = max(asked + server.latency, free) + server.load[p]
    return marks[-1]


def drawn_traffic(p, caps, flow=0, psum_words=1.0, order=-1, compute=100.0):
    """What a drawn layer moves, in words and cycles, and its cycles with a constant bandwidth."""
    order, a, b, c, _, _, _, one_pass, _, ri, rf, ro = planned(p, caps, flow, psum_words=psum_words, order=order)
    size_f, size_o = float(p.k * p.filters), float(p.m * p.filters)
    cut = Plan(order, a, b, c, p.groups, one_pass, size_f, size_o, (ri, rf, ro), 1.0, psum_words)

    def kernel_cycles(bandwidth):
        return total_cycles(
            order, a, b, c, p.groups, ri, rf, ro, one_pass / (a * c), size_f / (b * c), size_o / (a * b),
            psum_words, compute / (a * b * c * p.groups), bandwidth,
        )  # fmt: skip

    return product_traffic(cut, compute), kernel_cycles


@settings(max_examples=250, deadline=None)
@given(
    products(), capacities, st.integers(0, 2), st.sampled_from([1.0, 4.0]), st.integers(-1, 5),
    st.sampled_from([0.5, 1.0, 3.0, 16.0]), st.integers(1, 4000),
)  # fmt: skip
def test_with_constant_bandwidth_the_loop_is_the_kernels_time(p, caps, flow, psum_words, order, bandwidth, compute):
    traffic, kernel_cycles = drawn_traffic(p, caps, flow, psum_words, order, compute)
    found = close_loop(traffic, ConstantBandwidth(traffic, bandwidth), **EXACT)
    assert found.latency_s == pytest.approx(kernel_cycles(bandwidth), rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(products(most=5), capacities, st.integers(0, 2), st.sampled_from([1.0, 4.0]), st.integers(1, 4000),
       st.sampled_from([0.0, 3.0, 40.0]))  # fmt: skip
def test_one_interface_for_all_is_found_in_a_few_rounds(p, caps, flow, psum_words, compute, latency):
    """As many as a memory that keeps its pace takes: one to see it, one that confirms it, and one for rounding."""
    traffic, _ = drawn_traffic(p, caps, flow, psum_words, compute=compute)
    server = ConstantBandwidth(traffic, 2.0, interfaces=1, latency=latency)
    found = close_loop(traffic, server, **EXACT)
    assert found.latency_s == pytest.approx(walked(traffic, server), rel=1e-9)
    assert found.rounds <= 3
    words = sum(server.load) * 2.0
    assert found.latency_s >= max(compute, words / 2.0) * (1 - 1e-12)


@settings(max_examples=50, deadline=None)
@given(products(), capacities, st.integers(0, 2), st.integers(100, 4000))
def test_an_ideal_memory_leaves_computing(p, caps, flow, compute):
    traffic, _ = drawn_traffic(p, caps, flow, compute=compute)
    assert close_loop(traffic, ConstantBandwidth(traffic, np.inf)).latency_s == pytest.approx(compute)


def two_tiles():
    """Outputs of 2 × 1 from two tiles of 3 words of input and one of 1 word of filters, 1 s to compute each."""
    return product_traffic(Plan(0, 2, 1, 1, 1, 6.0, 1.0, 4.0, (False, True, False), 1.0, 1.0), 2.0)


def test_two_tiles_by_hand():
    traffic = two_tiles()
    # Inputs 0-3, filters 0-1; tile 1 computes 3-4; the next inputs come in 3-6; tile 2 computes 6-7, outputs of tile 1
    # leave meanwhile, 6-8; outputs of tile 2 can leave only then, 8-10.
    assert close_loop(traffic, ConstantBandwidth(traffic, 1.0), **EXACT).latency_s == pytest.approx(10)
    # On one interface: inputs 0-3, filters 3-4; inputs 4-7; outputs 7-9, 9-11; tile 2 computes 7-8 in between.
    assert close_loop(traffic, ConstantBandwidth(traffic, 1.0, interfaces=1), **EXACT).latency_s == pytest.approx(11)
    # A second more until each answer: inputs 1-4, filters 4-5; 6-9; outputs 10-12, 13-15.
    server = ConstantBandwidth(traffic, 1.0, interfaces=1, latency=1.0)
    assert close_loop(traffic, server, **EXACT).latency_s == pytest.approx(15)


def test_rounds_are_limited_and_said():
    traffic = two_tiles()
    server = ConstantBandwidth(traffic, 1.0)
    found = close_loop(traffic, server, settled=0.0, most_rounds=1)
    assert found.rounds == server.rounds == 1
    assert found.moved > 0.1


@pytest.mark.parametrize(("read", "written"), [(400_000, 100_000), (100_000, 400_000), (300_000, 0), (0, 300_000)])
@pytest.mark.parametrize("busy", [1e-6, 40e-6, 1e-3])
def test_streams_are_the_kernels_but_for_a_page_at_each_end(read, written, busy):
    bandwidth = 10e9
    traffic = stream_traffic(read, written, busy, held_in=16, held_out=16)
    found = close_loop(traffic, ConstantBandwidth(traffic, bandwidth), **EXACT)
    kernel = stream_cycles(busy * 1e12, read, written, bandwidth / 1e12) / 1e12  # in picoseconds, which are whole
    assert kernel <= found.latency_s <= kernel + 3 * PAGE_BYTES / bandwidth


def test_a_stream_waits_for_room():
    """With one page at a time in the SRAM, every page has its own latency; with many they overlap."""
    slow, fast = (stream_traffic(400_000, 0, 1e-6, held, held) for held in (1, 64))
    times = [close_loop(t, ConstantBandwidth(t, 10e9, 1, latency=1e-6), **EXACT).latency_s for t in (slow, fast)]
    pages = 400_000 // PAGE_BYTES
    assert times[0] == pytest.approx(pages * (1e-6 + 400_000 / pages / 10e9), rel=1e-3)
    assert times[1] == pytest.approx(1e-6 + 400_000 / 10e9, rel=1e-3)


@pytest.mark.parametrize("bandwidth", [1.0, 4.0])
def test_a_layer_in_stretches_is_nearly_the_whole(bandwidth):
    """Loops whose operands come again, stay, and spill, cut to a quarter."""
    for order in range(6):
        for resident in ((False, False, False), (True, False, False), (False, True, True)):
            cut = Plan(order, 24, 12, 8, 1, 24 * 8 * 9.0, 12 * 8 * 7.0, 24 * 12 * 5.0, resident, 1.0, 1.0)
            traffic = product_traffic(cut, 24 * 12 * 8 * 8.0)
            kept = traffic.stretches(0.25)
            some = traffic.only(kept)
            assert traffic.steps / 5 < some.steps < traffic.steps / 3
            assert some.steps * some.stands_for == pytest.approx(traffic.steps)
            whole = close_loop(traffic, ConstantBandwidth(traffic, bandwidth, 1), **EXACT).latency_s
            server = ConstantBandwidth(traffic, bandwidth, 1)
            left = np.isin(server.parts.mark, np.concatenate([np.arange(*s) for s in kept]))
            number = traffic.numbers(kept)
            server.parts = Parts(server.parts.transfer[left], number[server.parts.mark[left]])
            server.load = server.load[left]
            assert close_loop(some, server, **EXACT).latency_s == pytest.approx(whole, rel=0.05)


def test_the_loop_takes_what_the_simulator_counts():
    """A whole layer of a network, by the kernel and by the loop with the kernel's interfaces."""
    from chipgym.simulators.systolic.memory_loop.loop import array_traffic

    sim = chipgym.make_simulator("systolic", workload="mlp:2048-512-10")
    design = {"rows": 8, "cols": 8, "dataflow": "is", "dram_bandwidth": 2.0, "ifmap_sram_kb": 8, "filter_sram_kb": 8}
    layers = sim.evaluate_layers(design)
    columns, _ = sim.space.columns(design)
    busy = float(layers["compute_cycles"][0])
    traffic = array_traffic(sim.design_run(columns), int(sim.network.position[0]), busy, 0.0)
    found = close_loop(traffic, ConstantBandwidth(traffic, 2.0), **EXACT)
    assert found.latency_s == pytest.approx(layers["cycles"][0], rel=1e-9)

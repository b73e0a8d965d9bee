"""The kernel's traffic and stalls against a tile-by-tile walk, and its choice of tiles against an exhaustive one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from drawn_products import capacities, planned, products
from event_model import Product, walk
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.simulators.systolic.schedule import total_cycles
from chipgym.simulators.systolic.tiling import ORDERS, cut_pixels, repeats


@settings(max_examples=400, deadline=None)
@given(
    products(), capacities, st.integers(0, 2), st.sampled_from([2, 4, 8]), st.sampled_from([2, 4, 8]),
    st.sampled_from([1.0, 4.0]), st.integers(-1, 5), st.sampled_from([0.5, 1.0, 3.0, 16.0]), st.integers(1, 4000),
)  # fmt: skip
def test_traffic_and_stalls_are_those_of_a_walk(p, caps, flow, rows, cols, psum_words, order, bandwidth, compute):
    chosen, a, b, c, fi, ff, fo, one_pass, ri, rf, ro = planned(p, caps, flow, rows, cols, psum_words, order)
    assert chosen >= 0
    assert order in (-1, chosen)
    seen = walk(p, chosen, a, b, c, caps, psum_words, compute, bandwidth)
    size_f, size_o = p.k * p.filters, p.m * p.filters
    assert seen.input_words == p.groups * fi * one_pass
    assert seen.filter_words == p.groups * ff * size_f
    assert seen.output_writes == p.groups * (size_o + size_o * (fo - 1) * psum_words)
    assert seen.output_reads == p.groups * size_o * (fo - 1) * psum_words
    cycles = total_cycles(
        chosen, a, b, c, p.groups, ri, rf, ro, one_pass / (a * c), size_f / (b * c), size_o / (a * b),
        psum_words, compute / (a * b * c * p.groups), bandwidth,
    )  # fmt: skip
    assert cycles == pytest.approx(seen.cycles, rel=1e-9)


@settings(max_examples=400, deadline=None)
@given(products(), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(0, 5), st.booleans())
def test_any_cut_counts_as_a_walk_does(p, a, b, c, order, psum_wide):
    """Not only the cuts that the planner likes: every loop order with every number of tiles."""
    psum_words = 4.0 if psum_wide else 1.0
    a, b, c = min(a, p.out_h), min(b, p.filters), min(c, p.channels)
    a = a * p.images if a > 1 else 1
    for ri, rf, ro in itertools.product([False, True], repeat=3):
        _, ff, fo, _ = repeats(order, a, b, c, ri, rf, ro)
        small = [
            1 << 30 if ri else p.images * p.in_h * p.in_w * p.channels - 1,
            1 << 30 if rf else p.k * p.filters - 1,
            1 << 30 if ro else p.m * p.filters - 1,
        ]
        try:
            seen = walk(p, order, a, b, c, small, psum_words, 1.0, 1.0)
        except AssertionError:
            continue  # this cut does not fit just below the operand's size
        size_o = p.m * p.filters
        assert seen.filter_words == p.groups * ff * p.k * p.filters
        assert seen.output_reads == p.groups * size_o * (fo - 1) * psum_words


def exhaustive(p: Product, caps) -> float:
    """The fewest words of any tile sizes and loop order."""
    row, taps = p.row(), p.taps_h * p.taps_w
    size_i = p.images * p.in_h * p.in_w * p.channels
    if p.stride_h > p.taps_h or p.stride_w > p.taps_w:  # windows that skip pixels
        size_i = p.images * min(p.in_h, p.out_h * p.taps_h) * min(p.in_w, p.out_w * p.taps_w) * p.channels
    size_f, size_o = p.k * p.filters, p.m * p.filters
    ri, rf, ro = size_i <= caps[0], size_f <= caps[1], size_o <= caps[2]
    height = min((p.out_h - 1) * p.stride_h + p.taps_h, p.out_h * p.taps_h, p.in_h)
    width = min((p.out_w - 1) * p.stride_w + p.taps_w, p.out_w * p.taps_w, p.in_w)
    best = np.inf
    for tc, tn in itertools.product(range(1, p.channels + 1), range(1, p.filters + 1)):
        if not rf and taps * tc * tn > caps[1]:
            continue
        for pixels in {p.m} | set(range(1, p.m + 1)):
            if not ro and pixels * tn > caps[2]:
                continue
            a, again, slides = cut_pixels(row, height, width, 1 << 60 if ri else caps[0] // tc, pixels)
            if a == 0:
                continue
            for order in range(6):
                b, c = -(-p.filters // tn), -(-p.channels // tc)
                fi, ff, fo, inside = repeats(order, a, b, c, ri, rf, ro)
                one_pass = size_i if ri or (slides and not inside) else again * p.channels
                best = min(best, fi * one_pass + ff * size_f + size_o * (2 * fo - 1))
    return best


def chosen_words(p: Product, caps, flow: int) -> float:
    _, _, _, _, fi, ff, fo, one_pass, *_ = planned(p, caps, flow)
    return fi * one_pass + ff * p.k * p.filters + p.m * p.filters * (2 * fo - 1)


@settings(max_examples=100, deadline=None)
@given(products(most=5), capacities, st.integers(0, 2))
def test_chosen_tiles_never_beat_the_best_of_all(p, caps, flow):
    assert chosen_words(p, caps, flow) >= exhaustive(p, caps)


def test_chosen_tiles_are_near_the_best_of_all():
    """Ten forms of tile against all."""
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(300):
        side, taps = int(rng.integers(1, 9)), int(rng.integers(1, 4))
        if rng.random() < 0.5:
            p = Product(
                images=int(rng.integers(1, 3)), out_h=side, out_w=side, in_h=side + taps - 1, in_w=side + taps - 1,
                taps_h=taps, taps_w=taps, channels=int(rng.integers(1, 12)), filters=int(rng.integers(1, 16)),
            )  # fmt: skip
        else:
            m = int(rng.integers(1, 40))
            p = Product(out_h=m, in_h=m, channels=int(rng.integers(1, 40)), filters=int(rng.integers(1, 40)))
        caps = tuple(int(v) for v in np.exp(rng.uniform(np.log(12), np.log(600), 3)))
        ratios.append(chosen_words(p, caps, int(rng.integers(0, 3))) / exhaustive(p, caps))
    assert np.mean(ratios) <= 1.005
    assert np.max(ratios) <= 1.3


@pytest.mark.parametrize("network", ["resnet18", "bert_base", "gpt2"])
def test_more_sram_does_not_mean_more_traffic(network):
    """Beyond what the choice among a few forms of tile leaves open."""
    simulator = chipgym.make_simulator("systolic", network)
    columns, _ = simulator.space.columns(simulator.space.sample(500, np.random.default_rng(2)))
    words = total_words(simulator.evaluate(columns))
    for sram in ("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb"):
        ratio = total_words(simulator.evaluate({**columns, sram: columns[sram] * 2})) / words
        assert ratio.max() <= 1.1, sram
        assert (ratio > 1.01).mean() <= 0.01, sram


def total_words(metrics):
    names = ("dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes", "dram_ofmap_reads")
    return sum(metrics[name] for name in names)


@settings(max_examples=300, deadline=None)
@given(products(), capacities, st.integers(0, 2), st.integers(0, 2))
def test_operands_that_fit_cross_once(p, caps, flow, which):
    caps = tuple(1 << 30 if i == which else v for i, v in enumerate(caps))
    _, _, _, _, fi, ff, fo, *_ = planned(p, caps, flow)
    assert (fi, ff, fo)[which] == 1


def test_a_window_that_does_not_fit_is_reported():
    p = Product(out_h=4, out_w=4, in_h=8, in_w=8, taps_h=5, taps_w=5)
    assert planned(p, (24, 100, 100))[0] == -1
    assert planned(p, (25, 100, 100))[0] >= 0


def test_order_names_are_permutations():
    assert {frozenset(o) for o in ORDERS} == {frozenset("mnk")}
    assert len(set(ORDERS)) == 6

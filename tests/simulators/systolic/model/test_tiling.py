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
from chipgym.datasets.loaders.scalesim import parse_scalesim
from chipgym.simulators.systolic.lowering.cuts import balanced_sum
from chipgym.simulators.systolic.model import batch as k
from chipgym.simulators.systolic.model.schedule import total_cycles
from chipgym.simulators.systolic.model.tiling import ORDERS, repeats


@settings(max_examples=400, deadline=None)
@given(
    products(), capacities, st.integers(0, 2), st.sampled_from([1.0, 4.0]), st.integers(-1, 5),
    st.sampled_from([0.5, 1.0, 3.0, 16.0]), st.integers(1, 4000),
)  # fmt: skip
def test_traffic_and_stalls_are_those_of_a_walk(p, caps, flow, psum_words, order, bandwidth, compute):
    chosen, a, b, c, fi, ff, fo, one_pass, planned_cycles, ri, rf, ro = planned(
        p, caps, flow, psum_words, order, float(compute), bandwidth
    )
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
    assert planned_cycles == pytest.approx(max(cycles, compute), rel=1e-9)


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


def most_outputs(available, outputs, stride, taps, whole):
    """Most neighbouring output rows whose input rows fit in `available`; 0 where not even one does."""
    if available >= whole:
        return outputs
    p = available // taps
    if available >= taps:
        p = max(p, (available - taps) // stride + 1)
    return min(p, outputs)


def cut_pixels(p: Product, height, width, words, pixels):
    """The largest tile over m whose input fits `words` per channel and whose outputs number at most `pixels`.

    Whole images if they fit, else bands of whole output rows, else pieces of a row.

    Returns:
        tiles over m (0 where nothing fits), input words per channel of one pass over all tiles when rows shared by
        neighbours are fetched again, and whether sharing them is possible (not for pieces of a row).
    """
    images, out_h, out_w = p.images, p.out_h, p.out_w
    image = height * width
    if words >= image and pixels >= out_h * out_w:
        per_tile = min(images, words // image, pixels // (out_h * out_w))
        return -(-images // per_tile), images * image, True
    one_row = min(p.taps_h, height)
    if words >= one_row * width and pixels >= out_w:
        rows = most_outputs(words // width, out_h, p.stride_h, p.taps_h, height)
        bands = -(-out_h // min(rows, pixels // out_w))
        rows = balanced_sum(out_h, bands, p.stride_h, p.taps_h, p.taps_h, height)
        return images * bands, images * rows * width, True
    piece = most_outputs(words // one_row, out_w, p.stride_w, p.taps_w, width)
    piece = min(piece, pixels)
    if piece < 1:
        return 0, 0, False
    pieces = -(-out_w // piece)
    columns = balanced_sum(out_w, pieces, p.stride_w, p.taps_w, p.taps_w, width)
    return images * out_h * pieces, images * out_h * one_row * columns, False


def exhaustive(p: Product, caps) -> float:
    """The fewest words of any tile sizes and loop order."""
    taps = p.taps_h * p.taps_w
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
            a, again, slides = cut_pixels(p, height, width, 1 << 60 if ri else caps[0] // tc, pixels)
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
    """Rungs of the ladders against all tiles."""
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


#: What a larger SRAM may cost in time.
SLOWER = 1.005
SRAMS = ("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb")


@pytest.mark.parametrize("network", ["resnet18", "vit_b16", "mobilenet_v2", "llama-3-8b"])
def test_more_sram_is_never_slower(network):
    """On the grid, off it, and far beyond; each layer, so that none hides behind the others."""
    simulator = chipgym.make_simulator("systolic", network)
    rng = np.random.default_rng(3)
    columns, n = simulator.space.columns(simulator.space.sample(400, rng))
    before = layer_cycles(simulator, columns)
    for sram in SRAMS:
        more = np.minimum(np.ceil(columns[sram] * rng.choice([1.01, 1.3, 2, 4, 1024], n)).astype(np.int64), 2**20)
        growth = layer_cycles(simulator, {**columns, sram: more}) / before
        assert growth.max() <= SLOWER, sram


def layer_cycles(simulator, columns):
    """Cycles of every distinct matrix product, (designs, products)."""
    matrix, n = simulator.network.matrix, len(simulator.network.matrix)
    nothing = (simulator.network.vector[:0], np.ones(0), np.zeros(0, np.int64))
    counts = simulator._count(columns, (matrix, np.ones(n), np.arange(n), *nothing, n))
    assert not counts[:, :, k.EXCESS].any()
    return counts[:, :, k.CYCLES]


def test_filters_that_now_fit_do_not_come_in_all_at_once():
    """M, N, K = 128, 768, 768: with the fewest words alone, twice the filter SRAM cost 83 % more cycles."""
    text = "Layer,M,N,K,\nproduct,128,768,768,\n"
    simulator = chipgym.make_simulator("systolic", parse_scalesim(text, name="product", file="product"))
    for bandwidth in (1.0, 4.0, 8.0, 32.0, np.inf):
        designs = [
            {"dataflow": "os", "filter_sram_kb": size, "dram_bandwidth": bandwidth} for size in (512, 1024, 2048, 4096)
        ]
        cycles = simulator.evaluate(designs)["cycles"]
        assert (cycles[1:] <= SLOWER * cycles[:-1]).all()
    assert simulator.evaluate({"dataflow": "os", "filter_sram_kb": 2048})["cycles"][0] <= 87_360


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 512), st.integers(1, 512), st.integers(1, 512), st.tuples(*[st.integers(50, 60_000)] * 3),
    st.integers(0, 2), st.floats(1.0, 8.0), st.integers(0, 2), st.floats(0.05, 64.0), st.integers(1, 10**6),
)  # fmt: skip
def test_what_fits_a_smaller_buffer_fits_a_larger_one(m, n, depth, caps, which, factor, flow, bandwidth, compute):
    p = Product(out_h=m, in_h=m, channels=depth, filters=n)
    larger = tuple(int(v * factor) if i == which else v for i, v in enumerate(caps))
    before, after = (planned(p, c, flow, compute=float(compute), bandwidth=bandwidth)[8] for c in (caps, larger))
    assert after <= SLOWER * before


@pytest.mark.parametrize("network", ["resnet18", "bert_base", "gpt2"])
def test_more_sram_seldom_means_more_traffic(network):
    """Never where time does not count; elsewhere where fewer stalls are bought with it."""
    simulator = chipgym.make_simulator("systolic", network)
    columns, n = simulator.space.columns(simulator.space.sample(500, np.random.default_rng(2)))
    unlimited = {**columns, "dram_bandwidth": np.full(n, np.inf)}
    for design, most, seldom in ((unlimited, 1.0 + 1e-9, 0.0), (columns, 2.0, 0.06)):
        words = total_words(simulator.evaluate(design))
        for sram in SRAMS:
            ratio = total_words(simulator.evaluate({**design, sram: design[sram] * 2})) / words
            assert ratio.max() <= most, sram
            assert (ratio > 1.01).mean() <= seldom, sram


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

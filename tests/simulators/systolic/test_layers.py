"""Whole networks: layers add up, the vector unit, traffic bounds, and answers that move the way physics does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import ConvTranspose2d, Generic, NetworkBuilder, network_names

ADDITIVE = [
    "latency_s", "energy_j", "cycles", "compute_cycles", "stall_cycles", "vector_cycles", "macs",
    "dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes", "dram_ofmap_reads",
    "sram_ifmap_reads", "sram_filter_reads", "sram_ofmap_writes", "sram_ofmap_reads",
    "array_energy_j", "vector_energy_j", "sram_energy_j", "dram_energy_j", "static_energy_j",
]  # fmt: skip


@pytest.mark.parametrize("name", network_names())
def test_layers_add_up_to_the_network(name):
    sim = chipgym.make_simulator("systolic", name)
    for row in sim.space.sample(3, np.random.default_rng(1)):
        design = sim.space.design(row)
        whole, layers = sim.evaluate(design), sim.evaluate_layers(design)
        assert layers.names == tuple(layer.name for layer in sim.network.layers)
        for metric in ADDITIVE:
            assert layers[metric].sum() == pytest.approx(whole[metric][0], rel=1e-9), metric
        assert (layers["area_mm2"] == whole["area_mm2"][0]).all()
    assert whole["macs"][0] == sim.workload.macs


def test_every_word_of_the_network_crosses_at_least_once():
    """Each matrix layer reads its input and filters and writes its output once at least, and no filter is forgotten."""
    sim = chipgym.make_simulator("systolic", "resnet18")
    out = sim.evaluate({"ifmap_sram_kb": 65536, "filter_sram_kb": 65536, "ofmap_sram_kb": 65536})
    weights = sim.workload.parameters - 9600 - 1000  # batch normalisations (folded) and the last bias are no filters
    assert out["dram_filter_reads"][0] == weights
    tight = sim.evaluate(sim.space.sample(500, np.random.default_rng(0)))
    for name in ("dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes"):
        assert (tight[name] >= out[name][0]).all()


def test_element_wise_work_hides_behind_the_array_or_passes_by():
    def network(residual: bool):
        b = NetworkBuilder("n")
        x = b.input((8, 16, 16))
        y = b.relu(b.batch_norm(b.conv(x, 8, 3, padding=1, bias=False)))
        if residual:
            y = b.relu(b.elementwise("add", y, x))
        return b.build()

    design = {"rows": 8, "cols": 8, "dram_bandwidth": 4.0}
    plain = chipgym.make_simulator("systolic", network(False)).evaluate(design)
    assert plain["vector_cycles"][0] == 0
    assert plain["vector_energy_j"][0] > 0
    sim = chipgym.make_simulator("systolic", network(True))
    layers = sim.evaluate_layers(design).to_pandas()
    words = 8 * 16 * 16
    add = layers[layers.index.str.contains("add") | (layers.kind == "Elementwise")]
    assert add.dram_ifmap_reads.sum() == 2 * words  # both operands, once
    assert add.dram_ofmap_writes.sum() == words
    assert add.vector_cycles.sum() == 2 * words / 8  # an add and a relu on eight lanes
    assert add.cycles.sum() == max(words / 8, 2 * words / 4) + words / 8


@pytest.mark.parametrize(("batch", "shapes"), [(1, [(6, 1)]), (2, [(4, 2), (4, 1)]), (4, [(8, 3)])])
def test_routed_experts_are_products_of_their_own(batch, shapes):
    """Three tokens of two rows each; experts share the rows as evenly as they can."""
    b = NetworkBuilder("experts")
    b.expert_linear(b.input((6, 32)), 48, experts=8, active=2, name="up")
    sim = chipgym.make_simulator("systolic", b.build(batch))
    layers = sim.evaluate_layers({"ifmap_sram_kb": 1024, "filter_sram_kb": 1024, "ofmap_sram_kb": 1024})
    assert layers.names == ("up", "up.1")[: len(shapes)]
    assert layers["macs"].tolist() == [g * m * 32 * 48 for g, m in shapes]
    assert layers["dram_filter_reads"].tolist() == [g * 32 * 48 for g, _ in shapes]


def test_batches_reuse_filters():
    one, eight = (chipgym.make_simulator("systolic", "resnet18", batch=n).evaluate({}) for n in (1, 8))
    assert eight["macs"][0] == 8 * one["macs"][0]
    assert eight["dram_filter_reads"][0] < 8 * one["dram_filter_reads"][0]
    assert one["latency_s"][0] < eight["latency_s"][0] < 8 * one["latency_s"][0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb"]))
def test_a_larger_sram_rarely_costs_traffic(seed, knob):
    """Tiles are chosen from a dozen forms, not all: traffic may grow a little, never much, when an SRAM doubles."""
    sim = chipgym.make_simulator("systolic", "mobilenet_v2")
    design = sim.space.design(sim.space.sample(1, np.random.default_rng(seed))[0])
    steps = [sim.evaluate({**design, knob: kb}) for kb in (16, 32, 64, 128, 256, 512)]
    words = np.array(
        [
            sum(s[n][0] for n in ("dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes", "dram_ofmap_reads"))
            for s in steps
        ]
    )
    assert (words[1:] <= words[:-1] * 1.10).all()
    assert words[-1] <= words[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_bandwidth_never_hurts_time(seed):
    sim = chipgym.make_simulator("systolic", "resnet18")
    design = sim.space.design(sim.space.sample(1, np.random.default_rng(seed))[0])
    out = sim.evaluate([{**design, "dram_bandwidth": b} for b in (0.5, 1, 2.5, 4, 16, 256, float("inf"))])
    assert (out["cycles"][1:] <= 1.004 * out["cycles"][:-1]).all()  # plans as fast as this are told apart by words
    assert out["stall_cycles"][-1] == 0
    assert out["stall_cycles"].min() >= 0
    longest = np.max([out[n] for n in ("dram_ifmap_reads", "dram_filter_reads")], axis=0)
    assert (out["cycles"][:2] >= longest[:2] / np.array([0.5, 1])).all()


def test_a_fixed_loop_order_never_beats_the_best():
    """In time, and in words where time does not count."""
    sim = chipgym.make_simulator("systolic", "bert_base")
    rows = sim.space.sample(200, np.random.default_rng(3))
    columns = sim.space.decode(rows)

    def cycles(order: str) -> np.ndarray:
        return sim.evaluate({**columns, "loop_order": [order] * len(rows)})["cycles"]

    def words(order: str) -> np.ndarray:
        unlimited = [np.inf] * len(rows)
        out = sim.evaluate({**columns, "loop_order": [order] * len(rows), "dram_bandwidth": unlimited})
        return sum(out[n] for n in ("dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes", "dram_ofmap_reads"))

    best, least = words("best"), cycles("best")
    for order in ("mnk", "nmk", "mkn", "kmn", "nkm", "knm"):
        assert (words(order) >= best * (1 - 1e-12)).all()
        assert (cycles(order) >= least * (1 - 0.004)).all()


def test_wider_partial_sums_cost_traffic_and_energy():
    narrow, wide = (
        chipgym.make_simulator("systolic", "vgg16", accumulator_bits=bits).evaluate({"ofmap_sram_kb": 8})
        for bits in (8, 32)
    )
    assert wide["energy_j"][0] > narrow["energy_j"][0]
    assert wide["compute_cycles"][0] == narrow["compute_cycles"][0]


def test_a_window_larger_than_its_buffer_is_infeasible_by_how_much():
    b = NetworkBuilder("wide")
    b.conv(b.input((1, 64, 64)), 1, 40)
    sim = chipgym.make_simulator("systolic", b.build())
    out = sim.evaluate([{"filter_sram_kb": kb} for kb in (1, 2, 4)])
    assert out["feasible"].tolist() == [False, False, True]
    assert out["violation"][0] == pytest.approx(1600 / 512 - 1)
    assert out["violation"][1] == pytest.approx(1600 / 1024 - 1)
    assert np.isnan(out["latency_s"][:2]).all()


def test_a_clock_beyond_the_technology_is_infeasible():
    sim = chipgym.make_simulator("systolic")
    top = sim.cost.technology.max_clock_hz / 1e6
    out = sim.evaluate([{"clock_mhz": top}, {"clock_mhz": 2 * top}])
    assert out["feasible"].tolist() == [True, False]
    assert out["violation"][1] == pytest.approx(1.0)


def test_lookups_give_what_the_tables_give():
    """Prices remembered at grid values are those computed beside an off-grid value, bit for bit."""
    sim = chipgym.make_simulator("systolic")
    grid = sim.evaluate([{"ifmap_sram_kb": 64}, {"ifmap_sram_kb": 256}])
    mixed = sim.evaluate([{"ifmap_sram_kb": 64}, {"ifmap_sram_kb": 100}, {"ifmap_sram_kb": 256}])
    for name in grid:
        assert mixed[name][0] == grid[name][0]
        assert mixed[name][2] == grid[name][1]


@pytest.mark.parametrize("option", [{"operand_bits": 7}, {"technology": "45 nm"}, {"dram": "lpddr4"}, {"batch": 0}])
def test_bad_options_are_one_line(option):
    with pytest.raises(chipgym.ChipgymError) as error:
        chipgym.make_simulator("systolic", **option)
    assert "\n" not in str(error.value)
    assert next(iter(option)).split("_")[0] in str(error.value).lower()


def test_a_width_that_is_none_is_told_the_nearest():
    with pytest.raises(chipgym.ChipgymError, match=r"operand_bits: 7 is not one of .*; nearest is 8"):
        chipgym.make_simulator("systolic", operand_bits=7)


def test_work_that_hides_has_no_power():
    """It has energy but takes no time of its own."""
    layers = chipgym.make_simulator("systolic", "resnet18").evaluate_layers({})
    hidden = layers["latency_s"] == 0
    assert hidden.any()
    assert np.isnan(layers["power_w"][hidden]).all()
    assert np.isfinite(layers["power_w"][~hidden]).all()


def test_a_transposed_convolution_is_the_product_of_pixels_and_filters():
    """Of 3 x 5 pixels of 8 channels with 4 filters of 2 x 2 taps: as a linear layer of 15 rows, 8 to 16."""
    a, b = NetworkBuilder("a"), NetworkBuilder("b")
    a.add(ConvTranspose2d(4, (2, 2), (2, 2), bias=False), a.input((8, 3, 5)), name="up")
    b.linear(b.input((15, 8)), 16, bias=False, name="up")
    outs = [
        chipgym.make_simulator("systolic", n.build(3)).evaluate([{}, {"rows": 8, "dataflow": "is"}]) for n in (a, b)
    ]
    for metric in ADDITIVE:
        assert (outs[0][metric] == outs[1][metric]).all(), metric


def test_moving_words_costs_traffic_and_arithmetic_costs_time():
    def layers(operations: int):
        b = NetworkBuilder("n")
        b.add(Generic("Resize", (8, 16, 16), operations), b.input((8, 8, 8)), name="resize")
        return chipgym.make_simulator("systolic", b.build()).evaluate_layers({"dram_bandwidth": 65536})

    assert layers(0)["dram_ifmap_reads"].sum() == 8 * 8 * 8
    assert layers(0)["dram_ofmap_writes"].sum() == 8 * 16 * 16
    assert layers(0)["vector_energy_j"].sum() == 0
    assert layers(8)["vector_energy_j"].sum() == pytest.approx(8 * layers(1)["vector_energy_j"].sum())
    assert layers(8)["cycles"].sum() > layers(1)["cycles"].sum()

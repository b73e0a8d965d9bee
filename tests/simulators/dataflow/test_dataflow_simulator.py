"""The machine as a whole: what a knob costs, what cannot be built, and one design told apart."""

from __future__ import annotations

import itertools
import json
from importlib import resources

import numpy as np
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators.dataflow.reference.baseline import optimal_cuts
from chipgym.simulators.dataflow.tables.chip import CHIP_KNOBS, chip_names, load_chip


def make(workload="llama-3-8b", **options):
    return chipgym.make_simulator("dataflow", workload, **options)


@pytest.fixture(scope="module")
def llama():
    return make(input_tokens=256, output_tokens=32)


def test_every_number_of_a_chip_has_a_source():
    assert chip_names() == ("plasticine", "sn10", "sn40l")
    for name in chip_names():
        chip = load_chip(name)
        assert set(chip.values) == set(chip.sources) == set(CHIP_KNOBS)
        assert all(chip.sources.values())
    table = json.loads((resources.files("chipgym.simulators.dataflow.tables") / "technology.json").read_text())
    for constants in (table["common"], *table["nodes"].values()):
        assert all(c["source"] and "unit" in c and c["value"] > 0 for c in constants.values())


@pytest.mark.parametrize(("chip", "teraflops"), [("sn10", 307.2), ("sn40l", 638.976), ("plasticine", 12.288)])
def test_peaks(chip, teraflops):
    v = load_chip(chip).values
    assert 2 * v["pcus"] * v["lanes"] * v["stages"] * v["clock_ghz"] / 1e3 == pytest.approx(teraflops)


def test_a_step_of_decoding_streams_weights_and_cache(llama):
    """16 GB of weights, less the embedding table, and the cache, over eight sockets."""
    out = llama.evaluate({})
    steps = 31
    weights = 2 * (8_030_261_248 - 128_256 * 4096)
    cache = 2 * 8 * 128 * 2 * 32 * sum(range(256, 287))
    prefill = weights + 256 * 2 * 8 * 128 * 2 * 32  # and the keys and values that it writes
    assert out["hbm_bytes"][0] == pytest.approx(steps * weights + cache + prefill, rel=0.01)
    assert out["tpot_s"][0] > weights / (8 * 1.6e12)
    assert out["ddr_bytes"][0] == 0
    assert llama.evaluate({"weight_tier": "ddr"})["ddr_bytes"][0] == pytest.approx((steps + 1) * weights, rel=1e-3)


def test_times_add_up(llama):
    out = llama.evaluate({})
    assert out["latency_s"][0] == pytest.approx(out["ttft_s"][0] + 31 * out["tpot_s"][0])
    parts = [name for name in out if name.endswith("_energy_j")]
    assert sum(out[name][0] for name in parts) == pytest.approx(out["energy_j"][0])
    sections = llama.evaluate_sections({})
    prefill = [i for i, name in enumerate(sections.names) if name.startswith("prefill")]
    total = sum(sections["latency_s"][i] * sections["runs"][i] for i in prefill)
    reconfigured = 2 * 10e-6  # a part of one section is configured once, apart from its runs
    assert out["ttft_s"][0] == pytest.approx(total + reconfigured)


@pytest.mark.parametrize(
    "design",
    [{}, {"fusion": "layer", "microbatches": 2}, {"fusion": "none"}, {"looping": "on", "weight_residency": "streamed"}],
)
def test_layers_are_sections_that_add_up_to_the_run(design):
    sim = make(input_tokens=256, output_tokens=9, batch=4)
    layers = sim.evaluate_layers(design)
    out = sim.evaluate(design)
    assert layers["latency_s"].sum() == pytest.approx(out["latency_s"][0], rel=1e-12)
    prefill = [i for i, name in enumerate(layers.names) if name.startswith("prefill/")]
    assert layers["latency_s"][prefill].sum() == pytest.approx(out["ttft_s"][0], rel=1e-12)
    assert {name.partition("/")[0] for name in layers.names} == {"prefill", "decode"}
    assert sum(name.startswith("decode/block/") for name in layers.names) == out["sections"][0]


@pytest.mark.parametrize("fusion", ["none", "layer", "full"])
@pytest.mark.parametrize("fidelity", ["fast", "event"])
def test_sections_have_a_bottleneck(fusion, fidelity):
    sim = make(input_tokens=256, output_tokens=4, fidelity=fidelity)
    sections = sim.evaluate_sections({"fusion": fusion})
    of_prefill = [name for name in sections.names if name.startswith("prefill/block")]
    assert (
        len(of_prefill)
        == sim.evaluate({"fusion": fusion})["sections"][0]
        == {"none": 15, "layer": 7, "full": 1}[fusion]
    )
    for i, kind in enumerate(sections.kinds):
        parts = {k: sections[f"{k}_s"][i] for k in ("compute", "fill", "hbm", "ddr", "link", "noc", "setup", "sync")}
        assert parts[kind] == max(parts.values())
        assert sections["latency_s"][i] >= max(parts.values())
    kernels = sim.evaluate_kernels({"fusion": fusion})
    assert (kernels["utilization"] <= 1 + 1e-9).all()
    assert (kernels["tile_s"] >= kernels["compute_s"]).all()
    block = [n.startswith("prefill/block") for n in kernels.names]
    for number in range(len(of_prefill)):
        assert kernels["pcus"][block & (kernels["section"] == number)].sum() <= 1040


def test_parallelism(llama):
    tp = llama.evaluate({"tp": [1, 2, 4, 8], "weight_residency": "streamed"})
    assert (np.diff(tp["tpot_s"]) < 0).all()
    assert (tp["link_bytes"] > 0).tolist() == [False, True, True, True]
    batch = make(input_tokens=256, output_tokens=32, batch=16)
    replicas = batch.evaluate({"tp": [4, 4], "pp": [1, 2], "weight_residency": "streamed"})
    # Two replicas of four sockets, each with half of the batch, against two stages one after the other.
    assert replicas["tpot_s"][0] < replicas["tpot_s"][1]
    stages = batch.evaluate({"tp": 2, "pp": 4, "microbatches": [1, 2, 4], "weight_residency": "streamed"})
    assert (np.diff(stages["tpot_s"]) < 0).all()


def test_a_larger_batch_costs_time_and_brings_throughput():
    one, many = (make(input_tokens=256, output_tokens=32, batch=b).evaluate({}) for b in (1, 16))
    assert one["latency_s"][0] < many["latency_s"][0] < 16 * one["latency_s"][0]
    assert many["tokens_per_s"][0] > one["tokens_per_s"][0]


def test_looping_saves_starts(llama):
    out = llama.evaluate({"looping": ["off", "on"], "sync_us": 20.0})
    saved = out["tpot_s"][0] - out["tpot_s"][1]
    assert saved >= 31 * 20e-6
    several = llama.evaluate({"looping": ["off", "on"], "fusion": "layer"})
    assert several["latency_s"][0] == several["latency_s"][1]


def test_an_event_is_never_before_the_closed_form():
    fast, event = (make(input_tokens=256, output_tokens=8, fidelity=f) for f in ("fast", "event"))
    rows = fast.space.sample(200, np.random.default_rng(0))
    quick, exact = fast.evaluate(rows), event.evaluate(rows)
    ok = quick["feasible"]
    assert ok.sum() > 40
    assert (ok == exact["feasible"]).all()
    assert (exact["latency_s"][ok] >= quick["latency_s"][ok] * (1 - 1e-9)).all()
    assert (exact["latency_s"][ok] > quick["latency_s"][ok] * 1.2).any()


@pytest.mark.parametrize("fifo_depth", ["single", "matched"])
def test_the_closed_form_sees_what_a_fifo_stalls(fifo_depth):
    """Slices of small tiles are gathered from eight sockets: longer on their way than in either kernel."""
    fast, event = (make("vgg16", batch=8, fidelity=f) for f in ("fast", "event"))
    design = {"tile_rows": 8, "fifo_depth": fifo_depth, "fusion": "layer"}
    free = fast.evaluate({**design, "link_latency_us": 0.0})["latency_s"]
    quick, exact = fast.evaluate(design)["latency_s"], event.evaluate(design)["latency_s"]
    assert quick > 5 * free
    assert exact == pytest.approx(quick, rel=0.05)


BLOCK, HEAD = "prefill/block/0: input_layernorm..add2", "prefill/head/0: norm..lm_head"
LACKS = {
    "tp * pp is 16, above the limit of 8 sockets": {"tp": 8, "pp": 2},
    "sockets left over by tp * pp is 2, above the limit of 0": {"tp": 3},
    "microbatches is 4, above the limit of 2 sequences of a replica": {
        "tp": 1, "microbatches": 4, "weight_residency": "streamed",
    },
    f"pcus of {BLOCK} is 15, above the limit of 4": {"pcus": 4},
    "pcus of prefill/block/1: self_attn_q_proj..self_attn_v_proj is 3, above the limit of 2": {
        "pcus": 2, "fusion": "layer",
    },
    f"pmus of {HEAD} is 520, above the limit of 10": {"pmus": 10},
    f"sram of {HEAD} is 271.417, above the limit of 17.0394 MB": {"pmu_kb": 16},
    "hbm of a socket is 2.31841, above the limit of 1 GB": {"hbm_gb": 1.0},
    "ddr of a socket is 2.00803, above the limit of 1 GB": {"weight_tier": "ddr", "ddr_gb": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("lack", LACKS)
def test_what_cannot_be_built(lack):
    sim, design = make(input_tokens=256, output_tokens=32, batch=16), LACKS[lack]
    out = sim.evaluate(design)
    assert lack in [str(limit) for limit in sim.broken_limits(design)]
    assert not out["feasible"][0]
    assert np.isnan(out["latency_s"][0])
    assert out["area_mm2"][0] > 0  # of a chip that it does not fit on
    with pytest.raises(ChipgymError, match="cannot be built"):
        sim.evaluate_sections(design)


def test_a_shallow_fifo_beside_a_barrier_locks_up():
    sim = make("bert_base")
    shallow = {"fifo_depth": "double", "tile_rows": 8}
    (limit,) = sim.broken_limits(shallow)
    assert limit.name == "shortfall of fifo_depth beside a barrier of forward/part1 x12"
    for cure in ({"fifo_depth": "matched"}, {"tile_rows": 128}, {"fusion": "none"}):
        assert sim.evaluate({**shallow, **cure})["feasible"][0], cure


def test_a_nearer_miss_is_a_smaller_violation():
    out = make(input_tokens=256, output_tokens=32).evaluate({"pmus": [10, 50, 100, 1040]})
    assert (np.diff(out["violation"]) < 0).all()


@pytest.mark.parametrize("workload", ["alexnet", "resnet18", "vgg16"])
def test_more_units_are_no_slower_and_fusing_pays(workload):
    """Also where a layer has a row of every sample, and a sample is thousands of tiles."""
    sim = make(workload, batch=16)
    seconds = sim.evaluate({"pcus": [520, 780, 1040, 2080, 3120]})["latency_s"]
    assert (np.diff(seconds) <= seconds[1:] * 1e-2).all()  # PCUs are whole, and shared out by bisection
    full, layer = sim.evaluate({"fusion": ["full", "layer"]})["latency_s"]
    assert full < layer


def test_no_free_lunch():
    """The largest value of a knob of the chip worsens latency, energy or area."""
    sim = make(input_tokens=256, output_tokens=32, explore="joint")
    for name in CHIP_KNOBS:
        grid = sim.space[name].values
        if len(grid) == 1:
            continue
        out = sim.evaluate({name: [sim.space[name].default, grid[-1]]})
        assert any(out[m][1] > out[m][0] for m in ("latency_s", "energy_j", "area_mm2")), name


@pytest.mark.parametrize(
    ("explore", "free", "fixed"),
    [("mapping", "tile_rows", "pcus"), ("hardware", "pcus", "tile_rows"), ("joint", "pcus", None)],
)
def test_what_is_explored(explore, free, fixed):
    sim = make(explore=explore)
    assert sim.space[free].size > 1
    assert fixed is None or sim.space[fixed].size == 1
    assert sim.evaluate({"pcus": 777, "tile_rows": 48})["feasible"][0]  # all the same


@pytest.mark.parametrize(
    ("workload", "options", "message"),
    [
        ("llama-3-8b", {"chip": "plastcine"}, "did you mean 'plasticine'"),
        ("llama-3-8b", {"fidelity": "fasst"}, "did you mean 'fast'"),
        ("llama-3-8b", {"explore": "map"}, "did you mean 'mapping'"),
        ("llama-3-8b", {"input_tokens": 0}, "input_tokens: 0 is not a whole number from 1"),
        ("llama-3-8b", {"sockets": 0}, "sockets: 0 is not a whole number from 1; nearest is 1"),
        ("llama-3-8b", {"chip": "sn40"}, "did you mean 'sn40l'"),
        ("llama-3-8b", {"input_tokens": 10_000}, "input_tokens: .* at most 8191 can be read"),
        ("llama-3-8b", {"sockets": 2.5}, "sockets: 2.5 is not a whole number from 1; nearest is 2"),
        ("llama-3-8b", {"input_tokens": 8000, "output_tokens": 500}, "at most 192 can be"),
        ("resnet18", {"output_tokens": 5}, "'resnet18' is not one of llama-2-7b"),
        ("cloud-1", {}, "runs networks"),
    ],
)
def test_options_that_are_wrong(workload, options, message):
    with pytest.raises(ChipgymError, match=message) as error:
        make(workload, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("workload", "batch"), [("alexnet", 64), ("mlp:64-2048-4096-512-16", 64)])
@pytest.mark.parametrize("design", [{}, {"weight_residency": "section", "tile_rows": 256}])
def test_cuts_by_dynamic_programming_are_the_best_there_are(workload, batch, design):
    sim = make(workload, batch=batch, chip="sn10", sockets=1)
    found = optimal_cuts(sim, design)
    cuts = [name for name in sim.space.names if name.startswith("cut_")]
    every = [{**found, **dict(zip(cuts, row, strict=True))} for row in itertools.product((0, 1), repeat=len(cuts))]
    assert sim.evaluate(found)["latency_s"][0] == pytest.approx(np.nanmin(sim.evaluate(every)["latency_s"]), rel=1e-12)


def test_cuts_of_what_is_no_chain(llama):
    with pytest.raises(ChipgymError, match="not a chain"):
        optimal_cuts(llama)

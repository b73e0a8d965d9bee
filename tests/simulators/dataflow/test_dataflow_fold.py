"""Equal blocks mapped once: what is found, that nothing is lost, and that the answers are those of the whole graph."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import chipgym
from chipgym.datasets import NetworkBuilder, load_workload
from chipgym.errors import ChipgymError
from chipgym.simulators.dataflow.lowering.passes import network_passes
from chipgym.simulators.dataflow.reference.baseline import optimal_cuts


def make(workload, **options):
    return chipgym.make_simulator("dataflow", workload, **options)


def blocks_of(workload, folded=True):
    network = load_workload(workload) if isinstance(workload, str) else workload
    (forward,) = network_passes(network, 2.0, folded)
    return forward.parts


def towers(widths, feed=32):
    """A residual block of two products for every width."""
    b = NetworkBuilder("towers")
    x = b.linear(b.input((24, 8)), 16)
    for width in widths:
        y = b.linear(b.layer_norm(x), width)
        x = b.tensor_add(x, b.linear(b.elementwise("gelu", y), 16))
    b.linear(x, feed)
    return b.build()


@pytest.mark.parametrize(
    ("workload", "repeats"),
    [
        ("bert_base", [1, 12, 1]),
        ("vit_b16", [1, 12, 1]),
        ("gpt2", [1, 12, 1]),
        ("resnet50", [1, 2, 1, 3, 1, 5, 1, 2, 1]),
        ("mlp:64-64-64-64-64", [1]),  # layers one by one are no blocks
        ("resnet18", [1]),  # a single pair
        ("unet", [1]),  # results that skip over others
    ],
)
def test_blocks_that_are_found(workload, repeats):
    parts = blocks_of(workload)
    assert [part.repeats for part in parts] == repeats


@pytest.mark.parametrize(
    ("workload", "first", "last"),
    [
        ("bert_base", "layer0_attention_q", "layer0_ln2"),
        ("gpt2", "h0_ln1", "h0_add2"),
        ("resnet50", "layer1_1_conv1", "layer1_1_add"),
    ],
)
def test_blocks_begin_where_their_authors_begin_them(workload, first, last):
    names = blocks_of(workload)[1].graph.names
    assert (names[1], names[-1]) == (first, last)


@pytest.mark.parametrize("workload", ["bert_base", "resnet50", "gpt2", "vit_b16"])
def test_nothing_is_lost(workload):
    (whole,), parts = blocks_of(workload, folded=False), blocks_of(workload)
    unrolled = [k.row() for part in parts for _ in range(part.repeats) for k in part.graph.kernels[1:]]
    assert unrolled == [k.row() for k in whole.graph.kernels[1:]]
    assert sum(p.graph.table_bytes for p in parts) == whole.graph.table_bytes
    assert {p.sample_rows for p in parts} == {whole.sample_rows}


@pytest.mark.parametrize(
    ("widths", "repeats"),
    [
        ([64] * 5, [1, 5, 1]),
        ([64] * 3 + [65] * 4, [1, 3, 4, 1]),
        ([64, 65] * 3, [1, 3, 1]),  # two at a time
        ([64, 64, 65, 64, 64, 64, 64, 64], [1, 2, 1, 5, 1]),
        ([63, 64, 65, 66], [1]),
    ],
)
def test_only_equal_blocks_are_folded(widths, repeats):
    assert [part.repeats for part in blocks_of(towers(widths))] == repeats


def unfolded(folded, apart, design):
    """A design of folded blocks as one of the whole graph: the same in every block, and cut where they end."""
    graph = apart.blocks[0].graph
    home, start = [(0, 0)], [0]  # by kernel its part and its number there, and where its block begins
    for number, part in enumerate(folded.blocks):
        for _ in range(part.repeats):
            begin = len(home)
            home += [(number, i) for i in range(1, len(part.graph.kernels))]
            start += [begin] * (len(home) - begin)
    out = {k: v for k, v in design.items() if not k.startswith(("cut_", "share_"))}
    for name, (number, i) in zip(graph.names[1:], home[1:], strict=True):
        out[f"share_{name}"] = design[f"share_{folded.blocks[number].graph.names[i]}"]
    for edge in graph.edges:
        if edge.producer == 0:
            continue
        cut = 1
        if edge.producer >= start[edge.consumer]:
            names = folded.blocks[home[edge.consumer][0]].graph.names
            cut = design[f"cut_{names[home[edge.producer][1]]}__{names[home[edge.consumer][1]]}"]
        out[f"cut_{graph.names[edge.producer]}__{graph.names[edge.consumer]}"] = cut
    return out


@pytest.mark.parametrize("workload", ["bert_base", "gpt2", "resnet50", "towers"])
@pytest.mark.parametrize("fidelity", ["fast", "event"])
def test_folded_is_the_whole_graph_with_every_block_mapped_alike(workload, fidelity):
    network = towers([64] * 6) if workload == "towers" else load_workload(workload, batch=4)
    folded, apart = (make(network, blocks=b, fidelity=fidelity) for b in ("folded", "apart"))
    rng = np.random.default_rng(7)
    free = {"fusion": "custom", "pcu_allocation": ["balanced", "custom"], "pp": 1, "looping": "off", "tp": [1, 4, 8]}
    space = folded.space.narrow(free)
    # Blocks of one section are configured once where they are folded, and each time in a graph of many sections.
    designs = [{**space.design(row), "reconfigure_us": 0.0} for row in space.sample(12, rng)]
    designs += [dict(designs[0], fusion="none", reconfigure_us=10.0, fifo_depth="double")]
    one, other = folded.evaluate(designs), apart.evaluate([unfolded(folded, apart, d) for d in designs])
    assert one["feasible"].sum() >= 3
    assert (one["feasible"] == other["feasible"]).all()
    for metric in one:
        if metric not in ("sections", "violation"):
            np.testing.assert_allclose(one[metric], other[metric], rtol=1e-9, err_msg=metric)


def test_folded_blocks_have_stages_and_repeat_without_being_started():
    folded = make("bert_base", batch=8)
    assert folded.space["pp"].values == (1, 2, 4, 8)
    assert make("bert_base", batch=8, blocks="apart").space["pp"].values == (1,)
    out = folded.evaluate({"looping": ["off", "on"], "sync_us": 20.0})
    assert out["latency_s"][0] - out["latency_s"][1] >= 11 * 20e-6
    stages = make("bert_base", batch=64).evaluate(
        {"tp": 1, "pp": [1, 4, 4], "microbatches": [1, 1, 4], "weight_residency": "resident"}
    )
    assert stages["feasible"].all()
    assert stages["latency_s"][2] < stages["latency_s"][1]  # stages that do not wait for each other
    assert stages["hbm_used_gb"][1] < stages["hbm_used_gb"][0]  # three layers each, of twelve


def test_blocks_of_several_kinds_have_no_stages():
    assert make("resnet50").space["pp"].values == (1,)
    assert "pp" in {limit.name for limit in make("resnet50").broken_limits({"tp": 1, "pp": 2})}


def test_layers_of_folded_blocks_add_up():
    sim = make("resnet50", batch=4)
    layers, out = sim.evaluate_layers({}), sim.evaluate({})
    assert layers["latency_s"].sum() == pytest.approx(out["latency_s"][0], rel=1e-12)
    assert "forward/part1 x2/0: layer1_1_conv1..layer1_1_add" in layers.names
    assert len(set(layers.names)) == len(layers.names) == out["sections"][0] == len(sim.blocks)


def chain_of_blocks():
    b = NetworkBuilder("chain")
    x = b.linear(b.input((64, 32)), 64)
    for _ in range(3):
        x = b.softmax(b.linear(b.layer_norm(b.linear(x, 512)), 64))
    b.linear(x, 16)
    return b.build()


def test_cuts_of_a_chain_of_blocks_are_the_best_there_are():
    sim = make(chain_of_blocks(), chip="sn10", sockets=1, batch=16)
    assert [part.repeats for part in sim.blocks] == [1, 3, 1]
    found = optimal_cuts(sim, {"weight_residency": "section", "tile_rows": 128})
    cuts = [name for name in sim.space.names if name.startswith("cut_")]
    every = [{**found, **dict(zip(cuts, row, strict=True))} for row in itertools.product((0, 1), repeat=len(cuts))]
    assert sim.evaluate(found)["latency_s"][0] == pytest.approx(np.nanmin(sim.evaluate(every)["latency_s"]), rel=1e-12)


def test_blocks_are_folded_or_apart():
    with pytest.raises(ChipgymError, match="did you mean 'folded'"):
        make("bert_base", blocks="foldd")

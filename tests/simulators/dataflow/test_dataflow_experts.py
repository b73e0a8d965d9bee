"""Mixtures of experts: what is read, what waits, and what must fit."""

from __future__ import annotations

import numpy as np
import pytest
from event_queue import Drawn, simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from routing import spread_experts, touched_experts

import chipgym
from chipgym.datasets import NetworkBuilder
from chipgym.errors import ChipgymError
from chipgym.simulators.dataflow.model.columns import EXPERTS, FIELDS, PRODUCT, SEND
from chipgym.simulators.dataflow.model.sections import size_fifos
from chipgym.simulators.dataflow.model.work import (
    T_BUSY,
    T_COUNT,
    T_LOAD,
    T_MACS,
    T_ROWS,
    T_SEND,
    T_SENT,
    T_TILE_LOAD,
    T_TILE_LOADED,
    T_WEIGHTS,
    WORK,
    experts_touched,
    fill_work,
)

EXPERT_BYTES = 3 * 4096 * 14_336 * 2


def mixtral(**options):
    return chipgym.make_simulator("dataflow", "mixtral-8x7b", **{"input_tokens": 64, "output_tokens": 2, **options})


@pytest.mark.parametrize(("experts", "active"), [(8, 2), (8, 1), (64, 6), (4, 4)])
@pytest.mark.parametrize("tokens", [1, 2, 5, pytest.param(40, marks=pytest.mark.slow)])
def test_experts_that_are_touched_are_those_of_random_routing(experts, active, tokens):
    drawn = touched_experts(experts, active, tokens, 4000, seed=tokens)
    assert experts_touched(experts, active, tokens) == pytest.approx(drawn, rel=0.02)


def work_of(tokens_per_sample, samples, batch, tp=1, imbalance=1.0, experts=8, active=2, ep=1):
    table = np.zeros((1, FIELDS))
    table[0, :8] = PRODUCT, active * tokens_per_sample, 96, 64, 1, 1, 0, experts * 96 * 64 * 2
    table[0, 12:16] = 1, 96, 1, 1
    table[0, EXPERTS : SEND + 1] = experts, active, active * tokens_per_sample, 1, active * tokens_per_sample * 128
    out = np.zeros((1, WORK))
    fill_work(table, 0, 1, samples, batch, float(tp), float(ep), float(ep), 2.0, imbalance, out)
    return out[0]


@settings(deadline=None)
@given(
    st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 2, 4]), st.floats(1, 4), st.sampled_from([8, 16])
)  # fmt: skip
def test_a_tile_of_experts(tokens, samples, tp, imbalance, experts):
    work = work_of(tokens, float(samples), 2.0 * samples, tp, imbalance, experts)
    rows = 2 * tokens * samples
    assert work[T_MACS] == pytest.approx(rows * 96 * 64 / tp)
    assert work[T_ROWS] * work[T_COUNT] >= rows * (1 - 1e-9)  # no row is lost
    assert np.ceil(imbalance * rows / experts - 1e-9) <= work[T_ROWS] or work[T_ROWS] == tokens * samples
    assert work[T_ROWS] <= tokens * samples  # a token goes to an expert once
    assert work[T_TILE_LOAD] <= work[T_LOAD] <= work[T_WEIGHTS] <= experts * 96 * 64 * 2 / tp


@pytest.mark.parametrize(("experts", "active", "ep"), [(8, 2, 2), (8, 2, 8), (16, 2, 4), (8, 1, 4), (64, 6, 16)])
@pytest.mark.parametrize("tokens", [1, 3, pytest.param(20, marks=pytest.mark.slow)])
def test_experts_on_sockets_of_their_own_are_those_of_random_routing(experts, active, ep, tokens):
    left, touched, _ = spread_experts(experts, active, ep, tokens, active / experts, 2000, seed=tokens)
    work = work_of(tokens, 1.0, 1.0, ep=ep, experts=experts, active=active)
    assert work[T_SENT] == pytest.approx(left * 128, rel=0.03)
    assert work[T_TILE_LOADED] == pytest.approx(touched * 96 * 64 * 2, rel=0.03)
    assert work[T_MACS] == active * tokens * 96 * 64  # of the mean socket
    assert work[T_WEIGHTS] <= experts / ep * 96 * 64 * 2


@pytest.mark.parametrize(
    ("experts", "active", "ep"), [(8, 2, 2), pytest.param(8, 2, 8, marks=pytest.mark.slow), (16, 2, 4), (8, 1, 4)]
)
@pytest.mark.parametrize("imbalance", [1.5, 3.0])
def test_the_socket_of_a_popular_expert_is_that_of_random_routing(experts, active, ep, imbalance):
    tokens = 40
    *_, hot = spread_experts(experts, active, ep, tokens, imbalance * active / experts, 1000, seed=1)
    work = work_of(tokens, 1.0, 1.0, imbalance=imbalance, experts=experts, active=active, ep=ep)
    assert work[T_BUSY] * active * tokens == pytest.approx(hot, rel=0.03)
    assert work[T_SEND] == pytest.approx(work[T_SENT] * work[T_BUSY])
    assert work[T_ROWS] == np.ceil(imbalance * active * tokens * ep / experts)


def test_experts_on_sockets_of_their_own_in_a_run():
    """Room, traffic and exchanges of a run, counted by hand."""
    sim = mixtral(batch=16, input_tokens=64, output_tokens=3)
    dense = 2 * (46_702_792_704 - 32 * 8 * EXPERT_BYTES // 2)
    roomy = {"weight_residency": "streamed", "tile_rows": 512, "hbm_gb": 1e4}  # one tile, which streams weights once
    out = sim.evaluate([{"tp": 1, "ep": ep, **roomy} for ep in (1, 2, 8)])
    assert out["feasible"].all()
    for i, ep in enumerate((1, 2, 8)):
        cache = 2 * 2 * 8 * 128 * 2 * 32 * 67  # two sequences a socket
        assert out["hbm_used_gb"][i] * 1e9 == pytest.approx(dense + 32 * 8 * EXPERT_BYTES / ep + cache, rel=0.01)
        tokens = 16 * (64 + 2)
        there_and_back = 2 * 32 * tokens * 2 * 4096 * 2 * (ep - 1) / ep
        assert out["link_bytes"][i] == pytest.approx(there_and_back)
    # Sockets that share experts load each of them once between them.
    assert (np.diff(out["hbm_bytes"]) < 0).all()
    assert (np.diff(out["tpot_s"]) < 0).all()


def test_exchanges_take_their_latency():
    sim = mixtral(batch=16, output_tokens=2)
    out = sim.evaluate({"tp": [2, 2, 1, 1], "ep": [4, 4, 8, 8], "link_latency_us": [0, 100, 0, 100], "link_gbps": 1e4})
    # There and back, to every other replica; and two all-reduces of two sockets, a step to reduce and one to gather.
    assert out["tpot_s"][1] - out["tpot_s"][0] == pytest.approx(32 * 100e-6 * (2 * 3 + 2 * 2), rel=0.02)
    assert out["tpot_s"][3] - out["tpot_s"][2] == pytest.approx(32 * 100e-6 * 2 * 7, rel=0.02)


def test_a_single_sequence_leaves_replicas_without_tokens():
    """Its experts are spread all the same: a step reads two of eight, each from a memory of its own."""
    sim = mixtral()
    one, spread = (sim.evaluate({"tp": tp, "ep": ep, "weight_residency": "section"}) for tp, ep in ((8, 1), (1, 8)))
    assert spread["hbm_bytes"][0] == pytest.approx(one["hbm_bytes"][0], rel=0.01)
    uneven = mixtral(expert_imbalance=3.0).evaluate({"tp": 1, "ep": 8, "weight_residency": "section"})
    assert uneven["tpot_s"][0] == pytest.approx(spread["tpot_s"][0], rel=1e-12)  # one token is at an expert once


def test_what_goes_to_experts_is_sent_once():
    graph = mixtral().blocks[0].graph
    assert {k.name for k in graph.kernels if k.far} == {"mlp_gate_proj", "mlp_up_proj", "mlp_mul", "mlp_down_proj"}
    sent = {k.name: k.send for k in graph.kernels if k.send}
    assert sent == dict.fromkeys(("post_attention_layernorm", "mlp_down_proj"), 2 * 64 * 4096 * 2)


def test_sockets_that_share_experts_divide_them():
    assert mixtral(sockets=12).space["ep"].values == (1, 2, 4)
    with pytest.raises(ChipgymError, match="ep: 3 is not one of 1, 2, 4; nearest is"):
        mixtral(sockets=12).evaluate({"ep": 3})
    assert "ep" not in chipgym.make_simulator("dataflow", "llama-3-8b").space.names
    assert "tp * pp * ep" in {limit.name for limit in mixtral().broken_limits({"tp": 8, "ep": 2})}


def test_a_step_of_decoding_reads_the_experts_that_its_batch_touches():
    """Against one sequence, whose token goes to two experts of eight."""
    design = {"weight_residency": "section", "tp": 8, "fusion": "full"}
    steps = {}
    for batch in (1, 4, 16):
        # The same prompt, and one token more: what a step reads beside the experts is the cache, linear in the batch.
        first, second = (
            mixtral(output_tokens=n, input_tokens=64, batch=batch).evaluate(design)["hbm_bytes"][0] for n in (1, 2)
        )
        steps[batch] = second - first
    cache = 2 * 8 * 128 * 2 * 32 * 64
    for batch in (4, 16):
        more = experts_touched(8, 2, batch) - 2
        grown = steps[batch] - steps[1] - (batch - 1) * cache
        assert grown == pytest.approx(more * EXPERT_BYTES * 32, rel=2e-3)  # and tokens' vectors
    active = 2 * (12_879_925_248 - 32_000 * 4096)  # all but idle experts and the table of embeddings
    assert steps[1] == pytest.approx(active + cache, rel=1e-3)


def test_room_is_for_all_experts():
    sim = mixtral()
    assert sim.evaluate({})["hbm_used_gb"][0] * 8 == pytest.approx(2 * 46.70, rel=0.01)
    assert "hbm of a socket" in {limit.name for limit in sim.broken_limits({"tp": 1, "pp": 1})}


@pytest.mark.parametrize("fidelity", ["fast", "event"])
@pytest.mark.parametrize("sockets", [{}, {"tp": 2, "ep": 4}, {"tp": 1, "ep": 8, "fusion": "layer"}])
def test_imbalance_costs_time_and_no_traffic(fidelity, sockets):
    design = {"weight_residency": "section", "tile_rows": 64, "hbm_gbps": 1e5, **sockets}
    even, uneven = (
        mixtral(input_tokens=512, batch=4, fidelity=fidelity, expert_imbalance=x).evaluate(design) for x in (1.0, 3.0)
    )
    assert uneven["ttft_s"][0] > 1.2 * even["ttft_s"][0]
    for same in ("hbm_bytes", "link_bytes", "hbm_used_gb"):
        assert uneven[same][0] == even[same][0]


def test_a_mixture_is_between_the_dense_models_of_its_active_and_of_all_its_weights():
    dense, routed = (
        chipgym.make_simulator("dataflow", name, input_tokens=256, output_tokens=16)
        for name in ("mistral-7b", "mixtral-8x7b")
    )
    design = {"weight_residency": "section", "fusion": "full"}
    one, two = dense.evaluate(design)["tpot_s"][0], routed.evaluate(design)["tpot_s"][0]
    assert one < two < one * 46.7 / 7.24


def test_partial_sums_are_reduced_after_the_experts_results_are_added():
    graph = mixtral().blocks[0].graph
    collected = {k.name: k.out * k.collect for k in graph.kernels if k.collect}
    assert set(collected) == {"self_attn_o_proj", "mlp_combine1"}
    assert len(set(collected.values())) == 1


def test_the_queue_of_events_agrees_on_a_block_with_experts():
    sim = mixtral(fidelity="event")
    # One socket and no waiting for memory or the mesh, so that tiles and FIFOs are all there is.
    quick = {
        "fusion": "full", "tile_rows": 8, "tp": 1, "weight_residency": "streamed", "noc_hop_ns": 0.0,
        "noc_link_gbps": 1e5, "hbm_gb": 1e3, "hbm_gbps": 1e5,
    }  # fmt: skip
    sections, kernels = sim.evaluate_sections(quick), sim.evaluate_kernels(quick)
    at = [i for i, name in enumerate(sections.names) if name.startswith("prefill/block")]
    assert len(at) == 1
    assert sections["tiles"][at[0]] == 8
    graph = sim.blocks[0].graph
    n = len(graph.kernels)
    seconds = [kernels["tile_s"][i] for i, name in enumerate(kernels.names) if name.startswith("prefill/block")]
    capacity, level = np.zeros(len(graph.edges), np.int64), np.zeros(n, np.int64)
    size_fifos(graph.links, np.zeros(n, np.int64), 2, 8, level, capacity)
    edges = tuple((e.producer, e.consumer, 0.0, int(c), e.barrier) for e, c in zip(graph.edges, capacity, strict=True))
    told = simulate(Drawn((0.0, *seconds), edges, 8, 8))
    assert sections["pipeline_s"][at[0]] == pytest.approx(told, rel=1e-3)


def test_a_network_that_is_no_decoder_may_have_experts():
    b = NetworkBuilder("experts")
    x = b.input((16, 32))
    b.expert_linear(b.expert_linear(x, 64, experts=4, active=2), 32, experts=4, active=2)
    network = b.build()
    sim = chipgym.make_simulator("dataflow", network, sockets=2)
    (block,) = sim.blocks
    assert block.graph.macs == network.macs
    assert block.graph.weight_bytes == 2 * network.parameters
    assert block.sample_rows == 8  # tokens, each in two rows
    assert sim.evaluate({})["feasible"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.5, "0.5 is not a number from 1 to 4; nearest is 1"),
        (5, "nearest is 4"),
        (float("nan"), "from 1 to 4$"),
        ("much", "'much' is not a number"),
        (True, "True is not a number"),
    ],
)
def test_an_imbalance_that_cannot_be(given, message):
    with pytest.raises(ChipgymError, match=message):
        mixtral(expert_imbalance=given)


def test_a_network_without_experts_has_no_imbalance():
    with pytest.raises(ChipgymError, match="expert_imbalance: 2 was given, but the network has no experts"):
        chipgym.make_simulator("dataflow", "llama-3-8b", expert_imbalance=2)

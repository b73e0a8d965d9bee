"""Networks as kernels: nothing is lost on the way, and cuts make legal sections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.datasets import NetworkBuilder, load_workload
from chipgym.datasets.network.zoo.llama import DECODERS, llama
from chipgym.simulators.dataflow.lowering.passes import decoder_block, decoder_head, decoder_passes, network_passes
from chipgym.simulators.dataflow.model.policies import FUSIONS
from chipgym.simulators.dataflow.model.sections import cut_sections, size_fifos

LLAMA = DECODERS["llama-3-8b"]


def sections_of(graph, fusion, cuts=None) -> np.ndarray:
    section = np.zeros(len(graph.kernels), np.int64)
    cuts = np.zeros(len(graph.edges), np.int64) if cuts is None else np.array(cuts)
    n = cut_sections(graph.table, 0, graph.links, FUSIONS.index(fusion), cuts, section)
    assert set(section) == set(range(n))
    return section


@pytest.mark.parametrize("name", ["resnet50", "bert_base", "gpt2", "mobilenet_v2", "vit_b16", "unet", "alexnet"])
def test_products_and_weights_are_the_networks(name):
    network = load_workload(name)
    ((block,),) = (p.parts for p in network_passes(network, 2.0, False))
    assert block.graph.macs == network.macs
    products = sum(k.weights for k in block.graph.kernels) + block.graph.table_bytes
    assert products <= 2 * network.parameters
    # What is folded into a product's pipeline (batch norm's two numbers per channel) is all that may be missing.
    assert products >= 2 * network.parameters * 0.98
    producers = {e.consumer for e in block.graph.edges}
    assert producers == set(range(1, len(block.graph.kernels)))


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_reads_its_bytes(name):
    config = DECODERS[name]
    network = llama(config, seq=1, past=100)
    block, head = decoder_block(config, 1, 100, 2.0), decoder_head(config, 2.0)
    weights = block.repeats * block.graph.weight_bytes + head.graph.weight_bytes + head.graph.table_bytes
    assert weights == 2 * network.parameters
    assert block.repeats * block.graph.macs + head.graph.macs == network.macs
    cache = sum(k.stream for k in block.graph.kernels)
    assert cache == 2 * config.kv_heads * (config.width // config.heads) * 100 * 2
    written = sum(k.write for k in block.graph.kernels)
    assert written == 2 * config.kv_heads * (config.width // config.heads) * 2


def test_steps_of_decoding_are_weighed_by_simpsons_rule():
    prefill, *steps = decoder_passes(LLAMA, 100, 41, 2.0)
    assert (prefill.name, [s.name for s in steps]) == ("prefill", ["decode@119", "decode@100", "decode@139"])
    assert sum(s.times for s in steps) == pytest.approx(40)
    # Traffic of the cache is linear in its length, so that the sum over all steps is met.
    read = [sum(k.stream for k in s.parts[0].graph.kernels) for s in steps]
    exact = sum(4096 * past for past in range(100, 140))
    assert sum(s.times * r for s, r in zip(steps, read, strict=True)) == pytest.approx(exact, rel=0.003)
    assert [len(decoder_passes(LLAMA, 100, n, 2.0)) for n in (1, 2, 3, 4)] == [1, 2, 2, 4]


def test_fusion_by_name():
    graph = decoder_block(LLAMA, 64, 0, 2.0).graph
    names = np.array(graph.names)
    assert (sections_of(graph, "full") == 0).all()
    assert sections_of(graph, "none").tolist() == [0, *range(len(names) - 1)]
    layer = sections_of(graph, "layer")
    together = [set(names[layer == s]) for s in range(layer.max() + 1)]
    assert together[1:] == [
        {"self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj"},
        {"self_attn_scores", "self_attn_softmax"},
        {"self_attn_context"},
        {"self_attn_o_proj", "add1", "post_attention_layernorm"},
        {"mlp_gate_proj", "mlp_up_proj", "mlp_mul"},
        {"mlp_down_proj", "add2"},
    ]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 1), min_size=20, max_size=20))
def test_any_cuts_are_a_legal_mapping(cuts):
    graph = decoder_block(LLAMA, 64, 0, 2.0).graph
    section = sections_of(graph, "custom", cuts)
    for cut, edge in zip(cuts, graph.edges, strict=True):
        between = section[edge.consumer] - section[edge.producer]
        assert between >= (cut if edge.producer > 0 else 0)


def test_matched_depth_is_the_level_distance_and_one():
    graph = decoder_block(LLAMA, 64, 0, 2.0).graph
    section, level = np.zeros(len(graph.kernels), np.int64), np.zeros(len(graph.kernels), np.int64)
    capacity = np.zeros(len(graph.edges), np.int64)
    size_fifos(graph.links, section, 2, 1, level, capacity)
    depth = {(graph.names[e.producer], graph.names[e.consumer]): d for e, d in zip(graph.edges, capacity, strict=True)}
    assert depth["self_attn_scores", "self_attn_softmax"] == 2
    assert depth["input", "add1"] == 8  # norm, query, scores, softmax, context, output, sum
    assert depth["self_attn_v_proj", "self_attn_context"] == 4


@pytest.mark.parametrize(("function", "operations"), [("gelu", 4), ("hardswish", 4), ("relu", 1)])
def test_operations_of_a_function_that_has_a_kernel_of_its_own(function, operations):
    """Its argument has another reader, so that it cannot run where that is made."""
    b = NetworkBuilder("fork")
    x = b.linear(b.input((16, 32)), 32)
    b.tensor_add(x, b.elementwise(function, x, name="own"))
    (part,) = network_passes(b.build(), 2.0, True)[0].parts
    assert {k.name: k.ops for k in part.graph.kernels}["own"] == operations


def test_attention_without_a_mask_waits_for_all_keys():
    graph = network_passes(load_workload("bert_base"), 2.0, False)[0].parts[0].graph
    held = {(graph.names[e.producer], graph.names[e.consumer]) for e in graph.edges if e.barrier}
    assert ("layer0_attention_k", "layer0_attention_scores") in held
    assert ("layer0_attention_q", "layer0_attention_scores") not in held
    causal = network_passes(load_workload("gpt2"), 2.0, False)[0].parts[0].graph
    assert not any(e.barrier for e in causal.edges)

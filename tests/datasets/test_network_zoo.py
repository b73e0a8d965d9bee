"""The named networks against published totals.

One multiply-accumulate (MAC) is what torchvision's documentation calls one operation of its "GFLOPS", what the
MobileNet paper calls a mult-add, and two FLOPs in the transformer literature.
"""

from __future__ import annotations

from collections import Counter

import pytest

from chipgym.datasets import (
    Conv2d,
    Embedding,
    ExpertLinear,
    Linear,
    MatMul,
    Network,
    Normalization,
    Softmax,
    load_workload,
    network_names,
)
from chipgym.datasets.network.zoo import (
    bert_base,
    build_network,
    gpt2,
    gpt3_1t_layer,
    llama_2_7b,
    llama_3_8b,
    llama_3_70b,
    mistral_7b,
    mixtral_8x7b,
)
from chipgym.errors import ChipgymError

#: torchvision documentation, https://pytorch.org/vision/stable/models.html, "Table of all available classification
#: weights" and each model's page: `num_params`, and `_ops` (the page's GFLOPS before it is rounded to two digits), of
#: the IMAGENET1K_V1 weights at 224 x 224.
TORCHVISION = {
    "alexnet": (61_100_840, 0.714),
    "vgg16": (138_357_544, 15.47),
    "resnet18": (11_689_512, 1.814),
    "resnet50": (25_557_032, 4.089),
    "mobilenet_v2": (3_504_872, 0.301),
    "vit_b16": (86_567_656, 17.564),
    "mobilenet_v3_large": (5_483_032, 0.217),
    "mobilenet_v3_small": (2_542_856, 0.057),
    "efficientnet_b0": (5_288_548, 0.386),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_totals(name):
    parameters, giga_macs = TORCHVISION[name]
    network = build_network(name)
    assert network.parameters == parameters
    assert round(network.macs / 1e9, 3) == giga_macs


def test_mobilenet_v1_totals():
    network = build_network("mobilenet_v1")
    # MobileNets paper (arXiv:1704.04861), "1.0 MobileNet-224": 569 million mult-adds, 4.2 million parameters.
    assert round(network.macs / 1e6) == 569
    # Trained parameters in the summary of Keras's `MobileNet` (4,253,864 with the 21,888 running statistics), and of
    # TensorFlow-Slim's mobilenet_v1_1.0_224.
    assert network.parameters == 4_231_976


def test_jet_tagger_totals():
    # The paper (arXiv:1804.06913, section 2.2): 16 inputs, hidden layers of 64, 32 and 32, five outputs.
    network = build_network("jet_tagger")
    assert network.macs == 16 * 64 + 64 * 32 + 32 * 32 + 32 * 5 == 4256
    assert network.parameters == 4256 + 64 + 32 + 32 + 5 == 4389


def test_svhn_cnn_totals():
    # The paper (arXiv:2101.05108, section 4): filters of 3 x 3 without padding, 2 x 2 pooling. A synthesis report of it
    # (hls4ml-tutorial, quantized_pruned_cnn) has FIFOs for maps of 900, 225, 169, 36, 16 and 4 pixels.
    network = build_network("svhn_cnn")
    shapes = [network.node(f"{kind}{i}").shape for i in (1, 2, 3) for kind in ("conv", "pool")]
    assert [height * width for _, height, width in shapes] == [900, 225, 169, 36, 16, 4]
    weights = {"conv1": 27 * 16, "conv2": 144 * 16, "conv3": 144 * 24, "fc1": 96 * 42, "fc2": 42 * 64, "output": 640}
    assert all(network.node_macs(name) % size == 0 for name, size in weights.items())
    assert network.macs == 900 * 432 + 169 * 2304 + 16 * 3456 + 4032 + 2688 + 640 == 840_832
    scales_and_shifts = 2 * (16 + 16 + 24 + 42 + 64)
    assert network.parameters == sum(weights.values()) + 10 + scales_and_shifts == 13_886


def test_bert_base_totals():
    network = build_network("bert_base")
    # Hugging Face `BertModel("bert-base-uncased")`: encoder and pooler.
    assert network.parameters == 109_482_240
    # calflops (https://pypi.org/project/calflops/, "Transformers Model, such as bert") prints 11.17 GMACs for one
    # sequence of 128 tokens through a BERT-Base encoder with pooler (hfl/chinese-roberta-wwm-ext, whose vocabulary
    # differs, but a lookup has no MACs). It too counts matrix products alone, attention's included.
    assert round(network.macs / 1e9, 2) == 11.17


def test_gpt2_totals():
    network = build_network("gpt2")
    # Hugging Face `GPT2LMHeadModel("gpt2")`, tied embedding counted once.
    assert network.parameters == 124_439_808
    # nanoGPT's transformer_sizing notebook (https://github.com/karpathy/nanoGPT) counts 291,648,307,200 FLOPs for one
    # forward pass over 1024 tokens: two FLOPs a MAC, full (unmasked) attention, logits of every token. Exact.
    assert 2 * network.macs == 291_648_307_200


def test_unet_totals():
    network = build_network("unet")
    # The paper (arXiv:1505.04597, section 2): 23 convolutional layers, the four up-convolutions among them; Figure 1: a
    # map of 28 x 28 x 1024 at the bottom and of 388 x 388 x 2 in the end.
    assert (kinds(network)["Conv2d"], kinds(network)["ConvTranspose2d"]) == (19, 4)
    assert network.node("down5.relu2").shape == (1024, 28, 28)
    assert network.outputs[0].shape == (2, 388, 388)
    # Figure 1 by hand: (pixels along a side, channels in, channels out) of what each 3x3 convolution writes; of what
    # each 2x2 up-convolution reads, whose every pixel is multiplied with four taps; and the last, of 1x1.
    convolutions = [
        (570, 1, 64), (568, 64, 64), (282, 64, 128), (280, 128, 128), (138, 128, 256), (136, 256, 256),
        (66, 256, 512), (64, 512, 512), (30, 512, 1024), (28, 1024, 1024),
        (54, 1024, 512), (52, 512, 512), (102, 512, 256), (100, 256, 256), (198, 256, 128), (196, 128, 128),
        (390, 128, 64), (388, 64, 64),
    ]  # fmt: skip
    up_convolutions = [(28, 1024, 512), (52, 512, 256), (100, 256, 128), (196, 128, 64)]
    by_hand = sum(9 * side**2 * a * b for side, a, b in convolutions)
    by_hand += sum(4 * side**2 * a * b for side, a, b in up_convolutions) + 388**2 * 64 * 2
    assert network.macs == by_hand
    # 31,030,593 for one class is what common implementations without normalisation print; the second class adds 64
    # weights and a bias.
    assert network.parameters == 31_030_593 + 65


def test_gpt3_1t_layer_totals():
    # Narayanan et al., SC 2021, Table 1: 1008.0 billion parameters with 51,200 words and 2048 positions, 128 layers.
    layer = gpt3_1t_layer()
    assert round((128 * layer.parameters + (51_200 + 2048) * 25_600) / 1e9, 1) == 1008.0
    # Section 5.1: a layer takes 24 B s h^2 + 4 B s^2 h operations forward, two of them a multiply-accumulate.
    assert layer.macs == (24 * 2048 * 25_600**2 + 4 * 2048**2 * 25_600) // 2


def test_llama_totals():
    # calflops (https://github.com/MrYxJ/calculate-flops.pytorch, README, "Large Language Model"): llama2-7b at 1 x 128
    # has 6,738,415,616 parameters and takes 850 GMACs.
    network = llama_2_7b(seq=128)
    assert network.parameters == 6_738_415_616
    assert round(network.macs / 1e9) == 850
    # The models' cards on Hugging Face, "Safetensors, model size": 8.03 B and 7.24 B.
    assert round(llama_3_8b().parameters / 1e9, 2) == 8.03
    assert round(llama_3_70b().parameters / 1e9, 1) == 70.6
    assert round(mistral_7b().parameters / 1e9, 2) == 7.24


def test_mixtral_totals():
    # arXiv:2401.04088, section 1: "47B parameters, but only uses 13B active parameters"; its model card: 46.7 B.
    network = mixtral_8x7b()
    assert round(network.parameters / 1e9, 1) == 46.7
    experts = [node for node in network.nodes if isinstance(node.op, ExpertLinear)]
    assert len(experts) == 32 * 3
    idle = sum(network.node_parameters(node) for node in experts) * (8 - 2) // 8
    assert round((network.parameters - idle) / 1e9, 1) == 12.9
    assert (network.node("layers.0.mlp.routed").shape, network.node("layers.0.mlp.combine1").shape) == (
        (256, 4096), (128, 4096),
    )  # fmt: skip


@pytest.mark.parametrize(("seq", "past"), [(1, 0), (333, 0), (1, 2047)])
def test_mixtral_multiplies_by_two_experts_of_eight(seq, past):
    dense, routed = mistral_7b(seq=seq, past=past), mixtral_8x7b(seq=seq, past=past)
    feed_forward, router = 32 * 3 * seq * 4096 * 14_336, 32 * seq * 4096 * 8
    assert routed.macs == dense.macs + feed_forward + router


@pytest.mark.parametrize("build", [llama_2_7b, llama_3_8b, mistral_7b])
@pytest.mark.parametrize(("seq", "past"), [(1, 0), (333, 0), (1, 2047), (16, 100)])
def test_llama_totals_follow_the_formula_at_any_length(build, seq, past):
    # Every weight but the embedding's meets every new token once; attention takes 2 x new x all tokens x width a layer.
    network = build(seq=seq, past=past)
    embedding = network.node_parameters("embed_tokens")
    norms = sum(network.node_parameters(node) for node in network.nodes if isinstance(node.op, Normalization))
    attention = 32 * 2 * seq * (seq + past) * 4096
    assert network.macs == seq * (network.parameters - embedding - norms) + attention
    assert network.parameters == build().parameters


def test_decoding_step_by_step_is_as_much_work_as_the_formula_of_a_prefill_without_blanked_scores():
    steps = sum(llama_3_8b(seq=1, past=past).macs for past in range(8))
    blanked = 32 * 2 * 4096 * (8 * 7 // 2)  # scores that a prefill of 8 computes and blanks, and their share of context
    assert llama_3_8b(seq=8).macs - steps == blanked


def test_a_decoding_step_reads_the_keys_that_heads_share():
    network = llama_3_8b(seq=1, past=99)
    scores = network.node("layers.3.self_attn.scores")
    assert network.input_shapes(scores) == ((8, 4, 128), (8, 100, 128))
    assert network.node("layers.3.self_attn.past_values").shape == (8, 99, 128)
    assert mistral_7b(seq=1, past=8000).node("layers.0.self_attn.past_keys").shape == (8, 4096, 128)


@pytest.mark.parametrize(("seq", "past"), [(8193, 0), (1, 8192), (0, 0), (1, -1), (1.0, 0)])
def test_llama_lengths_that_do_not_fit(seq, past):
    with pytest.raises(ChipgymError, match=r"llama-3-8b(: .* at most 8192 together| (seq|past): expected an integer)"):
        llama_3_8b(seq=seq, past=past)


@pytest.mark.parametrize(("build", "seq"), [(bert_base, 1), (bert_base, 77), (bert_base, 512), (gpt2, 1), (gpt2, 333)])
def test_transformer_totals_follow_the_formula_at_any_length(build, seq):
    # Narayanan et al. (arXiv:2104.04473, appendix on floating-point operations): a layer's forward pass over s tokens
    # of width h takes 24 s h^2 + 4 s^2 h FLOPs, so half as many MACs.
    h, layers = 768, 12
    expected = layers * (12 * seq * h * h + 2 * seq * seq * h)
    expected += h * h if build is bert_base else seq * h * 50_257  # the pooler's one token, or the logits
    assert build(seq=seq).macs == expected
    assert build(seq=seq).parameters == build().parameters


@pytest.mark.parametrize(("build", "limit"), [(bert_base, 512), (gpt2, 1024)])
def test_sequence_length_is_limited_by_the_position_table(build, limit):
    with pytest.raises(ChipgymError, match=f"{limit + 1} tokens, at most {limit}"):
        build(seq=limit + 1)
    with pytest.raises(ChipgymError, match="seq: expected an integer"):
        build(seq=0)


def kinds(network: Network) -> Counter[str]:
    return Counter(node.op.type_name for node in network.nodes)


def test_layers_are_those_of_the_papers():
    assert (kinds(build_network("resnet18"))["Conv2d"], kinds(build_network("resnet18"))["Linear"]) == (20, 1)
    assert (kinds(build_network("resnet50"))["Conv2d"], kinds(build_network("resnet50"))["Linear"]) == (53, 1)
    assert (kinds(build_network("alexnet"))["Conv2d"], kinds(build_network("alexnet"))["Linear"]) == (5, 3)
    assert (kinds(build_network("vgg16"))["Conv2d"], kinds(build_network("vgg16"))["Linear"]) == (13, 3)
    assert kinds(build_network("mobilenet_v1"))["Conv2d"] == 27
    assert kinds(build_network("mobilenet_v2"))["Conv2d"] == 52
    for name, linear in (("vit_b16", 6 * 12 + 1), ("bert_base", 6 * 12 + 1), ("gpt2", 6 * 12 + 1)):
        counts = kinds(build_network(name))
        assert (counts["Linear"], counts["MatMul"], counts["Softmax"]) == (linear, 24, 12)


def test_resnet50_strides_sit_in_the_3x3_convolutions():
    network = build_network("resnet50")
    strided = [node for node in network.nodes if isinstance(node.op, Conv2d) and node.op.stride == (2, 2)]
    assert [node.name for node in strided if node.op.kernel == (3, 3)] == [f"layer{s}.0.conv2" for s in (2, 3, 4)]
    assert [node.name for node in strided if node.op.kernel == (1, 1)] == [
        f"layer{s}.0.downsample.conv" for s in (2, 3, 4)
    ]


def test_feature_map_sizes_of_resnet18():
    network = build_network("resnet18")
    assert network.node("conv1").shape == (64, 112, 112)
    assert [network.node(f"layer{s}.1.relu_out").shape for s in (1, 2, 3, 4)] == [
        (64, 56, 56),
        (128, 28, 28),
        (256, 14, 14),
        (512, 7, 7),
    ]


def test_attention_is_explicit_and_split_into_heads():
    network = gpt2(seq=32)
    scores, context = network.node("h0.attention.scores"), network.node("h0.attention.context")
    assert isinstance(scores.op, MatMul)
    assert scores.op.transpose_b
    assert network.input_shapes(scores) == ((12, 32, 64), (12, 32, 64))
    assert (scores.shape, context.shape) == ((12, 32, 32), (12, 32, 64))
    assert isinstance(network.node(context.inputs[0]).op, Softmax)
    head = network.node("lm_head").op
    assert isinstance(head, Linear)
    assert isinstance(network.node(head.tied_to or "").op, Embedding)


def test_every_named_network_has_one_output_and_reads_all_nodes():
    for name in network_names():
        network = build_network(name)
        assert network.name == name
        assert len(network.outputs) == 1
        assert load_workload(name) == network


def test_unknown_name_has_the_nearest():
    with pytest.raises(ChipgymError, match="did you mean 'resnet18'"):
        build_network("resnet-18")

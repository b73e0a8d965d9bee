"""The network graph: validation, totals, content hash and features."""

from __future__ import annotations

import hashlib
import math
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import chipgym
from chipgym.datasets import (
    FEATURE_NAMES,
    Conv2d,
    ConvTranspose2d,
    Input,
    Linear,
    Network,
    NetworkBuilder,
    Node,
    matrix_products,
    network_names,
)
from chipgym.datasets import load_workload as load
from chipgym.errors import ChipgymError


def residual(width: int = 8, name: str = "tiny", batch: int = 1) -> Network:
    b = NetworkBuilder(name)
    x = b.input((3, 8, 8))
    x = b.relu(b.batch_norm(b.conv(x, width, 3, padding=1, bias=False, name="conv1")))
    y = b.conv(x, width, 3, padding=(1, 1), groups=width, name="depthwise")
    y = b.conv(y, width, 1, name="pointwise")
    x = b.tensor_add(x, y, name="sum")
    b.linear(b.flatten(b.global_avg_pool(x, name="pool")), 10, name="fc")
    return b.build(batch)


def test_totals_by_hand():
    net = residual()
    conv1, depthwise, pointwise, fc = 3 * 9 * 8 * 64, 9 * 8 * 64, 8 * 8 * 64, 8 * 10
    assert net.macs == conv1 + depthwise + pointwise + fc
    assert net.parameters == 3 * 9 * 8 + 2 * 8 + (9 * 8 + 8) + (64 + 8) + (80 + 10)
    assert net.activations == 3 * 64 + 6 * 8 * 64 + 8 + 8 + 10
    assert net.node_macs("fc") == 80
    assert net.node_parameters("depthwise") == 80
    assert [node.name for node in net.matrix_nodes] == ["conv1", "depthwise", "pointwise", "fc"]


def test_edges_consumers_inputs_and_outputs():
    net = residual()
    assert ("relu", "sum") in net.edges
    assert ("pointwise", "sum") in net.edges
    assert net.consumers["relu"] == ("depthwise", "sum")
    assert net.consumers["fc"] == ()
    assert [node.name for node in net.inputs] == ["input"]
    assert [node.name for node in net.outputs] == ["fc"]
    assert net.input_shapes("sum") == net.input_shapes(net.node("sum")) == ((8, 8, 8), (8, 8, 8))


def test_batch_multiplies_work_and_activations_only():
    one, four = residual(), residual().with_batch(4)
    assert (four.macs, four.activations) == (4 * one.macs, 4 * one.activations)
    assert four.parameters == one.parameters
    assert four.node("fc").shape == one.node("fc").shape == (10,)
    assert four == residual(batch=4) == residual(batch=np.int64(4))
    assert len({one, four, residual()}) == 2


def test_digest_ignores_the_display_name_and_sees_everything_else():
    net = residual()
    assert residual(name="other").digest == net.digest
    assert len(net.digest) == len(hashlib.sha256().hexdigest())
    changed = [net.with_batch(2), residual(width=16)]
    for field in ({"bias": False}, {"stride": (2, 2)}, {"padding": (2, 1, 1, 1)}, {"dilation": (2, 1)}):
        b = NetworkBuilder("tiny")
        b.add(replace(Conv2d(4, (3, 3), padding=(1, 1, 1, 1)), **field), b.input((4, 9, 9)), name="conv")
        changed.append(b.build())
    for order in (("a", "b"), ("b", "a")):
        b = NetworkBuilder("tiny")
        b.input((4, 4), name="a"), b.input((4, 4), name="b")
        b.matmul(*order, name="product")
        changed.append(b.build())
    digests = {net.digest, *(other.digest for other in changed)}
    assert len(digests) == 1 + len(changed)


def test_digest_is_the_same_in_another_process_and_release():
    code = "from chipgym.datasets import load_workload as l; print(l('mlp:16-64-5').digest, end='')"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert load("mlp:16-64-5").digest == other
    # Stores are keyed by it: a change here orphans every evaluation that people have kept.
    assert other == "74163a519649350542277cc0c22741692b4db3a617030014eb166e63e011b7f9"


def test_networks_survive_a_process_boundary():
    net = residual()
    assert net.digest  # fills the cache that must not hinder it
    copy = pickle.loads(pickle.dumps(net))
    assert copy == net
    assert copy.digest == net.digest


@pytest.mark.parametrize("name", [*network_names(), "mlp:1-1"])
def test_features_are_finite_and_under_fixed_keys(name):
    features = load(name, batch=8).features()
    assert tuple(features) == FEATURE_NAMES
    assert all(isinstance(value, float) and math.isfinite(value) for value in features.values())
    assert sum(value for key, value in features.items() if key.startswith("macs_")) == pytest.approx(1)


def test_features_by_hand():
    net = residual(batch=2)
    features = net.features()
    total = net.macs
    assert features["log10_macs"] == pytest.approx(math.log10(total + 1))
    assert features["macs_conv_depthwise"] == pytest.approx(2 * 9 * 8 * 64 / total)
    assert features["macs_conv_pointwise"] == pytest.approx(2 * 8 * 8 * 64 / total)
    assert features["macs_linear"] == pytest.approx(2 * 80 / total)
    assert features["matrix_layers"] == features["matrix_depth"] == 4
    activations = 2 * ((3 + 8) * 64 + (8 + 8) * 64 + (8 + 8) * 64 + 18)
    weights = 3 * 9 * 8 + 80 + 72 + 80
    assert features["log10_intensity"] == pytest.approx(math.log10(total / (activations + weights)))
    vector, matrix = 3 * 8 * 64 + 8 + 8, 3 * 8 * 64 + 10
    assert features["vector_elements"] == pytest.approx(vector / (vector + matrix))
    assert features["log10_vector"] == pytest.approx(math.log10(1 + 2 * vector))
    # (groups, m, k, n): 3x3 of 3 channels, depthwise 3x3, pointwise, linear of 8.
    products = [(1, 128, 27, 8), (8, 128, 9, 1), (1, 128, 8, 8), (1, 2, 8, 10)]
    for name, size in (
        ("inputs", sum(g * m * k for g, m, k, _ in products)),
        ("weights", sum(g * k * n for g, _, k, n in products)),
        ("outputs", sum(g * m * n for g, m, _, n in products)),
        ("macs_kn_32", 32 * 32 * (128 + 8 * 128 + 128 + 2)),
        ("macs_mn_128", 128 * 128 * (27 + 8 * 9 + 8 + 8)),
        ("macs_mk_32", 128 * 32 * 8 + 8 * 128 * 32 + 128 * 32 * 8 + 32 * 32 * 10),
    ):
        assert features[f"log10_{name}"] == pytest.approx(math.log10(1 + size)), name


def test_a_network_without_matrix_products_has_features():
    b = NetworkBuilder("relu")
    b.relu(b.input((3,)))
    assert b.build().macs == 0
    assert all(math.isfinite(value) for value in b.build().features().values())


image = Node("x", Input((3, 8, 8)), (), (3, 8, 8))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), "has no operators"),
        ((image, image), "the name occurs twice"),
        ((Node("y", Linear(2), ("x",), (3, 8, 2)), image), "'x' is not an earlier node"),
        ((image, Node("y", Linear(2), ("x",), (3, 8, 3))), r"\(3, 8, 3\) was given but the operator puts out"),
        ((image, Node("y", Linear(2), (), (2,))), "takes 1 input"),
        ((image, Node("y", Linear(2), ("x", "x"), (3, 8, 2))), "takes 1 input"),
        ((image, Node("y", "conv", ("x",), (3, 8, 2))), "expected one of"),
        ((Node("", Input((1,)), (), (1,)),), "node name"),
        ((image, Node("y", Linear(8, tied_to="w"), ("x",), (3, 8, 8))), "tied_to: 'w' is not an earlier node"),
        ((image, Node("y", Linear(8, tied_to="x"), ("x",), (3, 8, 8))), "is a Input and has no such weight"),
    ],
)
def test_graphs_that_do_not_hold_together_are_errors(nodes, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        Network("bad", nodes)
    assert "\n" not in str(caught.value)


def test_tied_weights_must_have_the_same_size():
    b = NetworkBuilder("lm")
    x = b.embedding(b.input((4,)), 50, 8, name="wte")
    with pytest.raises(ChipgymError, match=r"the weight of 'wte' is \(50, 8\), expected \(49, 8\)"):
        b.linear(x, 49, bias=False, tied_to="wte")
    y = b.linear(x, 50, bias=False, tied_to="wte", name="head")
    assert b.build().parameters == 400
    assert b.build().node_macs(y) == 4 * 8 * 50
    z = b.linear(y, 8, bias=False, name="down")
    z = b.linear(z, 50, bias=False, name="up")
    b.linear(z, 8, bias=False, tied_to="down", name="again")
    assert b.build().parameters == 400 + 400 + 400


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, "2", 2**31, None])
def test_bad_batch_is_an_error(batch):
    with pytest.raises(ChipgymError, match="batch: expected an integer"):
        residual().with_batch(batch)


def test_absurd_sizes_are_errors_not_overflows():
    b = NetworkBuilder("huge")
    with pytest.raises(ChipgymError, match=r"more than 2\*\*48 elements"):
        b.input((2**31 - 1,) * 3)
    x = b.input((2**24, 2**24))
    b.linear(x, 2**14)
    with pytest.raises(ChipgymError, match=r"more than 2\*\*62 macs"):
        b.build(batch=2)
    with pytest.raises(ChipgymError, match=r"more than 2\*\*62"):
        residual(batch=2**31 - 1).with_batch(2**31 - 1), load("vgg16", batch=2**31 - 1)


def test_builder_names_scopes_and_mistakes():
    b = NetworkBuilder("names")
    x = b.input((4,))
    assert (b.relu(x), b.relu(x), b.relu(x, name="act")) == ("relu", "relu_2", "act")
    with b.scope("block"), b.scope("0"):
        assert b.linear(x, 2) == "block.0.linear"
    assert b.linear(x, 2) == "linear"
    with pytest.raises(ChipgymError, match="the name occurs twice"):
        b.relu(x, name="act")
    with pytest.raises(ChipgymError, match="did you mean 'relu'"):
        b.relu("rleu")
    with pytest.raises(ChipgymError, match="Linear out_features: expected an integer from 1"):
        b.linear(x, 0, name="wide")
    with pytest.raises(ChipgymError, match="node 'c': Conv2d input"):
        b.conv(x, 2, 3, name="c")
    with pytest.raises(ChipgymError, match="unknown node of 'names'"):
        b.build().node("nothing")


def shared(count: int | None) -> Network:
    """Two convolutions of one size, the second owning `count` of its 148 trained numbers."""
    image = Node("x", Input((4, 6, 6)), (), (4, 6, 6))
    first = Node("a", Conv2d(4, (3, 3), bias=True), ("x",), (4, 4, 4))
    return Network("two", (image, first, Node("b", Conv2d(4, (3, 3)), ("a",), (4, 2, 2), count)))


def test_what_a_node_shares_counts_at_the_node_that_comes_first():
    assert shared(None).parameters == 2 * 148
    assert shared(0).parameters == 148
    assert shared(4).node_parameters("b") == 4  # a bias of its own
    assert shared(None).macs == shared(0).macs
    assert len({shared(count).digest for count in (None, 0, 4)}) == 3
    for count, message in (
        (149, "owned: 149 is more than its 148"),
        (-1, "owned"),
        (1.5, "owned: expected an integer"),
    ):
        with pytest.raises(ChipgymError, match=f"node 'b' {message}"):
            shared(count)


def test_several_images_under_one_filter_are_the_products_of_a_batch():
    def conv(images, batch):
        b = NetworkBuilder("images")
        x = b.input((*images, 4, 9, 7))
        x = b.conv(x, 6, 3, stride=2, padding=1, groups=2)
        b.conv(b.add(ConvTranspose2d(8, (2, 2), (2, 2)), x), 5, 1)
        return b.build(batch)

    several, batch = conv((3,), 2), conv((), 6)
    assert (several.macs, several.parameters) == (batch.macs, batch.parameters)
    for a, b in zip(several.matrix_nodes, batch.matrix_nodes, strict=True):
        assert matrix_products(several, a) == matrix_products(batch, b)
        assert a.shape == (3, *b.shape)
    one = chipgym.make_simulator("systolic", several).evaluate([{}, {"rows": 8, "dataflow": "os"}])
    other = chipgym.make_simulator("systolic", batch).evaluate([{}, {"rows": 8, "dataflow": "os"}])
    for name in ("cycles", "energy_j", "dram_ifmap_reads"):
        assert (one[name] == other[name]).all()
    with pytest.raises(ChipgymError, match="is a convolution of 3 images per sample"):
        chipgym.make_simulator("hls4ml", conv((3,), 1))

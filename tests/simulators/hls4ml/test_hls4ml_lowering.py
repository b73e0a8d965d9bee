"""Networks as the layers that hls4ml makes circuits of."""

from __future__ import annotations

import pytest
from networks import convolutional

from chipgym.datasets import NetworkBuilder, load_workload
from chipgym.errors import ChipgymError
from chipgym.simulators.hls4ml.lowering.layers import ADD, MULTIPLY, PRODUCT, SOFTMAX, lower


def test_a_network_of_everything():
    net = lower(convolutional())
    layers = {layer.name: layer for layer in net.layers}
    assert "norm" in layers  # behind a sum: a layer of its own
    assert "batch_norm" not in {layer.kind for layer in net.layers}
    assert [layer.name for layer in net.matrix_layers] == ["conv1", "conv2", "fc1", "fc2"]
    assert layers["norm"].family == MULTIPLY
    assert layers["sum"].family == ADD
    assert layers["softmax"].family == SOFTMAX
    assert layers["sum"].sources == tuple(net.layers.index(layers[name]) for name in ("conv2", "relu1"))
    conv = layers["conv1"]
    assert (conv.n_in, conv.n_out, conv.places, conv.packets) == (2 * 9, 6, 12 * 9, 14 * 11)
    assert (conv.rows, conv.cols, conv.width, conv.channels, conv.elements) == (3, 3, 11, 2, 2 * 12 * 9)
    across = layers["conv2"]
    assert (across.n_in, across.rows, across.cols, across.packets) == (6 * 3, 1, 3, 12 * 11)
    fc = layers["fc1"]
    assert (fc.n_in, fc.packets, fc.whole, fc.is_convolution) == (6 * 3 * 4, 3 * 4, True, False)
    pool = layers["pool1"]
    assert (pool.n_in, pool.n_out, pool.places, pool.packets) == (4, 6, 24, 12 * 9)


def test_normalisation_folds_into_a_product_that_nothing_else_reads():
    def build(shared: bool):
        b = NetworkBuilder("folding")
        x = b.linear(b.input((8,)), 8, name="fc")
        y = b.batch_norm(x, name="norm")
        if shared:
            b.tensor_add(x, y)
        return [layer.name for layer in lower(b.build()).layers]

    assert build(shared=False) == ["fc"]
    assert build(shared=True) == ["fc", "norm", "add"]


def test_rows_of_a_dense_layer_are_places():
    b = NetworkBuilder("rows")
    b.linear(b.input((7, 12)), 5)
    (layer,) = lower(b.build()).layers
    assert (layer.family, layer.n_in, layer.n_out, layer.places, layer.packets) == (PRODUCT, 12, 5, 7, 7)
    assert layer.is_convolution
    assert not layer.whole


def test_joined_branches_wait_for_both():
    b = NetworkBuilder("branches")
    x = b.input((6,))
    b.linear(b.concat(b.linear(x, 4, name="a"), b.relu(b.linear(x, 3, name="b")), axis=0), 2, name="c")
    net = lower(b.build())
    assert [layer.sources for layer in net.layers] == [(), (), (1,), (0, 2)]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda b, x: b.conv(x, 4, 3, groups=2), "2 groups"),
        (lambda b, x: b.conv(x, 4, 3, dilation=2), r"dilation \(2, 2\)"),
        (lambda b, x: b.gelu(b.conv(x, 4, 3)), "'gelu' is gelu"),
        (lambda b, x: b.layer_norm(b.conv(x, 4, 3)), "is Normalization"),
        (lambda b, x: b.matmul(x, x, transpose_b=True), "is MatMul"),
        (lambda b, x: b.expert_linear(x, 4, experts=2, active=1), "is ExpertLinear"),
        (lambda b, x: b.transpose(b.conv(x, 4, 3), (1, 2, 0)), "is Transpose"),
        (lambda b, x: b.relu(x), "no dense or convolutional layer"),
    ],
)
def test_what_hls4ml_has_no_layer_for(build, says):
    b = NetworkBuilder("odd")
    build(b, b.input((2, 8, 8)))
    with pytest.raises(ChipgymError, match=says) as error:
        lower(b.build())
    assert len(str(error.value).splitlines()) == 1


def test_the_named_networks():
    jets = lower(load_workload("jet_tagger"))
    assert [(layer.n_in, layer.n_out) for layer in jets.matrix_layers] == [(16, 64), (64, 32), (32, 32), (32, 5)]
    svhn = lower(load_workload("svhn_cnn"))
    assert [(layer.n_in, layer.n_out, layer.places) for layer in svhn.matrix_layers] == [
        (27, 16, 900), (144, 16, 169), (144, 24, 16), (96, 42, 1), (42, 64, 1), (64, 10, 1),
    ]  # fmt: skip
    assert [layer.n_in * layer.n_out < 4096 for layer in svhn.matrix_layers] == [True] * 6

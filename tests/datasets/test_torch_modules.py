"""PyTorch modules through `torch.export`, and the same network by builder, ONNX and PyTorch."""

from __future__ import annotations

import sys
import warnings

import pytest

import chipgym
from chipgym.datasets import Generic, NetworkBuilder, from_torch, load_onnx
from chipgym.errors import ChipgymError

torch = pytest.importorskip("torch")
nn = torch.nn


def traced(module, *inputs, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return from_torch(module, inputs, **kwargs)


def counted(module, *inputs) -> int:
    """Multiply-accumulates by PyTorch's own counter."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    module.eval()
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # fused attention goes uncounted
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            module(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    return counter.get_total_flops() // 2


def trained(module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Unpacked(nn.Module):
    """The outputs of a recurrent layer without its state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


class WindowedBlock(nn.Module):
    """A transformer block over windows of an image, which become rows of the batch for a while."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 4, 4)
        self.block = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)

    def forward(self, x):
        x = self.patch(x)
        n, c, h, w = x.shape
        x = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, c)
        return self.block(x).reshape(n, h // 4, w // 4, 4, 4, c).mean((1, 2, 3, 4))


IMAGE = (1, 4, 16, 16)
MODULES = [
    (nn.Conv2d(4, 6, 3, 2, 1, groups=2), IMAGE),
    (nn.Conv2d(4, 6, (3, 5), padding="same", dilation=2, bias=False), IMAGE),
    (nn.Conv1d(4, 6, 3, 2), (1, 4, 16)),
    (nn.Conv1d(4, 6, 3, 2), (5, 4, 16)),
    (nn.Conv3d(4, 6, 1), (1, 4, 3, 5, 2)),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), IMAGE),
    (nn.ConvTranspose1d(4, 6, 4, 2), (1, 4, 16)),
    (nn.Linear(16, 3), IMAGE),
    (nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(3, 2, 1, ceil_mode=True)), IMAGE),
    (nn.Sequential(nn.Conv2d(4, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.AdaptiveAvgPool2d(7), nn.Flatten(),
                   nn.Linear(392, 3)), IMAGE),
    (nn.Sequential(nn.Conv2d(4, 16, 3), nn.PixelShuffle(2), nn.InstanceNorm2d(4, affine=True),
                   nn.Upsample(scale_factor=2)), IMAGE),
    (nn.Sequential(nn.LayerNorm((4, 16, 16)), nn.AvgPool2d(2), nn.Hardswish(), nn.Softmax(1)), IMAGE),
    (nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), (1, 10, 32)),
    (SelfAttention(), (1, 10, 32)),
    (WindowedBlock(), (1, 3, 32, 32)),
    (Function(lambda x: torch.einsum("bqd,bkd->bqk", x, x)), (1, 10, 32)),
    (Function(lambda x: x @ x.transpose(-1, -2)), IMAGE),
    (Function(lambda x: nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)), (1, 2, 10, 32)),
]  # fmt: skip


@pytest.mark.parametrize(("module", "shape"), MODULES, ids=lambda v: str(v)[:40].replace("\n", ""))
def test_totals_are_pytorchs_own(module, shape):
    x = torch.zeros(shape)
    network = traced(module, x)
    assert network.macs == counted(module, x)
    assert network.parameters == trained(module)


@pytest.mark.parametrize(("cell", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
@pytest.mark.parametrize("batch_first", [True, False])
def test_recurrent_layers_are_products_per_step(cell, gates, batch_first):
    module = Unpacked(cell(6, 5, 2, bidirectional=True, batch_first=batch_first))
    network = traced(module, torch.zeros((1, 7, 6) if batch_first else (7, 1, 6)))
    # Two directions and seven steps: the first layer reads 6 numbers, the second the 10 of both directions.
    assert network.macs == 2 * 7 * gates * 5 * ((6 + 5) + (10 + 5))
    assert network.parameters == trained(module)
    assert len(network.matrix_nodes) == 2 * 2 * (1 + 7)
    assert network.outputs[-1].shape in ((7, 10), (7, 1, 10))


def test_shared_weights_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(50, 8)
            self.head = nn.Linear(8, 50, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, ids):
            return self.head(self.embedding(ids))

    module = Tied()
    network = traced(module, torch.zeros(1, 6, dtype=torch.long))
    assert network.parameters == trained(module) == 400
    assert network.macs == 6 * 8 * 50


def test_the_module_stays_as_it_is_and_its_mode_does_not_matter():
    module = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5))
    module[1].eval()
    assert traced(module, torch.zeros(IMAGE), batch=3).batch == 3
    assert [part.training for part in module] == [True, False, True]
    assert traced(module, torch.zeros(IMAGE)).digest == traced(module.eval(), torch.zeros(IMAGE)).digest


def test_an_operation_that_is_not_known_is_costed_as_traffic_and_named():
    with pytest.warns(UserWarning, match=r"module 'Odd': .* memory traffic alone: heaviside \(node 'heaviside'\)"):
        network = from_torch(Function(lambda x: torch.heaviside(x, x)), torch.zeros(1, 8), name="Odd")
    assert [n.op for n in network.nodes if isinstance(n.op, Generic)] == [Generic("heaviside", (8,))]


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (lambda x: x.nonzero(), (torch.zeros(1, 8),), "depends on the numbers|cannot trace it"),
        (lambda x: x if x.sum() > 0 else -x, (torch.zeros(1, 8),), "torch.export cannot trace it"),
        (lambda x: x @ torch.zeros(3, 3), (torch.zeros(1, 8),), "torch.export cannot trace it"),
        (lambda x: x.topk(2)[0], (torch.zeros(1, 8),), "topk node 'topk': the operation is not supported"),
        (nn.Conv2d(4, 6, 3).eval(), (torch.zeros(2, 4, 9, 9),), "a convolution of 2 images per sample"),
        (nn.Conv3d(4, 6, 3).eval(), (torch.zeros(1, 4, 9, 9, 9),), "a convolution over 3 axes"),
        (lambda x: x, ([1, 2],), "example_inputs: expected a tuple of tensors"),
        (lambda x: x, 3, "example_inputs: expected a tuple of tensors"),
    ],
)
def test_what_cannot_be_told_is_refused(function, inputs, message):
    module = function if isinstance(function, nn.Module) else Function(function)
    with pytest.raises(ChipgymError, match=message) as caught:
        from_torch(module, inputs)
    assert "\n" not in str(caught.value)


def test_what_is_no_module(monkeypatch):
    with pytest.raises(ChipgymError, match=r"module: expected a torch.nn.Module, got 3"):
        from_torch(3, ())
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ChipgymError, match="from_torch needs torch"):
        from_torch(3, ())


def test_rms_normalisation_written_out_is_recognised():
    """As the Llama family's own code has it."""

    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(32))

        def forward(self, x):
            x = x.to(torch.float32)
            return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))

    network = traced(Norm(), torch.zeros(1, 10, 32))
    assert [n.op.type_name for n in network.nodes] == ["Input", "Normalization", "Elementwise"]
    assert network.nodes[1].op.kind == "rms"


def test_gelu_of_a_tanh_written_out_is_recognised():
    """As GPT-2's own code has it."""

    def gelu(x):
        return 0.5 * x * (1.0 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * torch.pow(x, 3.0))))

    network = traced(Function(gelu), torch.zeros(1, 10, 32))
    assert [n.op.function for n in network.nodes if n.inputs] == ["gelu_tanh"]
    other = traced(Function(lambda x: x * torch.tanh(x + x.flip(1))), torch.zeros(1, 10, 32))
    assert "gelu_tanh" not in [getattr(n.op, "function", "") for n in other.nodes]


def test_parts_under_another_mode_are_parts_of_the_module():
    def mixed(x):
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            y = x @ x
        return y + x.swapaxes(0, 1)

    assert traced(Function(mixed), torch.zeros(8, 8)).macs == 8**3


def by_builder():
    b = NetworkBuilder("tiny")
    x = b.input((3, 32, 32))
    x = b.relu(b.batch_norm(b.conv(x, 16, 3, stride=2, padding=1, bias=False)))
    y = b.relu6(b.conv(x, 16, 3, padding=1, groups=16))
    x = b.tensor_add(x, y)
    x = b.max_pool(x, 2)
    x = b.flatten(b.global_avg_pool(x))
    b.softmax(b.linear(x, 10))
    return b.build()


def by_torch():
    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
            self.second = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.ReLU6())
            self.head = nn.Linear(16, 10)

        def forward(self, x):
            x = self.first(x)
            x = nn.functional.max_pool2d(x + self.second(x), 2)
            return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)).softmax(-1)

    return from_torch(Tiny(), torch.zeros(1, 3, 32, 32), name="tiny")


def by_onnx(path):
    pytest.importorskip("onnx")
    import numpy as np
    from onnx_models import node, saved, values, weight

    weights = [weight("w", 16, 3, 3, 3), *(weight(i, 16) for i in "sbmv"), weight("d", 16, 1, 3, 3), weight("c", 16)]
    weights += [weight("f", 10, 16), weight("g", 10), values("lo", 0, np.float32), values("hi", 6, np.float32)]
    nodes = [
        node("Conv", "x w", "conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("BatchNormalization", "conv s b m v", "norm"),
        node("Relu", "norm", "relu"),
        node("Conv", "relu d c", "depthwise", pads=[1, 1, 1, 1], group=16),
        node("Clip", "depthwise lo hi", "relu6"),
        node("Add", "relu relu6", "sum"),
        node("MaxPool", "sum", "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "pool", "mean"),
        node("Flatten", "mean", "flat"),
        node("Gemm", "flat f g", "fc", transB=1),
        node("Softmax", "fc", "y"),
    ]
    return load_onnx(saved(path / "tiny.onnx", nodes, [("x", ["batch", 3, 32, 32])], weights))


def test_one_network_costs_the_same_wherever_it_comes_from(tmp_path):
    networks = [by_builder(), by_torch(), by_onnx(tmp_path)]
    metrics = []
    for network in networks:
        assert (network.macs, network.parameters) == (networks[0].macs, networks[0].parameters)
        assert network.features() == networks[0].features()
        metrics.append(chipgym.make_simulator("systolic", network).evaluate([{}, {"rows": 8, "dataflow": "os"}]))
    for name in ("cycles", "energy_j", "dram_ifmap_reads", "vector_cycles"):
        assert (metrics[0][name] == metrics[1][name]).all()
        assert (metrics[0][name] == metrics[2][name]).all()

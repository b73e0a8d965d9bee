"""PyTorch modules through `torch.export`, and the same network by builder, ONNX and PyTorch."""

from __future__ import annotations

import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    *((module, (n, 4, 7, 9, 8)) for n in (1, 2) for module in (
        nn.Conv3d(4, 6, 3, 2, 1, groups=2), nn.Conv3d(4, 6, (1, 3, 3), padding=(0, 1, 1)), nn.Conv3d(4, 6, (3, 1, 1)),
        nn.Conv3d(4, 6, 2, 2), nn.Conv3d(4, 6, (3, 2, 1), dilation=(2, 1, 1), bias=False),
        nn.ConvTranspose3d(4, 6, 3, 2, 1, output_padding=1, groups=2), nn.ConvTranspose3d(4, 6, (1, 2, 2), (1, 2, 2)),
        nn.ConvTranspose3d(4, 6, (3, 1, 1)),
    )),
    *((module, (3, 4, 9, 8)) for module in (
        nn.Conv2d(4, 6, 3, groups=2), nn.Conv2d(4, 6, 1, 2), nn.ConvTranspose2d(4, 6, 3, 2),
    )),
    (nn.ConvTranspose1d(4, 6, 3, 2, output_padding=1), (3, 4, 16)),
    (nn.Sequential(nn.Conv3d(4, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(8, 4, 1),
                   nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2)), (1, 4, 8, 8, 8)),
    (nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                   nn.Linear(392, 2)), (5, 4, 16, 16)),
    (nn.LayerNorm(16, bias=False), (1, 4, 16)),
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


@pytest.mark.parametrize("options", [
    {}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False},
    {"num_layers": 2, "bidirectional": True, "bias": False}, {"num_layers": 3, "bidirectional": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("sequences", [1, 3])
def test_a_projected_lstm_is_what_pytorch_counts(options, sequences):
    module, x = Unpacked(nn.LSTM(6, 16, proj_size=8, **options)), torch.zeros(7, sequences, 6)
    network = traced(module, x)
    assert network.macs == counted(module, x)
    assert network.parameters == trained(module)
    # Each step: four gates of 16 see the input and the 8 of the state, and 8 sums over the 16 follow.
    if not set(options) - {"bias"}:
        assert network.macs == 7 * sequences * (64 * (6 + 8) + 8 * 16)


@pytest.mark.parametrize(("module", "inputs"), [
    (nn.LSTM(6, 5, 2), ((7, 3, 6), ((2, 3, 5), (2, 3, 5)))),
    (nn.LSTM(6, 5, batch_first=True), ((1, 7, 6), ((1, 1, 5), (1, 1, 5)))),
    (nn.LSTM(6, 5), ((7, 6), ((1, 5), (1, 5)))),
    (nn.GRU(6, 5, 2, bidirectional=True), ((7, 3, 6), (4, 3, 5))),
    (nn.LSTMCell(6, 5), ((3, 6), ((3, 5), (3, 5)))),
    (nn.LSTMCell(6, 5), ((1, 6),)),
    (nn.LSTMCell(6, 5, bias=False), ((6,),)),
    (nn.GRUCell(6, 5), ((3, 6), (3, 5))),
    (nn.GRUCell(6, 5), ((1, 6),)),
    (nn.RNNCell(6, 5, nonlinearity="relu"), ((1, 6), (1, 5))),
])  # fmt: skip
def test_recurrent_layers_and_cells_take_their_state(module, inputs):
    def made(shape):
        return tuple(map(made, shape)) if isinstance(shape[0], tuple) else torch.zeros(shape)

    tensors = tuple(map(made, inputs))
    network = traced(module, *tensors)
    # A step of one row meets each weight once; how many there are of each layer is in its input and its state.
    rows = tensors[0].numel() // 6
    assert network.macs == rows * sum(p.numel() for p in module.parameters() if p.dim() == 2)
    assert network.parameters == trained(module)


sizes = st.integers(1, 6)


@settings(max_examples=25, deadline=None)
@given(st.tuples(sizes, sizes, sizes, sizes, sizes), st.integers(0, 8))
def test_products_cost_what_pytorch_counts(extents, which):
    """Products that PyTorch writes with others, or that its own counter leaves out."""
    b, m, n, k, p = extents

    def zeros(*shape, **kwargs):
        return torch.zeros(shape, **kwargs)

    function, inputs, expected = [
        (lambda x, y: torch.tensordot(x, y, dims=2), (zeros(m, n, k), zeros(n, k, p)), m * n * k * p),
        (lambda x, y: torch.tensordot(x, y, dims=([0], [1])), (zeros(n, m, k), zeros(p, n)), m * n * k * p),
        (torch.inner, (zeros(b, m, k), zeros(n, k)), b * m * n * k),
        (lambda x, y, z: torch.linalg.multi_dot([x, y, z]), (zeros(m, n), zeros(n, k), zeros(k, p)), None),
        (lambda x: torch.linalg.matrix_power(x, 5), (zeros(m, m),), 3 * m**3),
        (torch.addbmm, (zeros(m, p), zeros(b, m, k), zeros(b, k, p)), b * m * k * p),
        (torch.addmv, (zeros(m), zeros(m, k), zeros(k)), m * k),
        (torch.baddbmm, (zeros(b, m, p), zeros(b, m, k), zeros(b, k, p)), b * m * k * p),
        (torch._int_mm, (zeros(32, 8 * m, dtype=torch.int8), zeros(8 * m, 8 * p, dtype=torch.int8)), 2048 * m * p),
    ][which]
    network = traced(Function(function), *inputs)
    if expected is None:  # whichever order is the cheaper
        expected = min(m * n * k + m * k * p, n * k * p + m * n * p)
    assert network.macs == expected
    # PyTorch's counter sees of these what comes down to products that it knows.
    assert counted(Function(function), *inputs) in (0, expected)


@settings(max_examples=15, deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 4), st.booleans())
def test_a_bilinear_layer_is_a_product_of_all_pairs(m, n, out, rows, bias):
    module = nn.Bilinear(m, n, out, bias=bias)
    network = traced(module, torch.zeros(rows, m), torch.zeros(rows, n))
    assert network.macs == rows * m * n * out
    assert network.parameters == trained(module)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_einsum_costs_what_pytorch_counts(data):
    """Of two tensors without axes that one alone has; PyTorch multiplies and adds up those without its counter."""
    letters = data.draw(st.permutations("ijkl"))
    left = "".join(letters[: data.draw(st.integers(1, 4))])
    right = "".join(data.draw(st.permutations(data.draw(st.sampled_from([left, *("".join(letters),)])))))
    result = "".join(i for i in letters if i in left + right and data.draw(st.booleans()))
    result += "".join(i for i in letters if (i in left) != (i in right) and i not in result)
    extent = {i: data.draw(st.integers(2, 5)) for i in "ijkl"}
    equation = f"{left},{right}->{result}" if data.draw(st.booleans()) else f"...{left},...{right}->...{result}"
    inputs = [torch.zeros([extent[i] for i in term]) for term in (left, right)]
    network = traced(Function(lambda x, y: torch.einsum(equation, x, y)), *inputs)
    work = 1
    for i in set(left + right):
        work *= extent[i]
    assert network.macs == work


@pytest.mark.parametrize(("mode", "inputs"), [
    ("mean", (torch.zeros(3, 5, dtype=torch.long),)),
    ("sum", (torch.zeros(15, dtype=torch.long), torch.tensor([0, 4, 7]))),
    ("max", (torch.zeros(3, 5, dtype=torch.long),)),
])  # fmt: skip
def test_a_bag_of_embeddings_is_looked_up_and_added_up(mode, inputs):
    module = nn.EmbeddingBag(10, 4, mode=mode)
    network = traced(module, *inputs)
    assert network.parameters == trained(module) == 40
    assert network.outputs[-1].op == Generic("EmbeddingBag", (3, 4), 5)


class Twice(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, x):
        return self.part(x) + self.part(x.flip(-1))


@pytest.mark.parametrize(("part", "shape"), [
    (nn.Conv2d(4, 4, 3, padding=1), (1, 4, 8, 8)), (nn.ConvTranspose2d(4, 4, 3), (1, 4, 8, 8)),
    (nn.Conv3d(4, 4, 3), (1, 4, 4, 4, 4)), (nn.Linear(4, 4), (1, 4)), (nn.LayerNorm(4), (1, 4)),
    (nn.GroupNorm(2, 4), (1, 4, 3)), (nn.BatchNorm2d(4), (1, 4, 3, 3)), (nn.Embedding(10, 4), (1, 5)),
    (nn.EmbeddingBag(10, 4), (1, 5)), (Unpacked(nn.LSTM(4, 4, 2, bidirectional=True)), (5, 1, 4)),
    (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (1, 5, 8)),
], ids=lambda v: str(v)[:20].replace("\n", ""))  # fmt: skip
def test_a_module_used_twice_counts_its_parameters_once(part, shape):
    lookup = isinstance(part, nn.Embedding | nn.EmbeddingBag)
    module, x = Twice(part), torch.zeros(shape, dtype=torch.long if lookup else torch.float)
    network = traced(module, x)
    assert network.parameters == trained(module)
    assert network.macs == 2 * traced(part, x).macs


def test_a_bias_and_a_weight_are_shared_each_by_itself():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
            self.b.bias = self.a.bias

        def forward(self, x):
            return self.b(self.a(x))

    assert traced(Shared(), torch.zeros(1, 4)).parameters == trained(Shared()) == 36


def test_numbers_that_are_not_trained_are_no_parameters():
    class Sines(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", torch.zeros(6, 8))
            self.learned = nn.Parameter(torch.zeros(6, 8))

        def forward(self, x):
            return x + self.table[:5] + self.learned[:5]

    assert traced(Sines(), torch.zeros(1, 5, 8)).parameters == 5 * 8  # as many as are read


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


@pytest.mark.parametrize(
    ("function", "shapes", "named"),
    [
        (lambda x: torch.sort(x)[0], [(1, 8)], "sort"),
        (lambda x: torch.argsort(x), [(1, 8)], "argsort"),
        (lambda x: x.topk(2)[0], [(1, 8)], "topk"),
        (lambda x: torch.linalg.inv(x), [(4, 4)], "linalg_inv"),
        (lambda x: torch.linalg.det(x), [(4, 4)], "linalg_det"),
        (lambda x: torch.linalg.qr(x)[0], [(4, 4)], "linalg_qr"),
        (lambda x, y: torch.linalg.solve(x, y), [(4, 4), (4, 2)], "linalg_solve"),
        (lambda x, y: torch.cdist(x, y), [(1, 3, 4), (1, 5, 4)], "cdist"),
        (lambda x, y: torch.cdist(x, y), [(1, 30, 4), (1, 50, 4)], "cdist"),
        (lambda x: torch.fft.fft(x).real, [(1, 8)], "fft_fft"),
        (lambda x: torch.cummax(torch.digamma(x), 1)[0], [(1, 8)], "digamma"),
    ],
)
def test_an_operation_that_is_not_known_is_refused_unless_the_user_says_otherwise(function, shapes, named):
    inputs = tuple(torch.zeros(shape) for shape in shapes)
    with pytest.raises(ChipgymError, match=rf"not known; as_traffic=\['{named}'\] in Python") as caught:
        from_torch(Function(function), inputs, name="Odd")
    assert "\n" not in str(caught.value)
    with pytest.warns(UserWarning, match=rf"module 'Odd': .* memory traffic alone: {named} \(node "):
        network = from_torch(Function(function), inputs, name="Odd", as_traffic=[named])
    assert named in [n.op.kind for n in network.nodes if isinstance(n.op, Generic)]


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (lambda x: x.nonzero(), (torch.zeros(1, 8),), "depends on the numbers|cannot trace it"),
        (lambda x: x if x.sum() > 0 else -x, (torch.zeros(1, 8),), "torch.export cannot trace it"),
        (lambda x: x @ torch.zeros(3, 3), (torch.zeros(1, 8),), "torch.export cannot trace it"),
        (lambda x: nn.functional.conv1d(x, x), (torch.zeros(1, 1, 8),), "its weight is computed while the module runs"),
        (lambda x: torch.einsum("ij,jk->", x), (torch.zeros(2, 3),), "torch.export cannot trace it"),
        (lambda x: x, ([1, 2],), "example_inputs: expected a tuple of tensors"),
        (lambda x: x, 3, "example_inputs: expected a tuple of tensors"),
        (lambda x, y: x, (torch.zeros(1), (torch.zeros(1), 3)), "example_inputs: expected a tuple of tensors"),
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


@pytest.mark.parametrize("written", [
    lambda layer, x: x.clone().index_put_((torch.tensor([0, 1]),), layer(x)[:2]),
    lambda layer, x: _into(x.clone(), layer(x)),
    lambda layer, x: _into(torch.zeros(4, 8), layer(x)),
    lambda layer, x: _added(x.clone(), layer(x)),
])  # fmt: skip
def test_what_is_written_into_a_tensor_is_part_of_it(written):
    """A product that is only ever stored in a slice of another tensor is run all the same."""

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x):
            return written(self.layer, x)

    network = traced(Module(), torch.zeros(4, 8))
    assert (network.macs, network.parameters) == (4 * 64, 72)


def _into(y, made):
    y[:, :4] = made[:, :4]
    return y


def _added(y, made):
    y[:, :4].add_(made[:, 4:])
    return y.relu_()


def test_an_operation_that_pytorch_writes_in_place_is_refused():
    with pytest.raises(ChipgymError, match=r"vander node 'vander': .*as_traffic=\['vander'\]"):
        from_torch(Function(lambda x: torch.vander(x[0])), torch.zeros(4, 8))

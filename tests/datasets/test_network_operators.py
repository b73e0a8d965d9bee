"""Shapes, multiply-accumulates and parameters of every operator, against slow independent counts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.datasets import (
    Concat,
    Conv2d,
    ConvTranspose2d,
    Elementwise,
    Embedding,
    ExpertLinear,
    Generic,
    Input,
    LearnedTensor,
    Linear,
    MatMul,
    NetworkBuilder,
    Normalization,
    Pool2d,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    matrix_products,
)
from chipgym.errors import ChipgymError


def count_conv(shape, op):
    """Output size and multiplications of a convolution by walking over every window and every filter tap."""
    channels, height, width = shape
    top, bottom, left, right = op.padding
    padded = np.zeros((channels, height + top + bottom, width + left + right))
    rows = [y for y in range(padded.shape[1]) if y + op.dilation[0] * (op.kernel[0] - 1) < padded.shape[1]]
    columns = [x for x in range(padded.shape[2]) if x + op.dilation[1] * (op.kernel[1] - 1) < padded.shape[2]]
    rows, columns = rows[:: op.stride[0]], columns[:: op.stride[1]]
    count = 0
    for group in range(op.groups):
        own = range(group * channels // op.groups, (group + 1) * channels // op.groups)
        for _filter, y, x in itertools.product(range(op.out_channels // op.groups), rows, columns):
            for c, r, s in itertools.product(own, range(op.kernel[0]), range(op.kernel[1])):
                assert padded[c, y + r * op.dilation[0], x + s * op.dilation[1]] == 0  # inside, or IndexError
                count += 1
    return (op.out_channels, len(rows), len(columns)), count


small = st.integers(1, 3)


@st.composite
def convolutions(draw):
    groups = draw(st.integers(1, 3))
    op = Conv2d(
        groups * draw(st.integers(1, 2)),
        (draw(small), draw(small)),
        (draw(small), draw(small)),
        tuple(draw(st.integers(0, 2)) for _ in range(4)),
        (draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        groups,
        draw(st.booleans()),
    )
    return op, (groups * draw(st.integers(1, 2)), draw(st.integers(1, 6)), draw(st.integers(1, 6)))


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_conv_agrees_with_walking_over_every_window(case):
    op, shape = case
    expected, count = count_conv(shape, op)
    if 0 in expected:
        with pytest.raises(ChipgymError, match="does not fit"):
            op.infer((shape,))
        return
    assert op.infer((shape,)) == expected
    assert op.macs((shape,), expected) == count
    weights = np.zeros((op.out_channels, shape[0] // op.groups, *op.kernel)).size
    assert op.parameters((shape,)) == weights + (op.out_channels if op.bias else 0)


@given(st.lists(small, max_size=2), small, small, small, st.booleans())
def test_matmul_agrees_with_numpy(leading, m, k, n, transpose_b):
    a, b = np.ones((*leading, m, k)), np.ones((*leading, *((n, k) if transpose_b else (k, n))))
    product = a @ (np.swapaxes(b, -1, -2) if transpose_b else b)
    op = MatMul(transpose_b)
    assert op.infer((a.shape, b.shape)) == product.shape
    # Each element of a product of ones is the number of products summed into it.
    assert op.macs((a.shape, b.shape), product.shape) == product.sum()


@given(st.lists(small, max_size=3), small, small, st.booleans())
def test_linear_agrees_with_numpy(leading, width, out, bias):
    x, weight = np.ones((*leading, width)), np.ones((width, out))
    op = Linear(out, bias)
    assert op.infer((x.shape,)) == (x @ weight).shape
    assert op.macs((x.shape,), (x @ weight).shape) == (x @ weight).sum()
    assert op.parameters((x.shape,)) == weight.size + bias * out


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 7), st.data())
def test_routed_experts_share_all_rows(batch, experts, tokens, data):
    active = data.draw(st.integers(1, experts))
    b = NetworkBuilder("n")
    b.expert_linear(b.input((tokens * active, 5)), 3, experts=experts, active=active, name="e")
    network = b.build(batch)
    products = matrix_products(network, network.node("e"))
    rows = batch * tokens * active
    assert sum(g * m for g, m, _, _ in products) == rows
    assert sum(g for g, _, _, _ in products) == min(experts, rows)
    assert max(m for _, m, _, _ in products) - min(m for _, m, _, _ in products) <= 1
    assert sum(g * m * k * n for g, m, k, n in products) == network.macs == rows * 15
    assert network.parameters == experts * 15


def test_tied_linear_owns_only_its_bias():
    assert Linear(7, bias=True, tied_to="other").parameters(((3, 5),)) == 7
    assert Linear(7, bias=False, tied_to="other").parameters(((3, 5),)) == 0


@pytest.mark.parametrize(
    ("op", "shape", "expected"),
    [
        (Pool2d("max", (3, 3), (2, 2)), (4, 13, 13), (4, 6, 6)),
        (Pool2d("max", (3, 3), (2, 2), (1, 1, 1, 1)), (64, 112, 112), (64, 56, 56)),
        (Pool2d("max", (2, 2), (2, 2), ceil_mode=True), (1, 5, 4), (1, 3, 2)),
        # PyTorch drops a ceil-mode window that would start in the trailing padding.
        (Pool2d("max", (2, 2), (3, 3), (1, 1, 1, 1), ceil_mode=True), (1, 2, 2), (1, 1, 1)),
        (Pool2d("avg", (7, 7), (7, 7)), (512, 7, 7), (512, 1, 1)),
    ],
)
def test_pool_shapes(op, shape, expected):
    assert op.infer((shape,)) == expected
    assert op.macs((shape,), expected) == op.parameters((shape,)) == 0


shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@given(shapes, shapes)
def test_elementwise_broadcasts_as_numpy_does(a, b):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ChipgymError, match="do not broadcast"):
            Elementwise("add").infer((a, b))
    else:
        assert Elementwise("add").infer((a, b)) == expected


@given(st.data(), st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple))
def test_data_movement_agrees_with_numpy(data, shape):
    x = np.zeros(shape)
    permutation = tuple(data.draw(st.permutations(range(len(shape)))))
    assert Transpose(permutation).infer((shape,)) == x.transpose(permutation).shape
    axis = data.draw(st.integers(0, len(shape) - 1))
    assert Concat(axis).infer((shape, shape)) == np.concatenate((x, x), axis).shape
    start = data.draw(st.integers(0, shape[axis] - 1))
    stop = data.draw(st.integers(start + 1, shape[axis]))
    assert Slice(axis, start, stop).infer((shape,)) == x.take(range(start, stop), axis).shape
    assert Reshape((x.size,)).infer((shape,)) == (x.size,)


def test_parameters_of_the_rest():
    assert Embedding(10, 4).parameters(((7,),)) == 40
    assert Embedding(10, 4).infer(((7,),)) == (7, 4)
    assert LearnedTensor((2, 3)).parameters(()) == 6
    assert Input((2, 3)).parameters(()) == 0
    assert Softmax().infer(((2, 3),)) == (2, 3)
    shape = (8, 5, 6)
    counts = {kind: Normalization(kind).parameters((shape,)) for kind in Normalization.kinds}
    assert counts == {"batch": 16, "group": 16, "layer": 12, "rms": 6, "local_response": 0}
    assert Normalization("layer", affine=False).parameters((shape,)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b, x: b.conv(x, 4, 3, padding="same"), "padding: 'same' is not a whole number, "),
        (lambda b, x: b.conv(x, 4, "33"), "kernel: '33' is not a whole number or "),
        (lambda b, x: b.max_pool(x, 2, stride="2"), "stride: '2' is not a whole number or "),
        (lambda b, x: b.input(3), "shape: 3 is not a list of whole numbers"),
        (lambda b, x: b.input("33"), "shape: '33' is not a list of whole numbers"),
        (lambda b, x: b.learned(None, name="l"), "shape: None is not a list"),
        (lambda b, x: b.reshape(x, 48), "shape: 48 is not a list"),
        (lambda b, x: b.transpose(x, 1), "permutation: 1 is not a list"),
    ],
)
def test_a_builder_says_what_it_was_given(call, message):
    b = NetworkBuilder("mine")
    x = b.input(np.array([3, 8, 8]), name="x")
    with pytest.raises(ChipgymError, match=message) as caught:
        call(b, x)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2d(0, (3, 3)), "Conv2d out_channels: expected an integer from 1 to 2147483647, got 0"),
        (lambda: Conv2d(8, 3), r"Conv2d kernel: expected a tuple of 2 integers, got 3"),
        (lambda: Conv2d(8, (3, 3, 3)), r"Conv2d kernel: expected a tuple of 2 integers"),
        (lambda: Conv2d(8, (3, 3), padding=(0, 0, 0, -1)), "Conv2d padding: expected an integer from 0"),
        (lambda: Conv2d(8, (3, 3), groups=3), "groups: 3 does not divide out_channels 8"),
        (lambda: Conv2d(8, (3, 3), bias=1), "bias: expected True or False"),
        (lambda: ExpertLinear(8, experts=2, active=3), "active: 3 is more than the 2 experts; nearest is 2"),
        (lambda: Linear(2.5), "Linear out_features: expected an integer, got 2.5"),
        (lambda: Linear(True), "expected an integer, got True"),
        (lambda: Linear(2**31), "expected an integer from 1"),
        (lambda: Linear(2, tied_to=3), "Linear tied_to"),
        (lambda: Pool2d("mean", (2, 2), (2, 2)), "unknown Pool2d kind 'mean'"),
        (lambda: Elementwise("rleu"), "did you mean 'relu'"),
        (lambda: Normalization("layers"), "did you mean 'layer'"),
        (lambda: Input(5), "Input shape: expected a tuple"),
        (lambda: Input("33"), "Input shape: expected a tuple"),
        (lambda: Transpose((0, 0)), "each axis once"),
        (lambda: Slice(0, 3, 3), "Slice stop - start"),
    ],
)
def test_bad_attributes_are_one_clear_line(make, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (Conv2d(8, (3, 3)), ((3, 8),), r"expected shape \(C, H, W\)"),
        (Conv2d(8, (3, 3)), ((3, 2, 8),), "a window of 3 does not fit an axis of 2"),
        (Conv2d(8, (3, 3), groups=2), ((3, 8, 8),), "does not divide the input's 3 channels"),
        (Pool2d("max", (3, 3), (1, 1)), ((4, 4),), r"expected shape \(C, H, W\)"),
        (Linear(3), ((),), "Linear input"),
        (ExpertLinear(4, experts=8, active=2), ((5, 3),), "5 rows are not 2 for each token"),
        (MatMul(), ((2, 3), (2, 3)), r"\(..., m, k\) x \(..., k, n\)"),
        (MatMul(), ((4, 2, 3), (5, 3, 2)), "leading dimensions"),
        (MatMul(), ((3,), (3, 2)), "MatMul input"),
        (Reshape((5,)), ((2, 3),), "does not hold"),
        (Transpose((1, 0)), ((2, 3, 4),), "does not fit"),
        (Concat(0), ((2, 3), (2, 4)), "differ outside axis 0"),
        (Concat(2), ((2, 3), (2, 3)), "is not an axis"),
        (Slice(0, 0, 3), ((2, 3),), "outside shape"),
    ],
)
def test_inputs_that_do_not_fit_are_errors(op, inputs, message):
    with pytest.raises(ChipgymError, match=message):
        op.infer(inputs)


def test_numpy_integers_and_lists_are_the_same_operator():
    assert Conv2d(np.int64(8), [3, np.int32(3)]) == Conv2d(8, (3, 3))
    assert type(Conv2d(np.int64(8), (3, 3)).out_channels) is int


@st.composite
def transposed(draw):
    groups = draw(st.integers(1, 3))
    op = ConvTranspose2d(
        groups * draw(st.integers(1, 2)),
        (draw(small), draw(small)),
        (draw(small), draw(small)),
        tuple(draw(st.integers(0, 1)) for _ in range(4)),
        (draw(st.integers(0, 1)), draw(st.integers(0, 1))),
        (draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        groups,
        draw(st.booleans()),
    )
    return op, (groups * draw(st.integers(1, 2)), draw(st.integers(2, 6)), draw(st.integers(2, 6)))


@settings(max_examples=60, deadline=None)
@given(transposed())
def test_a_transposed_convolution_is_the_convolution_backwards(case):
    """A convolution of its output, window for window, comes back to its input's size with as many products."""
    op, shape = case
    try:
        out = op.infer((shape,))
    except ChipgymError:
        assert any(op.padding)
        return
    reach = [d * (k - 1) + 1 for d, k in zip(op.dilation, op.kernel, strict=True)]
    for axis in (0, 1):
        padded = out[1 + axis] + op.padding[2 * axis] + op.padding[2 * axis + 1] - op.output_padding[axis]
        assert (padded - reach[axis]) // op.stride[axis] + 1 == shape[1 + axis]
        assert (padded - reach[axis]) % op.stride[axis] == 0
    taps = op.kernel[0] * op.kernel[1]
    assert op.macs((shape,), out) == shape[0] * shape[1] * shape[2] * taps * op.out_channels // op.groups
    assert op.parameters((shape,)) == shape[0] * op.out_channels // op.groups * taps + op.bias * op.out_channels


@pytest.mark.parametrize(
    ("op", "shape", "message"),
    [
        (lambda: ConvTranspose2d(3, (2, 2), groups=2), (4, 4, 4), "groups: 2 does not divide out_channels 3"),
        (lambda: ConvTranspose2d(4, (2, 2), groups=2), (3, 4, 4), "groups: 2 does not divide the input's 3"),
        (lambda: ConvTranspose2d(4, (1, 1), padding=(2, 2, 0, 0)), (4, 4, 4), "leaves nothing"),
        (lambda: ConvTranspose2d(4, (2, 2)), (4, 4), r"expected shape \(C, H, W\)"),
        (lambda: Generic("", (2,)), (4,), "Generic kind: expected a text"),
        (lambda: Generic("Gather", (0,)), (4,), "Generic shape: expected an integer from 1"),
        (lambda: Generic("Gather", (2,), -1), (4,), "Generic operations: expected an integer from 0"),
    ],
)
def test_operators_of_imports_that_do_not_fit(op, shape, message):
    b = NetworkBuilder("n")
    x = b.input(shape)
    with pytest.raises(ChipgymError, match=message):
        b.add(op(), x)


def test_a_generic_operator_has_an_input_and_no_trained_numbers():
    b = NetworkBuilder("n")
    with pytest.raises(ChipgymError, match="Generic takes at least 1 input"):
        b.add(Generic("Gather", (2,)))
    x = b.input((4,))
    b.add(Generic("Gather", (2,)), x, x)
    assert (b.build().macs, b.build().parameters) == (0, 0)


def test_what_outputs_need():
    b = NetworkBuilder("n")
    x = b.input((4,))
    first = b.linear(x, 4, bias=False, name="first")
    b.relu(first, name="unused")
    b.linear(x, 4, bias=False, tied_to="first", name="second")
    network = b.build(outputs=["second"])
    assert [node.name for node in network.nodes] == ["input", "first", "second"]
    with pytest.raises(ChipgymError, match="unknown node of 'n' 'third'"):
        b.build(outputs=["third"])

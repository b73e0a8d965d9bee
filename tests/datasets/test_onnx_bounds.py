"""Small ONNX files that ask for much: they load at once or are refused in one line, and nothing large is made."""

from __future__ import annotations

import os
import re
import tracemalloc

import numpy as np
import pytest

import chipgym.datasets.loaders.importing.writer
from chipgym.datasets import load_onnx
from chipgym.errors import ChipgymError

onnx = pytest.importorskip("onnx")
models = pytest.importorskip("onnx_models")
helper, TensorProto = onnx.helper, onnx.TensorProto
model, node, tensor, values, weight = models.model, models.node, models.tensor, models.values, models.weight


def answer(file):
    """The network of a file, or the one line that refuses it."""
    try:
        return load_onnx(file)
    except ChipgymError as error:
        return str(error)


def loaded(path, made):
    """What a model comes to; Python's own memory stays below 64 MiB on the way."""
    onnx.save(made, path / "small.onnx")
    tracemalloc.start()
    try:
        found = answer(path / "small.onnx")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 64 * 2**20
    assert "\n" not in (found if isinstance(found, str) else "")
    return found


def nested(depth, calls, last="Relu"):
    """Functions that each call the next some times, one after the other."""
    functions = []
    for level in range(depth):
        inner, domain = (f"F{level + 1}", "mine") if level + 1 < depth else (last, "" if last == "Relu" else "mine")
        names = ["a", *(f"t{i}" for i in range(1, calls)), "b"]
        body = [helper.make_node(inner, [names[i]], [names[i + 1]], domain=domain) for i in range(calls)]
        imports = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
        functions.append(helper.make_function("mine", f"F{level}", ["a"], ["b"], body, imports))
    made = model([helper.make_node("F0", ["x"], ["y"], domain="mine")], [("x", [1, 8])], domains=["mine"])
    made.functions.extend(functions)
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (nested(8, 8), r"its functions become 1\.92e\+07 operators, expected at most 50000"),
        (nested(40, 2), r"its functions become 2\.2e\+12 operators"),
        (nested(200, 1), "function 'F0' nests more than 64 functions"),
        (nested(3, 2, "F0"), "function 'F0' calls itself"),
        (nested(1, 1, "F0"), "function 'F0' calls itself"),
    ],
)
def test_functions_that_grow_without_bound_are_refused(tmp_path, made, message):
    assert len(made.SerializeToString()) < 40_000
    assert re.search(message, loaded(tmp_path, made))


def test_constants_in_functions_are_as_many_as_their_calls(tmp_path):
    made = nested(12, 2)
    constant = helper.make_node("Constant", [], ["c"], value=weight("c", 64, 1024))
    made.functions[-1].node.insert(0, constant)
    assert "its functions become 512 MiB, expected at most 256" in loaded(tmp_path, made)


def test_functions_within_bounds_are_resolved(tmp_path):
    network = loaded(tmp_path, nested(8, 2))
    assert sum(n.op.type_name == "Elementwise" for n in network.nodes) == 2**8
    assert len(loaded(tmp_path, nested(60, 1)).nodes) == 2


def test_a_model_of_too_many_operators_is_refused(tmp_path):
    chain = [helper.make_node("Relu", [f"t{i}" if i else "x"], [f"t{i + 1}"]) for i in range(50_001)]
    onnx.save(model(chain, [("x", [1, 8])]), tmp_path / "long.onnx")
    with pytest.raises(ChipgymError, match="has 50001 operators, expected at most 50000"):
        load_onnx(tmp_path / "long.onnx")


def test_recurrent_layers_of_very_many_steps_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(chipgym.datasets.loaders.importing.writer, "MAX_NODES", 2000)
    layer = node("LSTM", "x w r", ["y"], hidden_size=5)
    weights = [weight("w", 1, 20, 5), weight("r", 1, 20, 5)]
    assert "is a network of more than 2000 operators" in loaded(tmp_path, model([layer], [("x", [400, 1, 5])], weights))


HUGE = [
    ([node("ConstantOfShape", "s", "c"), node("Add", "x c")], [values("s", [10**6, 10**6])]),
    ([node("ConstantOfShape", "s", "c"), node("Add", "x c")], [values("s", [10**12])]),
    ([node("Range", "o b i", "c"), node("Add", "x c")], [values("o", 0), values("b", 10**12), values("i", 1)]),
    ([node("Tile", "x r", "c"), node("Relu", "c")], [values("r", [10**9, 10**9])]),
    ([node("Tile", "k r", "c"), node("Tile", "c r", "d"), node("Add", "x d")],
     [values("k", [1], np.float32), values("r", [10**9])]),
    ([node("Expand", "x r", "c"), node("Relu", "c")], [values("r", [10**12, 8])]),
    ([node("Pad", "k p", "c"), node("Add", "x c")], [values("k", [1], np.float32), values("p", [0, 10**12])]),
    ([node("OneHot", "k d v", "c"), node("Add", "x c")],
     [values("k", [1]), values("d", 10**12), values("v", [0, 1], np.float32)]),
    ([node("HannWindow", "k", "c"), node("Add", "x c")], [values("k", 10**12)]),
    ([node("HannWindow", "k", "c"), node("Add", "x c")], [values("k", 10**9)]),
    ([node("Resize", "k - - s", "c"), node("Add", "x c")],
     [values("k", [[1]], np.float32), values("s", [10**6, 10**6])]),
    ([node("Einsum", "k k k", "c", equation="i,j,k->"), node("Add", "x c")], [weight("k", 8192)]),
    ([node("MatMul", "k l", "c"), node("Add", "x c")], [weight("k", 8192, 1), weight("l", 1, 8192)]),
    ([node("Add", "k l", "c"), node("Add", "x c")], [weight("k", 8192, 1), weight("l", 1, 8192)]),
    ([node("Add", "x k")], [TensorProto(name="k", data_type=1, dims=[2**62, 2**62, 2**62])]),
    ([node("Add", "x k")], [TensorProto(name="k", data_type=1, dims=[-5, 3])]),
    ([node("Conv", "x k")], [TensorProto(name="k", data_type=1, dims=[2**31, 2**31, 1])]),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "weights"), HUGE)
def test_much_made_from_little_is_never_made(tmp_path, nodes, weights):
    found = loaded(tmp_path, model(nodes, [("x", [1, 1])], weights))
    assert re.search("axis|shape|known|fit|elements", found) if isinstance(found, str) else found.macs == 0


def branch(depth):
    """An If within an If within an If."""
    output = [helper.make_empty_tensor_value_info("z")]
    if depth == 0:
        return helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "leaf", [], output)
    inner = helper.make_node("If", ["yes"], ["z"], then_branch=branch(depth - 1), else_branch=branch(0))
    return helper.make_graph([inner], f"level{depth}", [], output)


@pytest.mark.parametrize("depth", [3, 24])
def test_branches_nest_as_deep_as_a_file_can_hold(tmp_path, depth):
    """A file of more than a hundred messages within one another is refused by protobuf."""
    made = model(
        [helper.make_node("If", ["yes"], ["y"], then_branch=branch(depth), else_branch=branch(0))],
        [("x", [1, 8])], [values("yes", True, np.bool_)],
    )  # fmt: skip
    assert len(loaded(tmp_path, made).nodes) == 2


def elsewhere(path, location, offset=0):
    """A reshape whose target lies in another file."""
    shape = TensorProto(name="s", data_type=TensorProto.INT64, dims=[2], data_location=TensorProto.EXTERNAL)
    shape.external_data.add(key="location", value=str(location))
    shape.external_data.add(key="offset", value=str(offset))
    (path / "model").mkdir(exist_ok=True)
    onnx.save(model([node("Reshape", "x s")], [("x", [2, 4])], [shape]), path / "model" / "small.onnx")
    return path / "model" / "small.onnx"


def test_numbers_elsewhere_are_read_from_the_models_folder_alone(tmp_path):
    numbers = np.array([0, 8, 1], "<i8").tobytes()
    file = elsewhere(tmp_path, "numbers.bin", 8)
    (tmp_path / "model" / "numbers.bin").write_bytes(numbers)
    assert load_onnx(file).outputs[0].shape == (8, 1)
    (tmp_path / "secret.bin").write_bytes(numbers)
    (tmp_path / "model" / "link.bin").symlink_to(tmp_path / "secret.bin")
    for location in ("../secret.bin", tmp_path / "secret.bin", "link.bin"):
        with pytest.raises(ChipgymError, match="outside the model's folder and is not read"):
            load_onnx(elsewhere(tmp_path, location))


@pytest.mark.parametrize("offset", [0, 20, -1, "far", 10**30])
def test_numbers_elsewhere_that_cannot_be_read_are_named(tmp_path, offset):
    file = elsewhere(tmp_path, "numbers.bin", offset)
    (tmp_path / "model" / "numbers.bin").write_bytes(b"\0" * 15)
    with pytest.raises(ChipgymError, match=r"'s' is in 'numbers\.bin', which cannot be read"):
        load_onnx(file)


def test_only_as_much_of_a_file_elsewhere_is_read_as_is_needed(tmp_path):
    file = elsewhere(tmp_path, "numbers.bin")
    with open(tmp_path / "model" / "numbers.bin", "wb") as numbers:
        numbers.write(np.array([8, 1], "<i8").tobytes())
        numbers.truncate(6 * 2**30)  # a hole: nothing is written
    tracemalloc.start()
    assert load_onnx(file).outputs[0].shape == (8, 1)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_a_pipe_elsewhere_is_not_waited_for(tmp_path):
    file = elsewhere(tmp_path, "pipe")
    os.mkfifo(tmp_path / "model" / "pipe")
    with pytest.raises(ChipgymError, match="which cannot be read"):
        load_onnx(file)


@pytest.mark.parametrize("repeated", ["names", "transposes", "gates"])
def test_long_chains_take_no_longer_than_they_are(tmp_path, repeated):
    """Names that repeat, moves behind moves, and products that could each end a function written out."""
    count = 4000
    if repeated == "names":
        nodes = [helper.make_node("Relu", [f"t{i}" if i else "x"], [f"t{i + 1}"], name="same") for i in range(count)]
    elif repeated == "transposes":
        nodes = [helper.make_node("Transpose", [f"t{i}" if i else "x"], [f"t{i + 1}"]) for i in range(count)]
        nodes += [helper.make_node("Mul", [f"t{count + i}", f"t{count}"], [f"t{count + i + 1}"]) for i in range(count)]
    else:
        nodes = [helper.make_node("Sigmoid", [f"t{i}" if i else "x"], [f"t{i + 1}"]) for i in range(count)]
        nodes += [helper.make_node("Mul", [f"t{i + 1}", f"t{count}"], [f"m{i + 1}"]) for i in range(count - 1)]
    onnx.save(model(nodes, [("x", [8, 8])], outputs=[nodes[-1].output[0]]), tmp_path / "long.onnx")
    assert len(load_onnx(tmp_path / "long.onnx").nodes) > count

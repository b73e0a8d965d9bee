"""`load_workload`: names, shorthand, files and workload objects, and a clear line for anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipgym.datasets import Linear, Network, NetworkBuilder, Workload, load_workload, network_names
from chipgym.errors import ChipgymError


class Stub:
    """A workload of another type, as kernels and traces will be."""

    name = "stub"
    digest = "0" * 64

    def features(self):
        return {"length": 1.0}


def test_names_and_objects():
    assert load_workload("resnet18").name == "resnet18"
    assert load_workload(" resnet18 ").batch == 1
    network = load_workload("alexnet", batch=np.int64(8))
    assert network.batch == 8
    assert load_workload(network) is network
    assert load_workload(network, batch=2).batch == 2
    assert isinstance(network, Workload)
    stub = Stub()
    assert load_workload(stub) is stub
    with pytest.raises(ChipgymError, match="'stub' is no network and has no batch"):
        load_workload(stub, batch=2)


def test_every_listed_name_loads():
    assert len(network_names()) >= 9
    assert all(isinstance(load_workload(name), Network) for name in network_names())


def test_shorthand_is_linear_layers_with_relu_between():
    network = load_workload("mlp:16-64-32-5")
    assert [node.name for node in network.nodes] == ["input", "fc1", "relu1", "fc2", "relu2", "fc3"]
    assert [node.op for node in network.matrix_nodes] == [Linear(64), Linear(32), Linear(5)]
    assert network.macs == 16 * 64 + 64 * 32 + 32 * 5
    assert network.parameters == network.macs + 64 + 32 + 5
    assert network.name == "mlp:16-64-32-5"
    assert load_workload(" MLP: 016 -64- 32-5").digest == network.digest
    assert load_workload("mlp:16-64-32-5", batch=3).macs == 3 * network.macs


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mlp:", "mlp:IN-HIDDEN-...-OUT, e.g. mlp:16-64-5"),
        ("mlp:16", "expected at least 2 widths"),
        ("mlp:16-", "width '' is not a whole number"),
        ("mlp:16--5", "width '' is not a whole number"),
        ("mlp:-16-5", "width '' is not a whole number"),
        ("mlp:16-6.5", "width '6.5' is not a whole number"),
        ("mlp:16-x-5", "width 'x' is not a whole number"),
        ("mlp:16-٥", "is not a whole number"),
        ("mlp:16-0-5", "width '0' is not from 1 to 1048576"),
        ("mlp:16-1048577", "width '1048577' is not from 1 to 1048576"),
        ("mlp:16-" + "9" * 10_000, "is not from 1 to 1048576"),
        ("mlp:" + "-".join(["1"] * 1001), "1001 widths, expected at most 1000"),
        ("mpl:16-5", "unknown shorthand 'mpl'; did you mean 'mlp'"),
        ("cnn:16-5", r"unknown shorthand 'cnn' \(known: mlp\)"),
    ],
)
def test_bad_shorthand(spec, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        load_workload(spec)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("resnet-18", "unknown workload 'resnet-18'; did you mean 'resnet18'"),
        ("RESNET18", "did you mean 'resnet18'"),
        ("zzz", "known: alexnet"),
        ("", "got an empty text"),
        ("  ", "got an empty text"),
        ("missing.csv", "file 'missing.csv': does not exist"),
        ("missing.onnx", "file 'missing.onnx': does not exist"),
        ("some/where/missing", "file 'some/where/missing': does not exist"),
        (Path("missing"), "file 'missing': does not exist"),
        ("a\0b.csv", "cannot be read"),
        ("x" * 100_000, "unknown workload 'xxx"),
        ("x" * 100_000 + ".csv", "cannot be read"),
        (3, "expected a name, a path or a workload, got 3"),
        (None, "expected a name, a path or a workload, got None"),
        (b"resnet18", "expected a name, a path or a workload"),
        (["resnet18"], "expected a name, a path or a workload"),
        (Network, "expected a name, a path or a workload"),
    ],
)
def test_what_is_no_workload(spec, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        load_workload(spec)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("batch", [0, -1, 2.0, "2", True, 2**31])
def test_bad_batch(batch):
    with pytest.raises(ChipgymError, match="batch: expected an integer"):
        load_workload("alexnet", batch=batch)


def test_files_by_path_and_by_name_in_the_folder(tmp_path, monkeypatch):
    text = "Layer,M,N,K\nA,2,3,4\n"
    for name in ("net.csv", "NET2.CSV", "resnet18"):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    for spec in ("net.csv", "NET2.CSV", tmp_path / "net.csv", str(tmp_path / "net.csv"), "./net.csv"):
        assert load_workload(spec, batch=5).macs == 5 * 24
    assert load_workload("resnet18").macs > 10**9  # a registered name comes before a file


def test_a_file_of_another_format(tmp_path, monkeypatch):
    (tmp_path / "model.tflite").write_bytes(b"\x08\x07")
    (tmp_path / "model").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ChipgymError, match=r"unknown format '.tflite', known: .csv \(SCALE-Sim topology\), .onnx \(ONNX model\)"
    ):
        load_workload("model.tflite")
    for name, way in (("a.keras", "through ONNX"), ("a.pt", "from_torch"), ("a.cpp", "no reader for C")):
        (tmp_path / name).touch()
        with pytest.raises(ChipgymError, match=rf"unknown format '\{Path(name).suffix}', known: .*; .*{way}"):
            load_workload(tmp_path / name)
    with pytest.raises(ChipgymError, match="unknown format 'without extension'"):
        load_workload("model")


def test_a_network_of_ones_own():
    b = NetworkBuilder("mine")
    b.linear(b.input((4,)), 2)
    assert load_workload(b.build(), batch=3).macs == 24


def test_lengths_behind_a_name():
    network = load_workload("bert_base:seq=64", batch=2)
    assert (network.name, network.node("embeddings.input_ids").shape, network.batch) == ("bert_base:seq=64", (64,), 2)
    step = load_workload(" llama-3-8b:seq=1, past=7 ")
    assert step.name == "llama-3-8b:seq=1,past=7"
    assert step.node("layers.0.self_attn.past_keys").shape == (8, 7, 128)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bert_base:sq=64", "unknown setting of 'bert_base' 'sq'; did you mean 'seq'"),
        ("bert_base:seq=a", "'seq=a' is not of the form NAME=NUMBER"),
        ("bert_base:seq=", "'seq=' is not of the form"),
        ("bert_base:seq=1,", "'' is not of the form"),
        ("bert_base:seq=1,seq=2", "'seq' is given twice"),
        ("bert_base:seq=9999999999", "'seq=9999999999' is beyond"),
        ("bert_base:seq=1x2", "bert_base seq: expected an integer"),
        ("bert_base:seq=513", "513 tokens, at most 512"),
        ("resnet18:seq=1", "workload 'resnet18' has no settings, got 'seq'"),
        ("cloud-1:seq=1", "workload 'cloud-1' has no settings, got 'seq'"),
        ("net.csv:seq=1", "workload 'net.csv' has no settings, got 'seq'"),
        ("resnet81:seq=1", "unknown workload 'resnet81'; did you mean 'resnet50'"),
        ("net.onnx:seq=1", "file 'net.onnx': does not exist"),
    ],
)
def test_settings_that_do_not_fit(spec, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        load_workload(spec)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_has_a_neighbour(tmp_path):
    for name in ("small.onnx", "small.csv", "elsewhere.onnx"):
        (tmp_path / name).touch()
    with pytest.raises(ChipgymError, match=r"smal.onnx': does not exist; did you mean '.*/small.onnx'\?$"):
        load_workload(tmp_path / "smal.onnx")
    for name in ("small.stl", "x/small.onnx"):
        with pytest.raises(ChipgymError, match=r"does not exist$"):
            load_workload(tmp_path / name)


def test_a_torch_module_is_no_workload_yet():
    torch = pytest.importorskip("torch")
    with pytest.raises(ChipgymError, match=r"got Linear\(.*; chipgym.datasets.from_torch\(module, inputs\) makes one"):
        load_workload(torch.nn.Linear(2, 3))

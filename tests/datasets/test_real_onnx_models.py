"""Real models: those that the onnx package ships without their weights, and those of other packages where installed."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import pytest

import chipgym
from chipgym.datasets import load_onnx, load_workload

onnx = pytest.importorskip("onnx")
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

#: Parameters and giga multiply-accumulates that torchvision's documentation (https://pytorch.org/vision/stable/
#: models.html: `num_params`, GFLOPS) has of the same networks; squeezenet is version 1.1.
PUBLISHED = {
    "resnet50": (25_557_032, 4.089),
    "vgg19": (143_667_240, 19.632),
    "densenet121": (7_978_856, 2.834),
    "squeezenet": (1_235_496, 0.349),
}


def light(name):
    path = LIGHT / f"light_{name}.onnx"
    if not path.exists():
        pytest.skip("this onnx package ships no models")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_onnx(path)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name):
    network = light(name)
    parameters, giga_macs = PUBLISHED[name]
    assert network.parameters == parameters
    assert round(network.macs / 1e9, 3) == giga_macs


def test_resnet50_costs_what_the_named_network_costs():
    """An export of caffe2's with a softmax at the end, and the network written by hand: the same products."""
    found, named = light("resnet50"), load_workload("resnet50")
    assert found.macs == named.macs
    a, b = (chipgym.make_simulator("systolic", n) for n in (found, named))
    assert products(a) == products(b)
    assert a.evaluate({})["dram_filter_reads"] == b.evaluate({})["dram_filter_reads"]


def products(sim) -> set[tuple[float, ...]]:
    """The distinct matrix products that a simulator runs, each with how often it occurs."""
    return {(*row, count) for row, count in zip(sim.network.matrix.tolist(), sim.network.matrix_counts, strict=True)}


#: Multiply-accumulates by another count: the shapes that onnxruntime makes with every tensor as an output, times each
#: weight's size (docs/workloads.md has the counts of onnx-tool beside them).
INSTALLED = [
    ("rapidocr_onnxruntime", "models/ch_PP-OCRv4_det_infer.onnx", "x=1x3x640x640", 2_301_935_744),
    ("rapidocr_onnxruntime", "models/ch_PP-OCRv4_rec_infer.onnx", "x=1x3x48x320", 702_469_440),
    ("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx", "x=1x3x48x192", 16_315_376),
    ("silero_vad", "data/silero_vad_openvino_16k.onnx", "", 679_552),
    ("silero_vad", "data/silero_vad_16k_sequence.onnx", "sequence_length=4", 2_982_400),
    ("silero_vad", "data/silero_vad.onnx", "sr=16000,input=1x576,state=2x1x128", 679_552),
    ("silero_vad", "data/silero_vad_op18_ifless.onnx", "sr=16000,sequence=576", 679_552),
    ("magika", "models/standard_v3_3/model.onnx", "", 366_717_952),
]


@pytest.mark.parametrize(("package", "file", "setting", "macs"), INSTALLED)
def test_models_of_installed_packages(package, file, setting, macs):
    found = importlib.util.find_spec(package)
    path = Path((found.submodule_search_locations or [""])[0], file) if found else None
    if path is None or not path.exists():
        pytest.skip(f"{package} is not installed")
    network = load_workload(f"{path}:{setting}" if setting else path)
    assert network.macs == macs
    assert chipgym.make_simulator("systolic", network).evaluate({})["feasible"].all()

"""The same PyTorch module in a project that the hls4ml package writes, where it is installed; no vendor tool is run."""

from __future__ import annotations

import re

import numpy as np
import pytest

from chipgym.datasets.loaders import from_torch
from chipgym.simulators.hls4ml import Hls4mlSimulator

hls4ml = pytest.importorskip("hls4ml")
torch = pytest.importorskip("torch")


def perceptron():
    nn = torch.nn
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 5)), (16,)


def convolutional():
    nn = torch.nn
    layers = (nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(36, 10))
    return nn.Sequential(*layers), (3, 12, 12)


def project(module, shape, folder, reuse, io_type):
    """hls4ml's graph and the header of its layers' parameters, strategy resource, one reuse factor for each layer."""
    config = hls4ml.utils.config_from_pytorch_model(
        module, shape, granularity="name", default_precision="ap_fixed<16,6>", channels_last_conversion="full",
        transpose_outputs=False,
    )  # fmt: skip
    config["Model"]["Strategy"] = "Resource"
    named = [name for name in config["LayerName"] if re.fullmatch(r"_?\d+", name)]
    indices = [i for i, layer in enumerate(module) if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)]
    for i, factor in zip(indices, reuse, strict=True):
        (name,) = [n for n in named if n.strip("_") == str(i)]
        config["LayerName"][name] |= {"Strategy": "Resource", "ReuseFactor": int(factor)}
    graph = hls4ml.converters.convert_from_pytorch_model(
        module, hls_config=config, output_dir=str(folder), backend="Vivado", io_type=io_type,
        part="xcu250-figd2104-2L-e",
    )  # fmt: skip
    graph.write()
    return graph, (folder / "firmware" / "parameters.h").read_text(encoding="utf-8")


@pytest.mark.parametrize("build", [perceptron, convolutional])
@pytest.mark.parametrize("seed", range(3))
def test_layers_reuse_factors_and_multipliers(build, seed, tmp_path):
    module, shape = build()
    stream = build is convolutional
    sim = Hls4mlSimulator(from_torch(module, torch.zeros(1, *shape)), granularity="layer")
    layers = sim.network.matrix_layers
    row = sim.space.design(sim.space.sample(1, np.random.default_rng(seed))[0])
    design = row | {"strategy": "resource", "io_type": "io_stream" if stream else "io_parallel", "activation_bits": 16}
    design |= {f"weight_bits_{i}": 16 for i in range(len(layers))}
    reuse = [design[f"reuse_factor_{i}"] for i in range(len(layers))]
    graph, header = project(module, shape, tmp_path, reuse, design["io_type"])

    theirs = [layer for layer in graph.get_layers() if layer.class_name in ("Dense", "Conv2D", "PointwiseConv2D")]
    sizes = [graph.config.backend.get_layer_mult_size(layer)[:2] for layer in theirs]
    assert sizes == [(layer.n_in, layer.n_out) for layer in layers]
    assert [layer.get_attr("reuse_factor") for layer in theirs] == reuse  # as asked: none was moved to a nearest one
    assert {layer.get_attr("strategy") for layer in theirs} == {"resource"}
    assert graph.config.pipeline_style == "dataflow"

    limit = "DIV_ROUNDUP(n_in * n_out, reuse_factor) - n_zeros / reuse_factor"
    assert header.count(f"multiplier_limit = {limit}") == len(layers)
    dsp = dict(zip((layer.name for layer in sim.network.layers), sim.evaluate_layers(design)["dsp"], strict=True))
    for layer, (n_in, n_out), factor in zip(layers, sizes, reuse, strict=True):
        if factor > 1:
            assert dsp[layer.name] == -(-n_in * n_out // factor)
    assert header.count("typedef model_default_t accum_t") >= len(layers)  # ap_fixed<16,6>

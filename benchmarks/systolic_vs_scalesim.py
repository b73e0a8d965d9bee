#!/usr/bin/env python3
"""The systolic simulator against SCALE-Sim 3.0.0 on the same layers and array: single-core CPU-seconds and their ratio.

SCALE-Sim comes from PyPI into a virtual environment of its own (`.bench-venv`), since it needs numpy 1.26. A whole
ResNet-18 on a 128 x 128 array takes it minutes, so that a few layers of it stand for the rest. Both tools run one
thread; starting Python and importing are not counted for either, and this simulator has been compiled before.

Also printed: layer evaluations per CPU-second on the whole of ResNet-18, and the peak memory of a process that
evaluates a million designs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Before numpy and numba are imported, which read them once.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import numpy as np  # noqa: E402

import chipgym  # noqa: E402
from chipgym.datasets.loaders.scalesim import parse_scalesim  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".bench-venv"
# SCALE-Sim 3.0.0 leaves its requirements open, and fails on numpy 2.
REQUIREMENTS = ("scalesim==3.0.0", "numpy==1.26.4", "pandas<3")

# Layers of ResNet-18 as SCALE-Sim's topology has them (no padding): ifmap height and width, filter height and width,
# channels, filters, stride. One of each stage, and the first.
LAYERS = {
    "conv1": (224, 224, 7, 7, 3, 64, 2),
    "layer1": (56, 56, 3, 3, 64, 64, 1),
    "layer2_down": (56, 56, 1, 1, 64, 128, 2),
    "layer3": (14, 14, 3, 3, 256, 256, 1),
    "layer4": (7, 7, 3, 3, 512, 512, 1),
}
ARRAY, DATAFLOW, SRAM_KB = 128, "ws", (256, 256, 128)

CONFIG = """[general]
run_name = benchmark
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
[architecture_presets]
ArrayHeight = {array}
ArrayWidth = {array}
IfmapSramSzkB = {ifmap}
FilterSramSzkB = {filter}
OfmapSramSzkB = {ofmap}
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = {dataflow}
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
FilterCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = False
"""

# Runs inside SCALE-Sim's environment; prints the CPU-seconds of the simulation and its cycles per layer.
DRIVER = """
import contextlib, io, sys, time
from scalesim.scale_sim import scalesim
with contextlib.redirect_stdout(io.StringIO()):
    run = scalesim(save_disk_space=True, verbose=False, config="scale.cfg", topology="layers.csv", layout="layout.csv")
    start = time.process_time()
    run.run_scale(top_path="out")
    seconds = time.process_time() - start
cycles = [layer.get_compute_report_items()[1] for layer in run.runner.single_layer_sim_object_list]
print(seconds, *cycles)
"""


def topology() -> str:
    """Write the layers as a SCALE-Sim topology file."""
    header = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
    return "\n".join([header, *(f"{name}, {', '.join(map(str, sizes))}," for name, sizes in LAYERS.items())]) + "\n"


def scalesim_python() -> Path:
    """Return the interpreter of SCALE-Sim's environment, which is made where it does not exist."""
    python = VENV / "bin" / "python"
    done = VENV / "installed"
    if not done.exists():
        sys.stderr.write(f"installing SCALE-Sim into {VENV}\n")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        done.touch()
    return python


def run_scalesim() -> tuple[float, list[int]]:
    """Measure CPU-seconds of SCALE-Sim on all layers, and return them with its total cycles for each."""
    python = scalesim_python()
    with tempfile.TemporaryDirectory() as folder:
        ifmap, filters, ofmap = SRAM_KB
        config = CONFIG.format(array=ARRAY, ifmap=ifmap, filter=filters, ofmap=ofmap, dataflow=DATAFLOW)
        Path(folder, "scale.cfg").write_text(config)
        Path(folder, "layers.csv").write_text(topology())
        # Read by SCALE-Sim whether or not a layout is modelled: one row of twenty factors for each layer.
        rows = [f"{name}, {', '.join(['1'] * 20)}," for name in LAYERS]
        Path(folder, "layout.csv").write_text("\n".join(["Layer name, factors,", *rows]) + "\n")
        out = subprocess.run(
            [str(python), "-c", DRIVER], cwd=folder, check=True, capture_output=True, text=True, env=os.environ
        )
    seconds, *cycles = out.stdout.split()[-1 - len(LAYERS) :]
    return float(seconds), [round(float(c)) for c in cycles]


def run_chipgym() -> tuple[float, list[int]]:
    """Measure CPU-seconds of one evaluation of the same layers, the best of several.

    Its compute cycles for each layer come with them.
    """
    sim = chipgym.make_simulator("systolic", workload=parse_scalesim(topology(), name="layers", file="layers"))
    sizes = zip(("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb"), SRAM_KB, strict=True)
    design = {"rows": ARRAY, "cols": ARRAY, "dataflow": DATAFLOW, "dram_bandwidth": float("inf"), **dict(sizes)}
    layers = sim.evaluate_layers(design)
    repeats, best = 200, float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            sim.evaluate(design)
        best = min(best, (time.process_time() - start) / repeats)
    return best, [int(c) for c in layers["compute_cycles"]]


def throughput(designs: int = 20_000) -> float:
    """Measure matrix-layer evaluations of ResNet-18 per CPU-second, in batches."""
    sim = chipgym.make_simulator("systolic", workload="resnet18")
    rows = sim.space.sample(designs, np.random.default_rng(0))
    sim.evaluate(rows[:100])
    start = time.process_time()
    sim.evaluate(rows)
    return designs * len(sim.workload.matrix_nodes) / (time.process_time() - start)


MILLION = """
import resource
import numpy as np
import chipgym
sim = chipgym.make_simulator("systolic", workload="resnet18")
sim.evaluate(sim.space.sample(1_000_000, np.random.default_rng(0)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_memory_gb() -> float:
    """Measure the most memory, in GB, of a process of its own that evaluates a million designs."""
    out = subprocess.run([sys.executable, "-c", MILLION], check=True, capture_output=True, text=True)
    return int(out.stdout) * 1024 / 1e9


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-scalesim", action="store_true", help="measure this simulator alone")
    arguments = parser.parse_args()
    ours, our_cycles = run_chipgym()
    print(f"{len(LAYERS)} layers of ResNet-18 on one {ARRAY} x {ARRAY} {DATAFLOW} array, CPU-seconds on one core")
    print(f"  chipgym          {ours:.3g}")
    if not arguments.without_scalesim:
        theirs, their_cycles = run_scalesim()
        print(f"  SCALE-Sim 3.0.0  {theirs:.3g}")
        print(f"  ratio            {theirs / ours:,.0f}")
        same = all(a == b + 1 for a, b in zip(our_cycles, their_cycles, strict=True))
        print(
            f"  cycles           {'equal' if same else 'DIFFERENT'} but for the one that SCALE-Sim leaves out a layer"
        )
    print(f"layer evaluations of ResNet-18 per CPU-second, in batches: {throughput():,.0f}")
    print(f"peak memory of a million designs: {peak_memory_gb():.2f} GB")


if __name__ == "__main__":
    main()

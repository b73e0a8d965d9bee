#!/usr/bin/env python3
"""Requests and DRAM cycles per CPU-second of the memory simulator, beside those of DRAMSys, Ramulator and DRAMsim3.

Without `--reference` the named traces run alone. With it, a folder with `memory/traces/*.stl` and
`memory/peer_speed.csv` (single-core CPU-seconds of the peers, measured on one machine), every trace there runs too;
the peers ran longer traces of the same kinds, so that figures per request and per cycle compare, not totals. The mean
of 64 random designs is timed, with arguments checked and answers made; compiling is not counted.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections import defaultdict
from pathlib import Path

# One core, as the peers: before numpy and numba are imported, which read them once.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import numpy as np  # noqa: E402

import chipgym  # noqa: E402
from chipgym.datasets import trace_names  # noqa: E402

DEVICES = ("DDR3-1600", "DDR4-2400", "LPDDR4-3200", "HBM2")
#: DRAMSys 5.0 with its power model and without its database, on ArchGym's cloud-1 (10,000 requests, DDR3-1600).
DRAMSYS_CLOUD_1_S = 0.039


def measure(workload: str, device: str, designs: int = 64, repeats: int = 3) -> tuple[float, float, float]:
    """Measure CPU-seconds of one evaluation, requests and DRAM cycles per CPU-second; the best of several."""
    sim = chipgym.make_simulator("memory", workload=workload, device=device)
    rows = sim.space.sample(designs, np.random.default_rng(0))
    sim.evaluate(rows[:1])
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        out = sim.evaluate(rows)
        best = min(best, (time.process_time() - start) / designs)
    return best, len(sim.workload) / best, float(out["cycles"].mean()) / best


def peers(path: Path) -> dict[str, list[tuple[str, str, float, float]]]:
    """Read (simulator, device, requests per second, cycles per second) by trace."""
    found = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["trace"]].append((row["sim"], row["device"], float(row["req_per_s"]), float(row["cyc_per_s"])))
    return found


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, help="folder with memory/traces and memory/peer_speed.csv")
    arguments = parser.parse_args()
    workloads = {name: name for name in trace_names()}
    recorded: dict[str, list[tuple[str, str, float, float]]] = {}
    if arguments.reference:
        folder = arguments.reference / "memory"
        workloads |= {path.stem: str(path) for path in sorted((folder / "traces").glob("*.stl"))}
        recorded = peers(folder / "peer_speed.csv")
    print(f"{'trace':26} {'device':12} {'simulator':26} {'ms':>8} {'requests/s':>12} {'DRAM cycles/s':>14}")
    for name, workload in workloads.items():
        for device in DEVICES if name == "cloud-1" else DEVICES[:2]:
            seconds, requests, cycles = measure(workload, device)
            print(f"{name:26} {device:12} {'chipgym':26} {seconds * 1e3:8.2f} {requests:12,.0f} {cycles:14,.0f}")
        for simulator, device, requests, cycles in recorded.get(name, []):
            print(f"{name:26} {device:12} {simulator:26} {'':8} {requests:12,.0f} {cycles:14,.0f}")
    trace = workloads.get("ag_cloud-1", "cloud-1")
    seconds = measure(trace, "DDR3-1600")[0]
    print(
        f"an evaluation of {Path(trace).stem}: {seconds * 1e3:.2f} ms, DRAMSys 5.0 / {DRAMSYS_CLOUD_1_S / seconds:.1f}"
    )


if __name__ == "__main__":
    main()

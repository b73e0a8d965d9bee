"""Collecting a table, looking designs up in it, and searching it.

    python benchmarks/table_lookups.py [--workload resnet18] [--jobs 2]

The table has 20,736 systolic designs. Look-ups are whole evaluations, with all metrics of every design, from columns of
values; all are timed in one run by the clock, the best of `--repeats`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import chipgym

SPACE = {
    "rows": [16, 32, 64, 128], "cols": [16, 32, 64, 128], "num_arrays": [1, 2], "ifmap_sram_kb": [32, 128, 512],
    "filter_sram_kb": [32, 128, 512], "ofmap_sram_kb": [32, 128, 512], "dram_bandwidth": [4, 8, 16, 32],
    "clock_mhz": [400, 800], "loop_order": "best",
}  # fmt: skip
LOOKUPS = 1_000_000


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the time of the shortest of several runs, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def collected(path: Path, workload: str, jobs: int) -> chipgym.search.Collection:
    """Collect the space, and print how long that took with and without the start of processes."""
    rates: list[float] = []
    start = time.perf_counter()
    done = chipgym.collect(
        "systolic", path, workload=workload, space=SPACE, jobs=jobs, callback=lambda p: rates.append(p.rate)
    )
    took = time.perf_counter() - start
    print(f"collect with jobs={jobs}: {done.designs:,} designs in {took:.1f} s; once begun {rates[-1]:,.0f} a second")
    return done


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", default="resnet18")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        for jobs in sorted({1, args.jobs}):
            done = collected(Path(folder, f"{jobs}.parquet"), args.workload, jobs)
        size = done.path.stat().st_size
        print(f"file: {size:,} bytes, {size / done.designs:.1f} per design of {len(done.header.metrics)} metrics")
        print(f"load and verify: {seconds(lambda: chipgym.load_table(done.path), args.repeats) * 1e3:.0f} ms")
        simulator = chipgym.make_simulator("tabular", done.path)

    rows = simulator.space.sample(LOOKUPS, np.random.default_rng(0))
    columns = simulator.space.decode(rows)
    batch = seconds(lambda: simulator.evaluate_columns(columns, LOOKUPS), args.repeats)
    print(f"look-ups: {LOOKUPS / batch:,.0f} designs a second in a batch of {LOOKUPS:,}")
    one = seconds(lambda: [simulator.evaluate(row) for row in rows[:1000]], args.repeats) / 1000
    print(f"one by one: {one * 1e6:.0f} µs")
    problem = chipgym.make_problem(simulator, objective="edp", constraints="area_mm2 <= 10")
    search = seconds(lambda: chipgym.optimize(problem, "random", 1000), args.repeats)
    print(f"random search of 1,000 evaluations: {search * 1e3:.1f} ms")
    truth = seconds(lambda: chipgym.search.ground_truth(problem), args.repeats)
    print(f"ground truth of {done.designs:,} designs: {truth * 1e3:.0f} ms")


if __name__ == "__main__":
    main()

"""Designs per CPU-second of the hls4ml simulator, in batches and one at a time.

    python benchmarks/hls4ml_designs.py [--designs 50000] [--repeats 3]

Timed by the processor time of this process, best of `--repeats`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import chipgym

CASES = (("jet_tagger", "model"), ("jet_tagger", "layer"), ("svhn_cnn", "layer"))


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Measure the processor time of a run, the best of several."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--designs", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for workload, granularity in CASES:
        simulator = chipgym.make_simulator("hls4ml", workload, granularity=granularity)
        rows = simulator.space.sample(arguments.designs, np.random.default_rng(0))
        simulator.evaluate(rows[:100])
        batch = seconds(lambda s=simulator, r=rows: s.evaluate(r), arguments.repeats) / len(rows)
        few = rows[:200]
        one = seconds(lambda s=simulator, r=few: [s.evaluate(row) for row in r], arguments.repeats) / len(few)
        print(f"{workload}, by {granularity}: {1 / batch:,.0f} designs/s in batches, {1 / one:,.0f} one at a time")


if __name__ == "__main__":
    main()

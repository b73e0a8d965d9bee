"""Mappings of Llama 3 8B evaluated per CPU-second, prefill and decoding, at both fidelities of the dataflow simulator.

    python benchmarks/dataflow_mappings.py [--mappings 4000]

Random ones, of which the infeasible are rejected before they are timed, and feasible ones alone.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import chipgym


def rate(simulator: chipgym.simulators.Simulator, rows: np.ndarray) -> float:
    """Measure designs per CPU-second of one batch, the kernel already compiled."""
    simulator.evaluate(rows[:2])
    start = time.process_time()
    simulator.evaluate(rows)
    return len(rows) / (time.process_time() - start)


def main() -> None:
    """Print a line for each fidelity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mappings", type=int, default=4000)
    mappings = parser.parse_args().mappings
    for fidelity in ("fast", "event"):
        sim = chipgym.make_simulator("dataflow", "llama-3-8b", input_tokens=1024, output_tokens=1024, fidelity=fidelity)
        rows = sim.space.sample(4 * mappings, np.random.default_rng(0))
        feasible = rows[sim.evaluate(rows)["feasible"]][:mappings]
        print(
            f"{fidelity:6} {rate(sim, rows[:mappings]):8,.0f} random mappings per CPU-second, "
            f"{rate(sim, feasible):8,.0f} feasible ones"
        )


if __name__ == "__main__":
    main()

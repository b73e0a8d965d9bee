"""Where the time of a search of a large problem goes: to the simulator, or to the agent.

    python benchmarks/large_problems.py [--agents random,hill_climbing,…] [--seconds 2]

The problem is the latency of BERT-Base on the dataflow machine, whose mapping has 65 knobs. Each agent searches for
about `--seconds`, at its own batch; times are CPU time of this process.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import chipgym
from chipgym.simulators import Metrics, Simulator

AGENTS = ("random", "sobol", "annealing", "aco", "hill_climbing", "genetic", "nsga2", "auto", "tpe", "bottleneck")
#: Designs of a first search, which compiles and tells how many a second has time for.
FIRST = 40


class Clock:
    """Counts the CPU-seconds that a simulator's evaluations take."""

    def __init__(self, simulator: Simulator) -> None:
        self.seconds = 0.0
        self._evaluate = simulator.evaluate_columns
        simulator.evaluate_columns = self._timed  # type: ignore[method-assign]

    def _timed(self, columns: Any, n: int) -> Metrics:
        start = time.process_time()
        out = self._evaluate(columns, n)
        self.seconds += time.process_time() - start
        return out


def main() -> None:
    """Print a row per agent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", default=",".join(AGENTS))
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()

    problem = chipgym.make_problem("dataflow", workload="bert_base")
    clock = Clock(problem.simulator)
    print(f"{len(problem.space)} knobs; microseconds of CPU time per evaluated design")
    print(f"{'agent':<14}{'designs':>9}{'in all':>10}{'simulator':>11}{'share':>8}")
    for agent in args.agents.split(","):
        chipgym.optimize(problem, agent, FIRST, seed=1)
        start = time.process_time()
        chipgym.optimize(problem, agent, FIRST, seed=2)
        budget = max(FIRST, int(FIRST * args.seconds / max(time.process_time() - start, 1e-3)))
        clock.seconds, start = 0.0, time.process_time()
        chipgym.optimize(problem, agent, budget, seed=0)
        whole = time.process_time() - start
        micro = 1e6 / budget
        share = f"{clock.seconds / whole:.0%}"
        print(f"{agent:<14}{budget:>9,}{whole * micro:>10.0f}{clock.seconds * micro:>11.0f}{share:>8}", flush=True)


if __name__ == "__main__":
    main()

"""Evaluations per second of a search over workers, for a slow simulator, beside one process.

    python benchmarks/scaling.py [--jobs 1 2 4] [--workers 1 2 4] [--evaluations 48] [--workload alexnet]

The simulator is systolic arrays with a memory in the loop, whose kernels have one thread in every case. Workers are
processes of this machine, and those of a Ray cluster that is started on it. Each is warm before it is timed; what it
takes to start them, and a search with them, is a column of its own. More workers than cores cannot be faster.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np

import chipgym
from chipgym.search.evaluating import evaluator, joined
from chipgym.search.workers import Backend


def measure(problem: chipgym.Problem, rows: np.ndarray, where: Backend, batch: int) -> tuple[float, float, float]:
    """Return seconds until the first answers, evaluations per second after that, and the best objective."""
    begun = time.perf_counter()
    with evaluator(problem, (), where) as evaluate:
        evaluate(rows[: 4 * evaluate.width])
        ready = time.perf_counter()
        parts = [joined(evaluate(rows[at : at + batch])[0]) for at in range(0, len(rows), batch)]
        done = time.perf_counter()
    return ready - begun, len(rows) / (done - ready), float(np.nanmin(joined(parts).objectives))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", default="alexnet")
    parser.add_argument("--evaluations", type=int, default=48)
    parser.add_argument("--batch", type=int, default=16, help="designs of an ask, which are evaluated side by side")
    counts = sorted({1, 2, os.cpu_count() or 1})
    parser.add_argument("--jobs", type=int, nargs="+", default=counts, help="processes of this machine")
    parser.add_argument("--workers", type=int, nargs="+", default=counts, help="workers of Ray; 0 for none")
    args = parser.parse_args()

    problem = chipgym.make_problem("systolic", args.workload, objective="edp", memory="DDR4-2400")
    rows = problem.space.sample(args.evaluations, np.random.default_rng(0))
    places = [Backend("process", n) for n in dict.fromkeys((1, *args.jobs))]
    if importlib.util.find_spec("ray") is None:
        print("Ray is not installed: pip install 'chipgym[ray]'")
    else:
        places += [Backend("ray", n) for n in args.workers if n]
    print(f"{problem.simulator.name}/{args.workload}, {len(rows)} designs, {os.cpu_count()} cores")
    print(f"{'':<14}{'first answer, s':>18}{'evaluations/s':>16}{'to one process':>16}")
    alone = best = 0.0
    for where in places:
        ready, rate, found = measure(problem, rows, where, args.batch)
        alone, best = alone or rate, best or found
        if found != best:
            raise SystemExit(f"{where}: found {found}, one process {best}")
        title = "one process" if where.here else f"{where.name}, {where.workers}"
        print(f"{title:<14}{ready:>18.2f}{rate:>16.2f}{rate / alone:>16.2f}")


if __name__ == "__main__":
    main()

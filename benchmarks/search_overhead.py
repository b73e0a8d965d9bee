"""Evaluations per CPU-second of a whole search, beside Optuna's own loop and storage with the same problem.

    python benchmarks/search_overhead.py [--budget 20000] [--trials 500]

Both draw designs at random, so that what is timed is the loop, the log and the store, not an agent's thinking. Each
runs in memory and in an SQLite file (ours: a transaction per batch; Optuna: its RDB storage), in one process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna

import chipgym

PROBLEM = {"simulator": "systolic", "workload": "mlp:256-256", "objective": "edp"}


def rate(evaluations: int, run: Callable[[], object]) -> float:
    """Measure evaluations per CPU-second of this process."""
    start = time.process_time()
    run()
    return evaluations / (time.process_time() - start)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=20_000, help="designs that ours evaluates")
    parser.add_argument("--trials", type=int, default=500, help="designs that Optuna evaluates")
    args = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    problem = chipgym.make_problem(**PROBLEM)
    chipgym.optimize(problem, "random", 100)  # compiles

    def study(storage: str | None) -> None:
        one = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), storage=storage)
        one.optimize(chipgym.search.optuna_objective(problem), n_trials=args.trials)

    with tempfile.TemporaryDirectory() as folder:
        places = {"in memory": (None, None), "SQLite": (Path(folder) / "ours.db", f"sqlite:///{folder}/optuna.db")}
        print(f"{'':<12}{'chipgym':>14}{'Optuna':>14}{'ratio':>10}   evaluations per CPU-second, designs at random")
        for title, (store, storage) in places.items():
            ours = rate(args.budget, lambda store=store: chipgym.optimize(problem, "random", args.budget, store=store))
            theirs = rate(args.trials, lambda storage=storage: study(storage))
            print(f"{title:<12}{ours:>14,.0f}{theirs:>14,.0f}{ours / theirs:>10.1f}")


if __name__ == "__main__":
    main()

"""CPU time of a whole search, beside Optuna's own loop, storage and samplers with the same problem.

    python benchmarks/search_overhead.py [--budget 20000] [--trials 500]

The first table is of evaluations per CPU-second. Both draw designs at random, so that what is timed is the loop, the
log and the store, not an agent's thinking. Each runs in memory and in an SQLite file (ours: a transaction per batch;
Optuna: its RDB storage), in one process.

The second is of CPU-microseconds per design that is evaluated by a look-up in a table, in memory: the loop, the look-up
and the agent's own thinking, beside those of the Optuna sampler that is nearest in kind.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna

import chipgym

#: Agents that think for microseconds, and the sampler of Optuna's that is nearest in kind.
CHEAP = {
    "random": "RandomSampler",
    "sobol": "QMCSampler",
    "hill_climbing": "NSGAIISampler",
    "annealing": "NSGAIISampler",
    "aco": "NSGAIISampler",
    "genetic": "NSGAIISampler",
}
DESIGNS = 4000  # of a search of a table
REPEATS = 3  # of which the least counts: what else runs on the machine only adds
TABLE = {"simulator": "tabular", "workload": "memory-cloud-1", "objective": "edp"}
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

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a warning per trial would be timed
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

    print_agents(args.trials)


def print_agents(trials: int) -> None:
    """Print the second table."""
    table = chipgym.make_problem(**TABLE)

    def sampled(name: str) -> float:
        """Measure CPU-microseconds per trial of an Optuna study in memory."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = optuna.create_study(sampler=getattr(optuna.samplers, name)(seed=0))
            return 1e6 / rate(trials, lambda: one.optimize(chipgym.search.optuna_objective(table), n_trials=trials))

    theirs = {name: sampled(name) for name in dict.fromkeys(CHEAP.values())}
    print(f"\n{'':<16}{'chipgym':>10}{'Optuna':>10}{'ratio':>8}   CPU-microseconds per design of a table")
    for agent, sampler in CHEAP.items():
        chipgym.optimize(table, agent, 64)  # imports
        runs = [rate(DESIGNS, lambda agent=agent: chipgym.optimize(table, agent, DESIGNS)) for _ in range(REPEATS)]
        ours = 1e6 / max(runs)
        print(f"{agent:<16}{ours:>10.1f}{theirs[sampler]:>10.0f}{theirs[sampler] / ours:>8.0f}   {sampler}")


if __name__ == "__main__":
    main()

"""Searches systolic-array designs for ResNet-18 with several agents on one budget, into one store.

    python examples/search_resnet18.py --store runs/resnet18.db

Interrupt it and run it again: it goes on where it was. `exhaustive` would need 27 million evaluations here.
"""

from __future__ import annotations

import argparse

import chipgym
from chipgym.search import Progress


def show(progress: Progress) -> None:
    """Print one line of progress, overwritten."""
    left = f"{progress.left_s:.0f} s left" if progress.left_s is not None else ""
    best = progress.best_objectives[0]
    print(f"\r  {progress.evaluations}/{progress.budget}  best {best:.3e} J·s  {left:<14}", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", nargs="+", default=["random", "nsga2", "tpe"])
    parser.add_argument("--budget", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", default=None, help="a file to keep the evaluations in, and to resume from")
    arguments = parser.parse_args()

    problem = chipgym.make_problem("systolic", workload="resnet18", objective="edp", constraints="area_mm2 <= 20")
    print(f"{problem.space.canonical_size:,} designs; default: {problem.reference[0]:.3e} J·s")
    for agent in arguments.agents:
        result = chipgym.optimize(problem, agent, arguments.budget, arguments.seed, arguments.store, callback=show)
        best = result.best
        print(f"\r{agent}: {best.objectives[0]:.3e} J·s at design {best.number} of {result.evaluations}{'':<30}")
        print("  " + ", ".join(f"{name}={value}" for name, value in best.design.items()))


if __name__ == "__main__":
    main()

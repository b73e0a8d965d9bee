"""Reinforcement learners in the search loop, beside evolution and random search at equal evaluations.

    python examples/rl_agents_compared.py [--budget 1000] [--seeds 3] [--store runs/learners.db]

The energy-delay product of ResNet-18 on systolic arrays within 10 mm², from a table of all designs: one learner or
several, categories or Gaussians cut into bins, a knob at a time or all at once. With a store, what is interrupted
goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

import chipgym

#: Agents by what the table calls them, and their options.
RIVALS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "random": ("random", {}),
    "nsga2": ("nsga2", {}),
    "ppo, categories": ("ppo", {}),
    "ppo, Gaussians": ("ppo", {"actions": "gaussian"}),
    "mappo, categories": ("mappo", {}),
    "mappo, Gaussians": ("mappo", {"actions": "gaussian"}),
    "ippo, an agent per knob": ("ippo", {"grouping": "knob"}),
    "maskable_ppo, a knob a step": ("maskable_ppo", {}),
    "dqn, a knob a step": ("dqn", {}),
}


def compare(budget: int, seeds: int, store: str | None = None) -> dict[str, np.ndarray]:
    """Return decades that the best design is worse than the table's best, by rival, shape (seeds,)."""
    problem = chipgym.make_problem("tabular", "systolic-resnet18", objective="edp", constraints="area_mm2 <= 10")
    every = problem.evaluate(problem.space.enumerate())
    optimum = every.objectives[every.feasible, 0].min()
    out = {}
    for name, (agent, options) in RIVALS.items():
        found = [
            chipgym.optimize(problem, agent=agent, budget=budget, seed=seed, store=store, agent_options=options)
            for seed in range(seeds)
        ]
        best = [result.best.objectives[0] if result.best.feasible else np.inf for result in found]
        out[name] = np.log10(np.array(best) / optimum)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=1000, help="designs evaluated per agent and seed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store", help="an SQLite file to keep the searches in")
    args = parser.parse_args()
    print(f"decades above the optimum after {args.budget} evaluations, {args.seeds} seeds")
    for name, gaps in compare(args.budget, args.seeds, args.store).items():
        print(f"{name:<30}{gaps.mean():>8.4f}   worst {gaps.max():.4f}")


if __name__ == "__main__":
    main()

"""Stable-Baselines3's PPO designs an accelerator, beside evolution and random search with as many evaluations.

    python examples/sb3_ppo.py [--budget 4096] [--seeds 5]

Prints, over seeds, the best reward found and the mean reward of the last designs drawn. A reward of 1 is ten times
better than the default design.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

import chipgym

ID = "chipgym/Systolic-v0"
ARGUMENTS = {"workload": "resnet18", "objective": "edp", "constraints": ["area_mm2 <= 20"]}
NUM_ENVS, N_STEPS = 64, 2


class Rewards(BaseCallback):
    """Keeps every reward of the training, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[np.ndarray] = []

    def _on_step(self) -> bool:
        self.all.append(self.locals["rewards"].copy())
        return True


def ppo(budget: int, seed: int) -> np.ndarray:
    """Return rewards of PPO's designs in the order drawn, shape (budget,)."""
    envs = chipgym.envs.sb3_vec_env(ID, num_envs=NUM_ENVS, **ARGUMENTS)
    model = PPO(
        "MlpPolicy", envs, n_steps=N_STEPS, batch_size=NUM_ENVS * N_STEPS, n_epochs=8, learning_rate=5e-3,
        ent_coef=0.005, gamma=0.0, seed=seed,
    )  # fmt: skip
    kept = Rewards()
    model.learn(budget, callback=kept)
    return np.concatenate(kept.all)


def random(budget: int, seed: int) -> np.ndarray:
    """Return rewards of designs drawn uniformly, shape (budget,)."""
    envs = gymnasium.make_vec(ID, num_envs=budget, **ARGUMENTS)
    envs.reset(seed=seed)
    envs.action_space.seed(seed)
    return envs.step(envs.action_space.sample())[1]


def evolution(budget: int, seed: int) -> np.ndarray:
    """Return rewards of NSGA-II's designs in the order drawn, shape (budget,)."""
    problem = chipgym.make_problem("systolic", **ARGUMENTS)
    result = chipgym.optimize(problem, agent="nsga2", budget=budget, seed=seed)
    return result.table.reward


def compare(budget: int, seeds: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return best reward, and mean reward of the last eighth, by agent and seed; each shape (seeds,)."""
    out = {}
    agents: dict[str, Callable[[int, int], np.ndarray]] = {"ppo": ppo, "nsga2": evolution, "random": random}
    for name, agent in agents.items():
        runs = [agent(budget, seed)[:budget] for seed in range(seeds)]
        best = np.array([run.max() for run in runs])
        out[name] = best, np.array([run[-budget // 8 :].mean() for run in runs])
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=4096, help="designs evaluated per agent and seed")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)  # the networks are small: more threads only wait for each other
    space = chipgym.make_problem("systolic", **ARGUMENTS).space
    print(f"{space.size:,} designs, {args.budget} evaluations, {args.seeds} seeds")
    print(f"{'agent':<10}{'best reward':>24}{'reward of last designs':>28}")
    for name, (best, last) in compare(args.budget, args.seeds).items():
        print(f"{name:<10}{best.mean():>14.3f} ± {best.std():<7.3f}{last.mean():>18.3f} ± {last.std():<7.3f}")


if __name__ == "__main__":
    main()

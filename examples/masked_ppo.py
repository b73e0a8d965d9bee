"""MaskablePPO designs an accelerator one parameter at a time, and never tries what cannot be.

    python examples/masked_ppo.py [--budget 8192]

Prints the mean reward of the designs drawn in each eighth of the training, and the best one.
"""

from __future__ import annotations

import argparse

import numpy as np
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback

import chipgym

NUM_ENVS = 64


class Finished(BaseCallback):
    """Keeps the designs that were finished, and their rewards, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.rewards: list[float] = []
        self.best: tuple[float, dict[str, object]] = (-np.inf, {})

    def _on_step(self) -> bool:
        for reward, done, info in zip(self.locals["rewards"], self.locals["dones"], self.locals["infos"], strict=True):
            if done:
                self.rewards.append(float(reward))
                self.best = max(self.best, (float(reward), info["design"]), key=lambda found: found[0])
        return True


def train(budget: int, seed: int) -> Finished:
    """Train on `budget` designs."""
    envs = chipgym.envs.sb3_vec_env("chipgym/Systolic-v0", num_envs=NUM_ENVS, mode="sequential", workload="resnet18")
    steps = int((envs.get_attr("problem")[0].space.sizes > 1).sum())  # a design: parameters with one value have no turn
    model = MaskablePPO(
        "MlpPolicy", envs, n_steps=steps, batch_size=NUM_ENVS * steps // 4, learning_rate=1e-3, gamma=1.0, seed=seed
    )
    finished = Finished()
    model.learn(budget * steps, callback=finished)
    return finished


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=8192, help="designs")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    finished = train(args.budget, args.seed)
    means = [float(np.mean(part)) for part in np.array_split(finished.rewards, 8)]
    print("mean reward by eighth of the training:", " ".join(f"{mean:.2f}" for mean in means))
    print(f"best reward {finished.best[0]:.3f}: {finished.best[1]}")


if __name__ == "__main__":
    main()

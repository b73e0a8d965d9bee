"""A policy trained on some networks designs an accelerator for one that it has not seen, beside searches from scratch.

    python examples/transfer.py [--budget 8192] [--tries 64] [--unseen vgg16]

PPO learns on several networks at once: it sees features of the network that an episode is about. Then it draws a few
designs for the network that it has not seen, and each search from scratch gets as many evaluations. What the policy
was trained on is printed too: from scratch that many evaluations would have gone a long way.
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np
from stable_baselines3 import PPO

import chipgym

ID = "chipgym/Systolic-v0"
LIMITS = {"objective": "edp", "constraints": ["area_mm2 <= 20"]}
SEEN = ["resnet18", "alexnet", "mobilenet_v2", "bert_base", "vit_b16", "mlp:784-512-256-10"]


def train(seen: list[str], budget: int, seed: int, num_envs: int = 64, steps: int = 4) -> PPO:
    """Train PPO on `budget` designs for networks drawn from `seen`."""
    envs = chipgym.envs.sb3_vec_env(ID, num_envs=num_envs, workload=seen, **LIMITS)
    model = PPO(
        "MlpPolicy", envs, n_steps=steps, batch_size=num_envs * steps, n_epochs=8, learning_rate=3e-3,
        ent_coef=0.005, gamma=0.0, seed=seed,
    )  # fmt: skip
    return model.learn(budget)


def best_of_policy(model: PPO, unseen: str, tries: int) -> float:
    """Return the best reward of `tries` designs that the policy draws for a network."""
    envs = gymnasium.make_vec(ID, num_envs=tries, workload=unseen, **LIMITS)
    observations, _ = envs.reset(seed=0)
    actions, _ = model.predict(observations)
    return float(envs.step(actions)[1].max())


def best_of_search(agent: str, unseen: str, tries: int, seed: int) -> float:
    """Return the best reward of a search from scratch with as many evaluations."""
    problem = chipgym.make_problem("systolic", unseen, **LIMITS)
    found = chipgym.optimize(problem, agent=agent, budget=tries, seed=seed).best
    return float(problem.reward(problem.evaluate(found.design))[0]) if found else -5.0


def compare(seen: list[str], unseen: str, budget: int, tries: int, seeds: int) -> dict[str, np.ndarray]:
    """Return best rewards on the unseen network, shape (seeds,), by way."""
    out: dict[str, list[float]] = {"policy": [], "random": [], "nsga2": [], "tpe": []}
    for seed in range(seeds):
        out["policy"].append(best_of_policy(train(seen, budget, seed), unseen, tries))
        for agent in ("random", "nsga2", "tpe"):
            out[agent].append(best_of_search(agent, unseen, tries, seed))
    return {name: np.array(rewards) for name, rewards in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=8192, help="designs that the policy is trained on")
    parser.add_argument("--tries", type=int, default=64, help="evaluations on the unseen network")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--unseen", default="vgg16")
    args = parser.parse_args()
    found = compare([name for name in SEEN if name != args.unseen], args.unseen, args.budget, args.tries, args.seeds)
    print(f"best reward on {args.unseen} after {args.tries} evaluations, {args.seeds} seeds")
    for name, rewards in found.items():
        extra = f"  (after training on {args.budget} designs for other networks)" if name == "policy" else ""
        print(f"{name:8} {rewards.mean():6.3f} ± {rewards.std():.3f}{extra}")


if __name__ == "__main__":
    main()

"""Environment steps per CPU-second: scalar, native vector, and the peers that they stand beside.

    python benchmarks/env_steps.py [--id chipgym/Systolic-v0] [--num-envs 4096]

The peers are Gymnasium's SyncVectorEnv over the same scalar environment, and Gymnasium's own CartPole, scalar and
vector. All are timed in one run by the processor time of this process, best of `--repeats`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import gymnasium
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import chipgym  # noqa: F401 (registers the ids)


def rate(steps: int, run: Callable[[], None], repeats: int) -> float:
    """Measure steps per CPU-second, the best of several runs after one that warms up."""
    run()
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return steps / best


def scalar(name: str, steps: int, repeats: int) -> float:
    """Step a scalar environment as a training loop does: until the episode ends, then reset."""
    env = gymnasium.make(name)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(steps)]

    def run() -> None:
        env.reset()
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return rate(steps, run, repeats)


def vector(envs: gymnasium.vector.VectorEnv, calls: int, repeats: int) -> float:
    """Step a vector environment; actions are drawn beforehand."""
    envs.action_space.seed(0)
    actions = [envs.action_space.sample() for _ in range(calls)]
    envs.reset(seed=0)

    def run() -> None:
        for action in actions:
            envs.step(action)

    return rate(calls * envs.num_envs, run, repeats)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--id", default="chipgym/Systolic-v0")
    parser.add_argument("--num-envs", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()

    ours = scalar(args.id, 1000, args.repeats)
    native = vector(gymnasium.make_vec(args.id, num_envs=args.num_envs), 4, args.repeats)
    sync_envs = SyncVectorEnv([lambda: gymnasium.make(args.id)] * 64, autoreset_mode=AutoresetMode.SAME_STEP)
    sync = vector(sync_envs, 8, args.repeats)
    cart = scalar("CartPole-v1", 1000, args.repeats)
    carts = vector(gymnasium.make_vec("CartPole-v1", num_envs=args.num_envs), 4, args.repeats)

    print(f"{'environment':<44}{'steps per CPU-second':>22}{'times scalar':>16}")
    for title, steps, base in (
        (f"{args.id}, scalar", ours, ours),
        (f"{args.id}, native vector of {args.num_envs}", native, ours),
        (f"{args.id}, SyncVectorEnv of 64", sync, ours),
        ("CartPole-v1, scalar", cart, cart),
        (f"CartPole-v1, native vector of {args.num_envs}", carts, cart),
    ):
        print(f"{title:<44}{steps:>22,.0f}{steps / base:>16.1f}")
    print(
        f"native vector over SyncVectorEnv: {native / sync:.1f} times; scalar over CartPole's scalar: {ours / cart:.2f}"
    )


if __name__ == "__main__":
    main()

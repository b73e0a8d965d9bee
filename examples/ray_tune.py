"""Trials of a problem on Ray Tune, on this machine or a cluster that is there.

    python examples/ray_tune.py
    python examples/ray_tune.py --address auto --trials 1000

Tune starts a process for every trial, which is worth it where an evaluation takes minutes; this one takes milliseconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ray
from ray import tune

import chipgym


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--address", default="local", help="of a Ray cluster; a cluster of one's own without it")
    parser.add_argument("--results", type=Path, default=Path("runs/tune"))
    arguments = parser.parse_args()
    problem = chipgym.make_problem("systolic", workload="resnet18", objective="edp", constraints="area_mm2 <= 20")
    ray.init(address=arguments.address, include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        chipgym.search.tune_trainable(problem),
        param_space=chipgym.search.tune_space(problem),
        tune_config=tune.TuneConfig(num_samples=arguments.trials, metric="reward", mode="max"),
        run_config=tune.RunConfig(name="resnet18", storage_path=str(arguments.results.resolve()), verbose=0),
    )
    best = tuner.fit().get_best_result().metrics
    ray.shutdown()
    print(f"reward {best['reward']:.3f}, edp {best['edp']:.3g}, feasible: {best['feasible']}")
    print("  " + ", ".join(f"{name}={value}" for name, value in best["design"].items()))


if __name__ == "__main__":
    main()

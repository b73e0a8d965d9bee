"""A chipgym problem in an Optuna study of one's own: any sampler, storage, callback or dashboard works as usual.

python examples/optuna_sweep.py
"""

from __future__ import annotations

import argparse

import optuna

import chipgym


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    # One objective: the fastest accelerator for ResNet-18 on 20 mm².
    problem = chipgym.make_problem("systolic", workload="resnet18", objective="latency_s", constraints="area_mm2 <= 20")
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=arguments.seed))
    study.optimize(chipgym.search.optuna_objective(problem), n_trials=arguments.trials)
    best = study.best_trial
    print(
        f"fastest of {len(study.trials)}: {best.value * 1e3:.3f} ms, {best.user_attrs['metrics']['area_mm2']:.1f} mm2"
    )
    print("  " + ", ".join(f"{name}={value}" for name, value in best.user_attrs["design"].items()))

    # Two objectives: what each further joule buys in time.
    problem = chipgym.make_problem(
        "systolic", workload="resnet18", objective=["latency_s", "energy_j"], constraints="area_mm2 <= 20"
    )
    objective = chipgym.search.optuna_objective(problem)
    study = optuna.create_study(
        directions=objective.directions, sampler=optuna.samplers.NSGAIISampler(population_size=20, seed=arguments.seed)
    )
    study.optimize(objective, n_trials=arguments.trials)
    print(f"{len(study.best_trials)} designs in the front of latency and energy:")
    for trial in sorted(study.best_trials, key=lambda t: t.values[0]):
        print(f"  {trial.values[0] * 1e3:8.3f} ms  {trial.values[1] * 1e3:8.3f} mJ")


if __name__ == "__main__":
    main()

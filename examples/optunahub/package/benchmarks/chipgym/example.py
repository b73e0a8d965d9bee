"""An accelerator for ResNet-18 within 20 mm², by any sampler."""

from __future__ import annotations

import optuna
import optunahub

if __name__ == "__main__":
    benchmark = optunahub.load_module("benchmarks/chipgym")
    problem = benchmark.Problem("systolic", workload="resnet18", objective="edp", constraints="area_mm2 <= 20")
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), directions=problem.directions)
    study.optimize(problem, n_trials=100)
    print(study.best_value, study.best_trial.user_attrs["design"])

"""A study of parameters of several kinds, sampled by one of chipgym's agents."""

from __future__ import annotations

import optuna
import optunahub


def objective(trial: optuna.Trial) -> float:
    size = trial.suggest_int("size", 1, 64, log=True)
    ratio = trial.suggest_float("ratio", 0.0, 1.0, step=0.05)
    policy = trial.suggest_categorical("policy", ["open", "closed", "adaptive"])
    trial.set_constraint("size", size * ratio - 8.0)  # met at 0 or less
    return abs(size - 16) + (ratio - 0.4) ** 2 + (policy != "closed")


if __name__ == "__main__":
    sampler = optunahub.load_module("samplers/chipgym").ChipgymSampler(agent="nsga2", seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=200)
    print(study.best_value, study.best_params)

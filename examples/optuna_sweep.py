"""A chipgym problem in an Optuna study of one's own: any sampler, storage, callback or dashboard works as usual.

    python examples/optuna_sweep.py
    python examples/optuna_sweep.py --storage sqlite:///sweep.db     again and again: studies go on until complete
    optuna-dashboard sqlite:///sweep.db                              meanwhile, to watch (pip install optuna-dashboard)

There is no pruner: a simulator answers at once, so that no trial has an intermediate value to judge it by.
"""

from __future__ import annotations

import argparse

import optuna

import chipgym
from chipgym.search.adapters.optuna import OptunaObjective


def study_of(
    name: str, objective: OptunaObjective, sampler: optuna.samplers.BaseSampler, storage: str | None
) -> optuna.Study:
    """Make the study of this name, or take it from the storage to go on with it."""
    return optuna.create_study(
        study_name=name,
        directions=objective.directions,
        sampler=sampler,
        pruner=optuna.pruners.NopPruner(),
        storage=storage,
        load_if_exists=True,
    )


def run(study: optuna.Study, objective: OptunaObjective, trials: int) -> None:
    """Run trials until the study has as many that are complete, those of earlier runs included."""
    done = len(study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE]))
    print(f"{study.study_name}: {done} trials so far, {max(trials - done, 0)} to go")
    study.optimize(objective, n_trials=max(trials - done, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--storage", help="a URL such as sqlite:///sweep.db; without it nothing is kept")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    # One objective: the fastest accelerator for ResNet-18 on 20 mm². The constraint is each trial's own, where samplers
    # and the dashboard find it. One of chipgym's agents samples, which goes on as if it had never been cut.
    problem = chipgym.make_problem("systolic", workload="resnet18", objective="latency_s", constraints="area_mm2 <= 20")
    objective = chipgym.search.optuna_objective(problem)
    sampler: optuna.samplers.BaseSampler = chipgym.search.optuna_sampler(problem, "tpe", seed=arguments.seed)
    study = study_of("latency", objective, sampler, arguments.storage)
    run(study, objective, arguments.trials)
    best = study.best_trial  # of those that meet the constraint
    print(
        f"fastest of {len(study.trials)}: {best.value * 1e3:.3f} ms, {best.user_attrs['metrics']['area_mm2']:.1f} mm2"
    )
    print("  " + ", ".join(f"{name}={value}" for name, value in best.user_attrs["design"].items()))

    # Two objectives, one of Optuna's samplers: what each further joule buys in time.
    problem = chipgym.make_problem(
        "systolic", workload="resnet18", objective=["latency_s", "energy_j"], constraints="area_mm2 <= 20"
    )
    objective = chipgym.search.optuna_objective(problem)
    sampler = optuna.samplers.NSGAIISampler(population_size=20, seed=arguments.seed)
    study = study_of("latency and energy", objective, sampler, arguments.storage)
    run(study, objective, arguments.trials)
    print(f"{len(study.best_trials)} designs in the front of latency and energy:")
    for trial in sorted(study.best_trials, key=lambda t: t.values[0]):
        print(f"  {trial.values[0] * 1e3:8.3f} ms  {trial.values[1] * 1e3:8.3f} mJ")


if __name__ == "__main__":
    main()

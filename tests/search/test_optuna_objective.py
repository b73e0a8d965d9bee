"""A problem inside an Optuna study of the user's own."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

import chipgym
from chipgym.search import optuna_objective

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def test_one_objective():
    problem = chipgym.make_problem("toy", budget_mm2=20.0)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(optuna_objective(problem), n_trials=60)
    for trial in study.trials:
        out = problem.evaluate(trial.user_attrs["design"])
        assert trial.constraints == {"violation": out.violation[0]}
        if out.feasible[0]:
            assert trial.value == out.objectives[0, 0]
            assert trial.user_attrs["metrics"] == out.metrics.row(0)
        else:
            assert trial.value == math.inf
            assert trial.constraints["violation"] > 0
        # True values under the knobs' own names, and an inactive knob is not among them.
        assert trial.params.items() <= trial.user_attrs["design"].items()
        assert ("cache_kb" in trial.params) == (trial.params["cache"] == "on")
        assert trial.distributions["units"] == optuna.distributions.CategoricalDistribution((1, 2, 4, 8, 16, 32))
    assert {t.value == math.inf for t in study.trials} == {True, False}
    best = min(t.value for t in study.trials if t.constraints["violation"] <= 0)
    assert study.best_value == best


@pytest.mark.parametrize("sampler", ["NSGAIISampler", "TPESampler", "RandomSampler"])
def test_several_objectives_and_a_constraint(pareto, sampler):
    objective = optuna_objective(pareto)
    assert objective.directions == ["minimize", "minimize"]
    study = optuna.create_study(directions=objective.directions, sampler=getattr(optuna.samplers, sampler)(seed=0))
    study.optimize(objective, n_trials=40)
    assert study.best_trials
    for trial in study.best_trials:
        assert trial.user_attrs["metrics"]["area_mm2"] <= 20
        assert tuple(trial.values) == tuple(pareto.evaluate(trial.user_attrs["design"]).objectives[0])


def test_a_fixed_trial(toy):
    design = {"units": 8, "cache": "off", "clock_mhz": 200}
    value = optuna_objective(toy)(optuna.trial.FixedTrial(design))
    assert value == toy.evaluate(design).objectives[0, 0]


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("optuna_sweep.py", ["--trials", "25"], "designs in the front of latency and energy"),
        ("memory_controller.py", ["--budget", "60"], "controllers that no other beats"),
        ("memory_in_loop.py", ["--workload", "mlp:784-512-10"], "closed rows, in order"),
        ("tune_gemm.py", ["--budget", "60"], "at most 900 DSP slices of xcvu9p"),
        ("dataflow_chip.py", ["--budget", "60", "--agent", "random"], "ms a token"),
        ("sn40l_table.py", [], "llama-3-70b      2048     16       42.002"),
        ("search_resnet18.py", ["--budget", "40", "--agents", "random", "nsga2"], "nsga2: "),
    ],
)
def test_examples_run(script, arguments, expected):
    command = [sys.executable, EXAMPLES / script, *arguments]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert expected in out.stdout

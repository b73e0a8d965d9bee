"""A problem inside an Optuna study of the user's own."""

from __future__ import annotations

import math
import runpy
import sys
from pathlib import Path

import optuna
import pytest

import chipgym
from chipgym.search import optuna_objective

EXAMPLES = Path(__file__).parents[2] / "examples"


pytestmark = pytest.mark.usefixtures("quiet_optuna")


def test_one_objective():
    problem = chipgym.make_problem("toy", budget_mm2=20.0)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(optuna_objective(problem), n_trials=60)
    for trial in study.trials:
        out = problem.evaluate(trial.user_attrs["design"])
        assert trial.constraints["violation"] == out.violation[0]
        # Where optuna-dashboard looks: its serializer reads a list under this key of the system attributes.
        assert trial.system_attrs["constraints"] == [out.violation[0]]
        if out.feasible[0]:
            assert trial.value == out.objectives[0, 0]
            assert trial.user_attrs["metrics"] == out.metrics.row(0)
        else:
            assert trial.value == math.inf
            assert trial.constraints["violation"] > 0
        # Under the knobs' own names, and an inactive knob is not among them.
        assert trial.params == optuna_objective(problem).params(trial.user_attrs["design"])
        assert ("cache_kb" in trial.params) == (trial.params["cache"] == "on")
        assert trial.distributions["units"] == optuna.distributions.IntDistribution(0, 5)
        assert trial.distributions["cache"] == optuna.distributions.CategoricalDistribution(("off", "on"))
        assert trial.user_attrs["design"]["units"] == problem.space["units"].values[trial.params["units"]]
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
    objective = optuna_objective(toy)
    params = objective.params(design)
    assert params == {"units": 3, "cache": "off", "clock_mhz": 1}
    assert objective(optuna.trial.FixedTrial(params)) == toy.evaluate(design).objectives[0, 0]


def test_a_study_begins_where_it_is_told(toy):
    objective = optuna_objective(toy)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(objective.params({"units": 16, "cache": "on"}))
    study.optimize(objective, n_trials=2)
    assert study.trials[0].user_attrs["design"] == {"units": 16, "cache": "on", "cache_kb": 4, "clock_mhz": 100}
    with pytest.raises(chipgym.ChipgymError, match=r"^units: 3 is not on the grid"):
        objective.params({"units": 3})
    with pytest.raises(chipgym.ChipgymError, match="is 2 designs, expected one"):
        objective.params({"units": [1, 2]})


def test_a_knob_without_a_choice_is_no_parameter():
    problem = chipgym.make_problem("toy", space={"units": 8, "cache": "on"})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(optuna_objective(problem), n_trials=5)
    for trial in study.trials:
        assert set(trial.params) == {"cache_kb", "clock_mhz"}
        assert trial.user_attrs["design"]["units"] == 8
    only = chipgym.make_problem("toy", space={"units": 8, "cache": "on", "cache_kb": 8, "clock_mhz": 100})
    study.optimize(optuna_objective(only), n_trials=1)
    assert study.trials[-1].params == {}


@pytest.mark.filterwarnings("ignore:Constraints have been set")
def test_cma_es_takes_the_ordered_knobs():
    pytest.importorskip("cmaes")
    problem = chipgym.make_problem("toy", space={"cache": "on"})
    study = optuna.create_study(sampler=optuna.samplers.CmaEsSampler(seed=0, n_startup_trials=5))
    study.optimize(optuna_objective(problem), n_trials=60)
    best = problem.evaluate(problem.space.enumerate())
    assert study.best_value <= 1.5 * best.objectives[best.feasible].min()


def test_ordered_knobs_are_integers_and_others_categories():
    problem = chipgym.make_problem("systolic", "mlp:784-512-10", objective="latency_s")
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(optuna_objective(problem), n_trials=5)
    kinds = {p.name: optuna.distributions.IntDistribution if p.ordinal else optuna.distributions.CategoricalDistribution
             for p in problem.space.parameters}  # fmt: skip
    for trial in study.trials:
        assert all(isinstance(d, kinds[name]) for name, d in trial.distributions.items())


@pytest.mark.parametrize(
    ("directions", "objective"),
    [(["maximize"], "edp"), (["minimize"], "all"), (["minimize", "minimize", "maximize"], "all")],
)
def test_a_study_of_other_directions_is_refused(directions, objective):
    study = optuna.create_study(directions=directions)
    with pytest.raises(chipgym.ChipgymError, match=r"^study: its directions are .*, expected .*objective.directions"):
        study.optimize(optuna_objective(chipgym.make_problem("toy", objective=objective)), n_trials=1)


def test_a_row_of_results_is_enqueued_as_it_is():
    problem = chipgym.make_problem("toy")
    found = chipgym.optimize(problem, "random", 20)
    objective = optuna_objective(problem)
    row = found.to_pandas().iloc[found.best.number]
    assert objective.params(row) == objective.params(found.best) == objective.params(found.best.design)


def test_the_dashboard_shows_constraints():
    serializer = pytest.importorskip("optuna_dashboard._serializer", reason="optuna-dashboard is not installed")
    problem = chipgym.make_problem("toy", budget_mm2=9.0)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(optuna_objective(problem), n_trials=10)
    shown = [serializer.serialize_frozen_trial(study._study_id, trial, {})["constraints"] for trial in study.trials]
    assert [row[0] > 0 for row in shown] == [trial.value == math.inf for trial in study.trials]


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
def test_examples_run(script, arguments, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert expected in capsys.readouterr().out

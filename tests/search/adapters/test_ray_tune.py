"""A problem as Ray Tune takes it; trials themselves are slow to start, and tried in the slow tests."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import chipgym

pytest.importorskip("ray.tune", reason="Ray Tune is not installed: pip install 'chipgym[ray]'", exc_type=ImportError)

from ray import tune

from chipgym.search.adapters.tune import answer


def sampled(problem, n):
    """Configs as Tune would draw them."""
    rng = np.random.default_rng(0)
    space = chipgym.search.tune_space(problem)
    return [{name: domain.sample(random_state=rng) for name, domain in space.items()} for _ in range(n)]


def values_of(problem, config):
    return {n: problem.space[n].values[v] if problem.space[n].ordinal else v for n, v in config.items()}


def test_the_space_has_every_choice_and_no_other(adapted):
    space = chipgym.search.tune_space(adapted)
    assert list(space) == [p.name for p in adapted.space.parameters if p.size > 1]
    for name, domain in space.items():
        knob = adapted.space[name]
        if knob.ordinal:
            assert (domain.lower, domain.upper) == (0, knob.size)
            assert isinstance(domain, tune.search.sample.Integer)
        else:
            assert tuple(domain.categories) == knob.values


def test_a_trial_reports_what_the_problem_says(adapted):
    for config in sampled(adapted, 40):
        got = answer(adapted, config)
        out = adapted.evaluate(values_of(adapted, config))
        for j, objective in enumerate(adapted.objectives):
            value = out.objectives[0, j]
            assert got[objective.name] == value if value == value else got[objective.name] > 1e5 * adapted.reference[j]
        assert got["reward"] == adapted.reward(out)[0]
        assert got["feasible"] == out.feasible[0]
        assert got["violation"] == out.violation[0]
        assert got["metrics"] == out.metrics.row(0)
        assert adapted.evaluate(got["design"]).violation[0] == out.violation[0]
        assert all(isinstance(v, int | float | str) for v in got["design"].values())


def test_knobs_left_out_have_their_default(toy):
    assert answer(toy, {})["design"] == dict(toy.space.default)
    assert answer(toy, {"units": np.int64(5)})["design"]["units"] == 32


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"unit": 1}, r"^unknown knob 'unit'; did you mean 'units'"),
        ({"units": 6}, r"^units: 6 is no position from 0 to 5"),
        ({"units": True}, r"^units: True is no position from 0 to 5"),
        ({"units": 1.5}, r"^units: 1.5 is no position from 0 to 5"),
        ({"cache": "of"}, r"^unknown value of cache: 'of'; did you mean 'off'"),
    ],
)
def test_configs_that_are_no_design(toy, config, message):
    with pytest.raises(chipgym.ChipgymError, match=message):
        answer(toy, config)


def test_the_trainable_is_sent_to_workers(toy, monkeypatch):
    trainable = pickle.loads(pickle.dumps(chipgym.search.tune_trainable(toy)))
    reported = []
    monkeypatch.setattr(tune, "report", reported.append)
    trainable({"units": 3})
    assert reported == [answer(toy, {"units": 3})]
    assert trainable.__name__ == f"toy-{toy.simulator.workload.name}"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_tuner_runs_trials(tmp_path):
    """With Tune's own random search, and with Optuna's samplers behind it."""
    import ray
    from ray.tune.search.optuna import OptunaSearch

    problem = chipgym.make_problem("systolic", "mlp:784-512-10", constraints="area_mm2 <= 20")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        for search in (None, OptunaSearch(seed=0)):
            tuner = tune.Tuner(
                chipgym.search.tune_trainable(problem),
                param_space=chipgym.search.tune_space(problem),
                tune_config=tune.TuneConfig(num_samples=4, search_alg=search, metric="reward", mode="max"),
                run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
            )
            results = tuner.fit()
            assert not results.errors
            assert len(results) == 4
            for result in results:
                out = problem.evaluate(result.metrics["design"])
                assert result.metrics["reward"] == problem.reward(out)[0]
                assert result.metrics["edp"] == out.objectives[0, 0]
            best = results.get_best_result()
            assert best.metrics["reward"] == max(result.metrics["reward"] for result in results)
    finally:
        ray.shutdown()

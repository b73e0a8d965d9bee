"""An agent as an Optuna sampler: the search that it would make, in whatever study."""

from __future__ import annotations

import math
import pickle
import warnings

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.testing.pytest_samplers import BasicSamplerTestCase, MultiObjectiveSamplerTestCase, RelativeSamplerTestCase
from optuna.trial import TrialState

import chipgym
from chipgym.search import optuna_objective, optuna_sampler
from chipgym.search.adapters.optuna_space import Scale, StudySpace

pytestmark = pytest.mark.usefixtures("quiet_optuna")


class TestOptunasOwnSuite(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    """What Optuna asks of every sampler."""

    @pytest.fixture
    def sampler(self):
        return lambda: optuna_sampler(agent="nsga2", batch=4, levels=32)


def designs(study):
    return [trial.user_attrs["design"] for trial in study.get_trials(deepcopy=False) if "design" in trial.user_attrs]


def studied(problem, n, study=None, **settings):
    """A study, or one that goes on, of so many further trials, with a sampler of its own."""
    objective = optuna_objective(problem)
    study = study or optuna.create_study(directions=objective.directions)
    study.sampler = optuna_sampler(problem, **settings)
    study.optimize(objective, n_trials=n)
    return study


@pytest.mark.parametrize("agent", ["random", "nsga2", "tpe", "exhaustive"])
def test_a_study_has_the_trials_of_a_search(problem, agent):
    """Design by design; what a search answers from its own evaluations is no trial either."""
    found = chipgym.optimize(problem, agent, 40, seed=3, batch=8)
    study = studied(problem, 40, agent=agent, seed=3, batch=8)
    assert designs(study) == found.to_pandas()[list(problem.space.names)].to_dict("records")


@pytest.mark.parametrize("agent", ["sobol", "hill_climbing", "annealing", "aco", "genetic"])
def test_a_study_has_the_trials_of_a_search_of_one_objective(toy, agent):
    found = chipgym.optimize(toy, agent, 50, seed=1)
    assert designs(studied(toy, 50, agent=agent, seed=1)) == found.to_pandas()[list(toy.space.names)].to_dict("records")


@pytest.mark.parametrize("agent", ["nsga2", "tpe"])
def test_a_study_that_was_cut_goes_on_as_one_that_was_not(pareto, agent):
    """Wherever it was cut, and whoever samples: all that counts are its trials."""
    study = studied(pareto, 3, agent=agent, batch=7)
    for n in (10, 17):
        studied(pareto, n, study, agent=agent, batch=7)
    assert designs(study) == designs(studied(pareto, 30, agent=agent, batch=7))


def test_a_study_goes_on_from_its_storage(pareto, tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    directions = ["minimize"] * 2
    for n in (2, 4):
        study = optuna.create_study(storage=storage, study_name="s", directions=directions, load_if_exists=True)
        studied(pareto, n, study, batch=3)
    assert designs(study) == designs(studied(pareto, 6, batch=3))


def test_a_study_that_another_version_began_goes_on(toy):
    """The agent then proposes other designs than it did, and is told of those that were tried."""
    objective = optuna_objective(toy)
    study = studied(toy, 7, batch=5)
    (key, _) = next((k, v) for k, v in study.trials[0].system_attrs.items() if k.startswith("chipgym:"))
    other = optuna.create_study()
    for position in range(5):
        design = toy.space.design(toy.space.sample(1, np.random.default_rng(position))[0])
        fixed = optuna.trial.FixedTrial(objective.params(design))
        made = optuna.create_trial(
            value=objective(fixed), params=fixed.params, distributions=fixed.distributions, user_attrs=fixed.user_attrs,
            system_attrs={key: [0, position]}, constraints={"violation": toy.evaluate(design).violation[0]},
        )  # fmt: skip
        other.add_trial(made)
    studied(toy, 10, other, batch=5)
    tried = designs(other)
    assert len(tried) == 15
    assert all(design not in tried[:5] for design in tried[5:])


def test_a_trial_that_a_killed_process_left_is_made_again(toy):
    whole = studied(toy, 12, batch=6)
    study = studied(toy, 4, batch=6)
    objective = optuna_objective(toy)
    left = study.ask()
    objective.suggest(left)  # and is never told
    studied(toy, 8, study, batch=6)
    assert left.number == 4
    assert designs(study) == designs(whole)
    assert study.trials[5].params == left.params


def test_processes_of_one_storage_share_batches(toy):
    """Two samplers that take turns evaluate each design once, and are told the same."""
    objective = optuna_objective(toy)
    study = optuna.create_study()
    samplers = [optuna_sampler(toy, batch=5) for _ in range(2)]
    for i in range(20):
        study.sampler = samplers[i % 2]
        study.optimize(objective, n_trials=1)
    assert designs(study) == designs(studied(toy, 20, batch=5))


def test_threads_do_not_wait_for_each_other(toy):
    study = optuna.create_study(sampler=optuna_sampler(toy, batch=4))
    study.optimize(optuna_objective(toy), n_trials=40, n_jobs=3)
    assert len(study.trials) == 40
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_a_batch_that_runs_elsewhere_is_not_waited_for(toy):
    objective = optuna_objective(toy)
    study = optuna.create_study(sampler=optuna_sampler(toy, batch=2))
    running = [study.ask() for _ in range(3)]
    drawn = [objective.suggest(trial) for trial in running]
    of_batch = [any(key.startswith("chipgym:") for key in trial.system_attrs) for trial in study.trials]
    assert of_batch == [True, True, False]
    for trial, design in zip(running, drawn, strict=True):
        study.tell(trial, toy.evaluate(design).objectives[0, 0])
    study.optimize(objective, n_trials=2)
    assert len(designs(study)) == 2


def test_failed_trials_are_designs_that_cannot_be_built(toy):
    objective = optuna_objective(toy)

    def fails(trial):
        if trial.number % 3 == 0:
            objective.suggest(trial)
            raise ValueError("no answer")
        return objective(trial)

    study = optuna.create_study(sampler=optuna_sampler(toy, "tpe", batch=4))
    study.optimize(fails, n_trials=20, catch=ValueError)
    keys = [key for key in study.trials[0].system_attrs if key.startswith("chipgym:")]
    assert [trial.system_attrs[keys[0]] for trial in study.trials] == [[i // 4, i % 4] for i in range(20)]


def test_it_begins_with_the_trials_that_are_there(toy):
    objective = optuna_objective(toy)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(objective.params({"units": 32, "cache": "off"}))
    study.optimize(objective, n_trials=6)
    first = list({tuple(d.items()): d for d in designs(study)}.values())
    # A design that was evaluated is no trial again, as in a search that starts with these.
    found = chipgym.optimize(toy, "nsga2", len(first) + 20, start=first, batch=5)
    studied(toy, 20, study, batch=5)
    assert designs(study)[6:] == found.to_pandas()[list(toy.space.names)].to_dict("records")[len(first) :]


def test_enqueued_trials_are_the_users_own(toy):
    objective = optuna_objective(toy)
    study = studied(toy, 3, batch=4)
    study.enqueue_trial(objective.params({"units": 32}))
    study.optimize(objective, n_trials=6)
    others = [d for i, d in enumerate(designs(study)) if i != 3]
    assert designs(study)[3]["units"] == 32
    assert others == designs(studied(toy, 8, batch=4))


def test_the_agent_is_told_what_a_search_tells_it(adapted):
    told = []

    class Listener(chipgym.search.Agent):
        batch = 10

        def propose(self, n, rng):
            return self.problem.space.sample(n, rng)

        def tell(self, designs, evaluation):
            told.append((designs, evaluation))

    chipgym.search.register_agent(chipgym.search.AgentEntry("listener", Listener))
    try:
        chipgym.optimize(adapted, "listener", 40)
        studied(adapted, 40, agent="listener")
        studied(adapted, 1, studied(adapted, 39, agent="listener"), agent="listener")
    finally:
        chipgym.search.unregister_agent("listener")
    asks = len({designs.tobytes() for designs, _ in told})
    assert asks > 3
    for designs, got in told:
        out = adapted.evaluate(designs)
        assert got.objectives == pytest.approx(out.objectives, nan_ok=True)
        assert got.violation == pytest.approx(out.violation)
        for name in out.metrics:
            assert got.metrics[name] == pytest.approx(out.metrics[name], nan_ok=True)


def test_constraints_reach_the_agent():
    """The best design without them is far beyond them."""
    problem = chipgym.make_problem("toy", constraints="area_mm2 <= 6")
    study = studied(problem, 60, batch=10)
    best = study.best_trial
    everything = problem.evaluate(problem.space.enumerate())
    assert best.value <= np.unique(everything.objectives[everything.feasible])[3]  # of 24
    assert best.user_attrs["metrics"]["area_mm2"] <= 6


def test_any_study_of_finite_distributions():
    """Parameters of all kinds, values of any sign, maximised."""

    def objective(trial):
        x = trial.suggest_float("x", -1, 1, step=0.25)
        n = trial.suggest_int("n", 1, 64, log=True)
        kind = trial.suggest_categorical("kind", [None, True, "a"])
        return 3.0 - (x - 0.5) ** 2 - abs(n - 8) - (kind is not None)

    study = optuna.create_study(direction="maximize", sampler=optuna_sampler(agent="nsga2", batch=10))
    study.optimize(objective, n_trials=150)
    chance = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    chance.optimize(objective, n_trials=150)
    assert study.best_value > chance.best_value
    assert study.best_value > 2.0


def test_a_given_space_needs_no_first_trial_by_chance():
    space = {"x": IntDistribution(0, 3), "y": CategoricalDistribution(("a", "b"))}
    study = optuna.create_study(sampler=optuna_sampler(agent="exhaustive", search_space=space))
    study.optimize(lambda t: t.suggest_int("x", 0, 3) + (t.suggest_categorical("y", ("a", "b")) == "b"), n_trials=8)
    assert [tuple(t.params.values()) for t in study.trials] == [(x, y) for x in range(4) for y in "ab"]
    study.optimize(lambda t: t.suggest_int("x", 0, 3), n_trials=2)  # nothing is left: by chance


def test_a_sampler_is_pickled_without_what_the_trials_tell(toy):
    study = studied(toy, 7, batch=5)
    copy = pickle.loads(pickle.dumps(study.sampler))
    study.sampler = copy
    study.optimize(optuna_objective(toy), n_trials=6)
    assert designs(study) == designs(studied(toy, 13, batch=5))


def test_fixed_parameters_leave_the_rest_to_chance(toy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.PartialFixedSampler({"units": 2}, optuna_sampler(toy))
    study = optuna.create_study(sampler=sampler)
    study.optimize(optuna_objective(toy), n_trials=5)
    assert {d["units"] for d in designs(study)} == {4}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"agent": "nsga9"}, r"^unknown agent 'nsga9'; did you mean 'nsga"),
        ({"agent_options": {"population": 4}}, r"population.*did you mean 'population_size'"),
        ({"agent_options": {"population_size": 1}}, r"^population_size: 1 "),
        ({"seed": -1}, r"^seed: -1 "),
        ({"batch": 0}, r"^batch: 0 "),
        ({"levels": 1}, r"^levels: 1 "),
        ({"search_space": {"units": IntDistribution(0, 1)}}, r"^search_space: a problem has its own"),
    ],
)
def test_wrong_settings_are_named_at_once(toy, settings, message):
    with pytest.raises(chipgym.ChipgymError, match=message):
        optuna_sampler(toy, **settings)
    if "search_space" not in settings:
        with pytest.raises(chipgym.ChipgymError, match=message):
            optuna_sampler(**settings)


def test_a_study_of_other_directions_is_refused(toy):
    study = optuna.create_study(direction="maximize", sampler=optuna_sampler(toy))
    with pytest.raises(chipgym.ChipgymError, match=r"^study: its directions differ from \['minimize'\]"):
        study.ask(optuna_objective(toy).search_space)


DISTRIBUTIONS = st.one_of(
    st.builds(lambda low, n: IntDistribution(low, low + n), st.integers(-99, 99), st.integers(1, 500)),
    st.builds(lambda low, n, s: IntDistribution(low, low + n * s, step=s), st.integers(-9, 9), st.integers(1, 99),
              st.integers(1, 7)),
    st.builds(lambda low, n: IntDistribution(low, low + n, log=True), st.integers(1, 99), st.integers(1, 9999)),
    st.builds(lambda low, n: FloatDistribution(low, low + n), st.floats(-9, 9), st.floats(0.1, 9)),
    st.builds(lambda low, n: FloatDistribution(low, low * n, log=True), st.floats(1e-6, 9), st.floats(1.1, 1e4)),
    st.builds(lambda low, n, s: FloatDistribution(low, low + n * s, step=s), st.floats(-9, 9), st.integers(1, 99),
              st.sampled_from([0.1, 0.25, 0.3, 1.0])),
    st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)), min_size=2, max_size=5,
             unique_by=repr).map(CategoricalDistribution),
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:The distribution is specified by")
@given(st.lists(DISTRIBUTIONS, min_size=1, max_size=4), st.integers(2, 40), st.integers(0, 99))
def test_distributions_are_grids_and_back(distributions, levels, seed):
    space = StudySpace({f"k{i}": d for i, d in enumerate(distributions)}, levels)
    for name, distribution in space.distributions.items():
        grid = space.grids[name]
        assert len(grid) <= max(levels, len(getattr(distribution, "choices", ())))
        assert all(distribution._contains(distribution.to_internal_repr(value)) for value in grid)
        if not isinstance(distribution, CategoricalDistribution):
            assert list(grid) == sorted(set(grid))
            assert grid[0] == distribution.low
            assert math.isclose(grid[-1], distribution.high, rel_tol=1e-9, abs_tol=1e-9)
    for row in space.space.sample(5, np.random.default_rng(seed)):
        params = space.params(row)
        assert space.row(params).tolist() == row.tolist()
    assert space.row({}) is None


@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=9), st.booleans())
def test_scaled_values_keep_their_order(values, maximised):
    scale = Scale(np.array([maximised]))
    out = scale(np.array(values)[:, None])[:, 0]
    assert out[0] == pytest.approx(1.0)
    assert ((out > 1e-5) & (out < 1e5)).all()
    better = np.array(values) * (-1.0 if maximised else 1.0)
    for i in range(len(values)):
        assert (out[better < better[i]] <= out[i]).all()
    later = scale(np.array([[np.inf], [np.nan], [values[0]]]))[:, 0]
    assert np.isnan(later[:2]).all()
    assert later[2] == pytest.approx(1.0)

"""The default agent: its models against others' and against integrals, its shares, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from bowl import BowlSimulator
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

import chipgym
from chipgym.search.agents.auto.belief import Aim, Belief, log_improvement
from chipgym.search.agents.auto.history import History
from chipgym.search.agents.auto.process import JITTER, GaussianProcess, Knobs
from chipgym.search.agents.auto.proposers import Situation, by_models
from chipgym.search.agents.auto.shares import Shares

KNOBS = Knobs(np.arange(3), np.ones(3, dtype=bool), np.full(3, 0.25))


def smooth(x):
    return np.sin(3 * x[:, 0]) + (x[:, 1] - 0.3) ** 2


@pytest.fixture
def process():
    x = np.random.default_rng(0).integers(0, 5, (30, 3)) * 0.25
    x = np.unique(x, axis=0)
    return GaussianProcess.fit(KNOBS, x, smooth(x), 96)


@pytest.mark.portable
def test_the_process_is_scikit_learns(process):
    """Same kernel, same lengthscales, another implementation."""
    kernel = ConstantKernel(process.variance) * Matern(process.weights**-0.5, nu=2.5)
    kernel += WhiteKernel(process.variance * (process.noise + JITTER))
    theirs = GaussianProcessRegressor(kernel, optimizer=None, alpha=0.0).fit(process.x, process.y)
    x = np.random.default_rng(1).random((40, 3))
    mean, deviation = theirs.predict(x, return_std=True)
    ours = process.outlook(x)
    assert ours.mean == pytest.approx(mean * process.spread + process.center, abs=1e-6)
    noise = process.variance * (process.noise + JITTER)  # which theirs counts as part of what is predicted
    assert ours.deviation == pytest.approx(np.sqrt(deviation**2 - noise) * process.spread, abs=1e-5)


def test_knobs_that_matter_have_the_short_lengthscales(process):
    """The third changes nothing."""
    assert process.weights[2] < 0.1 * process.weights[:2].min()


@pytest.mark.portable
def test_believing_is_conditioning_on_the_mean(process):
    x = np.random.default_rng(2).random((10, 3))
    ours = process.outlook(x)
    before = ours.mean
    ours.believe(4)
    joined = np.vstack([process.x, x[4]])
    values = np.append(process.y, (before[4] - process.center) / process.spread)
    again = GaussianProcessRegressor(
        Matern(process.weights**-0.5, nu=2.5), optimizer=None, alpha=process.noise + JITTER
    ).fit(joined, values)
    mean, deviation = again.predict(x, return_std=True)
    assert ours.mean == pytest.approx(mean * process.spread + process.center, abs=1e-6)
    assert np.sqrt(np.maximum(ours.share, 0)) == pytest.approx(deviation, abs=1e-4)


def test_categories_are_equally_far_from_each_other():
    knobs = Knobs(np.arange(1), np.zeros(1, dtype=bool), np.full(1, 0.5))
    x = np.array([[0.0], [0.5], [1.0]])
    assert knobs.squares(x)[0].tolist() == (1 - np.eye(3)).tolist()
    assert knobs.distances(x, x, np.array([2.0])).tolist() == (2 - 2 * np.eye(3)).tolist()


@pytest.mark.parametrize(("gap", "deviation"), [(0.3, 0.2), (-0.5, 1.0), (-2.0, 0.5), (0.0, 1e-3)])
def test_expected_improvement_is_the_integral(gap, deviation):
    value, _ = quad(lambda y: y * norm.pdf(y, gap, deviation), 0, max(gap, 0) + 12 * deviation, points=[max(gap, 0)])
    assert log_improvement(np.array([gap]), np.array([deviation]))[0] == pytest.approx(np.log(value), abs=1e-5)


@given(st.floats(-50, 3))
def test_a_design_that_is_expected_nearer_is_worth_more(gap):
    near, far = log_improvement(np.array([gap, gap - 0.01]), np.ones(2))
    assert near > far


def test_the_front_is_what_all_weightings_aim_beyond():
    rng = np.random.default_rng(0)
    front = np.array([[0.0, 1.0], [0.4, 0.3], [1.0, 0.0]])
    for _ in range(20):
        aim = Aim.of(front, rng)
        assert aim.best == aim.value(front).min()
        assert aim.value(np.array([-0.1, -0.1])) < aim.best


@settings(max_examples=50)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.data())
def test_shares_divide_every_ask(asks, data):
    shares = Shares({"a": 0.5, "b": 0.1, "c": 0.1})
    for n in asks:
        given_ = shares.split(n)
        assert sum(given_.values()) == n
        assert min(given_.values()) >= 0
        shares.learn(given_, {name: data.draw(st.integers(0, k)) for name, k in given_.items()})
        assert sum(shares.parts().values()) == pytest.approx(1.0)


def test_who_succeeds_is_asked_more():
    shares = Shares({"a": 0.5, "b": 0.05})
    first = shares.parts()["b"]
    for _ in range(20):
        part = shares.split(8)
        shares.learn(part, {"a": 0, "b": part["b"]})
    assert shares.parts()["b"] > 3 * first
    assert shares.split(20)["a"] >= 1


def test_excess_is_the_logarithm_of_value_over_limit():
    problem = chipgym.make_problem(BowlSimulator(), constraints=["area_mm2 <= 40", "latency_s >= 2"])
    rows = problem.space.sample(50, np.random.default_rng(0))
    history = History(problem)
    found = problem.evaluate(rows)
    new = history.add(rows, found)
    area, latency = found.metrics["area_mm2"][new], found.metrics["latency_s"][new]
    assert history.excess[:, 0] == pytest.approx(np.log(area / 40).clip(-2, 2), nan_ok=True)
    assert history.excess[:, 1] == pytest.approx(np.log(2 / latency).clip(-2, 2), nan_ok=True)
    met = (np.nan_to_num(history.excess) <= 0).all(axis=1)
    assert (met == (history.violation <= 0)).all()
    assert len(history) == len(np.unique(rows, axis=0))


def test_models_see_what_is_within_the_limits():
    problem = chipgym.make_problem(BowlSimulator(), constraints="area_mm2 <= 40")
    rng = np.random.default_rng(0)
    history = History(problem)
    rows = problem.space.sample(60, rng)
    history.add(rows, problem.evaluate(rows))
    rows = problem.space.sample(200, rng)
    survey = Belief.of(history, Knobs.of(problem.space)).survey(rows)
    feasible = problem.evaluate(rows).feasible
    assert survey.feasibility()[feasible].mean() > survey.feasibility()[~feasible].mean() + 1.0
    proposed = by_models(Situation(problem, history, history.order(), rng), 8)
    assert len(np.unique(proposed, axis=0)) == 8


@pytest.mark.parametrize("constraints", [(), ("area_mm2 <= 40",)])
def test_auto_beats_what_others_need_many_more_designs_for(constraints):
    problem = chipgym.make_problem(BowlSimulator(), constraints=constraints)
    mine = [chipgym.optimize(problem, budget=80, seed=seed).best.objectives[0] for seed in range(2)]
    theirs = [chipgym.optimize(problem, "nsga2", budget=120, seed=seed).best.objectives[0] for seed in range(4)]
    assert np.mean(mine) < np.mean(theirs)


def test_auto_says_what_it_did():
    problem = chipgym.make_problem(BowlSimulator())
    first, second = chipgym.optimize(problem, budget=40, seed=0).explanation
    assert first.startswith("auto: 12 designs to begin with, then ")
    assert "shares follow" in second
    (short,) = chipgym.optimize(problem, budget=5, seed=0).explanation
    assert "too few" in short

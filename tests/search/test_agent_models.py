"""What model-based agents share: processes, improvement, knobs as numbers, neighbours, local search, histories."""

from __future__ import annotations

import numpy as np
import pytest
from bowl import BowlSimulator
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.gaussian_process.kernels import Matern as MaternKernel

import chipgym
from chipgym.search.agents.history import History, thinned
from chipgym.search.agents.improvement import Weighting, log_improvement
from chipgym.search.agents.knobs import Knobs
from chipgym.search.agents.local_search import climbed, several
from chipgym.search.agents.matern import Matern, fitted
from chipgym.search.agents.neighborhoods import Exchange
from chipgym.search.agents.process import JITTER, conditioned
from chipgym.simulators import DesignSpace, Parameter, when

KNOBS = Knobs(np.arange(3), np.ones(3, dtype=bool), np.full(3, 5))


def smooth(x):
    return np.sin(3 * x[:, 0]) + (x[:, 1] - 0.3) ** 2


@pytest.fixture
def process():
    x = np.random.default_rng(0).integers(0, 5, (30, 3)) * 0.25
    x = np.unique(x, axis=0)
    return fitted(KNOBS, x, smooth(x), 96)


@pytest.mark.portable
def test_the_process_is_scikit_learns(process):
    """Same kernel, same lengthscales, another implementation."""
    kernel = ConstantKernel(process.variance) * MaternKernel(process.kernel.weights**-0.5, nu=2.5)
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
    assert process.kernel.weights[2] < 0.1 * process.kernel.weights[:2].min()


@pytest.mark.portable
def test_believing_is_conditioning_on_the_mean(process):
    x = np.random.default_rng(2).random((10, 3))
    ours = process.outlook(x)
    before = ours.mean
    ours.believe(4)
    joined = np.vstack([process.x, x[4]])
    values = np.append(process.y, (before[4] - process.center) / process.spread)
    again = GaussianProcessRegressor(
        MaternKernel(process.kernel.weights**-0.5, nu=2.5), optimizer=None, alpha=process.noise + JITTER
    ).fit(joined, values)
    mean, deviation = again.predict(x, return_std=True)
    assert ours.mean == pytest.approx(mean * process.spread + process.center, abs=1e-6)
    assert np.sqrt(np.maximum(ours.share, 0)) == pytest.approx(deviation, abs=1e-4)


def test_categories_are_equally_far_from_each_other():
    knobs = Knobs(np.arange(1), np.zeros(1, dtype=bool), np.full(1, 3))
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


def test_log_improvement_is_the_formula_and_finite_beyond_it():
    mean = np.array([-1.0, 0.0, 0.5, 3.0])
    z = (0.2 - mean) / 0.5
    expected = 0.5 * (z * norm.cdf(z) + norm.pdf(z))
    assert np.exp(log_improvement(0.2 - mean, np.full(4, 0.5))) == pytest.approx(expected, rel=1e-6)
    far = log_improvement(-np.array([10.0, 100.0, 1e3, 1e5, 1e7]), np.full(5, 0.1))
    assert np.isfinite(far).all()
    assert (np.diff(far) < 0).all()


def test_all_weightings_cost_less_beyond_a_front():
    rng = np.random.default_rng(0)
    front = np.array([[0.0, 1.0], [0.4, 0.3], [1.0, 0.0]])
    for _ in range(20):
        weighting = Weighting.drawn(front, rng)
        assert weighting.cost(np.array([-0.1, -0.1])) < weighting.cost(front).min()
        assert weighting.cost(np.array([2.0, 2.0])) > weighting.cost(front).max()
        assert np.isnan(weighting.cost(np.array([np.nan, np.nan])))


def test_at_most_so_many_neighbours_are_drawn(space):
    rows = space.sample(30, np.random.default_rng(0))
    whole, _ = Exchange(space)(rows, np.random.default_rng(1))
    near, origin = Exchange(space, 5)(rows, np.random.default_rng(1))
    assert np.bincount(origin).tolist() == [5] * 30
    assert {tuple(r) for r in near.tolist()} <= {tuple(r) for r in whole.tolist()}


def test_steps_between_rows():
    space = DesignSpace(
        (Parameter("depth", tuple(range(40))), Parameter("policy", ("a", "b", "c")), Parameter("one", (1,)))
    )
    rows = np.array([[3, 0, 0], [5, 2, 0], [0, 0, 0]])
    assert Knobs.of(space).steps(rows, rows[0]).tolist() == [[0, 0], [2, 1], [3, 0]]


def test_a_process_without_designs_knows_nothing():
    process = conditioned(Matern(KNOBS, np.ones(3)), 1e-3, np.empty((0, 3)), np.empty(0), 0.5, 2.0, np.inf)
    ours = process.outlook(np.random.default_rng(0).random((4, 3)))
    assert ours.mean.tolist() == [0.5] * 4
    assert ours.deviation == pytest.approx([2.0] * 4)


@pytest.fixture(scope="module")
def space():
    return DesignSpace(
        (
            Parameter("cache", ("off", "on")),
            Parameter("kb", (1, 2, 4), condition=when(cache="on")),
            Parameter("policy", ("a", "b", "c")),
            Parameter("depth", tuple(range(40))),
            Parameter("fixed", (1,)),
        )
    )


def test_exchanges_are_all_designs_one_knob_away(space):
    rows = space.sample(30, np.random.default_rng(0))
    near, origin = Exchange(space)(rows, np.random.default_rng(1))
    assert (space.canonicalize(near) == near).all()
    assert ((near >= 0) & (near < space.sizes)).all()
    for i, row in enumerate(rows):
        mine = {tuple(r) for r in near[origin == i].tolist()}
        assert {tuple(r) for r in space.neighbors(row).tolist()} <= mine
        assert tuple(row.tolist()) not in mine
        here = int(row[3])
        steps = {here + s * 2**k for k in range(6) for s in (-1, 1)}
        assert {r[3] for r in mine} - {here} == {d for d in steps if 0 <= d < 40}


def test_what_has_an_order_is_one_column_and_a_category_one_each(space):
    knobs = Knobs.of(space)
    columns = knobs.one_hot(space.encode([{"cache": "on", "kb": 4, "policy": "b", "depth": 39}]))
    assert columns.tolist() == [[1.0, 1.0, 1.0, 0.0, 1.0, 0.0]]
    assert knobs.one_hot(space.sample(50, np.random.default_rng(1))).max() == 1.0


def test_local_search_ends_at_the_top_of_a_hill(bowl):
    def worth(rows):
        return -((rows - 4) ** 2).sum(axis=1).astype(float)

    rng = np.random.default_rng(0)
    rows, found = climbed(worth, bowl.space.sample(3, rng), Exchange(bowl.space), rng)
    assert rows[found.argmax()].tolist() == [4] * 10
    assert len(np.unique(rows, axis=0)) == len(rows)
    chosen = several(rows, found, 5, rng)
    assert chosen[0].tolist() == [4] * 10
    assert min((chosen[i] != chosen[j]).sum() for i in range(5) for j in range(i)) >= 2
    assert len(several(rows[:3], found[:3], 5, rng)) == 3


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


def test_a_history_has_each_design_once_and_keeps_the_best(toy):
    history = History(toy)
    rows = toy.space.sample(40, np.random.default_rng(0))
    for _ in range(2):
        history.add(rows, toy.evaluate(rows))
    assert len(history) == len(np.unique(rows, axis=0))
    assert not history.novel.among(rows).any()
    order = history.order()
    taken = thinned(order, 10, 5)
    assert len(np.unique(taken)) == 10
    assert taken[:5].tolist() == order[:5].tolist()
    assert taken[-1] == order[-1]

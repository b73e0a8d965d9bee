"""What the agent of random forests promises beyond what every agent does, piece by piece."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from chipgym import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.search.agents.forest.acquisition import log_improvement, scalarized
from chipgym.search.agents.forest.trees import Forest
from chipgym.search.agents.history import History
from chipgym.search.agents.local_search import climbed, several
from chipgym.search.agents.neighborhoods import Exchange, Scale
from chipgym.search.agents.outcomes import ranked, signed_excess
from chipgym.simulators import DesignSpace, Parameter, when


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
    near, origin = Exchange(space)(rows)
    assert (space.canonicalize(near) == near).all()
    assert ((near >= 0) & (near < space.sizes)).all()
    for i, row in enumerate(rows):
        mine = {tuple(r) for r in near[origin == i].tolist()}
        assert {tuple(r) for r in space.neighbors(row).tolist()} <= mine
        assert tuple(row.tolist()) not in mine
        here = int(row[3])
        steps = {here + s * 2**k for k in range(6) for s in (-1, 1)}
        assert {r[3] for r in mine} - {here} == {d for d in steps if 0 <= d < 40}


def test_a_scale_is_one_column_for_what_has_an_order(space):
    scale = Scale(space)
    assert scale.width == 1 + 1 + 1 + 3
    columns = scale(space.encode([{"cache": "on", "kb": 4, "policy": "b", "depth": 39}]))
    assert columns.tolist() == [[1.0, 1.0, 1.0, 0.0, 1.0, 0.0]]
    assert scale(space.sample(50, np.random.default_rng(1))).max() == 1.0


def test_log_improvement_is_the_formula_and_finite_beyond_it():
    mean = np.array([-1.0, 0.0, 0.5, 3.0])
    z = (0.2 - mean) / 0.5
    expected = 0.5 * (z * norm.cdf(z) + norm.pdf(z))
    assert np.exp(log_improvement(mean, np.full(4, 0.5), 0.2)) == pytest.approx(expected, rel=1e-6)
    far = log_improvement(np.array([10.0, 100.0, 1e3, 1e5, 1e7]), np.full(5, 0.1), 0.0)
    assert np.isfinite(far).all()
    assert (np.diff(far) < 0).all()


def test_forests_follow_what_they_were_fitted_to_and_doubt_elsewhere():
    rng = np.random.default_rng(0)
    inputs = rng.random((200, 3))
    forest = Forest(inputs, inputs[:, 0] * 4 + inputs[:, 1], 20, rng)
    mean, std = forest(rng.random((100, 3)))
    assert mean.shape == std.shape == (100,)
    assert (std > 0).all()
    points = np.array([[0.1, 0.1, 0.5], [0.9, 0.9, 0.5]])
    assert forest(points)[0] == pytest.approx([0.5, 4.5], abs=0.5)


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


def test_weights_of_several_objectives():
    values = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [np.nan, np.nan], [2.0, 2.0]])
    cost = scalarized(values, np.array([True, True, True, False, False]), np.random.default_rng(0))
    assert np.isnan(cost[3])
    assert cost[4] > np.nanmax(cost[:3])
    assert scalarized(values[:, :1], np.ones(5, dtype=bool), np.random.default_rng(0))[2] == 0.5


def test_signed_excess_has_the_sign_of_feasibility(pareto):
    rows = pareto.space.sample(60, np.random.default_rng(0))
    evaluation = pareto.evaluate(rows)
    excess = signed_excess(pareto, rows, evaluation)
    assert ((excess <= 0) == (evaluation.violation <= 0)).all()
    inside = evaluation.violation <= 0
    relative = evaluation.metrics["area_mm2"][inside] / 20 - 1
    assert excess[inside] == pytest.approx(relative / (1 - relative))


def test_debs_rules_put_feasible_designs_first():
    values = np.array([3.0, 1.0, np.nan, 2.0, 0.0])
    violation = np.array([0.0, 0.0, np.inf, 0.1, 0.2])
    assert ranked(values, violation).tolist() == [1, 0, 3, 4, 2]


def test_a_history_has_each_design_once_and_keeps_the_best(toy):
    history = History(toy)
    rows = toy.space.sample(40, np.random.default_rng(0))
    for _ in range(2):
        history.add(rows, toy.evaluate(rows))
    assert len(history) == len(np.unique(rows, axis=0))
    assert not history.new(rows).any()
    cost = history.values[:, 0]
    taken = history.selected(10, cost, np.random.default_rng(0))
    assert len(np.unique(taken)) == 10
    assert set(ranked(cost, history.violation)[:5]) <= set(taken.tolist())


def test_it_comes_near_the_best_of_a_billion(bowl):
    """The best is at 1; random draws of as many designs come to 17 or so."""
    assert optimize(bowl, "forest", 240, agent_options={"trees": 10}).best.objectives[0] < 14


@pytest.mark.parametrize(
    ("option", "value"), [("trees", 1), ("trees", "many"), ("n_startup_trials", 0), ("random_fraction", 1.5)]
)
def test_bad_options_are_one_line(toy, option, value):
    with pytest.raises(ChipgymError, match=option):
        make_agent("forest", toy, options={option: value})

"""The default agent: what its models see, its shares, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from bowl import BowlSimulator
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.search.agents.auto.belief import Belief
from chipgym.search.agents.auto.proposers import Situation, by_models
from chipgym.search.agents.auto.shares import Shares
from chipgym.search.agents.history import History
from chipgym.search.agents.knobs import Knobs
from chipgym.search.agents.neighborhoods import Exchange


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
    exchange = Exchange(problem.space)
    proposed = by_models(Situation(problem.space, history, history.order(), rng, history.novel, exchange), 8)
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

"""The default agent: what its models see, its shares, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from bowl import BowlSimulator
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import load_workload
from chipgym.search.agents.auto.agent import spread
from chipgym.search.agents.auto.belief import Belief
from chipgym.search.agents.auto.proposers import Situation, by_models
from chipgym.search.agents.auto.regions import Region, Tour, branches
from chipgym.search.agents.auto.shares import Shares
from chipgym.search.agents.history import History
from chipgym.search.agents.knobs import Knobs
from chipgym.search.agents.neighborhoods import Exchange
from chipgym.simulators import DesignSpace, MetricSpec, Parameter, Simulator
from chipgym.simulators.core.parameter import Condition

RATES = {"a": 0.5, "b": 0.05, "c": 0.05}


@settings(max_examples=50)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.data())
def test_shares_divide_every_ask(asks, data):
    shares = Shares(tuple(RATES))
    for n in asks:
        given_ = shares.split(n, RATES)
        assert sum(given_.values()) == n
        assert min(given_.values()) >= 0
        shares.learn(given_, {name: data.draw(st.integers(0, k)) for name, k in given_.items()}, RATES)
        assert sum(shares.parts(RATES).values()) == pytest.approx(1.0)


def test_who_succeeds_is_asked_more():
    shares = Shares(tuple(RATES))
    first = shares.parts(RATES)["b"]
    for _ in range(20):
        part = shares.split(8, RATES)
        shares.learn(part, {"a": 0, "b": part["b"], "c": 0}, RATES)
    assert shares.parts(RATES)["b"] > 3 * first
    assert shares.split(20, RATES)["a"] >= 1


class BranchSimulator(Simulator):
    """Twelve knobs, of which a value of the first gives six a meaning: worse than other values until those are set."""

    name, version, default_objective = "branch", "1", "latency_s"
    metrics = (MetricSpec("latency_s", "s"),)

    def __init__(self, workload="mlp:16-64-5"):
        self.workload = load_workload(workload)
        self.options = {}
        inner = Condition((("mode", ("custom",)),))
        self.space = DesignSpace(
            (
                Parameter("mode", ("plain", "custom"), ordinal=False),
                *(Parameter(f"a{i}", tuple(range(6))) for i in range(5)),
                *(Parameter(f"c{i}", tuple(range(6)), condition=inner) for i in range(6)),
            )
        )

    def simulate(self, columns, n):
        outer = sum((columns[f"a{i}"].astype(float) - 3) ** 2 for i in range(5))
        inner = sum((columns[f"c{i}"].astype(float) - 4) ** 2 for i in range(6))
        return {"latency_s": outer + np.where(columns["mode"] == "custom", 1.0 + inner, 10.0)}, np.zeros(n)


def test_every_value_that_gives_others_a_meaning_is_a_branch():
    space = BranchSimulator().space
    (region,) = branches(space)
    assert str(region) == "designs whose mode is custom"
    rows = region.sample(50, np.random.default_rng(0))
    assert (rows[:, 0] == 1).all()
    assert (space.canonicalize(rows) == rows).all()
    assert branches(BowlSimulator().space) == []


def test_a_branch_that_is_worse_at_its_defaults_is_searched():
    problem = chipgym.make_problem(BranchSimulator())
    assert problem.evaluate({"mode": "custom"}).objectives[0] > problem.evaluate({"mode": "plain"}).objectives[0]
    for seed in range(2):
        found = chipgym.optimize(problem, budget=350, seed=seed)
        assert found.best.objectives[0] < 10.0  # the best of the other branch
        assert problem.space.size == 2 * 6**11


def test_nothing_better_for_long_is_the_end_of_a_region():
    problem = chipgym.make_problem(BranchSimulator())
    history, tour = History(problem), Tour(problem.space)
    rows = problem.space.sample(40, np.random.default_rng(0))
    history.add(rows, problem.evaluate(rows))
    moves = [tour.moves_on(history, int(history.order()[0]), 20) for _ in range(30)]
    assert not any(moves[:3])
    assert any(moves)
    assert [region.whole for region in tour.entered[:4]] == [False, False, True, False]


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
    proposed = by_models(Situation(Region(problem.space), history, history.order(), rng, history.novel, exchange), 8)
    assert len(np.unique(proposed, axis=0)) == 8


@pytest.mark.parametrize("constraints", [(), ("area_mm2 <= 40",)])
def test_auto_beats_what_others_need_many_more_designs_for(constraints):
    problem = chipgym.make_problem(BowlSimulator(), constraints=constraints)
    mine = [chipgym.optimize(problem, budget=80, seed=seed).best.objectives[0] for seed in range(2)]
    theirs = [chipgym.optimize(problem, "nsga2", budget=120, seed=seed).best.objectives[0] for seed in range(4)]
    assert np.mean(mine) < np.mean(theirs)


def test_auto_says_what_it_did():
    problem = chipgym.make_problem(BowlSimulator())
    first, second, *_ = chipgym.optimize(problem, budget=40, seed=0).explanation
    assert first.startswith("auto: 12 designs to begin with, then ")
    assert "shares follow" in second
    (short,) = chipgym.optimize(problem, budget=5, seed=0).explanation
    assert "too few" in short


def test_the_first_designs_have_every_value_equally_often():
    space = chipgym.make_problem("systolic").space
    rows = spread(space, 24, np.random.default_rng(0))
    assert (rows[0] == space.default_indices).all()
    for j, size in enumerate(space.sizes.tolist()):
        counts = np.bincount(rows[1:, j], minlength=size)
        assert counts.max() - counts.min() <= 2

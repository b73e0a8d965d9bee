"""What holds for every registered agent, whatever it does."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from bowl import BowlSimulator

import chipgym
from chipgym.search import SearchResult, agent_names, agent_options, make_agent, optimize, registered_agents

PROBLEMS = {"single": {}, "pareto": {"objective": ["latency_s", "energy_j"], "constraints": ["area_mm2 <= 20"]}}
# Settings that bring an agent's model in within the budget.
BUDGET = 24
SETTINGS = {
    "random": {"batch": 7},
    "nsga2": {"agent_options": {"population_size": 6}},
    "tpe": {"batch": 3, "agent_options": {"n_startup_trials": 5}},
    "gp": {"batch": 2, "agent_options": {"n_startup_trials": 20}},
    "exhaustive": {"batch": 5},
}
# Batches after which a search is killed: before there is a model, and with one.
KILLED_AFTER = {"nsga2": (1, 2, 3), "tpe": (1, 3, 6), "gp": (1, 11)}
RANDOM = [name for name in agent_names() if name != "exhaustive"]


def search(problem, agent, budget=BUDGET, seed=0, **options) -> SearchResult:
    return optimize(problem, agent, budget, seed, **{**SETTINGS.get(agent, {}), **options})


@cache
def _uninterrupted(agent, kind) -> SearchResult:
    return search(chipgym.make_problem("toy", **PROBLEMS[kind]), agent)


def uninterrupted(problem, agent) -> SearchResult:
    """The search that others must equal, made once."""
    return _uninterrupted(agent, "single" if len(problem.objectives) == 1 else "pareto")


def same(a: SearchResult, b: SearchResult) -> None:
    pd.testing.assert_frame_equal(a.to_pandas(), b.to_pandas(), check_exact=True)
    assert a.best == b.best
    assert a.pareto == b.pareto


class StoppedError(Exception):
    """What a callback raises in place of a signal."""


def stop_after(batches):
    """A callback that ends the search after so many batches."""
    left = [batches]

    def callback(progress):
        left[0] -= 1
        if left[0] == 0:
            raise StoppedError

    return callback


def test_every_agent_says_what_it_is():
    for entry in registered_agents():
        assert entry.doc
        assert "\n" not in entry.doc
        assert entry.load().__doc__
        assert isinstance(agent_options(entry.name), dict)


@pytest.mark.parametrize("agent", agent_names())
def test_rows_are_canonical_and_in_range(problem, agent):
    options = SETTINGS.get(agent, {}).get("agent_options")
    searcher = make_agent(agent, problem, 0, options)
    space = problem.space
    for _ in range(4):
        rows = searcher.ask(5)
        assert rows.dtype == np.int64
        assert rows.shape == (5, len(space.parameters))
        assert (rows >= 0).all()
        assert (rows < space.sizes).all()
        assert (space.canonicalize(rows) == rows).all()
        searcher.tell(rows, problem.evaluate(rows))


@pytest.mark.parametrize("agent", agent_names())
def test_same_seed_same_search(problem, agent):
    same(search(problem, agent), uninterrupted(problem, agent))


@pytest.mark.parametrize("agent", RANDOM)
def test_another_seed_another_search(toy, agent):
    first, second = (search(toy, agent, 8, seed).to_pandas() for seed in (0, 1))
    assert not first.equals(second)


@pytest.mark.parametrize("agent", agent_names())
def test_budget_is_spent_exactly(problem, agent, tmp_path):
    seen = []
    result = search(problem, agent, 17, store=tmp_path / "s.db", callback=seen.append)
    table = result.to_pandas()
    assert result.stopped == "budget"
    assert result.evaluations == len(table) == 17 == seen[-1].evaluations
    assert not table.duplicated(list(problem.space.names)).any()
    assert chipgym.search.open_store(tmp_path / "s.db").runs()[0].evaluations == 17


@pytest.mark.parametrize(("agent", "batches"), [(a, n) for a in agent_names() for n in KILLED_AFTER.get(a, (1, 3))])
def test_killed_between_batches_goes_on_to_the_same_result(problem, agent, batches, tmp_path):
    store = tmp_path / "s.db"
    with pytest.raises(StoppedError):
        search(problem, agent, store=store, callback=stop_after(batches))
    same(search(problem, agent, store=store), uninterrupted(problem, agent))


@pytest.mark.parametrize("agent", agent_names())
def test_a_larger_budget_later_is_the_larger_budget_at_once(problem, agent, tmp_path):
    store = tmp_path / "s.db"
    for budget in (1, 11, 23, BUDGET):
        result = search(problem, agent, budget, store=store)
        assert result.evaluations == budget
    same(result, uninterrupted(problem, agent))


@pytest.mark.parametrize("agent", ["random", "exhaustive", "nsga2"])
def test_a_small_space_is_exhausted(problem, agent):
    result = search(problem, agent, 10_000)
    assert result.stopped == "space exhausted"
    assert result.evaluations == problem.space.canonical_size == 90


@pytest.mark.parametrize("agent", agent_names())
def test_a_space_of_one_design(agent):
    one = {"units": 8, "cache": "off", "cache_kb": 4, "clock_mhz": 200}
    result = search(chipgym.make_problem("toy", space=one), agent)
    assert result.evaluations == 1
    assert result.best.design == one


@pytest.mark.parametrize("agent", agent_names())
@pytest.mark.parametrize("objective", ["edp", ["latency_s", "energy_j"]])
def test_nothing_feasible(agent, objective):
    problem = chipgym.make_problem("toy", objective=objective, constraints="area_mm2 <= 0.5")
    result = search(problem, agent, 22)
    table = result.to_pandas()
    assert not result.best.feasible
    assert result.best.violation == table.violation.min() > 0
    assert result.pareto == ()


@pytest.mark.parametrize("agent", agent_names())
def test_most_designs_unbuildable(agent):
    """Cost columns are NaN for most designs: no agent may trip over them, or take them for good."""
    result = search(chipgym.make_problem("toy", budget_mm2=4.0), agent, 22 if agent == "gp" else 40)
    table = result.to_pandas()
    assert table["objective:edp"].isna().any()
    assert table.feasible.any()
    assert result.best.objectives[0] == table["objective:edp"].min()


@pytest.mark.parametrize(("agent", "budget"), [("nsga2", 400), ("tpe", 60)])
def test_learning_beats_random(bowl, agent, budget):
    mine = [optimize(bowl, agent, budget, seed).best.objectives[0] for seed in range(2)]
    random = [optimize(bowl, "random", budget, seed).best.objectives[0] for seed in range(20)]
    assert max(mine) < np.mean(random)


def test_a_gaussian_process_finds_the_best_of_thousands():
    space = {f"k{i}": 5 for i in range(4, 10)}
    problem = chipgym.make_problem(BowlSimulator(), space=space)
    assert problem.space.canonical_size == 8**4
    assert optimize(problem, "gp", 24).best.objectives == (1.0,)


@pytest.mark.parametrize(("agent", "budget"), [("nsga2", 300), ("tpe", 40)])
def test_learning_beats_random_on_a_front(agent, budget):
    """By the mean reward of the best compromise, within a constraint that few random designs meet."""
    problem = chipgym.make_problem(BowlSimulator(), objective=["latency_s", "energy_j"], constraints="area_mm2 <= 40")
    mine = [optimize(problem, agent, budget, seed).to_pandas().reward.max() for seed in range(2)]
    random = [optimize(problem, "random", budget, seed).to_pandas().reward.max() for seed in range(20)]
    assert np.mean(mine) > np.mean(random)

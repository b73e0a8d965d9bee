"""Regret and rank against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from bowl import BowlSimulator
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.search import ground_truth, load_result, optimize

PROBLEMS = {
    "plain": {"objective": "edp"},
    "constrained": {"objective": "energy_j", "constraints": "latency_s <= 2e-4"},
    "narrowed": {"objective": "latency_s", "space": {"units": [2, 8, 16], "cache": "on"}},
    "reciprocal": {"objective": "area_mm2 / energy_j"},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "toy.parquet"
    chipgym.collect("toy", path)
    return path


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("agent", ["random", "nsga2", "exhaustive"])
def test_against_brute_force(table, kind, agent):
    """Every design one by one, in plain Python."""
    problem = chipgym.make_problem("tabular", table, **PROBLEMS[kind])
    truth = ground_truth(problem)
    rows = [row for block in problem.space.canonical_rows() for row in block]
    every = [problem.evaluate(row) for row in rows]
    feasible = [float(e.objectives[0, 0]) for e in every if e.feasible[0]]
    assert truth.optimum == min(feasible)
    assert truth.worst == max(feasible)
    assert (len(truth.values), truth.designs) == (len(feasible), len(rows))
    assert problem.evaluate(truth.best).objectives[0, 0] == min(feasible)

    result = optimize(problem, agent, 50, 2)
    best, regret, rank = np.inf, [], []
    for number in range(result.evaluations):
        one = result.table.row(number)
        if one.feasible:
            best = min(best, one.objectives[0])
        regret.append(best - min(feasible))
        rank.append(1 + sum(value < best for value in feasible))
    assert truth.regret(result).tolist() == regret
    assert truth.rank(result).tolist() == rank


def test_an_exhausted_space_has_no_regret(table):
    problem = chipgym.make_problem("tabular", table)
    truth = ground_truth(problem)
    result = optimize(problem, "random", 1000)
    assert (truth.regret(result)[-1], truth.rank(result)[-1]) == (0.0, 1)
    assert result.best.design == truth.best


@pytest.fixture(scope="module")
def bowl_truth():
    return ground_truth(chipgym.make_problem(BowlSimulator(), space={f"k{i}": 5 for i in range(9)}))


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.floats() | st.sampled_from([1.0, 2.0, 5.0]), max_size=12))
def test_any_curve(bowl_truth, values):
    truth = bowl_truth
    assert truth.values.tolist() == [1.0, 2.0, 2.0, 5.0, 5.0, 10.0, 10.0, 17.0]
    regret, rank = truth.regret(values), truth.rank(values)
    for i in range(len(values)):
        best = min([v for v in values[: i + 1] if v == v], default=np.inf)
        assert regret[i] == best - 1.0
        assert rank[i] == 1 + sum(v < best for v in truth.values)


def test_a_search_on_the_simulator_itself(table, tmp_path):
    """The table stands for the simulator that it was collected from, and a stored run for one in memory."""
    truth = ground_truth(chipgym.make_problem("tabular", table))
    on_simulator = optimize(chipgym.make_problem("toy"), "nsga2", 40, store=tmp_path / "s.db")
    on_table = optimize(truth.problem, "nsga2", 40)
    expected = truth.regret(on_table).tolist()
    assert truth.regret(on_simulator).tolist() == expected
    assert truth.regret(load_result(tmp_path / "s.db")).tolist() == expected


def test_another_problem_is_refused(table):
    truth = ground_truth(chipgym.make_problem("tabular", table))
    for options, says in (
        ({"objective": "latency_s"}, "a search with objectives"),
        ({"constraints": "area_mm2 <= 9"}, "a search with constraints"),
        ({"space": {"units": [1, 4]}}, "a search with space"),
        ({"workload": "mlp:4-4"}, "is a search of toy on mlp:4-4, expected tabular on toy:mlp:16-64-5"),
        ({"budget_mm2": 20.0}, "is a search of toy on mlp:16-64-5, expected"),
    ):
        other = optimize(chipgym.make_problem("toy", **options), "random", 5)
        with pytest.raises(chipgym.ChipgymError, match=says):
            truth.regret(other)
    for curve in ("text", [[1.0]], None):
        with pytest.raises(chipgym.ChipgymError, match="neither a search's result nor a list of objectives"):
            truth.rank(curve)


def test_problems_without_a_ground_truth(table):
    for options, says in (
        ({"objective": ["latency_s", "energy_j"]}, "regret is defined for one objective, not for latency_s, energy_j"),
        ({"constraints": "area_mm2 <= 0.1"}, "no design of toy:mlp:16-64-5 meets the constraints"),
    ):
        with pytest.raises(chipgym.ChipgymError, match=says):
            ground_truth(chipgym.make_problem("tabular", table, **options))
    with pytest.raises(chipgym.ChipgymError, match="are too many to evaluate them all"):
        ground_truth(chipgym.make_problem(BowlSimulator()))

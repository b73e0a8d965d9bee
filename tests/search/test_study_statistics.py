"""What a study computes of its searches, against data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.search.study.profiles import curve_points, expected_evaluations, performance_ratios, step_points
from chipgym.search.study.ranks import rank_test
from chipgym.search.study.searches import Searches, Task, Trace
from chipgym.search.study.summary import interquartile_mean, mean_band
from chipgym.search.study.variance import log_regret, ranks_within, variance_components

INF = np.inf


# --- searches as columns -----------------------------------------------------------------------------------------


def random_searches(rng, n=40):
    """Objectives of n searches with infeasible designs among them, by task."""
    out = {}
    for i in range(n):
        size = int(rng.integers(1, 60))
        objectives = rng.exponential(size=size)
        feasible = rng.random(size) < rng.choice([0.0, 0.3, 1.0])
        objectives[rng.random(size) < 0.1] = np.nan
        out[Task(i % 3, i % 5, i)] = (objectives, feasible)
    return out


def test_searches_keep_every_incumbent():
    found = random_searches(np.random.default_rng(0))
    searches = Searches.of((task, Trace.of(*found[task])) for task in reversed(list(found)))
    assert searches.tasks() == sorted(found)
    at = np.arange(1, 70)
    incumbents = searches.incumbents(at)
    limit = np.full(len(searches), 0.2)
    first = searches.first_within(limit)
    for row, task in enumerate(searches.tasks()):
        objectives, feasible = found[task]
        running = np.minimum.accumulate(np.where(feasible & np.isfinite(objectives), objectives, INF))
        expected = running[np.minimum(at, len(running)) - 1]
        np.testing.assert_array_equal(incumbents[row], expected)
        within = np.flatnonzero(running <= 0.2)
        assert first[row] == (within[0] + 1 if len(within) else INF)
    some = searches.take(searches.problem == 1)
    assert {task.problem for task in some.tasks()} == {1}
    np.testing.assert_array_equal(some.incumbents(at), incumbents[searches.problem == 1])
    again = Searches.of([*searches.traces(), *searches.traces()])
    np.testing.assert_array_equal(again.values, searches.values)
    assert len(Searches.of([])) == 0


# --- intervals ---------------------------------------------------------------------------------------------------


def test_interquartile_mean_leaves_out_a_quarter_on_each_side():
    scores = np.arange(20.0).reshape(4, 5)
    found = interquartile_mean(scores, np.random.default_rng(0))
    assert found.value == scores.ravel()[5:15].mean()
    assert found.low <= found.value <= found.high
    scores[0, 0], scores[3, 4] = -1e9, 1e9
    assert interquartile_mean(scores, np.random.default_rng(0)).value == found.value


def test_interquartile_mean_covers_its_limit():
    """Of two hundred studies of four problems and fifteen seeds: 95 %, less the bootstrap's shortfall at this size."""
    rng = np.random.default_rng(0)
    shifts = np.array([0.0, 1.0, 2.0, 3.0])[:, None]
    many = np.sort((shifts + rng.normal(size=(4, 100_000))).ravel())
    limit = many[len(many) // 4 : -len(many) // 4].mean()
    found = [interquartile_mean(shifts + rng.normal(size=(4, 15)), rng) for _ in range(200)]
    assert 0.86 < np.mean([f.low <= limit <= f.high for f in found]) < 0.99


def test_bands_draw_seeds_in_each_problem():
    """Differences between problems are no uncertainty."""
    curves = np.random.default_rng(0).normal(size=(3, 10, 4)) + np.array([0, 100, 1000])[:, None, None]
    band = mean_band(curves, np.random.default_rng(0))
    np.testing.assert_allclose(band.mean, curves.mean(axis=(0, 1)))
    assert (band.high - band.low < 2).all()


# --- how soon ----------------------------------------------------------------------------------------------------


def test_expected_evaluations_count_failures():
    hits = np.array([[10.0, INF, 20.0], [INF, INF, INF], [1.0, 2.0, 3.0]])
    evaluations = np.full((3, 3), 100.0)
    assert expected_evaluations(hits, evaluations).tolist() == [(10 + 100 + 20) / 2, INF, 2.0]


def test_performance_profiles():
    costs = np.array([[10.0, 20.0, INF], [30.0, 15.0, 15.0], [INF, INF, INF]])
    ratios = performance_ratios(costs)
    assert ratios.tolist() == [[1.0, 2.0, INF], [2.0, 1.0, 1.0], [INF] * 3]
    at, share = step_points(ratios[:, 0])
    assert at.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(share, [1 / 3, 2 / 3])
    assert step_points(np.array([INF]))[0].tolist() == []


@pytest.mark.parametrize("budget", [1, 7, 60, 61, 1000])
def test_points_of_a_curve(budget):
    points = curve_points(budget)
    assert (points[0], points[-1]) == (1, budget)
    assert len(points) <= 60
    assert (np.diff(points) > 0).all()


# --- ranks -------------------------------------------------------------------------------------------------------


def test_ranks_of_agents_that_differ():
    """The average ranks and Friedman's statistic of a small table worked out by hand."""
    costs = np.array([[1, 2, 3, 4], [1, 3, 2, 4], [1, 2, 3, 4], [2, 1, 3, 4], [1, 2, 3, 4], [1, 2, 4, 3]], dtype=float)
    test = rank_test(costs)
    np.testing.assert_allclose(test.ranks, [7 / 6, 2, 3, 23 / 6])
    # Nemenyi's q at 5 % for four agents is 2.569 (Demšar 2006, table 5a).
    assert test.critical_difference == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 6)), rel=1e-3)
    assert test.p_value < 1e-3
    assert test.groups == ((0, 1, 2), (1, 2, 3))


def test_ranks_of_agents_that_are_equal():
    test = rank_test(np.ones((5, 3)))
    assert test.ranks.tolist() == [2.0] * 3
    assert test.p_value == pytest.approx(1.0)
    assert test.groups == ((0, 1, 2),)
    rng = np.random.default_rng(0)
    rejected = np.mean([rank_test(rng.normal(size=(12, 5))).p_value < 0.05 for _ in range(400)])
    assert 0.01 < rejected < 0.10
    with pytest.raises(ChipgymError, match="2 agents on 5 problems, expected three agents"):
        rank_test(np.ones((5, 2)))


# --- variance ----------------------------------------------------------------------------------------------------

DEVIATIONS = {
    "agent": 1.0,
    "hyperparameters": 0.7,
    "problem": 1.5,
    "budget": 0.6,
    "agent × problem": 0.5,
    "hyperparameters × problem": 0.4,
    "problem × budget": 0.35,
    "seed": 0.3,
    "seed × budget": 0.2,
}


def made_up_runs(rng, sizes, problems, seeds, budgets):
    """Runs of a random-effects model with these deviations, and the agent of each configuration."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    sets = len(groups)
    shapes = {
        "problem": (problems, 1, 1, 1),
        "hyperparameters": (1, sets, 1, 1),
        "budget": (1, 1, 1, budgets),
        "hyperparameters × problem": (problems, sets, 1, 1),
        "problem × budget": (problems, 1, 1, budgets),
        "seed": (problems, sets, seeds, 1),
        "seed × budget": (problems, sets, seeds, budgets),
    }
    runs = np.zeros((problems, sets, seeds, budgets))
    for name, shape in shapes.items():
        runs += rng.normal(0, DEVIATIONS[name], shape)
    runs += rng.normal(0, DEVIATIONS["agent"], len(sizes))[groups][None, :, None, None]
    runs += rng.normal(0, DEVIATIONS["agent × problem"], (problems, len(sizes)))[:, groups, None, None]
    return runs, [f"agent {group}" for group in groups]


def test_components_of_known_variances():
    """Unbiased, with unequal numbers of option sets: means over sixty made-up studies are near what was put in."""
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for _ in range(60):
        for part in variance_components(*made_up_runs(rng, (1, 5, 8, 3, 4, 6), 8, 3, 3)):
            found.setdefault(part.name, []).append(part.variance)
    assert len(found) == 13
    for name, estimates in found.items():
        error = np.std(estimates) / np.sqrt(len(estimates))
        assert abs(np.mean(estimates) - DEVIATIONS.get(name, 0.0) ** 2) < 4.5 * error + 1e-3, name


def test_components_of_a_large_study_are_close():
    found = variance_components(*made_up_runs(np.random.default_rng(1), (20,) * 40, 40, 2, 4))
    shares = {part.name: part.share for part in found}
    assert sum(shares.values()) == pytest.approx(1.0)
    whole = sum(d**2 for d in DEVIATIONS.values())
    for name in ("agent", "hyperparameters", "problem", "agent × problem", "hyperparameters × problem", "seed"):
        assert shares[name] == pytest.approx(DEVIATIONS[name] ** 2 / whole, abs=0.12), name


def test_factors_of_one_level_have_no_component():
    rng = np.random.default_rng(0)
    found = variance_components(rng.normal(size=(1, 3, 4, 1)), ["a", "b", "c"])
    assert {part.name for part in found} == {"agent", "seed"}
    found = variance_components(rng.normal(size=(5, 3, 1, 1)), ["a", "a", "b"])
    assert {part.name for part in found} == {
        "agent",
        "hyperparameters",
        "problem",
        "agent × problem",
        "hyperparameters × problem",
    }
    assert variance_components(np.zeros((1, 1, 1, 1)), ["a"]) == ()
    assert {part.share for part in variance_components(np.ones((2, 2, 2, 2)), ["a", "b"])} == {0.0}
    with pytest.raises(ChipgymError, match="missing, or infinite"):
        variance_components(np.full((1, 2, 2, 1), np.nan), ["a", "b"])


def test_responses():
    np.testing.assert_allclose(log_regret(np.array([0.0, np.log10(1.1), 1.0])), [-4, -1, np.log10(9)])
    ranks = ranks_within(np.arange(8.0).reshape(1, 2, 2, 2)[..., ::-1])
    assert sorted(ranks[0, :, :, 0].ravel()) == pytest.approx([0, 1 / 3, 2 / 3, 1])

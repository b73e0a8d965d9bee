"""What the agents of a few microseconds per design do: each its method, and what they share."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bowl import BowlSimulator
from toy import ToySimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.search.agents.aco import ACOAgent, lower_bounds
from chipgym.search.agents.annealing import AnnealingAgent
from chipgym.search.agents.genetic import GeneticAgent
from chipgym.search.agents.hill_climbing import HillClimbingAgent
from chipgym.search.agents.novelty import Novelty
from chipgym.search.agents.outcomes import INFEASIBLE, losses
from chipgym.search.agents.sobol import SobolAgent
from chipgym.simulators import Evaluation, bind_problem

LOCAL = ("hill_climbing", "annealing", "aco", "genetic")


def run(agent, problem, asks, n=8):
    """Ask and tell, and return each ask's rows with their losses."""
    out = []
    for _ in range(asks):
        rows = agent.ask(n)
        evaluation = problem.evaluate(rows)
        agent.tell(rows, evaluation)
        out.append((rows, losses(problem, evaluation)))
    return out


# --- ranking ---------------------------------------------------------------------------------------------------------


def test_losses_follow_the_feasibility_rule_pair_by_pair(toy):
    """Beside Deb's three sentences, written as comparisons."""
    rng = np.random.default_rng(0)
    metrics = toy.evaluate(toy.space.sample(40, rng)).metrics
    violation = np.where(rng.random(40) < 0.5, 0.0, 10.0 ** rng.uniform(-14, 6, 40))
    objectives = np.where(violation > 0, np.nan, 10.0 ** rng.uniform(-20, 20, 40))[:, None]
    loss = losses(toy, Evaluation(metrics, objectives, violation))
    assert np.isfinite(loss).all()
    for i, j in itertools.permutations(range(40), 2):
        if violation[i] == violation[j] == 0:
            assert (loss[i] < loss[j]) == (objectives[i, 0] < objectives[j, 0])
        elif violation[i] == 0 or violation[j] == 0:
            assert (loss[i] < loss[j]) == (violation[i] == 0)
        elif loss[i] != loss[j]:  # violations of less than 1e-12 are no longer told apart
            assert (loss[i] < loss[j]) == (violation[i] < violation[j])


def test_losses_of_what_is_no_number_are_finite(toy):
    metrics = toy.evaluate(toy.space.default_indices).metrics
    for objective, violation in itertools.product((0.0, -1.0, np.inf, np.nan), (0.0, 1e-300, np.inf)):
        loss = losses(toy, Evaluation(metrics, np.array([[objective]]), np.array([violation])))
        assert np.isfinite(loss).all()
        assert (loss[0] >= INFEASIBLE) == (violation > 0)


# --- novelty ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["sobol", *LOCAL])
def test_no_design_is_proposed_twice_while_there_are_others(toy, agent):
    one = make_agent(agent, toy, 5)
    rows = np.concatenate([rows for rows, _ in run(one, toy, 15, 6)])
    assert len(rows) == len(np.unique(rows, axis=0)) == 90
    assert len(one.ask(3)) == 3  # nothing new is left


@pytest.mark.parametrize("agent", LOCAL)
def test_the_default_design_is_among_the_first(toy, agent):
    assert (make_agent(agent, toy, 3).ask(8) == toy.space.default_indices).all(axis=1).any()


@pytest.mark.parametrize("agent", ["hill_climbing", "annealing", "aco", "genetic"])
def test_asks_grow_with_what_was_told(agent):
    problem = chipgym.make_problem(BowlSimulator())
    sizes = [len(rows) for rows, _ in run(make_agent(agent, problem), problem, 60, 64)]
    assert sizes[0] == 16
    assert sizes[1] == 8
    assert sizes == [sizes[0], *sorted(sizes[1:])]
    assert sizes[-1] == 64


def test_new_rows_come_in_order_and_once(toy):
    rows = toy.space.sample(200, np.random.default_rng(0))
    novel = Novelty(toy.space)
    novel.add(rows[:20])
    told = {tuple(row) for row in rows[:20].tolist()}
    expected = list(dict.fromkeys(tuple(row) for row in rows.tolist() if tuple(row) not in told))
    assert [tuple(row) for row in novel.new(rows).tolist()] == expected
    assert [tuple(row) for row in novel.new(rows, 3).tolist()] == expected[:3]


# --- each agent ------------------------------------------------------------------------------------------------------


def test_sobol_is_spread_more_evenly_than_random_draws():
    """By how many of each knob's values the first 64 designs have: 8 of each of 8, where draws vary by some 2.6."""
    problem = chipgym.make_problem(BowlSimulator())
    rows = SobolAgent(problem, 3).ask(64)
    counts = np.stack([np.bincount(column, minlength=8) for column in rows.T])
    assert (counts == 8).all()


def test_sobol_goes_on_from_what_was_told(toy):
    """Asks of other sizes, and a replayed history, give the same sequence."""
    whole = np.concatenate([rows for rows, _ in run(SobolAgent(toy, 1), toy, 3, 20)])
    parts = np.concatenate([rows for rows, _ in run(SobolAgent(toy, 1), toy, 12, 5)])
    assert (whole == parts).all()
    (first, _), (second, _) = run(SobolAgent(toy, 1), toy, 2, 40)
    again = SobolAgent(toy, 1)
    again.replay(first, toy.evaluate(first))
    assert (again.ask(40) == second).all()


def test_sobol_has_no_space_of_more_dimensions(monkeypatch):
    from scipy.stats import qmc

    monkeypatch.setattr(qmc.Sobol, "MAXDIM", 9)
    with pytest.raises(ChipgymError, match="takes 9 knobs at most, and this space has 10"):
        SobolAgent(chipgym.make_problem(BowlSimulator()))


def test_a_climb_takes_nothing_but_improvements():
    problem = chipgym.make_problem(BowlSimulator())
    agent = HillClimbingAgent(problem, 0)
    before = np.inf
    for _ in range(40):
        starting = agent._starting
        run(agent, problem, 1)
        assert starting or agent._loss <= before
        before = agent._loss


def test_a_climb_ends_at_a_local_optimum_and_starts_again():
    problem = chipgym.make_problem(BowlSimulator())
    agent = HillClimbingAgent(problem, 0)
    for _ in range(200):
        run(agent, problem, 1)
        if agent._starting:
            break
    near = problem.evaluate(problem.space.neighbors(agent._current))
    assert (losses(problem, near) >= agent._loss).all()
    run(agent, problem, 1)
    assert not agent._starting


def test_pattern_moves_join_improvements_and_go_on():
    problem = chipgym.make_problem(BowlSimulator(), constraints="area_mm2 <= 80")
    agent = HillClimbingAgent(problem)
    start = np.zeros((1, 10), dtype=np.int64)  # the best is at 4
    agent.replay(start, problem.evaluate(start))
    moved = np.repeat(start, 3, axis=0)
    moved[0, 0], moved[1, 1], moved[2, 2] = 1, 3, 7  # better, much better, and no better than 1
    agent.tell(moved, problem.evaluate(moved))
    assert agent._current.tolist() == moved[1].tolist()
    assert agent.ask(8)[:2, :3].tolist() == [[1, 3, 7], [0, 6, 0]]


def test_annealing_takes_worse_designs_while_it_is_hot():
    """The share of moves accepted that are worse by d is exp(-d / T), beside a count over many."""
    problem = chipgym.make_problem(BowlSimulator())
    row = np.full((1, 10), 4)
    worse = row.copy()
    worse[0, 0] = 5  # 1 -> 2: log10(2) decades
    accepted = 0
    for seed in range(400):
        agent = AnnealingAgent(problem, seed, chains=1, initial_temperature=0.3, final_temperature=0.3)
        agent.replay(row, problem.evaluate(row))
        agent.tell(worse, problem.evaluate(worse))
        accepted += bool((agent._rows[0] == worse[0]).all())
    assert accepted / 400 == pytest.approx(np.exp(-np.log10(2) / 0.3), abs=0.1)


def test_annealing_takes_nothing_worse_when_it_is_cold():
    problem = chipgym.make_problem(BowlSimulator())
    agent = AnnealingAgent(problem, 0, chains=1, initial_temperature=1e-9, final_temperature=1e-9)
    best = np.inf
    for _ in range(30):
        run(agent, problem, 1)
        assert agent._losses[0] <= best + 1e-6
        best = agent._losses[0]


def test_annealing_cools_and_reheats_for_longer():
    problem = chipgym.make_problem(BowlSimulator())
    agent = AnnealingAgent(problem, 0, cycle=40, initial_temperature=0.1, final_temperature=0.001)
    run(agent, problem, 1)
    heats = []
    for _ in range(5 + 10 + 20):  # cycles of 40, 80 and 160 designs, 8 an ask
        heats.append(agent.temperature)
        run(agent, problem, 1)
    assert [i for i, t in enumerate(heats) if t == 0.1] == [0, 5, 15]
    assert heats[5 - 1] == pytest.approx(0.1 * 0.01 ** (32 / 40))
    assert (np.diff(heats[15:]) < 0).all()


def test_pheromone_stays_within_its_bounds_and_gathers_at_the_best():
    problem = chipgym.make_problem(BowlSimulator())
    agent = ACOAgent(problem, 0)
    lower = lower_bounds(problem.space.sizes, 0.05)[:, None]
    for _ in range(40):
        run(agent, problem, 1)
        assert (agent.pheromone >= lower).all()
        assert (agent.pheromone <= 1.0).all()
    assert (agent.pheromone[np.arange(10), agent._best] > 0.5).all()


def test_pheromone_evaporates_and_is_laid_as_the_formula_says(toy):
    """One iteration, computed value by value."""
    agent = ACOAgent(toy, 0, evaporation=0.25)
    rows = toy.space.sample(6, np.random.default_rng(0))
    rows = np.concatenate([toy.space.encode({"units": 8, "cache": "off"}), rows])
    evaluation = toy.evaluate(rows)
    agent.replay(rows, evaluation)
    best = rows[int(losses(toy, evaluation).argmin())]
    lower = lower_bounds(toy.space.sizes, 0.05)
    for j, size in enumerate(toy.space.sizes.tolist()):
        for i in range(size):
            laid = 0.25 if i == best[j] and toy.space.active(best)[0, j] else 0.0  # half by each of two equal ants
            assert agent.pheromone[j, i] == pytest.approx(min(max(0.75 + laid, lower[j]), 1.0))
        assert (agent.pheromone[j, size:] == 0).all()


def test_a_converged_colony_draws_the_best_design_as_often_as_it_should():
    sizes = np.array([2, 5, 3, 1])
    least = lower_bounds(sizes, 0.05)
    each = [1.0 / (1.0 + (size - 1) * low) for size, low in zip(sizes.tolist(), least.tolist(), strict=True)]
    # The knob of two values is at a bound of no more than 1; the others are as the equation says.
    q = 0.05 ** (1 / 3)
    assert each[1:3] == pytest.approx([q, q])
    assert each[3] == 1.0
    assert (least <= 1.0).all()


def test_a_greedy_ant_goes_where_most_pheromone_is():
    problem = chipgym.make_problem(BowlSimulator())
    agent = ACOAgent(problem, 0, greediness=1.0)
    row = np.full((1, 10), 6)
    agent.replay(row, problem.evaluate(row))
    assert (agent._walks(5, np.random.default_rng(0)) == 6).all()


def test_a_population_is_the_best_of_all_told():
    problem = chipgym.make_problem(BowlSimulator())
    agent = GeneticAgent(problem, 0, population_size=6)
    told = np.concatenate([loss for _, loss in run(agent, problem, 12)])
    assert agent._losses.tolist() == np.sort(told)[:6].tolist()
    assert losses(problem, problem.evaluate(agent._rows)).tolist() == agent._losses.tolist()


def test_children_take_each_knob_from_one_of_two_parents():
    problem = chipgym.make_problem(BowlSimulator())
    agent = GeneticAgent(problem, 0, population_size=2, mutation_prob=0.0, crossover_prob=1.0)
    parents = np.repeat(np.array([[1], [6]]), 10, axis=1)
    agent.replay(parents, problem.evaluate(parents))
    children = agent._children(500, np.random.default_rng(0))
    assert (~np.isin(children, (1, 6))).sum(axis=1).max() == 1  # the one that is mutated at least
    mixed = (children == 1).any(axis=1) & (children == 6).any(axis=1)
    assert 0.2 < mixed.mean() < 0.9


def test_tournaments_prefer_the_better_parent():
    problem = chipgym.make_problem(BowlSimulator())
    parents = np.repeat(np.array([[3], [1]]), 10, axis=1)
    share = {}
    for size in (1, 4):
        agent = GeneticAgent(problem, 0, population_size=2, tournament_size=size, crossover_prob=0.0)
        agent.replay(parents, problem.evaluate(parents))
        share[size] = ((agent._children(1000, np.random.default_rng(0)) == 3).sum(axis=1) > 5).mean()
    assert share[1] == pytest.approx(0.5, abs=0.08)
    assert share[4] == pytest.approx(1 - 0.5**4, abs=0.08)


@pytest.mark.parametrize("agent", LOCAL)
def test_agents_find_what_can_be_built(agent):
    """Of designs of which few are feasible, by less violation step by step."""
    problem = chipgym.make_problem(BowlSimulator(), constraints="area_mm2 <= 16")
    assert optimize(problem, agent, 300).best.feasible


@pytest.mark.parametrize(
    ("agent", "options", "message"),
    [
        ("hill_climbing", {"kicks": 0}, "kicks"),
        ("hill_climbing", {"random_restarts": 2}, "random_restarts: 2 is not a number from 0 to 1"),
        ("annealing", {"chains": 0}, "chains"),
        ("annealing", {"initial_temperature": -1.0}, "initial_temperature: -1.0 is not a number above 0"),
        ("annealing", {"final_temperature": 2.0}, "final_temperature: 2.0 is above the initial temperature, 0.1"),
        ("annealing", {"cycle": "long"}, "cycle"),
        ("aco", {"ants": 0}, "ants"),
        ("aco", {"evaporation": 1.5}, "evaporation: 1.5 is not a number from 0 to 1"),
        ("aco", {"greed": 1}, "greediness"),
        ("genetic", {"population_size": 1}, "population_size"),
        ("genetic", {"mutation_prob": "often"}, "mutation_prob: 'often' is not a number from 0 to 1"),
    ],
)
def test_options_out_of_range_are_named(toy, agent, options, message):
    with pytest.raises(ChipgymError, match=message):
        make_agent(agent, toy, 0, options)


@pytest.mark.parametrize("agent", LOCAL)
def test_one_objective_only(agent):
    with pytest.raises(ChipgymError, match="searches for one objective, and the problem has 2"):
        make_agent(agent, bind_problem(ToySimulator(), objective=["latency_s", "energy_j"]))

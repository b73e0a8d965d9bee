"""What holds for every registered agent, whatever it does."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from bowl import BowlSimulator
from toy import ToySimulator

import chipgym
from chipgym.search import agent_names, agent_options, optimize, registered_agents
from chipgym.simulators import bind_problem
from chipgym.testing import AgentSuite
from chipgym.testing.agents import PROBLEMS

RANDOM = [entry.name for entry in registered_agents() if entry.load().seeded]


class TestRandom(AgentSuite):
    agent = "random"
    settings: ClassVar = {"batch": 7}


class TestSobol(AgentSuite):
    agent = "sobol"
    settings: ClassVar = {"batch": 7}


class TestHillClimbing(AgentSuite):
    agent = "hill_climbing"
    settings: ClassVar = {"batch": 5}


class TestAnnealing(AgentSuite):
    agent = "annealing"
    settings: ClassVar = {"batch": 5, "agent_options": {"cycle": 10}}


class TestAco(AgentSuite):
    agent = "aco"
    settings: ClassVar = {"agent_options": {"ants": 5}}


class TestGenetic(AgentSuite):
    agent = "genetic"
    settings: ClassVar = {"batch": 5, "agent_options": {"population_size": 5}}


class TestAuto(AgentSuite):
    agent = "auto"
    settings: ClassVar = {"agent_options": {"initial": 6}}
    killed_after = (1, 2, 4)


class TestExhaustive(AgentSuite):
    agent = "exhaustive"
    settings: ClassVar = {"batch": 5}


class TestBottleneck(AgentSuite):
    agent = "bottleneck"
    settings: ClassVar = {"batch": 2}


# Settings that bring a model in within the budget.
class TestNsga2(AgentSuite):
    agent = "nsga2"
    settings: ClassVar = {"agent_options": {"population_size": 6}}
    killed_after = (1, 2, 3)


class TestNsga3(AgentSuite):
    agent = "nsga3"
    settings: ClassVar = {"agent_options": {"population_size": 6}}
    killed_after = (1, 2, 3)


class TestCmaes(AgentSuite):
    agent = "cmaes"
    settings: ClassVar = {"agent_options": {"population_size": 5}}
    killed_after = (1, 2, 4)


class TestBotorch(AgentSuite):
    agent = "botorch"
    settings: ClassVar = {"batch": 3, "agent_options": {"n_startup_trials": 20}}
    killed_after = (1, 7)

    @pytest.fixture(params=["single", pytest.param("pareto", marks=pytest.mark.slow)])
    def problem(self, request):
        """Of two objectives test_botorch_agent.py has a quick one."""
        return bind_problem(ToySimulator(), **PROBLEMS[request.param])


class TestForest(AgentSuite):
    agent = "forest"
    settings: ClassVar = {"agent_options": {"n_startup_trials": 8, "trees": 4}}
    killed_after = (1, 3, 5)


class TestTpe(AgentSuite):
    agent = "tpe"
    settings: ClassVar = {"batch": 3, "agent_options": {"n_startup_trials": 5}}
    killed_after = (1, 3, 6)


class TestGp(AgentSuite):
    agent = "gp"
    settings: ClassVar = {"batch": 2, "agent_options": {"n_startup_trials": 20}}
    killed_after = (1, 11)

    @pytest.fixture(params=["single", pytest.param("pareto", marks=pytest.mark.slow)])
    def problem(self, request):
        """Of two objectives `test_a_gaussian_process_of_two_objectives_goes_on` is the quick one."""
        return bind_problem(ToySimulator(), **PROBLEMS[request.param])


# Reinforcement learners: several updates within the budget, and networks as small as the toy.
class TestPpo(AgentSuite):
    agent = "ppo"
    settings: ClassVar = {"batch": 6, "agent_options": {"n_epochs": 3, "batch_size": 4, "net_arch": [8]}}


class TestA2c(AgentSuite):
    agent = "a2c"
    settings: ClassVar = {"batch": 6, "agent_options": {"actions": "gaussian", "net_arch": [8]}}


class TestDqn(AgentSuite):
    agent = "dqn"
    settings: ClassVar = {"batch": 6, "agent_options": {"gradient_steps": 3, "buffer_size": 40, "net_arch": [8]}}


class TestSac(AgentSuite):
    agent = "sac"
    settings: ClassVar = {"batch": 6, "agent_options": {"gradient_steps": 3, "learning_starts": 6, "net_arch": [8]}}


class TestMaskablePpo(AgentSuite):
    agent = "maskable_ppo"
    settings: ClassVar = {"batch": 6, "agent_options": {"n_epochs": 2, "net_arch": [8]}}


class TestIppo(AgentSuite):
    agent = "ippo"
    settings: ClassVar = {"batch": 6, "agent_options": {"grouping": "knob", "n_epochs": 3, "net_arch": [8]}}


class TestMappo(AgentSuite):
    agent = "mappo"
    settings: ClassVar = {"batch": 6, "agent_options": {"actions": "gaussian", "n_epochs": 3, "net_arch": [8]}}


def test_every_agent_has_a_suite():
    assert {suite.agent for suite in AgentSuite.__subclasses__()} >= set(agent_names())


def test_every_agent_says_what_it_is():
    for entry in registered_agents():
        assert entry.doc
        assert "\n" not in entry.doc
        assert entry.load().__doc__
        assert isinstance(agent_options(entry.name), dict)


@pytest.mark.parametrize("agent", RANDOM)
def test_another_seed_another_search(toy, agent):
    first, second = (optimize(toy, agent, 8, seed).to_pandas() for seed in (0, 1))
    assert not first.equals(second)


@pytest.mark.parametrize("agent", ["hill_climbing", "annealing", "aco", "genetic"])
def test_a_small_space_is_exhausted_for_one_objective(toy, agent):
    result = optimize(toy, agent, 10_000)
    assert result.stopped == "space exhausted"
    assert result.evaluations == 90


@pytest.mark.parametrize("agent", ["random", "exhaustive", "sobol", "nsga2"])
def test_a_small_space_is_exhausted(problem, agent):
    result = optimize(problem, agent, 10_000)
    assert result.stopped == "space exhausted"
    assert result.evaluations == problem.space.canonical_size == 90


@pytest.mark.parametrize(
    ("agent", "budget"),
    [
        ("hill_climbing", 150),
        ("annealing", 200),
        ("aco", 250),
        ("genetic", 200),
        ("nsga2", 400),
        ("tpe", 60),
    ],
)
def test_learning_beats_random(bowl, agent, budget):
    mine = [optimize(bowl, agent, budget, seed).best.objectives[0] for seed in range(2)]
    random = [optimize(bowl, "random", budget, seed).best.objectives[0] for seed in range(20)]
    assert max(mine) < np.mean(random)


def test_a_gaussian_process_of_two_objectives_goes_on(tmp_path):
    problem = bind_problem(ToySimulator(), **PROBLEMS["pareto"])
    whole = optimize(problem, "gp", 24, **TestGp.settings).to_pandas()
    assert not whole.duplicated(list(problem.space.names)).any()
    for budget in (22, 24):  # both with a model
        found = optimize(problem, "gp", budget, store=tmp_path / "s.db", **TestGp.settings)
    assert found.to_pandas().equals(whole)


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

"""The loop: arguments, repeats, progress, results."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

import chipgym
from chipgym.search import Agent, AgentEntry, load_result, open_store, optimize, register_agent, unregister_agent
from chipgym.search.loop import PATIENCE


class StubbornAgent(Agent):
    """Proposes the same four designs for ever, and remembers what it is told."""

    batch = 5
    told: list

    def __init__(self, problem, seed=0):
        super().__init__(problem, seed)
        self.told = []
        type(self).last = self

    def propose(self, n, rng):
        rows = self.problem.space.enumerate(0, 4)
        return self.problem.space.canonicalize(np.concatenate([rows, rows])[:n])

    def tell(self, designs, evaluation):
        self.told.append((designs, evaluation))


@pytest.fixture
def stubborn():
    register_agent(AgentEntry("stubborn", StubbornAgent, "For tests"))
    yield "stubborn"
    unregister_agent("stubborn")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"agent": "nsga"}, "unknown agent 'nsga'; did you mean 'nsga"),
        ({"agent": None}, "unknown agent None"),
        ({"budget": 0}, "budget: 0 is not a whole number from 1"),
        ({"budget": 2.5}, "budget: 2.5"),
        ({"budget": True}, "budget: True"),
        ({"seed": -1}, "seed: -1 is not a whole number from 0"),
        ({"batch": 0}, "batch: 0"),
        (
            {"agent": "nsga2", "agent_options": {"populationsize": 4}},
            "unknown option of nsga2: 'populationsize'; did you mean 'popul",
        ),
        (
            {"agent": "nsga2", "agent_options": {"population_size": 1}},
            "population_size: 1 is not a whole number from 2",
        ),
        (
            {"agent": "nsga2", "agent_options": {"crossover_prob": 1.5}},
            "crossover_prob: 1.5 is not a number from 0 to 1",
        ),
        ({"agent": "random", "agent_options": {"x": 1}}, "unknown option of random: 'x'"),
        ({"store": 3}, "store: 3 is not a path or a database URL"),
        ({"store": ""}, "store: '' is not a path"),
        ({"agent_options": 3}, "agent_options: 3 is not a dict such as {'population_size': 50}"),
        ({"agent_options": ["population_size"]}, "agent_options: ['population_size'] is not a dict"),
        ({"agent": ["nsga2"]}, "unknown agent ['nsga2']"),
        ({"callback": 3}, "callback: 3 is not a function"),
    ],
)
def test_bad_arguments_are_one_clear_line(toy, arguments, message):
    with pytest.raises(chipgym.ChipgymError) as caught:
        optimize(toy, **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["toy", None, 3])
@pytest.mark.parametrize("take", [optimize, chipgym.search.optuna_objective])
def test_the_problem_must_be_one(take, wrong):
    with pytest.raises(chipgym.ChipgymError, match=f"problem: {wrong!r} is not a problem"):
        take(wrong)


class SeedlessAgent(StubbornAgent):
    def __init__(self, problem):
        super().__init__(problem)


class RenamedAgent(StubbornAgent):
    def __init__(self, task, seed=0):
        super().__init__(task, seed)


@pytest.mark.parametrize(("agent", "takes"), [(SeedlessAgent, r"\(problem\)"), (RenamedAgent, r"\(task, seed=0\)")])
def test_an_agent_of_another_constructor_is_told_what_it_should_take(toy, agent, takes):
    register_agent(AgentEntry("odd", agent))
    try:
        with pytest.raises(chipgym.ChipgymError, match=rf"agent 'odd': its constructor takes {takes}, expected"):
            optimize(toy, "odd", 5)
    finally:
        unregister_agent("odd")


def test_repeats_are_free_and_told(toy, stubborn):
    result = optimize(toy, stubborn, 100)
    assert result.stopped == "agent repeats itself"
    agent = StubbornAgent.last
    assert len(agent.told) == PATIENCE + 1
    different = toy.space.canonicalize(toy.space.enumerate(0, 4))
    assert result.evaluations == len(np.unique(different, axis=0))
    for designs, told in agent.told:
        assert len(designs) == 5
        expected = toy.evaluate(designs)
        np.testing.assert_array_equal(told.objectives, expected.objectives)
        np.testing.assert_array_equal(told.violation, expected.violation)
        for name in expected.metrics:
            np.testing.assert_array_equal(told.metrics[name], expected.metrics[name])


def test_an_agent_that_repeats_itself_still_does_after_resuming(toy, stubborn, tmp_path):
    first = optimize(toy, stubborn, 100, store=tmp_path / "s.db")
    again = optimize(toy, stubborn, 100, store=tmp_path / "s.db")
    assert again.stopped == first.stopped == "agent repeats itself"
    assert len(StubbornAgent.last.told) == PATIENCE + 1


def test_an_agent_out_of_range_is_named(toy, stubborn, monkeypatch):
    monkeypatch.setattr(StubbornAgent, "propose", lambda self, n, rng: self.problem.space.sizes[None, :])
    with pytest.raises(chipgym.ChipgymError, match="StubbornAgent proposed an index outside the grid"):
        optimize(toy, stubborn)
    monkeypatch.setattr(StubbornAgent, "propose", lambda self, n, rng: np.zeros((1, 2)))
    with pytest.raises(chipgym.ChipgymError, match="StubbornAgent proposed an array of shape"):
        optimize(toy, stubborn)


def test_progress(pareto, tmp_path):
    seen = []
    optimize(pareto, "random", 20, batch=10, store=tmp_path / "s.db")
    result = optimize(pareto, "random", 35, batch=10, store=tmp_path / "s.db", callback=seen.append)
    last = seen[-1]
    assert [p.evaluations for p in seen] == sorted(p.evaluations for p in seen)
    assert (last.evaluations, last.budget, last.resumed) == (35, 35, 20)
    assert last.best_design == result.best.design
    assert last.best_objectives == result.best.objectives
    assert last.best_feasible
    assert last.feasible == int(result.to_pandas().feasible.sum())
    assert last.rate > 0
    assert last.left_s == 0


def test_a_slow_simulator_is_stored_in_parts(pareto, tmp_path, monkeypatch):
    """What a kill in the middle of a batch loses is a part of it, and the outcome is the same."""
    monkeypatch.setattr("chipgym.search.loop.SLOW_S", 0.0)  # every part is too slow: 32, 16, 8 … designs
    seen = []

    def stop(progress):
        seen.append(progress.evaluations)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(pareto, "random", 80, store=tmp_path / "s.db", callback=stop)
    assert seen == [32, 48, 56]
    assert open_store(tmp_path / "s.db").runs()[0].evaluations == 56
    cut = optimize(pareto, "random", 80, store=tmp_path / "s.db")
    monkeypatch.undo()
    assert cut.to_pandas().equals(optimize(pareto, "random", 80).to_pandas())


def test_result_of_one_objective(toy):
    result = optimize(toy, "exhaustive", 1000)
    table = result.to_pandas()
    assert list(table.columns[:2]) == ["number", "ask"]
    assert list(table.number) == list(range(90))
    best = result.best
    assert best.objectives[0] == table["objective:edp"].min()
    assert toy.evaluate(best.design).objectives[0, 0] == best.objectives[0]
    assert result.pareto == (best,)
    assert all(type(v) in (int, float, str) for v in best.design.values())
    infeasible = result.table.row(int(np.argmax(~table.feasible)))
    assert not infeasible.feasible
    assert infeasible.violation > 0
    assert math.isnan(infeasible.objectives[0])
    assert infeasible.metrics == {}


def test_a_result_is_printed_on_one_short_line(toy, tmp_path):
    result = optimize(toy, "exhaustive", 1000, store=tmp_path / "s.db")
    for printed in (result, load_result(tmp_path / "s.db")):
        assert "exhaustive, seed 0, on toy running mlp:16-64-5: Evaluations(90 designs, " in repr(printed)
        assert len(repr(printed)) < 300
        assert "\n" not in repr(printed)


def test_result_of_several_objectives(pareto):
    result = optimize(pareto, "exhaustive", 1000)
    table = result.to_pandas()
    feasible = table[table.feasible]
    assert result.best.number == feasible.reward.idxmax()
    first = [d.objectives[0] for d in result.pareto]
    assert first == sorted(first)
    assert all(d.feasible and d.metrics["area_mm2"] <= 20 for d in result.pareto)
    for d in result.pareto:
        dominating = (feasible[["latency_s", "energy_j"]] <= list(d.objectives)).all(axis=1)
        assert (feasible[dominating][["latency_s", "energy_j"]] == list(d.objectives)).all(axis=None)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, chipgym.search as s; p = s.agent_names();"
        "print([m for m in ('optuna', 'sqlalchemy', 'torch', 'pandas', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_optuna_is_left_as_the_user_has_it(toy):
    import optuna

    class Heard(logging.Handler):
        def emit(self, record):
            heard.append(record.getMessage())

    heard, handler = [], Heard()
    verbosity = optuna.logging.get_verbosity()
    logging.getLogger("optuna").addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            optimize(toy, "nsga2", 20)
        assert heard == []
        assert optuna.logging.get_verbosity() == verbosity
        optuna.create_study()
        assert len(heard) == 1
    finally:
        logging.getLogger("optuna").removeHandler(handler)

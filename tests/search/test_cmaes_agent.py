"""What the agent of CMA-ES promises beyond what every agent does."""

from __future__ import annotations

import numpy as np
import pytest

import chipgym
from chipgym import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.simulators import bind_problem


def test_it_finds_the_best_of_a_billion(bowl):
    for seed in range(2):
        assert optimize(bowl, "cmaes", 400, seed).best.objectives == (1.0,)


def test_it_goes_on_after_it_has_converged(toy):
    """In a space of 90 designs a distribution repeats itself soon; restarts find nearly all of them."""
    assert optimize(toy, "cmaes", 1000).evaluations > 80


def test_generations_of_several_asks_and_asks_of_several_generations(bowl, tmp_path):
    for batch in (3, 40):
        whole = optimize(bowl, "cmaes", 120, batch=batch).to_pandas()
        for budget in (50, 120):
            found = optimize(bowl, "cmaes", budget, batch=batch, store=tmp_path / f"{batch}.db").to_pandas()
        assert found.equals(whole)


def test_it_begins_around_the_best_design_given(bowl):
    agent = make_agent("cmaes", bowl, options={"sigma": 0.05})
    given = np.array([[1] * 10, [6] * 10], dtype=np.int64)
    agent.begin(given, bowl.evaluate(given))
    assert np.abs(agent.ask(20) - given[0]).mean() < 1  # feasible, which the other is not


def test_designs_of_others_move_nothing(bowl):
    mine, other = (make_agent("cmaes", bowl) for _ in range(2))
    rows = bowl.space.sample(30, np.random.default_rng(0))
    mine.replay(rows, bowl.evaluate(rows))
    other.ask(30)
    assert np.array_equal(mine.ask(8), other.ask(8))


def test_knobs_of_one_kind_alone(bowl):
    two = {name: [4, 5] for name in bowl.space.names}
    categories = chipgym.make_problem(
        "tabular", workload="memory-cloud-1", space={"request_buffer_size": 8, "max_active_transactions": 8}
    )
    for problem in (bind_problem(bowl.simulator, space=two), categories):
        assert optimize(problem, "cmaes", 60).evaluations == 60


@pytest.mark.parametrize(
    ("option", "value"), [("sigma", 0), ("sigma", 1.5), ("sigma", True), ("sigma", "wide"), ("population_size", 1)]
)
def test_bad_options_are_one_line(bowl, option, value):
    with pytest.raises(ChipgymError, match=option) as error:
        make_agent("cmaes", bowl, options={option: value})
    assert "\n" not in str(error.value)


def test_several_objectives_are_refused(pareto):
    with pytest.raises(ChipgymError, match="'cmaes' searches for one objective"):
        make_agent("cmaes", pareto)

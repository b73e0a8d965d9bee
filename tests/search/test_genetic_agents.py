"""What the agents of NSGA-II and NSGA-III promise beyond what every agent does."""

from __future__ import annotations

import numpy as np
import pytest
from bowl import BowlSimulator

import chipgym
from chipgym import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.search.agents.optuna.nsga3 import most_divisions


@pytest.fixture(scope="module")
def bowls():
    """Three objectives that pull apart."""
    return chipgym.make_problem(BowlSimulator(), objective=["latency_s", "energy_j", "1.0/area_mm2"])


@pytest.mark.parametrize(("objectives", "population", "steps"), [(2, 50, 49), (3, 50, 8), (3, 92, 12), (1, 50, 1)])
def test_reference_points_are_as_many_as_designs_at_most(objectives, population, steps):
    """Three objectives and 92 designs are the paper's own example: 12 divisions, 91 points."""
    assert most_divisions(objectives, population) == steps


@pytest.mark.parametrize("agent", ["nsga2", "nsga3"])
def test_a_generation_of_several_asks_goes_on_to_the_same_result(bowls, agent, tmp_path):
    settings = {"batch": 4, "agent_options": {"population_size": 10}}
    whole = optimize(bowls, agent, 60, **settings).to_pandas()
    for budget in (9, 31, 60):
        found = optimize(bowls, agent, budget, store=tmp_path / "s.db", **settings).to_pandas()
    assert found.equals(whole)


def test_many_objectives_spread_better_than_random_draws(bowls):
    """By the volume that the front dominates."""
    volumes = {
        agent: [
            chipgym.hypervolume(optimize(bowls, agent, 400, seed, agent_options=options), [80.0, 80.0, 0.05])
            for seed in range(2)
        ]
        for agent, options in (("nsga3", {"population_size": 20}), ("random", {}))
    }
    assert min(volumes["nsga3"]) > max(volumes["random"])


def test_other_divisions_are_another_search(bowls):
    first, second = (
        optimize(bowls, "nsga3", 60, agent_options={"population_size": 10, "dividing_parameter": d}).to_pandas()
        for d in (1, 6)
    )
    assert np.array_equal(first["k4"][:10], second["k4"][:10])
    assert not first.equals(second)


@pytest.mark.parametrize("value", [0, 2.5, 5000, "three"])
def test_divisions_that_are_none_are_refused(bowls, value):
    with pytest.raises(ChipgymError, match="dividing_parameter"):
        make_agent("nsga3", bowls, options={"dividing_parameter": value})


@pytest.mark.parametrize("value", [1, "no", [True]])
def test_whether_knobs_are_modelled_together_is_true_or_false(bowls, value):
    with pytest.raises(ChipgymError, match=r"multivariate: .* is neither True nor False"):
        make_agent("tpe", bowls, options={"multivariate": value})

"""What the agent of random forests promises beyond what every agent does, piece by piece."""

from __future__ import annotations

import numpy as np
import pytest

from chipgym import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.search.agents.forest.trees import Forest


def test_forests_follow_what_they_were_fitted_to_and_doubt_elsewhere():
    rng = np.random.default_rng(0)
    inputs = rng.random((200, 3))
    forest = Forest(inputs, inputs[:, 0] * 4 + inputs[:, 1], 20, rng)
    mean, std = forest(rng.random((100, 3)))
    assert mean.shape == std.shape == (100,)
    assert (std > 0).all()
    points = np.array([[0.1, 0.1, 0.5], [0.9, 0.9, 0.5]])
    assert forest(points)[0] == pytest.approx([0.5, 4.5], abs=0.5)


def test_it_comes_near_the_best_of_a_billion(bowl):
    """The best is at 1; random draws of as many designs come to 17 or so."""
    assert optimize(bowl, "forest", 240, agent_options={"trees": 10}).best.objectives[0] < 14


@pytest.mark.parametrize(
    ("option", "value"), [("trees", 1), ("trees", "many"), ("n_startup_trials", 0), ("random_fraction", 1.5)]
)
def test_bad_options_are_one_line(toy, option, value):
    with pytest.raises(ChipgymError, match=option):
        make_agent("forest", toy, options={option: value})

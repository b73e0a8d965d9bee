"""What BoTorch's agent promises beyond what every agent does."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from chipgym import ChipgymError
from chipgym.search import make_agent, optimize
from chipgym.search.agents.botorch.models import acquisition, uncompiled

SETTINGS = {"batch": 2, "agent_options": {"n_startup_trials": 8}}


def test_two_objectives_go_on_to_the_same_result(pareto, tmp_path):
    whole = optimize(pareto, "botorch", 12, **SETTINGS).to_pandas()
    assert not whole.duplicated(list(pareto.space.names)).any()
    for budget in (9, 12):  # both with a model
        found = optimize(pareto, "botorch", budget, store=tmp_path / "s.db", **SETTINGS)
    assert found.to_pandas().equals(whole)


def test_it_learns_within_a_constraint(bowl):
    """The best is at 1; random draws of as many designs come to 25 or so."""
    assert optimize(bowl, "botorch", 36, batch=3, agent_options={"n_startup_trials": 24}).best.objectives[0] < 22


def test_torch_and_its_settings_are_left_as_they_were(toy):
    rows = toy.space.sample(10, np.random.default_rng(0))
    agent = make_agent("botorch", toy, options={"n_startup_trials": 8})
    agent.replay(rows, toy.evaluate(rows))
    state, threads, dtype = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = agent.ask(3)
    assert torch.equal(torch.get_rng_state(), state)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, dtype)
    torch.manual_seed(1)
    agent.asks -= 1
    assert np.array_equal(agent.ask(3), first)


def test_the_acquisition_prefers_what_is_better_and_feasible():
    rng = np.random.default_rng(0)
    inputs = rng.random((30, 2))
    values, excess = inputs[:, :1], 0.5 - inputs[:, 1]  # better to the left, feasible in the upper half
    with warnings.catch_warnings(), uncompiled():
        warnings.simplefilter("ignore")
        function = acquisition(inputs, values, excess, excess <= 0, 0)
    points = torch.tensor([[0.0, 0.9], [0.9, 0.9], [0.0, 0.1]], dtype=torch.float64)[:, None, :]
    worth = function(points).detach().numpy()
    assert worth[0] > worth[1]
    assert worth[0] > worth[2]


def test_bad_options_are_one_line(toy):
    for value in (1, 2.5, "some"):
        with pytest.raises(ChipgymError, match="n_startup_trials"):
            make_agent("botorch", toy, options={"n_startup_trials": value})

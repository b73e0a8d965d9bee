"""A search that goes on on another processor, whose answers differ in their last digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy import ToySimulator

import chipgym
from chipgym.search import agent_names, load_result
from chipgym.search.agents.base import Agent
from chipgym.search.agents.registry import AgentEntry
from chipgym.search.store import Store


class OtherProcessor(ToySimulator):
    """The toy, as a processor computes it that rounds otherwise."""

    def simulate(self, columns, n):
        metrics, violation = super().simulate(columns, n)
        return {name: np.nextafter(column, np.inf) for name, column in metrics.items()}, violation


def problems(**options):
    simulators = ToySimulator("mlp:16-64-5"), OtherProcessor("mlp:16-64-5")
    return [chipgym.make_problem(simulator, objective="latency_s", **options) for simulator in simulators]


@pytest.mark.parametrize("agent", [name for name in agent_names() if name != "exhaustive"])
def test_one_run_goes_on(agent, tmp_path):
    here, there = problems()
    assert here.reference != there.reference
    store = tmp_path / "a.db"
    first = chipgym.optimize(here, agent, 20, 3, store, batch=8)
    whole = chipgym.optimize(there, agent, 30, 3, store, batch=8)
    assert len(Store(store).runs()) == 1
    found, before = load_result(store).to_pandas(), first.to_pandas()
    assert len(found) == whole.evaluations == 30
    pd.testing.assert_frame_equal(found[:20].drop(columns="reward"), before.drop(columns="reward"))
    np.testing.assert_allclose(found["reward"][:20], before["reward"], rtol=1e-9)


def test_the_rest_of_an_ask_may_be_another(tmp_path, monkeypatch):
    """The budget cut an ask, and the agent makes it again with other designs: all are kept, none twice."""

    class Fickle(Agent):
        offset = 0

        def propose(self, n, rng):
            return self.problem.space.sample(n, np.random.default_rng([self.asks, type(self).offset]))

    from chipgym.search.agents import registry

    monkeypatch.setitem(registry._ENTRIES, "fickle", AgentEntry("fickle", Fickle, "for a test"))
    here, there = problems()
    store = tmp_path / "a.db"
    first = chipgym.optimize(here, "fickle", 5, 0, store, batch=8)
    Fickle.offset = 1
    second = chipgym.optimize(there, "fickle", 25, 0, store, batch=8)
    again = chipgym.optimize(there, "fickle", 40, 0, store, batch=8)
    for part, longer in ((first, second), (second, again)):
        knobs = list(here.space.names)
        pd.testing.assert_frame_equal(longer.to_pandas()[knobs][: part.evaluations], part.to_pandas()[knobs])
    designs = again.to_pandas()[list(here.space.names)]
    assert len(designs.drop_duplicates()) == len(designs) == 40


def test_targets_and_rewards_are_runs_of_their_own(tmp_path):
    store = tmp_path / "a.db"
    for targets in (None, [1e-3], [2e-3]):
        for problem in problems(targets=targets):
            chipgym.optimize(problem, "random", 5, 0, store)
    assert len(Store(store).runs()) == 3

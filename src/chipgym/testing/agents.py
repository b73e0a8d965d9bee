"""What every search agent must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from ..errors import ChipgymError
from ..search import Progress, SearchResult, agent_options, make_agent, optimize, registered_agents
from ..simulators import Problem, bind_problem
from .toy import ToySimulator

PROBLEMS: dict[str, dict[str, Any]] = {
    "single": {},
    "pareto": {"objective": ["latency_s", "energy_j"], "constraints": ["area_mm2 <= 20"]},
}


class AgentSuite:
    """Rows, seeds, budgets, interrupted searches, and spaces with little in them, on a toy of 90 designs.

    Attributes:
        agent: its registered name.
        settings: arguments of `optimize`, such as `batch` and `agent_options`, with which its model is fitted within
            the budget.
        budget: designs of a search.
        killed_after: numbers of batches after which a search is interrupted: before there is a model, and with one.
    """

    agent: ClassVar[str]
    settings: ClassVar[dict[str, Any]] = {}
    budget: ClassVar[int] = 24
    killed_after: ClassVar[tuple[int, ...]] = (1, 3)

    @pytest.fixture(params=sorted(PROBLEMS))
    def problem(self, request: pytest.FixtureRequest) -> Problem:
        """Make a problem of one objective, and one of two with a constraint, or of one where the agent takes one."""
        arguments = PROBLEMS[request.param]
        if request.param == "pareto" and not self.several():
            arguments = {**arguments, "objective": arguments["objective"][0]}
        return bind_problem(ToySimulator(), **arguments)

    def several(self) -> bool:
        """Tell whether the agent takes several objectives."""
        (entry,) = (entry for entry in registered_agents() if entry.name == self.agent)
        return entry.load().several_objectives

    def search(self, problem: Problem, budget: int | None = None, seed: int = 0, **options: Any) -> SearchResult:
        """Search with the suite's settings."""
        return optimize(problem, self.agent, budget or self.budget, seed, **{**self.settings, **options})

    def test_options_have_defaults(self) -> None:
        """Check that the agent's options are known by name."""
        assert all(isinstance(name, str) for name in agent_options(self.agent))

    def test_rows_are_canonical_and_in_range(self, problem: Problem) -> None:
        """Check that an agent asks for canonical rows of the grid, shape (n, p) int64, at most as many as it may."""
        agent = make_agent(self.agent, problem, 0, self.settings.get("agent_options"))
        space = problem.space
        for _ in range(4):
            rows = agent.ask(5)
            assert rows.dtype == np.int64
            assert rows.ndim == 2
            assert rows.shape[1] == len(space.parameters)
            assert 1 <= len(rows) <= 5
            assert ((rows >= 0) & (rows < space.sizes)).all()
            assert (space.canonicalize(rows) == rows).all()
            agent.tell(rows, problem.evaluate(rows))

    def test_the_same_seed_is_the_same_search(self, problem: Problem) -> None:
        """Check that a seed gives the same search twice."""
        assert_same(self.search(problem), self.search(problem))

    def test_the_budget_is_spent_and_no_design_twice(self, problem: Problem) -> None:
        """Check that a search evaluates as many designs as its budget, each once."""
        found = self.search(problem, 17)
        assert found.evaluations == 17, f"{found.evaluations} of 17 designs, stopped: {found.stopped}"
        assert not found.to_pandas().duplicated(list(problem.space.names)).any()

    def test_an_interrupted_search_goes_on_to_the_same_result(self, problem: Problem, tmp_path: Path) -> None:
        """Check that a search killed after some batches goes on from its store as if it had not been."""
        whole = self.search(problem)
        for batches in self.killed_after:
            store = tmp_path / f"{batches}.db"
            with pytest.raises(_StoppedError):
                self.search(problem, store=store, callback=_Stopper(batches))
            assert_same(self.search(problem, store=store), whole)

    def test_a_larger_budget_later_is_the_larger_budget_at_once(self, problem: Problem, tmp_path: Path) -> None:
        """Check that a stored search that goes on with larger budgets ends as one with the largest does."""
        for budget in (1, 11, self.budget):
            found = self.search(problem, budget, store=tmp_path / "s.db")
        assert_same(found, self.search(problem))

    def test_it_begins_with_the_designs_that_it_is_given(self, problem: Problem, tmp_path: Path) -> None:
        """Check that the given designs are evaluated first, also where the search is cut short and goes on."""
        start = [{"units": 8}, {"units": 1, "clock_mhz": 400}]
        whole = self.search(problem, start=start)
        assert [whole.table.row(i).design["units"] for i in range(2)] == [8, 1]
        self.search(problem, 3, start=start, store=tmp_path / "s.db")
        assert_same(self.search(problem, start=start, store=tmp_path / "s.db"), whole)

    def test_a_space_of_one_design(self) -> None:
        """Check that a search of a space with one design evaluates it and ends."""
        one: dict[str, Any] = {"units": 8, "cache": "off", "cache_kb": 4, "clock_mhz": 200}
        found = self.search(bind_problem(ToySimulator(), space=one))
        assert found.evaluations == 1
        assert found.best.design == one

    @pytest.mark.parametrize("objective", ["edp", ["latency_s", "energy_j"]])
    def test_nothing_feasible(self, objective: str | list[str]) -> None:
        """Check that the nearest miss is the best design, and the front empty, where no design is feasible."""
        if not isinstance(objective, str) and not self.several():
            with pytest.raises(ChipgymError, match="one objective"):
                self.search(bind_problem(ToySimulator(), objective=objective), 22)
            return
        found = self.search(bind_problem(ToySimulator(), objective=objective, constraints="area_mm2 <= 0.5"), 22)
        assert not found.best.feasible
        assert found.best.violation == found.table.violation.min() > 0
        assert found.pareto == ()

    def test_most_designs_cannot_be_built(self) -> None:
        """Check that no agent trips over NaN costs, which most designs have here, or takes them for good."""
        found = self.search(bind_problem(ToySimulator(budget_mm2=4.0)), 22)
        values = found.table.objectives[:, 0]
        assert np.isnan(values).any()
        assert found.best.objectives[0] == np.nanmin(values)


class _StoppedError(Exception):
    """What a callback raises in place of a signal."""


class _Stopper:
    """A callback that ends the search after so many batches."""

    def __init__(self, batches: int) -> None:
        self._left = batches

    def __call__(self, progress: Progress) -> None:
        self._left -= 1
        if self._left == 0:
            raise _StoppedError


def assert_same(a: SearchResult, b: SearchResult) -> None:
    """Check that two searches evaluated the same designs in the same order, to the last bit."""
    pd.testing.assert_frame_equal(a.to_pandas(), b.to_pandas(), check_exact=True)
    assert a.best == b.best
    assert a.pareto == b.pareto

"""The search loop: ask, evaluate what is new, write it down, tell."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ChipgymError, shorten
from ..simulators import Indices, Problem
from ..simulators.core.metrics import row_dict
from .agents import registry
from .agents.base import MOST_AT_ONCE, Agent, whole
from .log import Log, best_number
from .progress import Progress
from .result import Evaluations, SearchResult
from .run import InMemoryRun, Provenance, Run, RunKey, checked_problem, library_versions

# Consecutive asks without a new design after which an agent is taken to have nothing more to say.
PATIENCE = 50

# Designs evaluated before the first transaction of a process; then as many as a simulator does in about a second.
FIRST_PART = 32
SLOW_S = 1.0

Callback = Callable[[Progress], None]


def optimize(
    problem: Problem,
    agent: str = "nsga2",
    budget: int = 1000,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    *,
    batch: int | None = None,
    agent_options: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
) -> SearchResult:
    """Searches a problem's space for its best designs.

    A design that comes up again is answered from the run's own evaluations and costs no budget. The search ends when
    the budget is spent, when every design has been evaluated, or after 50 asks in a row without a new design.

    Args:
        problem: what to minimise on which simulator.
        agent: a registered agent, see `agent_names`.
        budget: how many designs to evaluate in the whole run, those of earlier processes included. A stored run that
            has as many or more is returned as it is.
        seed: the same seed gives the same search.
        store: where evaluations are kept: None for memory, a path for an SQLite file (folders are created), or an
            SQLAlchemy URL. A run that is in the store already is continued.
        batch: designs per ask; the agent's own choice where None.
        agent_options: the agent's settings.
        callback: called with the progress after each batch, and within one about every second.

    Raises:
        ChipgymError: naming the argument that is wrong and the nearest right one, or what is wrong with the store.
    """
    checked_problem(problem)
    if callback is not None and not callable(callback):
        raise ChipgymError(f"callback: {shorten(callback)} is not a function that takes a Progress")
    budget = whole("budget", budget)
    searcher = registry.make_agent(agent, problem, seed, agent_options)
    size = searcher.batch if batch is None else whole("batch", batch, high=MOST_AT_ONCE)
    options = {**registry.agent_options(agent), **(agent_options or {})}  # a default spelled out is the same run
    key = RunKey.of(problem, agent, options, searcher.seed, size)
    log = Log(problem)
    with _open(store, key, log, budget) as run:
        search = Search(problem, searcher, size, budget, log, run)
        search.resume()
        stopped = search.run(callback)
        source = problem.simulator.workload_source
        provenance = Provenance(options, size, key.reward(), library_versions(), workloads=source)
        return SearchResult(
            evaluations(log), agent, searcher.seed, problem.identity(), run.label, stopped, provenance, problem
        )


@dataclass
class Search:
    """The state of one search: an agent, what has been evaluated, and where it is written."""

    problem: Problem
    agent: Agent
    batch: int
    budget: int
    log: Log
    store: Run
    resumed: int = 0
    idle: int = 0
    best: int = -1
    feasible: int = 0
    part: int = FIRST_PART
    started: float = field(default_factory=time.perf_counter)

    def resume(self) -> None:
        """Replays the batches that the store has to the agent."""
        for numbers in self.store.asked():
            self._count_idle(self.agent.asks)
            self.agent.replay(self.log.rows[numbers], self.log.take(numbers))
        self.resumed = self.log.n
        if self.log.n:
            self._update_best(np.arange(self.log.n))
        self.started = time.perf_counter()

    def run(self, callback: Callback | None) -> str:
        """Searches to the end and says why it ended."""
        everything = _count(self.problem)
        while True:
            if everything is not None and self.log.n >= everything:
                return "space exhausted"
            if self.log.n >= self.budget:
                return "budget"
            if self.idle >= PATIENCE:
                return "agent repeats itself"
            if not self._step(callback):
                return "space exhausted"

    def _step(self, callback: Callback | None) -> bool:
        """One ask, and whether the agent proposed anything."""
        ask = self.agent.asks
        rows = self._checked(self.agent.ask(self.batch))
        if not len(rows):
            return False
        numbers, fresh = self.log.find(rows)
        taken = fresh[: self.budget - self.log.n]
        complete = len(taken) == len(fresh)
        start = self.log.n
        while len(taken):
            part, taken = taken[: self.part], taken[self.part :]
            self._evaluate(rows[part], ask, part)
            if len(taken):
                self.store.write(ask, start, None)
                start = self.log.n
                if callback:
                    callback(self._progress())
        if complete and len(fresh):
            numbers, _ = self.log.find(rows)
        # Written before the agent learns of it. An ask that the budget or a signal cut is not told: whoever continues
        # makes it again, finds this part in the store, and so goes the way of a search that was never cut.
        self.store.write(ask, start, numbers if complete else None)
        if complete:
            self.agent.tell(rows, self.log.take(numbers))
            self.idle = 0 if len(fresh) else self.idle + 1
        if callback:
            callback(self._progress())
        return True

    def _evaluate(self, rows: Indices, ask: int, positions: Indices) -> None:
        """Evaluates new rows, and sets how many to evaluate between two transactions by the time that they took."""
        start, begun = self.log.n, time.perf_counter()
        self.log.append(rows, self.problem.evaluate(rows), ask, positions)
        self._update_best(np.arange(start, self.log.n))
        took = time.perf_counter() - begun
        if took > SLOW_S:
            self.part = max(self.part // 2, 1)
        elif took < SLOW_S / 4 and len(rows) == self.part:
            self.part *= 4

    def _checked(self, rows: Indices) -> Indices:
        space = self.problem.space
        rows = np.asarray(rows)
        if rows.ndim != 2 or rows.shape[1] != len(space.parameters) or rows.dtype.kind not in "iu":
            raise ChipgymError(
                f"{type(self.agent).__name__} proposed an array of shape {rows.shape} and type {rows.dtype}, "
                f"expected integers of shape (n, {len(space.parameters)})"
            )
        if len(rows) and ((rows < 0) | (rows >= space.sizes)).any():
            raise ChipgymError(f"{type(self.agent).__name__} proposed an index outside the grid")
        return space.canonicalize(rows)

    def _count_idle(self, ask: int) -> None:
        asks = self.log.asks[:, 0]  # ascending: evaluations are numbered in the order of the asks
        found = np.searchsorted(asks, (ask, ask + 1))
        self.idle = 0 if found[1] > found[0] else self.idle + 1

    def _update_best(self, numbers: Indices) -> None:
        log = self.log
        self.feasible += int((log.violation[numbers] <= 0).sum())
        rivals = numbers if self.best < 0 else np.concatenate([[self.best], numbers])
        self.best = int(rivals[best_number(log.objectives[rivals], log.violation[rivals], log.reward[rivals])])

    def _progress(self) -> Progress:
        elapsed = time.perf_counter() - self.started
        mine = self.log.n - self.resumed
        rate = mine / elapsed if elapsed > 0 else 0.0
        return Progress(
            evaluations=self.log.n,
            budget=self.budget,
            ask=self.agent.asks - 1,
            feasible=self.feasible,
            best_objectives=tuple(self.log.objectives[self.best].tolist()),
            best_design=row_dict(self.problem.space.decode(self.log.rows[self.best]), 0),
            best_feasible=bool(self.log.violation[self.best] <= 0),
            elapsed_s=elapsed,
            rate=rate,
            left_s=(self.budget - self.log.n) / rate if rate > 0 else None,
            resumed=self.resumed,
        )


def evaluations(log: Log) -> Evaluations:
    """A log as columns of values."""
    return Evaluations(
        designs=log.problem.space.decode(log.rows),
        metrics={name: log.metrics[:, j] for j, name in enumerate(log.metric_names)},
        objectives=log.objectives,
        objective_names=tuple(o.name for o in log.problem.objectives),
        violation=log.violation,
        reward=log.reward,
        asks=log.asks[:, 0],
        units={s.name: s.unit for s in log.problem.simulator.metrics},
    )


def _count(problem: Problem) -> int | None:
    """How many different designs there are; None where that cannot be counted."""
    try:
        return problem.space.canonical_size
    except ChipgymError:
        return None


def _open(store: str | os.PathLike[str] | None, key: RunKey, log: Log, budget: int) -> Run:
    if store is None:
        return InMemoryRun()
    from .store.writer import StoredRun

    return StoredRun(store, key, log, budget)

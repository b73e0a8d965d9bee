"""The search loop: ask, evaluate what is new, write it down, tell."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ChipgymError, count, shorten
from ..simulators import Designs, Evaluation, Indices, Problem, Value
from ..simulators.core.metrics import row_dict
from .agents import registry
from .agents.base import MOST_AT_ONCE, Agent
from .evaluating import Catch, Evaluator, Failure, SimulationError, evaluator, exceptions, joined
from .log import Log
from .progress import Progress
from .ranking import best_number
from .result import Evaluations, SearchResult
from .run import InMemoryRun, Provenance, Run, RunKey, checked_problem, library_versions
from .workers import checked_backend

# Consecutive asks without a new design after which an agent is taken to have nothing more to say.
PATIENCE = 50

# Designs evaluated before the first transaction of a process; then as many as a simulator does in about a second.
FIRST_PART = 32
SLOW_S = 1.0

Callback = Callable[[Progress], object]


class StopSearch(Exception):  # noqa: N818 - named as Python's StopIteration: it is no error
    """Raised by a callback to end a search after what has been evaluated; as good as returning True."""


def optimize(
    problem: Problem,
    agent: str = "auto",
    budget: int = 1000,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    *,
    batch: int | None = None,
    agent_options: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
    start: Designs | None = None,
    timeout: float | None = None,
    jobs: int = 1,
    catch: Catch = (),
    backend: str = "process",
    workers: int | None = None,
    address: str | None = None,
) -> SearchResult:
    """Search a problem's space for its best designs.

    A design that comes up again is answered from the run's own evaluations and costs no budget. The search ends when
    the budget is spent, when every design has been evaluated, or after 50 asks in a row without a new design.
    `timeout` or `callback` can end it too. What ended it is the result's `stopped`. A search that was cut short goes
    on from its store to the same result as one that was not.

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
        callback: called with the progress after each batch, and within one about every second. The search ends where
            it returns True or raises `StopSearch`.
        start: designs to begin with, in any form that `Problem.evaluate` takes. They are evaluated and told to the
            agent before its first ask, count towards the budget, and make the run another one than without them.
        timeout: seconds after which nothing new is evaluated, counted from the first ask of this call; one design at
            least is evaluated, so that every call goes on.
        jobs: processes that evaluate designs, for slow simulators: as many designs side by side as one ask has (see
            `batch`). The result is the same. A script needs `if __name__ == "__main__":` then.
        catch: exceptions of `simulate` that make a design infeasible, with the exception's text as its reason, as
            Optuna's `catch`: a type such as ValueError, or several. No part of the run's identity.
        backend: what evaluates designs: "process", which is this process or `jobs` others, or "ray", which is the
            `workers` of a Ray cluster. The result is the same.
        workers: of a Ray cluster, one CPU each; as many as it has CPUs where None.
        address: of a Ray cluster: "ray://host:10001", "host:6379" on one of its machines, or "auto" for one that runs
            on this machine. None for the cluster that Python is connected to, or else that of the environment's
            RAY_ADDRESS, or else one of this machine that ends with the search.

    Raises:
        SimulationError: where `simulate` raises anything else; it names the design, and has what was evaluated before.
        ChipgymError: naming the argument that is wrong and the nearest right one, or what is wrong with the store.
    """
    checked_problem(problem)
    if callback is not None and not callable(callback):
        raise ChipgymError(f"callback: {shorten(callback)} is not a function that takes a Progress")
    budget, catch = count("budget", budget), exceptions(catch)
    where = checked_backend(backend, jobs, workers, address)
    seconds = math.inf if timeout is None else _seconds(timeout)
    searcher = registry.make_agent(agent, problem, seed, agent_options)
    size = searcher.batch if batch is None else count("batch", batch, high=MOST_AT_ONCE)
    options = {**registry.agent_options(agent), **(agent_options or {})}  # a default spelled out is the same run
    first = _first_rows(problem, start)
    begun = tuple(problem.space.design(row) for row in first)
    key = RunKey.of(problem, agent, options, searcher.seed, size, begun)
    log = Log(problem)
    source = problem.simulator.workload_source
    provenance = Provenance(options, size, key.reward(), library_versions(), workloads=source, start=begun)

    def result(stopped: str) -> SearchResult:
        identity = problem.identity()
        said = searcher.explanation()
        table = evaluations(log)
        return SearchResult(table, agent, searcher.seed, identity, run.label, stopped, provenance, problem, said)

    # Workers first: no store is made where they cannot be.
    with evaluator(problem, catch, where) as evaluate, _open(store, key, log, budget) as run:
        search = Search(problem, searcher, size, budget, log, run, evaluate, first, seconds)
        search.resume()
        stopped = search.run(callback)
        if search.failure is None:
            return result(stopped)
        raise _failed(result("error"), search.failed_design, search.failure) from search.failure.error


@dataclass
class Search:
    """The state of one search: an agent, what has been evaluated, and where it is written."""

    problem: Problem
    agent: Agent
    batch: int
    budget: int
    log: Log
    store: Run
    evaluate: Evaluator
    first: Indices
    seconds: float = math.inf
    failure: Failure | None = None
    failed_design: dict[str, Value] = field(default_factory=dict)
    cut: str = ""
    resumed: int = 0
    idle: int = 0
    best: int = -1
    feasible: int = 0
    part: int = FIRST_PART
    started: float = field(default_factory=time.perf_counter)

    def resume(self) -> None:
        """Replay the batches that the store has to the agent."""
        for numbers in self.store.asked():
            self._count_idle(self.agent.asks)
            self._tell_again(self.log.rows[numbers], self.log.take(numbers))
        self.resumed = self.log.n
        if self.log.n:
            self._update_best(np.arange(self.log.n))
        self.started = time.perf_counter()
        if math.isfinite(self.seconds):
            self.part = self.evaluate.width  # the first tells how long the next may be

    def _tell_again(self, rows: Indices, evaluation: Evaluation) -> None:
        """Tell the agent of an ask that it did not make in this process, or that nobody made."""
        if self.agent.asks == 0 and len(self.first):
            self.agent.begin(rows, evaluation)
        else:
            self.agent.replay(rows, evaluation)

    def run(self, callback: Callback | None) -> str:
        """Search to the end and say why it ended."""
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
            if self.cut:
                return self.cut

    def _step(self, callback: Callback | None) -> bool:
        """Make one ask, and tell whether the agent proposed anything."""
        ask = self.agent.asks
        beginning = ask == 0 and len(self.first) > 0
        rows = self.first if beginning else self._checked(self.agent.ask(self.batch))
        if not len(rows):
            return False
        numbers, fresh = self.log.find(rows)
        taken = fresh[: self.budget - self.log.n]
        complete = len(taken) == len(fresh)
        start = first = self.log.n
        while len(taken):
            part, taken = taken[: self.part], taken[self.part :]
            self._evaluate(rows[part], ask, part)
            if len(taken) or self.failure:
                self.store.write(ask, start, None)
                start = self.log.n
                if not self.failure:
                    self._ask_whether_to_stop(callback)
                if self.failure or self.cut:
                    return True
        if complete and len(fresh) == len(rows):
            numbers = np.arange(first, self.log.n)
        elif complete and len(fresh):
            numbers, _ = self.log.find(rows)
        # Written before the agent learns of it. An ask that the budget or a signal cut is not told: whoever continues
        # makes it again, finds this part in the store, and so goes the way of a search that was never cut.
        self.store.write(ask, start, numbers if complete else None)
        if complete:
            tell = self._tell_again if beginning else self.agent.tell
            tell(rows, self.log.take(numbers))
            self.idle = 0 if len(fresh) else self.idle + 1
        self._ask_whether_to_stop(callback)
        return True

    def _ask_whether_to_stop(self, callback: Callback | None) -> None:
        """Show the callback where the search is, and note whether that, or the clock, ends it."""
        if callback:
            try:
                answer = callback(self._progress())
            except StopSearch:
                answer = True
            if isinstance(answer, bool | np.bool_) and answer:
                self.cut = "callback"
        if self._time_left() <= 0:
            self.cut = self.cut or "timeout"

    def _time_left(self) -> float:
        return self.seconds - (time.perf_counter() - self.started)

    def _evaluate(self, rows: Indices, ask: int, positions: Indices) -> None:
        """Evaluate new rows, and set how many to evaluate between two transactions by the time that they took.

        Where the simulation of one raises, those before it are evaluated and `failure` says of the one that is next.
        """
        start, begun = self.log.n, time.perf_counter()
        done, self.failure = self.evaluate(rows)
        if done:
            evaluation = joined(done)
            n = len(evaluation.violation)
            self.log.append(rows[:n], evaluation, ask, positions[:n])
            self._update_best(np.arange(start, self.log.n))
        if self.failure:
            self.failed_design = self.problem.space.design(rows[self.log.n - start])
            self.cut = "error"
            return
        took = time.perf_counter() - begun
        if took > SLOW_S:
            self.part = max(self.part // 2, self.evaluate.width)
        elif took < SLOW_S / 4 and len(rows) == self.part:
            self.part *= 4
        if math.isfinite(self.seconds) and took > 0:
            self.part = max(min(self.part, int(self._time_left() * len(rows) / took)), self.evaluate.width)

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
    """Return a log as columns of values."""
    return Evaluations(
        designs=log.problem.space.decode(log.rows),
        metrics={name: log.metrics[:, j] for j, name in enumerate(log.metric_names)},
        objectives=log.objectives,
        objective_names=tuple(o.name for o in log.problem.objectives),
        violation=log.violation,
        reward=log.reward,
        asks=log.asks[:, 0],
        units={s.name: s.unit for s in log.problem.simulator.metrics},
        reasons=log.reasons,
    )


def _first_rows(problem: Problem, start: Designs | None) -> Indices:
    """Return the designs to begin with as rows of the grid, each once, in their order.

    Raises:
        ChipgymError: as `Problem.encode`.
    """
    if start is None:
        return np.empty((0, len(problem.space.parameters)), dtype=np.int64)
    try:
        rows = problem.encode(start)
    except ChipgymError as error:
        raise ChipgymError(f"start: {error}") from error
    once = np.unique(rows, axis=0, return_index=True)[1]
    return rows[np.sort(once)]


def _seconds(timeout: object) -> float:
    if isinstance(timeout, bool | np.bool_) or not isinstance(timeout, int | float | np.number) or not timeout > 0:
        raise ChipgymError(f"timeout: {shorten(timeout)} is not a number of seconds above 0")
    return float(timeout)


def _failed(result: SearchResult, design: dict[str, Value], failure: Failure) -> SimulationError:
    """Make the error that says which design's simulation raised what, what is kept, and how to go on."""
    what = failure.of_design(result.identity["simulator"], design)
    kept = f"in {result.store}" if result.store else "in this error's `result`"
    message = (
        f"{what}; the {result.evaluations} designs evaluated before it are {kept}; "
        f"catch={failure.kind} records it as infeasible and goes on"
    )
    return SimulationError(message, design, failure.reason, result)


def _count(problem: Problem) -> int | None:
    """Count the different designs that there are; None where that cannot be counted."""
    try:
        return problem.space.canonical_size
    except ChipgymError:
        return None


def _open(store: str | os.PathLike[str] | None, key: RunKey, log: Log, budget: int) -> Run:
    if store is None:
        return InMemoryRun()
    from .store.writer import StoredRun

    return StoredRun(store, key, log, budget)

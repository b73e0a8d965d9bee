"""Runs every agent with every seed, each search a file of its own, and compares their regret."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...durable import durable_file
from ...errors import ChipgymError, count, unknown
from ...simulators import Problem
from ...simulators.core.parameter import Column
from ..agents import AgentEntry, agent_names, agent_options, register_agent, registered_agents
from ..agents.base import MOST_AT_ONCE, MOST_JOBS
from ..difference import first_difference
from ..evaluating import Catch, exceptions
from ..loop import optimize
from ..regret import GroundTruth, ground_truth
from ..workers import unordered
from .summary import Band, mean_band
from .truth_file import read_truth, write_truth

if TYPE_CHECKING:
    import pandas

DEFAULT_AGENTS = ("random", "nsga2", "tpe", "gp")

Task = tuple[str, int]
Curves = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """A study after a search, or before the first while its optimum is sought.

    Attributes:
        done: searches done, those of earlier processes included; or designs evaluated for the optimum.
        total: searches to do; or designs to evaluate.
        agent: the agent of the last search; empty while the optimum is sought.
        seed: its seed.
    """

    done: int
    total: int
    agent: str
    seed: int

    @property
    def seeking_optimum(self) -> bool:
        """Whether `done` and `total` count designs that are evaluated for the optimum."""
        return not self.agent


@dataclass(frozen=True, eq=False)
class Study:
    """Searches of one problem by several agents.

    Attributes:
        truth: the problem and the objective of all of its designs.
        incumbents: by agent, the least feasible objective after each evaluation, (seeds, budget); `inf` before the
            first feasible design. A search that ended early keeps its last.
    """

    truth: GroundTruth
    incumbents: Curves

    def regret(self, agent: str) -> Column:
        """Return simple regret as a fraction of the optimum, shape (seeds, budget).

        Before its first feasible design a search is taken to hold the worst one, so that means stay finite.

        Raises:
            ChipgymError: for an agent that is not part of the study.
        """
        if agent not in self.incumbents:
            raise unknown("agent of the study", agent, self.incumbents)
        return np.minimum(self.incumbents[agent], self.truth.worst) / self.truth.optimum - 1.0

    def bands(self) -> dict[str, Band]:
        """Compute by agent the mean of `regret` over seeds with its 95 % bootstrap interval."""
        return {agent: mean_band(self.regret(agent), np.random.default_rng(0)) for agent in self.incumbents}

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row per agent, seed and evaluation (from 1): incumbent, regret (relative), rank."""
        import pandas as pd

        parts = []
        for agent, curves in self.incumbents.items():
            seeds, budget = curves.shape
            columns = {
                "seed": np.repeat(np.arange(seeds), budget),
                "evaluation": np.tile(np.arange(1, budget + 1), seeds),
                "incumbent": curves.ravel(),
                "regret": self.regret(agent).ravel(),
                "rank": np.concatenate([self.truth.rank(curve) for curve in curves]),
            }
            parts.append(pd.DataFrame(columns).assign(agent=agent))
        table = pd.concat(parts, ignore_index=True)
        return table[["agent", *(name for name in table if name != "agent")]]


def run_study(
    problem: Problem,
    folder: str | os.PathLike[str],
    *,
    agents: Sequence[str] = DEFAULT_AGENTS,
    seeds: int = 30,
    budget: int = 100,
    agent_options: Mapping[str, Mapping[str, Any]] | None = None,
    jobs: int = 1,
    callback: Callable[[StudyProgress], None] | None = None,
    optimum: bool = True,
    most_designs: int | None = None,
    catch: Catch = (),
) -> Study:
    """Search a problem with each agent and seeds 0, 1, …, and measure them against the true optimum.

    Each search is a file in the folder once it is done, and is not made again. The same call goes on after a kill.

    Args:
        problem: one objective; a table makes it quick.
        folder: where searches are kept; made where there is none.
        agents: registered agents.
        seeds: how many searches of each.
        budget: evaluations of each search.
        agent_options: settings by agent.
        jobs: processes that search.
        callback: called after each search, and about every second while the optimum is sought.
        optimum: whether regret is against the true optimum, for which every design is evaluated once and kept in the
            folder. Without it regret is against the best that any search of the study found, and the result's `truth`
            says that it is not exact.
        most_designs: how many designs a simulator may evaluate for the optimum; 1,000,000 where None.
        catch: exceptions of `simulate` that make a design infeasible, as for `optimize`.

    Raises:
        ChipgymError: naming the argument that is wrong; for a folder with another study; and as `ground_truth`.
    """
    seeds, budget = count("seeds", seeds, high=MOST_AT_ONCE), count("budget", budget, high=MOST_AT_ONCE)
    jobs = count("jobs", jobs, high=MOST_JOBS)
    options, caught = _all_options(agents, agent_options or {}), exceptions(catch)
    place = Path(os.path.expanduser(folder))
    identity = {**problem.identity(), "agents": options, "budget": budget}
    try:
        truth = None
        if optimum:
            truth = read_truth(place, problem) if _belongs(place, identity) else None
            kept = truth is not None
            truth = truth or _sought(problem, most_designs, callback, caught)
        _claim(place, identity)
        if truth and not kept:
            write_truth(place, truth)
        tasks = [(agent, seed) for agent in options for seed in range(seeds)]
        missing = [task for task in tasks if not _file(place, task).exists()]
        search = _Search(problem, budget, options, tuple(e for e in registered_agents() if e.name in options), caught)
        for done, ((agent, seed), values) in enumerate(unordered(search, missing, jobs), len(tasks) - len(missing) + 1):
            _write(_file(place, (agent, seed)), values)
            if callback:
                callback(StudyProgress(done, len(tasks), agent, seed))
        found = {agent: np.stack([_read(_file(place, (agent, s)), budget) for s in range(seeds)]) for agent in options}
    except OSError as error:
        raise ChipgymError(f"folder: {error.filename or place} cannot be used ({error.strerror or error})") from error
    if truth is None:
        truth = _positive(_best_found(problem, found))
    return Study(truth, {agent: np.minimum.accumulate(values, axis=1) for agent, values in found.items()})


def _sought(
    problem: Problem,
    most_designs: int | None,
    callback: Callable[[StudyProgress], None] | None,
    catch: tuple[type[Exception], ...],
) -> GroundTruth:
    """Find the true optimum.

    Raises:
        ChipgymError: as `ground_truth`, with how to go without.
    """

    def tell(done: int, total: int) -> None:
        if callback:
            callback(StudyProgress(done, total, "", 0))

    try:
        return _positive(ground_truth(problem, most_designs, tell, catch))
    except ChipgymError as error:
        if str(error).startswith("most_designs: the optimum"):
            raise ChipgymError(f"{error}, or optimum=False to compare with the best that is found") from None
        raise


def _best_found(problem: Problem, found: Curves) -> GroundTruth:
    """Return what stands for the optimum where it is not known: the feasible objectives that searches found.

    Raises:
        ChipgymError: where they found none.
    """
    values = np.concatenate([column.ravel() for column in found.values()])
    known = np.unique(values[np.isfinite(values)])
    if not len(known):
        raise ChipgymError("no search of the study found a feasible design; relax the constraints or raise the budget")
    return GroundTruth(problem, len(known), known, {}, exact=False)


def _positive(truth: GroundTruth) -> GroundTruth:
    if truth.optimum <= 0:
        name = truth.problem.objectives[0].name
        raise ChipgymError(
            f"objective: the least {name} is {truth.optimum}; regret relative to it needs a positive one"
        )
    return truth


@dataclass(frozen=True)
class _Search:
    """One search as a function of agent and seed: the objective of each evaluation, `inf` where infeasible."""

    problem: Problem
    budget: int
    options: Mapping[str, Mapping[str, Any]]
    entries: tuple[AgentEntry, ...]
    catch: tuple[type[Exception], ...]

    def __call__(self, task: Task) -> Column:
        for entry in self.entries:  # a process of its own knows only the agents of the package
            register_agent(entry)
        agent, seed = task
        found = optimize(
            self.problem, agent, self.budget, seed, agent_options=self.options[agent], catch=self.catch
        ).table
        values: Column = np.where(found.violation <= 0, found.objectives[:, 0], np.inf)
        return values


def _all_options(agents: Sequence[str], given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return every setting of every agent, defaults included."""
    if isinstance(agents, str) or not agents:
        raise ChipgymError(f"agents: expected a list of names such as {list(DEFAULT_AGENTS)}, got {agents!r}")
    for name in given:
        if name not in agents:
            raise unknown("agent of agent_options:", name, agents)
    for name in agents:
        if name not in agent_names():
            raise unknown("agent", name, agent_names())
    return {name: {**agent_options(name), **given.get(name, {})} for name in agents}


def _claim(folder: Path, study: Mapping[str, Any]) -> None:
    """Make a folder this study's, where it is nobody's."""
    if not _belongs(folder, study):
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "study.json", json.dumps(study, indent=2))


def _belongs(folder: Path, study: Mapping[str, Any]) -> bool:
    """Tell whether a folder is this study's; False where it is nobody's.

    Raises:
        ChipgymError: for a folder of another study.
    """
    path = folder / "study.json"
    ours = json.loads(json.dumps(study))
    if path.exists():
        try:
            theirs = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise ChipgymError(f"folder: {path} is damaged; choose another folder") from None
        if theirs != ours:
            where, has, this = first_difference("", theirs, ours)
            raise ChipgymError(f"{where}: study {folder} has {has}, this is {this}; choose another folder")
        return True
    return False


def _file(folder: Path, task: Task) -> Path:
    return folder / f"{task[0]}-{task[1]}.csv"


def _write(path: Path, values: Column) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_lines(values))
    _replace(path, text.getvalue())


def _lines(values: Column) -> Iterator[tuple[object, object]]:
    yield "evaluation", "objective"
    yield from ((i, repr(value)) for i, value in enumerate(values.tolist(), 1))


def _replace(path: Path, text: str) -> None:
    with durable_file(path, path.with_name(f"{path.name}.{os.getpid()}.partial")) as file:
        file.write(text.encode())


def _read(path: Path, budget: int) -> Column:
    """Read the objectives of one search, the last incumbent repeated where it ended early."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]
        values = np.array([float(value) for _, value in rows])
    except ValueError:
        values = np.empty(0)
    if not 0 < len(values) <= budget:
        raise ChipgymError(f"folder: {path} is damaged; remove it and run the study again")
    return np.pad(values, (0, budget - len(values)), constant_values=np.inf)

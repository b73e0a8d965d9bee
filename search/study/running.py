"""Runs a study: every problem, configuration and seed once, in processes, into a folder that it goes on from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ChipgymError, count, shorten, unknown
from ...simulators import Problem
from ...simulators.tabular import TabularSimulator
from ..agents import registered_agents
from ..agents.base import MOST_AT_ONCE
from ..evaluating import Catch, exceptions
from ..folder_lock import folder_lock
from ..regret import GroundTruth, ground_truth
from ..workers import Backend, checked_backend, unordered
from .configurations import AgentOptions, check_made, configurations
from .problems import Problems, named_problems
from .searches import Searches, Task
from .searching import CHUNK_S, Chunks, Searcher
from .storage import Store, belongs, claim
from .study import Study
from .truth_file import read_truth, write_truth

# Workers that a cluster is taken to have at most where nobody says how many.
MANY = 64

DEFAULT_AGENTS = ("random", "nsga2", "tpe", "gp")


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """A study after a search, or before the first while an optimum is sought.

    Attributes:
        done: searches done, those of earlier processes included; or designs evaluated for the optimum.
        total: searches to do; or designs to evaluate.
        agent: the label of the last search's configuration; empty while an optimum is sought.
        seed: its seed.
        problem: its problem's name.
    """

    done: int
    total: int
    agent: str
    seed: int
    problem: str = ""

    @property
    def seeking_optimum(self) -> bool:
        """Whether `done` and `total` count designs that are evaluated for the optimum."""
        return not self.agent


Callback = Callable[[StudyProgress], None]


def run_study(
    problem: Problems,
    folder: str | os.PathLike[str],
    *,
    agents: Sequence[str] = DEFAULT_AGENTS,
    seeds: int = 30,
    budget: int | Sequence[int] = 100,
    agent_options: AgentOptions | None = None,
    agent_budgets: Mapping[str, int] | None = None,
    jobs: int = 1,
    callback: Callback | None = None,
    optimum: bool = True,
    most_designs: int | None = None,
    best_known: Mapping[str, float] | None = None,
    catch: Catch = (),
    backend: str = "process",
    workers: int | None = None,
    address: str | None = None,
) -> Study:
    """Search problems with each agent, option set and seed 0, 1, …, and measure them against the true optimum.

    Searches are kept in the folder, those of about two seconds together, and none is made again: the same call goes on
    after a kill, and one with more seeds adds those. Agents do not know a budget: one search to the largest one is
    what it is at all smaller ones.

    Args:
        problem: one problem, a list, or a dict of them by name; one objective each; tables make it quick.
        folder: where searches are kept; made where there is none.
        agents: registered agents.
        seeds: how many searches of each configuration on each problem.
        budget: evaluations of each search; or several numbers at which searches are compared.
        agent_options: settings by agent. A dict is a grid: a list in it stands for each of its values. A list of dicts
            is the option sets themselves.
        agent_budgets: by agent, evaluations beyond which it is not searched, for agents that take long.
        jobs: processes that search.
        callback: called after each search, and about every second while an optimum is sought.
        optimum: whether regret is against the true optimum, for which every design is evaluated once and kept in the
            folder. Without it regret is against the best that any search of the study found, and `truth` says that it
            is not exact.
        most_designs: how many designs a simulator may evaluate for the optimum; 1,000,000 where None.
        best_known: without `optimum`, the least objective that is known by problem: where no search finds less,
            regret is against that.
        catch: exceptions of `simulate` that make a design infeasible, as for `optimize`.
        backend: what searches: "process", which is this process or `jobs` others, or "ray", whose workers are given
            whole searches, several where they are short.
        workers: of a Ray cluster, as for `optimize`.
        address: of a Ray cluster, as for `optimize`.

    Raises:
        ChipgymError: naming the argument that is wrong; for a folder with another study; and as `ground_truth`.
    """
    problems = named_problems(problem)
    budgets, seeds = _budgets(budget), count("seeds", seeds, high=MOST_AT_ONCE)
    where, caught = checked_backend(backend, jobs, workers, address), exceptions(catch)
    where.check()
    sets = configurations(agents, agent_options or {}, budgets, agent_budgets or {})
    known = dict(best_known or {})
    for name in known:
        if name not in problems:
            raise unknown("problem of best_known:", name, problems)
    check_made(list(problems.values()), sets)
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise ChipgymError(f"folder: {shorten(folder)} is not the path of a folder such as 'runs/study'")
    place = Path(os.path.expanduser(folder))
    identity: dict[str, Any] = {
        "problems": {name: one.identity() for name, one in problems.items()},
        "agents": {agent: [dict(c.options) for c in sets if c.agent == agent] for agent in agents},
        "budget": budgets[0] if len(budgets) == 1 else list(budgets),
        "agent_budgets": {c.agent: c.budget for c in sets if c.budget < budgets[-1]},
    }
    try:
        ours = belongs(place, identity)
        truths = _truths(problems, place if ours else None, most_designs, callback, caught) if optimum else None
        with folder_lock(place, "running the study in"):
            if not ours:
                claim(place, identity)
            for name, truth in (truths or {}).items():
                if not isinstance(problems[name].simulator, TabularSimulator):
                    write_truth(place, truth)
            tasks = [Task(p, c, s) for p in range(len(problems)) for c in range(len(sets)) for s in range(seeds)]
            used = tuple(entry for entry in registered_agents() if entry.name in agents)
            search = Searcher(tuple(problems.values()), sets, used, caught)
            found = _searched(Store(place), search, tasks, where, callback, list(problems))
    except OSError as error:
        raise ChipgymError(f"folder: {error.filename or place} cannot be used ({error.strerror or error})") from error
    found = found.take(found.seed < seeds)
    if truths is None:
        truths = _best_found(problems, found, known)
    return Study(truths, sets, budgets, seeds, found)


def _searched(
    store: Store,
    search: Searcher,
    tasks: Sequence[Task],
    where: Backend,
    callback: Callback | None,
    names: Sequence[str],
) -> Searches:
    """Make the searches that the store has not."""
    missing = [task for task in tasks if task not in store.done]
    done = len(tasks) - len(missing)
    chunks = Chunks(missing, where.workers or MANY)
    flushed = time.monotonic()
    try:
        for chunk, (traces, seconds) in unordered(search, chunks, where if missing else 1):
            chunks.adapt(chunk, seconds)
            store.add(zip(chunk, traces, strict=True))
            if time.monotonic() - flushed >= CHUNK_S:
                store.flush()
                flushed = time.monotonic()
            for task in chunk:
                done += 1
                if callback:
                    label = search.configurations[task.configuration].label
                    callback(StudyProgress(done, len(tasks), label, task.seed, names[task.problem]))
    finally:
        store.flush()
    return store.tidy()


def _budgets(budget: int | Sequence[int]) -> tuple[int, ...]:
    """Return budgets in ascending order."""
    if isinstance(budget, str) or not isinstance(budget, Sequence):
        return (count("budget", budget, high=MOST_AT_ONCE),)
    if not budget:
        raise ChipgymError("budget: an empty list, expected a number of evaluations or several")
    budgets = tuple(sorted(count("budget", one, high=MOST_AT_ONCE) for one in budget))
    if len(set(budgets)) < len(budgets):
        raise ChipgymError(f"budget: {shorten(list(budget))} has a number twice")
    return budgets


def _truths(
    problems: Mapping[str, Problem],
    folder: Path | None,
    most_designs: int | None,
    callback: Callback | None,
    catch: tuple[type[Exception], ...],
) -> dict[str, GroundTruth]:
    """Find the true optimum of each problem, or read what the folder has of it.

    Raises:
        ChipgymError: as `ground_truth`, with how to go without.
    """
    out = {}
    for name, problem in problems.items():
        kept = read_truth(folder, problem) if folder else None

        def tell(done: int, total: int, name: str = name) -> None:
            if callback:
                callback(StudyProgress(done, total, "", 0, name))

        try:
            out[name] = kept or _positive(ground_truth(problem, most_designs, tell, catch))
        except ChipgymError as error:
            if str(error).startswith("most_designs: the optimum"):
                raise ChipgymError(f"{error}, or optimum=False to compare with the best that is found") from None
            raise
    return out


def _best_found(
    problems: Mapping[str, Problem], found: Searches, best_known: Mapping[str, float]
) -> dict[str, GroundTruth]:
    """Return what stands for each optimum where it is not known: the feasible objectives that searches found.

    Raises:
        ChipgymError: where they found none.
    """
    out = {}
    for number, (name, problem) in enumerate(problems.items()):
        values = found.take(found.problem == number).values
        known = np.unique([*values, *([best_known[name]] if name in best_known else [])])
        if not len(known):
            raise ChipgymError(
                f"no search of {name} found a feasible design; relax the constraints or raise the budget"
            )
        out[name] = _positive(GroundTruth(problem, len(known), known, {}, exact=False))
    return out


def _positive(truth: GroundTruth) -> GroundTruth:
    if truth.optimum <= 0:
        name = truth.problem.objectives[0].name
        raise ChipgymError(
            f"objective: the least {name} is {truth.optimum}; regret relative to it needs a positive one"
        )
    return truth

"""The problems of a study: by name, and from a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ChipgymError, shorten, unknown
from ...files import in_file, named
from ...simulators import Problem, Simulator, bind_problem, make_simulator
from ..run import checked_problem
from .configurations import read_data

# What an entry of a problems file may have.
_ENTRIES = ("name", "simulator", "workload", "objective", "constraints", "space", "options", "best_known")

# What a message says of the form of such a file.
_FORM = "in TOML each begins with [[problems]]"

#: What `run_study` takes: one problem, several, or several by name.
Problems = Problem | Sequence[Problem] | Mapping[str, Problem]


@dataclass(frozen=True)
class ProblemFile:
    """Problems from a file.

    Attributes:
        problems: by name, in the file's order.
        best_known: the least objective that is known of some.
    """

    problems: Mapping[str, Problem]
    best_known: Mapping[str, float]


def named_problems(problems: Problems) -> dict[str, Problem]:
    """Give problems names that tell them apart.

    Raises:
        ChipgymError: for what is no problem, one with several objectives, and problems that are the same.
    """
    if isinstance(problems, Mapping):
        out = dict(problems)
    else:
        several = [problems] if isinstance(problems, Problem) else problems
        if isinstance(several, str) or not isinstance(several, Sequence):
            raise ChipgymError(f"problem: {shorten(problems)} is not a problem or a list of problems")
        names = [problem_name(checked_problem(problem)) for problem in several]
        if len(set(names)) < len(names):  # what a name leaves out tells some apart
            names = [f"{n} {p.digest[:8]}" if names.count(n) > 1 else n for n, p in zip(names, several, strict=True)]
        out = {}
        for name, problem in zip(names, several, strict=True):
            if name in out:
                raise ChipgymError(f"problem: {name} is given twice")
            out[name] = problem
    if not out:
        raise ChipgymError("problem: a study needs one at least")
    for problem in out.values():
        checked_problem(problem)
        if len(problem.objectives) != 1:
            told = ", ".join(o.name for o in problem.objectives)
            raise ChipgymError(f"objective: regret is defined for one objective, not for {told}")
    return out


def problem_name(problem: Problem) -> str:
    """Name a problem by its workload, objective and constraints, and by its simulator where that is no table."""
    simulator = problem.simulator
    where = "" if simulator.name == "tabular" else f"{simulator.name} "
    within = "".join(f", {c.text}" for c in problem.constraints)
    return f"{where}{simulator.workload.name} {problem.objectives[0].name}{within}"


def read_problems(path: str | os.PathLike[str]) -> ProblemFile:
    """Read problems from JSON, or TOML where the file's name ends in .toml: a list, or `problems` with a list.

    Each has `simulator` and may have `workload`, `objective`, `constraints`, `space`, `options` (the simulator's),
    `name`, and `best_known`, the least objective that is known. Problems on one simulator share it.

    Raises:
        ChipgymError: for a file that cannot be read, and naming what is wrong in which problem.
    """
    label = named(path)
    content = read_data(path)
    if isinstance(content, dict) and set(content) == {"problems"}:
        content = content["problems"]
    if not isinstance(content, list) or not content:
        raise ChipgymError(f"{label}: expected a list of problems, got {shorten(content)}; {_FORM}")
    made: dict[str, Simulator] = {}
    problems: dict[str, Problem] = {}
    known: dict[str, float] = {}
    for number, entry in enumerate(content, 1):
        with in_file(f"{label}, problem {number}"):
            problem = _problem(entry, made)
            name = entry.get("name", problem_name(problem))
            if not isinstance(name, str) or not name or name in problems:
                raise ChipgymError(f"name: {shorten(name)} is not a name that no other problem has")
            problems[name] = problem
            if "best_known" in entry:
                known[name] = _positive("best_known", entry["best_known"])
    return ProblemFile(named_problems(problems), known)


def _problem(entry: Any, made: dict[str, Simulator]) -> Problem:
    if not isinstance(entry, dict) or "simulator" not in entry:
        raise ChipgymError(f"expected a table with a simulator, got {shorten(entry)}")
    for name in entry:
        if name not in _ENTRIES:
            raise unknown("entry", name, _ENTRIES)
    options, space = entry.get("options", {}), entry.get("space")
    for name, value in (("options", options), ("space", space or {})):
        if not isinstance(value, dict):
            raise ChipgymError(f"{name}: expected a table, got {shorten(value)}")
    key = json.dumps([entry["simulator"], entry.get("workload"), options], sort_keys=True, default=str)
    if key not in made:
        made[key] = make_simulator(entry["simulator"], entry.get("workload"), **options)
    return bind_problem(
        made[key], objective=entry.get("objective"), constraints=entry.get("constraints", ()), space=space
    )


def _positive(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ChipgymError(f"{field}: {shorten(value)} is not a number above 0")
    return float(value)

"""Agents with their hyperparameters: which option sets of each a study compares."""

from __future__ import annotations

import itertools
import json
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ChipgymError, count, shorten, unknown
from ...files import named, parse_json, read_text
from ...simulators import Problem
from ..agents import agent_names, agent_options, make_agent
from ..agents.base import MOST_AT_ONCE

# Option sets of one agent; a grid of more was hardly meant.
MOST_SETS = 10_000
#: The entry of an options file that is no agent's: evaluations by agent beyond which it is not searched.
LIMITS = "budget"

#: By agent an option set, a grid (lists stand for each of their values), or a list of option sets.
AgentOptions = Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Configuration:
    """An agent with one set of its options.

    Attributes:
        agent: registered name.
        number: which of the agent's option sets it is, from 0.
        options: every option, defaults included.
        label: the agent's name, with the options that tell its sets apart where it has several.
        budget: evaluations of a search, the largest of the study's budgets that the agent is searched to.
    """

    agent: str
    number: int
    options: Mapping[str, Any]
    label: str
    budget: int


def configurations(
    agents: Sequence[str], given: AgentOptions, budgets: Sequence[int], limits: Mapping[str, int]
) -> tuple[Configuration, ...]:
    """List what a study compares: agents in their order, and the option sets of each.

    Args:
        agents: registered names, each once.
        given: option sets by agent; an agent that is not in it has its defaults alone.
        budgets: evaluations at which searches are compared, ascending.
        limits: by agent, evaluations beyond which it is not searched.

    Raises:
        ChipgymError: naming what is wrong: an agent, an option, a set that comes twice, a limit below every budget.
    """
    if isinstance(agents, str) or not isinstance(agents, Sequence) or not agents:
        raise ChipgymError(f"agents: expected a list of names such as ['random', 'nsga2'], got {shorten(agents)}")
    for name in agents:
        if name not in agent_names():
            raise unknown("agent", name, agent_names())
        if list(agents).count(name) > 1:
            raise ChipgymError(f"agents: {name} is given twice")
    for field, named_agents in (("agent_options", given), ("agent_budgets", limits)):
        if not isinstance(named_agents, Mapping):
            raise ChipgymError(f"{field}: {shorten(named_agents)} is not a dict by agent")
        for name in named_agents:
            if name not in agents:
                raise unknown(f"agent of {field}:", name, agents)
    out = []
    for name in agents:
        most = count(f"agent_budgets {name}", limits[name], high=MOST_AT_ONCE) if name in limits else budgets[-1]
        within = [budget for budget in budgets if budget <= most]
        if not within:
            raise ChipgymError(f"agent_budgets: {name} has {most}, below the least budget; nearest is {budgets[0]}")
        sets = [{**agent_options(name), **options} for options in _sets(name, given.get(name, {}))]
        varied = [option for option in sets[0] if any(s.get(option) != sets[0][option] for s in sets)]
        for number, options in enumerate(sets):
            if options in sets[:number]:
                raise ChipgymError(f"agent_options: {name} has option set {number} twice: {_told(options)}")
            told = f" ({_told({option: options[option] for option in varied})})" if varied else ""
            out.append(Configuration(name, number, options, f"{name}{told}", within[-1]))
    return tuple(out)


def check_made(problems: Sequence[Problem], sets: Sequence[Configuration]) -> None:
    """Make every configuration's agent once, and the first of each agent on every problem, before any search.

    Raises:
        ChipgymError: for options that an agent does not take, and an agent that does not search such a problem.
    """
    for problem in problems:
        for one in sets:
            if problem is problems[0] or one.number == 0:
                make_agent(one.agent, problem, 0, one.options)


def read_options(
    path: str | os.PathLike[str], agents: Sequence[str] | None = None
) -> tuple[dict[str, Any], dict[str, int]]:
    """Read a file of option sets by agent: JSON, or TOML where its name ends in .toml.

    TOML has no null: "none" stands for it, but for options whose default is a text.

    Args:
        path: of the file.
        agents: whose option sets are wanted; those of all that are in it where None.

    Returns:
        Option sets by agent, and the file's `budget`: evaluations by agent beyond which it is not searched.

    Raises:
        ChipgymError: for a file that cannot be read or is neither.
    """
    content = read_data(path)
    if not isinstance(content, dict):
        raise ChipgymError(f"{named(path)}: expected a table of option sets by agent, got {shorten(content)}")
    limits = content.pop(LIMITS, {})
    if not isinstance(limits, dict):
        raise ChipgymError(f"{named(path)}: {LIMITS}: expected evaluations by agent, got {shorten(limits)}")
    if agents is not None:
        content, limits = ({name: part[name] for name in part if name in agents} for part in (content, limits))
    if _is_toml(path):
        content = {agent: _with_none(agent, given) for agent, given in content.items()}
    return content, limits


def _with_none(agent: str, given: Any) -> Any:
    """Return what was given for an agent with None for "none"."""
    if isinstance(given, list):
        return [_with_none(agent, one) for one in given]
    if not isinstance(given, dict) or agent not in agent_names():
        return given
    defaults = agent_options(agent)
    kept = {option for option, default in defaults.items() if isinstance(default, str)}
    return {option: value if option in kept else _none(value) for option, value in given.items()}


def _none(value: Any) -> Any:
    if isinstance(value, list):
        return [_none(one) for one in value]
    return None if value == "none" else value


def _is_toml(path: str | os.PathLike[str]) -> bool:
    return os.fspath(path).lower().endswith(".toml")


def read_data(path: str | os.PathLike[str]) -> Any:
    """Read JSON, or TOML where a file's name ends in .toml.

    Raises:
        ChipgymError: for a file that cannot be read or is neither.
    """
    text = read_text(path)
    if not _is_toml(path):
        return parse_json(text, named(path))
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ChipgymError(f"{named(path)} is not TOML ({error})") from None


def _sets(agent: str, given: object) -> list[dict[str, Any]]:
    """Return the option sets that were given for an agent."""
    expected = "expected options by name, whose lists stand for each of their values, or a list of option sets"
    if isinstance(given, Mapping):
        grid = {option: _values(agent, option, value) for option, value in given.items()}
        if math.prod(len(values) for values in grid.values()) > MOST_SETS:
            raise ChipgymError(f"agent_options: {agent} has a grid of more than {MOST_SETS:,} option sets")
        sets: list[dict[str, Any]] = [
            dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
        ]
    elif isinstance(given, list | tuple) and given and all(isinstance(one, Mapping) for one in given):
        sets = [dict(one) for one in given]
    else:
        raise ChipgymError(f"agent_options: {agent} has {shorten(given)}, {expected}")
    known = agent_options(agent)
    for options in sets:
        for option, value in options.items():
            if option not in known:
                raise unknown(f"option of {agent}:", option, known)
            try:
                json.dumps(value)
            except (TypeError, ValueError):
                raise ChipgymError(f"{option}: {type(value).__name__} is not a number, text, list or dict") from None
    return sets


def _values(agent: str, option: object, value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        return [value]
    if not value:
        raise ChipgymError(f"agent_options: {agent} has no value for {option} in an empty list")
    return list(value)


def _told(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())

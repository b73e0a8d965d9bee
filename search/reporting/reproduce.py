"""Making a run again: its simulator for what a report says of single designs, and the command for its reader."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import ChipgymError
from ...simulators import Problem, Simulator, SuiteSimulator, bind_problem, make_simulator
from ...simulators.core.registry import registered, simulator_options
from ..agents import agent_options, make_agent, registered_agents
from ..result import SearchResult
from ..run import CLIENT


def rebuilt(result: SearchResult, workloads: Sequence[str]) -> Problem | str:
    """Rebuild the problem that a run was about, or return a sentence that says why there is none here.

    Args:
        result: the run.
        workloads: where its workload is, if not where the run says or by its own name; empty where it is.

    Raises:
        ChipgymError: for a run of another version of its simulator, and for `workloads` that are others.
    """
    if result.problem is not None:
        return result.problem
    identity = result.identity
    name = identity["simulator"]
    if name not in {entry.name for entry in registered()}:
        return f"The simulator {name} is not one that is registered here."
    try:
        simulator = _simulator(result, workloads or _texts(result))
    except ChipgymError as error:
        if workloads:
            raise
        made = f"{name} on {identity['workload']}"
        return f"The simulator {made} cannot be made here again ({error}); --workload names the workload's file."
    now = simulator.identity()
    if now["version"] != identity["version"]:
        raise ChipgymError(
            f"version: {result.store} was searched with {name} {identity['version']}, this is {name} {now['version']}; "
            "search again, or report it with the chipgym that searched it"
        )
    if now["workload_digest"] != identity["workload_digest"]:
        if workloads:
            raise ChipgymError(f"workload: {', '.join(workloads)} is not the one that {result.store} was searched with")
        return (
            f"What {', '.join(_texts(result))} names here is not the workload that was searched; "
            "--workload names its file."
        )
    # Targets are given for the moment, so that nothing is evaluated for a reference.
    return bind_problem(
        simulator,
        objective=result.table.objective_names,
        constraints=identity["constraints"],
        space=identity["space"],
        targets=[1.0] * len(result.table.objective_names),
    )


def places(result: SearchResult, problem: Problem | None, workloads: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names or paths that a reader can make a run's workload from; None where nothing names it.

    Args:
        result: the run.
        problem: what it searched, where that could be rebuilt.
        workloads: as for `rebuilt`.
    """
    if workloads or result.provenance.workloads:
        return tuple(workloads) or result.provenance.workloads
    if result.problem is None:
        return _texts(result) if problem is not None else None
    try:  # it was an object, which may well be one that has a name, or was the simulator's default
        named = _simulator(result, _texts(result)).identity()
    except ChipgymError:
        return None
    return _texts(result) if named["workload_digest"] == result.identity["workload_digest"] else None


def command(result: SearchResult, problem: Problem | None, workloads: tuple[str, ...] | None) -> str:
    """Write what makes a run again: a `chipgym search`, or Python where that has no option for something in the run.

    Args:
        result: the run.
        problem: what it searched, where that could be rebuilt; without it every knob's grid is spelled out.
        workloads: what names its workload, as `places` knows it.
    """
    settings = _settings(result, problem, workloads)
    grids = _grids(result, problem)
    options = _agent_settings(result)
    start = result.provenance.start
    texts = [*settings.values(), *_parts(options), *(v for values in grids.values() for v in values)]
    texts += [value for design in start for value in design.values()]
    sayable = _usual_batch(result, problem) and _usual_reward(result, problem) and all(map(_on_a_line, texts))
    if workloads is None or not sayable or result.agent == CLIENT:
        return _python(result, workloads, settings, grids, options)
    words = ["chipgym", "search", result.identity["simulator"], *_flags("--workload", workloads)]
    words += _flags("--option", (f"{name}={_text(value)}" for name, value in settings.items()))
    words += _flags("--objective", result.table.objective_names)
    words += _flags("--constraint", result.identity["constraints"])
    words += _flags("--space", (f"{name}={','.join(map(_text, values))}" for name, values in grids.items()))
    words += ["--agent", result.agent]
    words += _flags("--agent-option", (f"{name}={_list_text(value)}" for name, value in options.items()))
    words += _flags("--start", (",".join(f"{name}={_text(value)}" for name, value in d.items()) for d in start))
    return shlex.join([*words, "--budget", str(result.evaluations), "--seed", str(result.seed)])


def simulate_command(result: SearchResult, problem: Problem | None, workloads: tuple[str, ...] | None) -> list[str]:
    """Return the words of `chipgym simulate` for a design of a run, to which `--set` adds its knobs.

    There are none where it cannot.
    """
    settings = _settings(result, problem, workloads)
    if workloads is None or not all(map(_on_a_line, settings.values())):
        return []
    words = ["chipgym", "simulate", result.identity["simulator"], *_flags("--workload", workloads)]
    return words + _flags("--option", (f"{name}={_text(value)}" for name, value in settings.items()))


def _simulator(result: SearchResult, workloads: Sequence[str]) -> Simulator:
    """Make the run's simulator on a workload that has these names or paths."""
    return make_simulator(result.identity["simulator"], list(workloads), **result.identity["options"])


def _texts(result: SearchResult) -> tuple[str, ...]:
    """Return what the run says that its workload was made from; its own name where it does not."""
    return result.provenance.workloads or (result.identity["workload"],)


def _flags(flag: str, values: Sequence[str] | Iterator[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _settings(result: SearchResult, problem: Problem | None, workloads: tuple[str, ...] | None) -> dict[str, Any]:
    """Return the simulator's options that are not its defaults."""
    name, options = result.identity["simulator"], result.identity["options"]
    known = simulator_options(name) if name in {e.name for e in registered()} else {}
    given = {k: v for k, v in options.items() if k not in known or known[k] != v}
    # An option that is left out may stand for one that follows from others, such as a technology's own DRAM.
    for option in [k for k in given if known.get(k, k) is None]:
        rest = {k: v for k, v in given.items() if k != option}
        if problem is not None and _follows(options, rest, problem.simulator, workloads):
            given = rest
    return given


def _follows(
    options: Mapping[str, Any], given: Mapping[str, Any], simulator: Simulator, workloads: tuple[str, ...] | None
) -> bool:
    """Tell whether a simulator that is given some options has all of `options`."""
    alone = simulator.members[0] if isinstance(simulator, SuiteSimulator) else simulator
    workload = workloads[0] if workloads else alone.workload
    try:
        return bool(make_simulator(simulator.name, workload, **given).identity()["options"] == options)
    except ChipgymError:
        return False


def _agent_settings(result: SearchResult) -> dict[str, Any]:
    """Return the agent's options that are not its defaults."""
    known = agent_options(result.agent) if result.agent in {e.name for e in registered_agents()} else {}
    usual = {k: list(v) if isinstance(v, tuple) else v for k, v in known.items()}  # a store has lists
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in result.provenance.options.items()}
    return {k: v for k, v in given.items() if k not in usual or usual[k] != v}


def _grids(result: SearchResult, problem: Problem | None) -> dict[str, list[Any]]:
    """Return the knobs whose grid is not the simulator's own."""
    searched = result.identity["space"]
    own = {p.name: list(p.values) for p in problem.simulator.space.parameters} if problem else {}
    return {name: list(values) for name, values in searched.items() if own.get(name) != list(values)}


def _usual_batch(result: SearchResult, problem: Problem | None) -> bool:
    """Tell whether the run asked for as many designs at once as its agent does of itself."""
    if problem is None or result.agent not in {e.name for e in registered_agents()}:
        return problem is None
    agent = make_agent(result.agent, problem, result.seed, result.provenance.options)
    return agent.batch == result.provenance.batch


def _usual_reward(result: SearchResult, problem: Problem | None) -> bool:
    """Tell whether the run's reward is that of a problem that is not told of one."""
    reward = result.provenance.reward
    if reward["name"] != "log_ratio" or problem is None:
        return bool(reward["name"] == "log_ratio")
    try:
        usual = bind_problem(
            problem.simulator,
            objective=result.table.objective_names,
            constraints=result.identity["constraints"],
            space=result.identity["space"],
        )
    except ChipgymError:  # there is no design to compare with, so that there were targets
        return False
    return bool(np.array_equal(usual.reference, np.array(reward["reference"])))


def _on_a_line(value: object) -> bool:
    """Tell whether the command line can say a value."""
    if isinstance(value, str):
        return not set(value) & set(",=\n") and value == value.strip() and value != ""
    return value is None or isinstance(value, bool | int | float)


def _parts(options: Mapping[str, Any]) -> list[Any]:
    """List the values of options, those of a list one by one."""
    return [part for value in options.values() for part in (value if isinstance(value, list) else [value])]


def _list_text(value: object) -> str:
    """Write an agent's option as the command line reads it: `64,64`, or `[]` for a list of none."""
    if isinstance(value, list):
        return ",".join(map(_text, value)) or "[]"
    return _text(value)


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def _python(
    result: SearchResult,
    workloads: tuple[str, ...] | None,
    settings: Mapping[str, Any],
    grids: Mapping[str, Sequence[Any]],
    options: Mapping[str, Any],
) -> str:
    reward = result.provenance.reward
    arguments = {
        "workload": workloads[0] if workloads and len(workloads) == 1 else list(workloads or ()),
        "objective": list(result.table.objective_names),
        "constraints": list(result.identity["constraints"]),
        "space": {name: list(values) for name, values in grids.items()},
        **({} if reward.get("own") else {"reward": reward["name"]}),
        "targets": reward["reference"],
        **settings,
    }
    given = "".join(f", {name}={_literal(value)}" for name, value in arguments.items() if value not in ([], {}))
    where = ""
    if workloads is None:
        name, digest = result.identity["workload"], result.identity["workload_digest"]
        where = f"# workload: the object {_literal(name)} (sha256 {digest[:16]}…), which no file or name gives here\n"
        given = f", workload=workload{given}"
    if reward.get("own"):
        where += f"# reward: the function {_literal(reward['name'])}\n"
        given = f"{given}, reward=reward"
    search = {
        "agent": result.agent,
        "budget": result.evaluations,
        "seed": result.seed,
        "batch": result.provenance.batch,
        "agent_options": dict(options),
        "start": [dict(design) for design in result.provenance.start],
    }
    made = f"import chipgym\n{where}problem = chipgym.make_problem({result.identity['simulator']!r}{given})\n"
    if result.agent == CLIENT:
        run = "" if result.provenance.run is None else f", run={result.provenance.run}"
        return (
            f"{made}# a client of `chipgym serve` proposed these designs\n"
            f"problem.evaluate(chipgym.load_result({_literal(result.store)}{run}).table)"
        )
    asked = ", ".join(f"{name}={_literal(value)}" for name, value in search.items() if value not in ({}, []))
    return f"{made}chipgym.optimize(problem, {asked})"


def _literal(value: object) -> str:
    """Write JSON data as Python; infinity and NaN have no literal of their own."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)

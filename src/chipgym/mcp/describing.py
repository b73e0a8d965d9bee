"""What there is, and what a problem's knobs, metrics and objectives are, as JSON data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ChipgymError
from ..jsonable import plain
from ..search import optimize, registered_agents
from ..simulators import Problem, Simulator, registered
from ..simulators.core.objective import list_presets
from ..simulators.core.registry import simulator_options
from .session import Session

REWARD = (
    "log10(objective of the reference / objective of the design), the mean of several objectives, from -5 to 5;"
    " -5 - v/(1+v) of a design that cannot be built or breaks a constraint, with v its violation. More is better."
)


def usual_agent() -> str:
    """Return the agent that a search takes where it is not told."""
    name: str = inspect.signature(optimize).parameters["agent"].default
    return name


def list_names(kind: str | None, only: Session | None) -> dict[str, Any]:
    """List what is registered, or of one kind of it; with one problem, which it is."""
    out = {name: find() for name, find in KINDS.items() if kind in (None, name)}
    if only is not None:
        identity = only.problem.identity()
        out["this_server_is_for"] = {
            name: identity[name] for name in ("simulator", "workload", "objectives", "constraints")
        }
    plain_out: dict[str, Any] = plain(out)
    return plain_out


def _simulators() -> list[dict[str, Any]]:
    return [{"name": e.name, "about": e.doc} for e in registered()]


def _workloads() -> dict[str, Any]:
    from ..datasets import kernel_names, network_names, trace_names

    return {
        "networks (systolic, dataflow, hls4ml)": list(network_names()),
        "memory traces (memory)": list(trace_names()),
        "loop kernels (hls)": list(kernel_names()),
    }


def _tables() -> list[str]:
    from ..datasets import table_names

    return list(table_names())


def _surrogates() -> list[str]:
    from ..surrogates import surrogate_names

    return list(surrogate_names())


def _agents() -> list[dict[str, Any]]:
    return [{"name": e.name, "about": e.doc} for e in registered_agents()]


KINDS: Mapping[str, Callable[[], Any]] = {
    "simulators": _simulators,
    "workloads": _workloads,
    "tables": _tables,
    "surrogates": _surrogates,
    "agents": _agents,
}


def describe_session(session: Session, only: bool) -> dict[str, Any]:
    """Describe a problem and its simulator, and what the reward compares with.

    Args:
        session: of the problem.
        only: whether there is no other. Where clients choose, the default of a part of a space is any design that they
            like, and its objectives are not told: they would be had for nothing.
    """
    problem = session.problem
    reference = None
    if only or problem.space == problem.simulator.space:
        reference = dict(zip((o.name for o in problem.objectives), problem.reference.tolist(), strict=True))
    about = {
        **describe_simulator(problem.simulator),
        "knobs": [_knob(about) for about in problem.space.describe()],
        "designs": problem.space.size,
        "different_designs": _canonical_size(problem),
        "default_design": problem.space.default,
        "this_problem": {
            "minimises": [{"objective": o.name, "unit": o.unit} for o in problem.objectives],
            "constraints": [c.text for c in problem.constraints],
            "reference_objectives": reference,
            "reward": REWARD,
            "evaluated": session.log.n,
        },
    }
    out: dict[str, Any] = plain(about)
    return out


def describe_simulator(simulator: Simulator) -> dict[str, Any]:
    """Describe a simulator on its workload: options, metrics and objectives; `describe_session` adds the knobs."""
    presets = list_presets(simulator.metrics, simulator.objectives, simulator.default_objective)
    doc = next((e.doc for e in registered() if e.name == simulator.name), "")
    out: dict[str, Any] = plain(
        {
            "simulator": simulator.name,
            "about": doc,
            "workload": simulator.workload.name,
            "options": _options(simulator),
            "metrics": [{"name": m.name, "unit": m.unit, "better": m.goal, "about": m.doc} for m in simulator.metrics],
            "objectives": [{"name": o.name, "minimises": o.minimises, "default": o.default} for o in presets],
        }
    )
    return out


def _options(simulator: Simulator) -> list[dict[str, Any]]:
    try:
        defaults = simulator_options(simulator.name)
    except ChipgymError:  # one that was never registered
        defaults = {}
    out = []
    for name, default in defaults.items():
        values = simulator.option_values.get(name)
        listed = values if values is None or isinstance(values, str) else list(values)
        out.append({"name": name, "value": simulator.options.get(name, default), "default": default, "values": listed})
    return out


def _knob(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: about[name] for name in ("name", "values", "default", "unit", "ordinal", "active_when", "doc")}


def _canonical_size(problem: Problem) -> int | None:
    try:
        return problem.space.canonical_size
    except ChipgymError:
        return None

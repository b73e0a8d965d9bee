"""What `gymnasium.make` and `gymnasium.make_vec` call for every id of this package."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import ChipgymError, unknown
from ..simulators import Problem, make_problem
from ..simulators.core.registry import problem_arguments
from .base import DesignEnv
from .one_shot import OneShotEnv
from .vector import OneShotVectorEnv


class Mode(NamedTuple):
    """The classes behind one value of `mode`."""

    scalar: type[DesignEnv]
    vector: type[OneShotVectorEnv]


MODES: Mapping[str, Mode] = MappingProxyType({"one_shot": Mode(OneShotEnv, OneShotVectorEnv)})

# What environments take beside the arguments that make a problem.
OWN_ARGUMENTS = ("mode", "problem", "render_mode")


def make_env(
    simulator: str,
    *,
    mode: str = "one_shot",
    problem: Problem | None = None,
    render_mode: str | None = None,
    **arguments: Any,
) -> DesignEnv:
    """A scalar environment.

    Args:
        simulator: a registered name; the id sets it.
        mode: what one step is, one of `MODES`.
        problem: an existing problem, instead of `arguments`.
        render_mode: "ansi", "rgb_array" or None.
        arguments: as for `chipgym.make_problem`: workload, objective, constraints, space, reward, targets, and the
            simulator's own options.

    Raises:
        ChipgymError: naming the first argument that is wrong, and the nearest right one.
    """
    return _mode(mode).scalar(_problem(simulator, problem, arguments), render_mode=render_mode)


# Gymnasium looks here for the modes that it can turn into "human" or "rgb_array_list".
make_env.metadata = DesignEnv.metadata  # type: ignore[attr-defined]


def make_vector_env(
    simulator: str,
    *,
    num_envs: int = 1,
    mode: str = "one_shot",
    problem: Problem | None = None,
    render_mode: str | None = None,
    **arguments: Any,
) -> OneShotVectorEnv:
    """A native vector environment of `num_envs`; the rest as for `make_env`.

    Raises:
        ChipgymError: naming the first argument that is wrong, and the nearest right one.
    """
    return _mode(mode).vector(_problem(simulator, problem, arguments), num_envs=num_envs, render_mode=render_mode)


def _mode(name: str) -> Mode:
    if not isinstance(name, str) or name not in MODES:
        raise unknown("mode", name, MODES)
    return MODES[name]


def _problem(simulator: str, problem: Problem | None, arguments: Mapping[str, Any]) -> Problem:
    if problem is None:
        for name in arguments:
            if name not in (known := (*problem_arguments(simulator), *OWN_ARGUMENTS)):
                raise unknown(f"argument or option of {simulator}:", name, known)
        return make_problem(simulator, **arguments)
    if arguments:
        raise ChipgymError(f"problem: give either a problem or {next(iter(arguments))!r}, not both")
    if not isinstance(problem, Problem):
        raise ChipgymError(f"problem: a {type(problem).__name__} is not what chipgym.make_problem returns")
    return problem

"""What `gymnasium.make` and `gymnasium.make_vec` call for every id of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gymnasium.vector import AutoresetMode

from ..errors import ChipgymError, count, unexpected_keyword, unknown
from ..simulators import Problem, bind_problem, make_problem
from ..simulators.core.registry import known_so_far, problem_arguments
from .base import DesignEnv
from .continuous import BOX_MODES
from .episodes import Episodes
from .one_shot import OneShot
from .refine import Refine
from .registration import env_id
from .sequential import Sequential
from .tasks import Tasks
from .vector import DesignVectorEnv

MODES: Mapping[str, type[Episodes]] = MappingProxyType({c.mode: c for c in (OneShot, Sequential, Refine)})

#: The modes by what an action is.
ACTION_TYPES: Mapping[str, Mapping[str, type[Episodes]]] = MappingProxyType({"discrete": MODES, "box": BOX_MODES})

#: Arguments of one mode alone.
MODE_ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType({"refine": ("horizon", "start")})

# What environments take beside the arguments that make a problem.
OWN_ARGUMENTS = (
    "mode",
    "action_type",
    "problem",
    "render_mode",
    "info",
    *(name for names in MODE_ARGUMENTS.values() for name in names),
)

# What vector environments take beside those.
VECTOR_ARGUMENTS = ("num_envs", "autoreset_mode")


def make_env(
    registered: Mapping[str, Any],
    *,
    mode: str = "one_shot",
    problem: Problem | Sequence[Problem] | None = None,
    render_mode: str | None = None,
    info: str = "dicts",
    action_type: str = "discrete",
    **arguments: Any,
) -> DesignEnv:
    """Make a scalar environment.

    Args:
        registered: what the id stands for: the `simulator` by name, and whether rewards are vectors, `each_objective`.
        mode: what one step is, one of `MODES`.
        problem: an existing problem, or several of one design space, instead of `arguments`.
        render_mode: "ansi", "rgb_array" or None.
        action_type: "discrete" or "box", numbers from -1 to 1 (see `continuous`).
        info: what infos are made of, "dicts" of plain values or "arrays" alone.
        arguments: those of the mode; and as for `chipgym.make_problem`: workload (or a list of them), objective,
            constraints, space, reward, targets, and the simulator's own options.

    Raises:
        UnexpectedKeywordError: a ChipgymError and TypeError that names the first keyword that is none, and the nearest.
        ChipgymError: naming the first argument that is wrong, and the nearest right one.
    """
    episodes = _episodes(registered, 1, mode, action_type, problem, arguments)
    return DesignEnv(episodes, render_mode=render_mode, info=info)


# Gymnasium looks here for the modes that it can turn into "human" or "rgb_array_list".
make_env.metadata = DesignEnv.metadata  # type: ignore[attr-defined]


def make_vector_env(
    registered: Mapping[str, Any],
    *,
    num_envs: int = 1,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    mode: str = "one_shot",
    problem: Problem | Sequence[Problem] | None = None,
    render_mode: str | None = None,
    info: str = "dicts",
    action_type: str = "discrete",
    **arguments: Any,
) -> DesignVectorEnv:
    """Make a native vector environment of `num_envs`.

    Args:
        registered: what the id stands for, as for `make_env`.
        num_envs: how many episodes go side by side.
        autoreset_mode: when an episode that ended is followed by the next: see `DesignVectorEnv`.
        mode: what one step is, one of `MODES`.
        problem: an existing problem, or several of one design space, instead of `arguments`.
        render_mode: "ansi", "rgb_array" or None.
        info: what infos are made of, "dicts" of plain values or "arrays" alone.
        action_type: "discrete" or "box", numbers from -1 to 1 (see `continuous`).
        arguments: those of the mode and of `chipgym.make_problem`, as for `make_env`.

    Raises:
        UnexpectedKeywordError, ChipgymError: as `make_env`.
    """
    episodes = _episodes(
        registered, count("num_envs", num_envs), mode, action_type, problem, arguments, VECTOR_ARGUMENTS
    )
    return DesignVectorEnv(episodes, render_mode=render_mode, info=info, autoreset_mode=autoreset_mode)


def _episodes(
    registered: Mapping[str, Any],
    n: int,
    mode: str,
    action_type: str,
    problem: Any,
    arguments: dict[str, Any],
    further: tuple[str, ...] = (),
) -> Episodes:
    for name, value in registered.items():
        if name in arguments:
            raise ChipgymError(
                f"{name}: the id has it as {value!r}; make another id rather than give it as an argument"
            )
    simulator = registered["simulator"]
    known = (*problem_arguments(simulator), *OWN_ARGUMENTS)
    for name in arguments:
        if name not in known:
            raise unexpected_keyword(simulator, name, (*known, *further))
    if not isinstance(mode, str) or mode not in MODES:
        raise unknown("mode", mode, MODES)
    kinds = ACTION_TYPES[check_action_type(action_type)]
    own = {}
    for owner, names in MODE_ARGUMENTS.items():
        for name in names:
            if name in arguments:
                if mode != owner:
                    raise ChipgymError(f"{name}: only the mode {owner!r} takes it, not {mode!r}")
                own[name] = arguments.pop(name)
    tasks = make_tasks(simulator, problem, arguments, registered["each_objective"])
    return kinds[mode](tasks, n, **own)


def check_action_type(action_type: str) -> str:
    """Return the type of actions itself.

    Raises:
        ChipgymError: where there is none of that name.
    """
    if not isinstance(action_type, str) or action_type not in ACTION_TYPES:
        raise unknown("action_type", action_type, ACTION_TYPES)
    return action_type


def make_tasks(simulator: str, problem: Any, arguments: Mapping[str, Any], each_objective: bool = False) -> Tasks:
    """Collect the tasks of an environment: existing problems, or those that arguments of `make_problem` make."""
    several = isinstance(problem if problem is not None else arguments.get("workload"), list | tuple)
    return Tasks(_problems(simulator, problem, arguments, each_objective), each_objective, several)


def _problems(simulator: str, problem: Any, arguments: Mapping[str, Any], each_objective: bool) -> list[Problem]:
    if problem is None:
        given = dict(arguments)
        workload = given.pop("workload", None)
        several = isinstance(workload, list | tuple)
        if several and not workload:
            raise ChipgymError("workload: an empty list, expected one workload at least")
        problems = [make_problem(simulator, workload=w, **given) for w in (workload if several else [workload])]
        if each_objective and given.get("objective") is None:
            bound = {name: given[name] for name in ("constraints", "space", "reward", "targets") if name in given}
            problems = [bind_problem(p.simulator, objective=p.simulator.pareto_preset, **bound) for p in problems]
        return problems
    if arguments:
        raise ChipgymError(f"problem: give either a problem or {next(iter(arguments))!r}, not both")
    problems = list(problem) if isinstance(problem, list | tuple) else [problem]
    for one in problems:
        if not isinstance(one, Problem):
            raise ChipgymError(f"problem: a {type(one).__name__} is not what chipgym.make_problem returns")
        # A simulator that is registered has an id of its own; any other may come in under whatever id there is.
        theirs = [entry for entry in known_so_far() if entry.name == one.simulator.name != simulator]
        if theirs:
            raise ChipgymError(
                f"problem: is of the simulator {one.simulator.name!r}, and this environment of {simulator!r}; "
                f"nearest is {env_id(theirs[0], each_objective)!r}"
            )
    if not problems:
        raise ChipgymError("problem: an empty list, expected one problem at least")
    return problems

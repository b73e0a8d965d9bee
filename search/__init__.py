"""Search agents, the loop that runs them, the store that their evaluations live in, and adapters to other libraries."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from ..errors import ChipgymError
from .agents import (
    Agent,
    AgentEntry,
    agent_names,
    agent_options,
    make_agent,
    register_agent,
    registered_agents,
    unregister_agent,
)
from .collecting import Collection, CollectProgress, collect
from .evaluating import SimulationError
from .loop import StopSearch, optimize
from .pareto import non_dominated
from .progress import Progress
from .regret import GroundTruth, ground_truth
from .reporting import report
from .result import EvaluatedDesign, Evaluations, SearchResult
from .run import Provenance
from .sandbox import SandboxedFunction, SandboxError, SandboxLimits
from .volume import hypervolume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optuna.distributions import BaseDistribution

    from ..simulators import Problem
    from .adapters.botorch import BotorchFunction
    from .adapters.optuna import OptunaObjective
    from .adapters.optuna_sampler import AgentSampler
    from .adapters.pymoo import PymooProblem
    from .store import Store

__all__ = [
    "Agent",
    "AgentEntry",
    "CollectProgress",
    "Collection",
    "EvaluatedDesign",
    "Evaluations",
    "GroundTruth",
    "Progress",
    "Provenance",
    "SandboxError",
    "SandboxLimits",
    "SandboxedFunction",
    "SearchResult",
    "SimulationError",
    "StopSearch",
    "agent_names",
    "agent_options",
    "botorch_function",
    "collect",
    "ground_truth",
    "hypervolume",
    "load_result",
    "make_agent",
    "non_dominated",
    "open_store",
    "optimize",
    "optuna_objective",
    "optuna_sampler",
    "pymoo_problem",
    "register_agent",
    "registered_agents",
    "report",
    "tune_space",
    "tune_trainable",
    "unregister_agent",
]


def __dir__() -> list[str]:
    """List what a person types, without what modules import for themselves."""
    return [*__all__, "study"]


def __getattr__(name: str) -> Any:
    """Import studies on first use: they draw pictures."""
    if name == "study":
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def open_store(store: str | os.PathLike[str]) -> Store:
    """Open a store to read from: a path or an SQLAlchemy URL.

    Raises:
        ChipgymError: naming what is wrong with it.
    """
    from .store import Store

    return Store(store)


def load_result(store: str | os.PathLike[str], run: int | None = None) -> SearchResult:
    """Read a run from a store, without its simulator; the latest run where `run` is None.

    Raises:
        ChipgymError: naming what is wrong with the store, or the runs that it has.
    """
    return open_store(store).result(run)


def optuna_objective(problem: Problem) -> OptunaObjective:
    """Make an objective for `optuna.Study.optimize`, of one or several objectives; see `OptunaObjective`."""
    from .adapters.optuna import OptunaObjective

    return OptunaObjective(problem)


def optuna_sampler(
    problem: Problem | None = None,
    agent: str = "nsga2",
    seed: int = 0,
    *,
    agent_options: Mapping[str, Any] | None = None,
    batch: int | None = None,
    search_space: Mapping[str, BaseDistribution] | None = None,
    levels: int = 256,
) -> AgentSampler:
    """Make an Optuna sampler of one of the agents, for a problem's study or any other; see `AgentSampler`.

    Args:
        problem: the one whose `optuna_objective` the study minimises; None for a study of anything else.
        agent: a registered name.
        seed: a whole number ≥ 0. The same seed samples the same trials, where trials run one at a time.
        agent_options: the agent's own settings.
        batch: trials per ask, the agent's own number where None; at least as many as run side by side.
        search_space: distributions by parameter, of a study without a problem; what its trials share where None.
        levels: most values of a parameter of such a study; one of more, or of real numbers, has that many.

    Raises:
        ChipgymError: for an unknown agent or option, with the nearest known, and settings out of their range.
    """
    from .adapters.optuna_sampler import AgentSampler

    return AgentSampler(
        problem, agent, seed, agent_options=agent_options, batch=batch, search_space=search_space, levels=levels
    )


def pymoo_problem(problem: Problem) -> PymooProblem:
    """Make one of pymoo's problems, for its algorithms and indicators; see `PymooProblem`.

    Raises:
        ChipgymError: where pymoo is not installed, and for a space of a single design.
    """
    made: PymooProblem = _adapter("pymoo", "moo").PymooProblem(problem)
    return made


def botorch_function(problem: Problem, **settings: Any) -> BotorchFunction:
    """Make one of BoTorch's test functions, minimised unless `negate=True`, for one objective or several.

    Args:
        problem: what is evaluated.
        settings: `log=True` for decades over the reference, `negate`, `noise_std`, `constraint_noise_std`, `dtype`, and
            with several objectives `ref_point`; see `BotorchFunction`.

    Raises:
        ChipgymError: where BoTorch is not installed, and for a space of a single design.
    """
    module = _adapter("botorch", "bo")
    several = len(getattr(problem, "objectives", ())) > 1
    made: BotorchFunction = (module.BotorchMultiObjective if several else module.BotorchFunction)(problem, **settings)
    return made


def tune_space(problem: Problem) -> dict[str, Any]:
    """Make the `param_space` of a Ray Tune `Tuner`: positions of ordered knobs, values of others.

    Raises:
        ChipgymError: where Ray is not installed, and for a space of a single design.
    """
    made: dict[str, Any] = _adapter("tune", "ray").tune_space(problem)
    return made


def tune_trainable(problem: Problem) -> Callable[[dict[str, Any]], None]:
    """Make what a Ray Tune `Tuner` runs: each trial evaluates a design and reports objectives, reward and metrics.

    Raises:
        ChipgymError: where Ray is not installed, and for a space of a single design.
    """
    made: Callable[[dict[str, Any]], None] = _adapter("tune", "ray").tune_trainable(problem)
    return made


def _adapter(name: str, extra: str) -> Any:
    """Import an adapter, which imports the library that it is for.

    Raises:
        ChipgymError: naming what is not installed and how to install it.
    """
    try:
        return importlib.import_module(f"{__name__}.adapters.{name}")
    except ModuleNotFoundError as error:
        raise ChipgymError(
            f"{name}: needs {error.name}, which is not installed; pip install 'chipgym[{extra}]'"
        ) from error

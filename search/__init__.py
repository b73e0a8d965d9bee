"""Search agents, the loop that runs them, the store that their evaluations live in, and adapters to other libraries."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

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
    from ..simulators import Problem
    from .adapters.optuna import OptunaObjective
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
    "collect",
    "ground_truth",
    "hypervolume",
    "load_result",
    "make_agent",
    "non_dominated",
    "open_store",
    "optimize",
    "optuna_objective",
    "register_agent",
    "registered_agents",
    "report",
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

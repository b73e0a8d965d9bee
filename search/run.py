"""One run of an agent: what identifies it, and where its evaluations go."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Protocol, Self

from ..errors import ChipgymError, shorten
from ..simulators import Indices, Problem, Value

#: What a store calls the agent of a run whose designs a client of `chipgym serve` proposed.
CLIENT = "mcp"
# What proposals depend on beyond the seed; kept so that a result can be traced, not compared on resuming.
LIBRARIES = (
    "chipgym", "numpy", "optuna", "torch", "scikit-learn", "scipy", "cmaes", "botorch", "gpytorch", "stable-baselines3",
    "sb3-contrib",
)  # fmt: skip


def library_versions() -> dict[str, str]:
    """Return the version by name of those that are installed."""
    found = {name: _version(name) for name in LIBRARIES}
    return {name: text for name, text in found.items() if text is not None}


@functools.cache
def _version(library: str) -> str | None:
    """Look a version up once: it takes longer than a short search of a table."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def checked_problem(problem: Problem) -> Problem:
    """Check that a problem is one, and return it.

    Raises:
        ChipgymError: where it is none.
    """
    if not isinstance(problem, Problem):
        raise ChipgymError(f"problem: {shorten(problem)} is not a problem; make one with chipgym.make_problem")
    return problem


@dataclass(frozen=True)
class RunKey:
    """What makes two runs the same: continuing one needs all of it unchanged.

    Attributes:
        problem: what is searched; not part of `digest`, a store has one problem.
        agent: registered name.
        options: the agent's settings, defaults included.
        seed: the agent's seed.
        batch: designs per ask.
        start: designs that are evaluated before the agent's first ask.
    """

    problem: Problem
    agent: str
    options: Mapping[str, Any]
    seed: int
    batch: int
    start: tuple[Mapping[str, Value], ...] = ()

    @staticmethod
    def of(
        problem: Problem,
        agent: str,
        options: Mapping[str, Any],
        seed: int,
        batch: int,
        start: tuple[Mapping[str, Value], ...] = (),
    ) -> RunKey:
        """Make a key whose options are known to be JSON data.

        Raises:
            ChipgymError: naming the option that is not.
        """
        for name, value in options.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError):
                raise ChipgymError(f"{name}: {type(value).__name__} is not a number, text, list or dict") from None
        return RunKey(problem, agent, dict(options), seed, batch, start)

    def reward(self) -> dict[str, Any]:
        """Return the reward and its reference values, as JSON data; `own` marks a function of the user's own."""
        own = {} if self.problem.own_reward is None else {"own": True}
        return {"name": self.problem.reward_name, "reference": self.problem.reference.tolist(), **own}

    def digest(self) -> str:
        """Return a hash of everything but the problem, hex.

        No measured value is in it: its last digits differ between processors, and a run is to go on on another.
        """
        own = self.problem.own_reward is not None
        targets = None if self.problem.targets is None else self.problem.reference.tolist()
        reward = {"name": self.problem.reward_name, "targets": targets, **({"own": True} if own else {})}
        content: list[Any] = [self.agent, self.options, self.seed, self.batch, reward]
        if self.start:  # a run without any is what it was before there were any
            content.append(list(self.start))
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Provenance:
    """What a run follows from beyond its problem, agent and seed.

    Attributes:
        options: the agent's settings, defaults included.
        batch: designs per ask.
        reward: the reward and its reference values, as `RunKey.reward` gives them.
        versions: of chipgym and the libraries that agents are built on, when the run began.
        run: its number in its store; None for a search that has just ended.
        started_at: ISO 8601, UTC; None likewise.
        workloads: the names or paths that the workload was made from; empty where it was an object.
        start: designs that were evaluated before the agent's first ask.
    """

    options: Mapping[str, Any]
    batch: int
    reward: Mapping[str, Any]
    versions: Mapping[str, str]
    run: int | None = None
    started_at: str | None = None
    workloads: tuple[str, ...] = ()
    start: tuple[Mapping[str, Value], ...] = ()


class Run(Protocol):
    """Where a search's evaluations are written.

    Attributes:
        label: what to call the place in messages; None for memory.
    """

    label: str | None

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def asked(self) -> Iterator[Indices]:
        """Return for each ask that was told to the agent, in order, the numbers of its designs' evaluations."""
        ...

    def write(self, ask: int, start: int, numbers: Indices | None) -> None:
        """Make the log's evaluations from `start` on durable, all or none of them.

        Args:
            ask: the ask that proposed them.
            start: the first number that is not written yet.
            numbers: the evaluations of all of the ask's designs in order, None where the budget cut it.
        """
        ...


class InMemoryRun:
    """Keeps nothing beyond the log."""

    label: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        pass

    def asked(self) -> Iterator[Indices]:
        """Return nothing: every search starts from nothing."""
        return iter(())

    def write(self, ask: int, start: int, numbers: Indices | None) -> None:
        """Write nothing."""

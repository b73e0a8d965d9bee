"""Evaluating batches of designs, some of whose simulations may raise: here or in processes of their own."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ChipgymError, shorten
from ..simulators import Evaluation, Indices, Metrics, Problem, Value
from .workers import Backend, LostTaskError, Pool

if TYPE_CHECKING:
    from .result import SearchResult

# Letters of an exception's text that are kept.
LONGEST_REASON = 500
# Tasks that each process is given of a batch, so that none waits long for the slowest.
TASKS_EACH = 4

Catch = type[Exception] | Iterable[type[Exception]]


class SimulationError(ChipgymError):
    """A design whose simulation raised, which ends a search that is not told to catch it.

    Attributes:
        design: value by knob.
        reason: the exception's type and text.
        result: the search up to there.
    """

    def __init__(self, message: str, design: dict[str, Value], reason: str, result: SearchResult) -> None:
        super().__init__(message)
        self.design = design
        self.reason = reason
        self.result = result


@dataclass(frozen=True)
class Failure:
    """What the simulation of a design raised.

    Attributes:
        kind: name of the exception's type.
        text: what it says, on one line.
        own: whether it is chipgym's, which names simulator and field already.
        error: the exception; from another process one that has its traceback as text.
    """

    kind: str
    text: str
    own: bool
    error: Exception = field(compare=False)

    @staticmethod
    def of(error: Exception) -> Failure:
        """Keep what an exception says, in letters that every file and screen takes."""
        text = " ".join(str(error).encode(errors="backslashreplace").decode().split())
        if len(text) > LONGEST_REASON:
            text = text[: LONGEST_REASON - 1] + "…"
        return Failure(type(error).__name__, text, isinstance(error, ChipgymError), error)

    def of_design(self, simulator: str, design: Mapping[str, Value]) -> str:
        """Say what was raised, by which simulator and for which design, as the beginning of a message."""
        named = ", ".join(f"{name}={value}" for name, value in design.items())
        what = self.text if self.own else f"simulator {simulator}: simulate raised {self.reason}"
        return what if named in what else f"{what} for {named}"

    @property
    def reason(self) -> str:
        """Type and text."""
        return f"{self.kind}: {self.text}" if self.text else self.kind


@dataclass(frozen=True)
class Trial:
    """Evaluates canonical rows of a problem's space, the good ones also where another one's simulation raises."""

    problem: Problem
    catch: tuple[type[Exception], ...] = ()

    def __call__(self, rows: Indices) -> tuple[list[Evaluation], Failure | None]:
        """Evaluate the first rows in order, in parts, and return what the next row raised where it is not caught.

        A batch that raises is halved until the design that does is alone: the others' answers do not depend on it.
        Where none does alone, `simulate` takes no batches, and a warning says so.
        """
        try:
            return [self.problem.evaluate_columns(self.problem.space.values(rows), len(rows))], None
        except Exception as error:
            if len(rows) == 1:
                failure = Failure.of(error)
                return ([self._infeasible(rows, failure)], None) if isinstance(error, self.catch) else ([], failure)
            together = Failure.of(error)
        half = len(rows) // 2
        done, raised = self(rows[:half])
        if raised is None:
            rest, raised = self(rows[half:])
            done += rest
        if len(rows) == 2 and raised is None and not any(part.metrics.reasons for part in done):
            warnings.warn(
                f"simulator {self.problem.simulator.name}: simulate raised {together.reason} for two designs at once "
                "and for neither alone; its columns are arrays of n values, and one that takes no arrays is called "
                "design by design",
                stacklevel=2,
            )
        return done, raised

    def _infeasible(self, rows: Indices, failure: Failure) -> Evaluation:
        """Return one row without a metric, and further from feasible than any limit can be told."""
        specs = self.problem.simulator.metrics
        nothing = {spec.name: np.full(1, np.nan) for spec in specs}
        metrics = Metrics(specs, nothing, np.full(1, np.inf), {0: failure.reason})
        return self.problem.judge(self.problem.space.decode(rows), metrics)


@dataclass(frozen=True)
class _RemoteTrial:
    """A trial in another process: an exception goes back as text, since not every one can be sent."""

    trial: Trial

    def __call__(self, task: tuple[int, Indices]) -> tuple[list[Evaluation], Failure | None]:
        done, failure = self.trial(task[1])
        if failure is not None:
            lines = "".join(traceback.format_exception(failure.error))
            failure = Failure(failure.kind, failure.text, failure.own, RuntimeError(f"in a worker process:\n{lines}"))
        return done, failure


class Evaluator:
    """Evaluates rows in this process, or by workers that stay until the search ends; the answer is the same."""

    def __init__(self, trial: Trial, pool: Pool | None = None) -> None:
        self._trial = trial
        self._pool = pool

    @property
    def width(self) -> int:
        """How many rows are evaluated side by side."""
        return self._pool.size if self._pool else 1

    def __call__(self, rows: Indices) -> tuple[list[Evaluation], Failure | None]:
        """See `Trial.__call__`."""
        if self._pool is None:
            return self._trial(rows)
        parts = np.array_split(np.arange(len(rows)), min(len(rows), TASKS_EACH * self._pool.size))
        tasks = [(int(part[0]), rows[part]) for part in parts]
        try:
            found = {at: answer for (at, _), answer in self._pool.answered(tasks)}
        except LostTaskError as error:
            raise self._naming_designs(error) from error
        done: list[Evaluation] = []
        for at, _ in tasks:
            evaluations, failure = found[at]
            done += evaluations
            if failure is not None:
                return done, failure
        return done, None

    def _naming_designs(self, error: LostTaskError) -> ChipgymError:
        """Say which designs were being evaluated whenever a worker was lost."""
        task: Any = error.task
        rows: Indices = task[1]
        design = self._trial.problem.space.design(rows[0])
        named = ", ".join(f"{name}={value}" for name, value in design.items())
        which = "evaluating" if len(rows) == 1 else f"evaluating {len(rows)} designs, the first of them"
        return ChipgymError(f"{error} ({which} {named})")


@contextmanager
def evaluator(problem: Problem, catch: tuple[type[Exception], ...], backend: Backend) -> Iterator[Evaluator]:
    """Make what evaluates a search's designs.

    Raises:
        ChipgymError: as `Backend.pool`.
    """
    trial = Trial(problem, catch)
    if backend.here:
        yield Evaluator(trial)
        return
    with backend.pool(_RemoteTrial(trial)) as pool:
        yield Evaluator(trial, pool)


def exceptions(catch: Catch) -> tuple[type[Exception], ...]:
    """Return the types of exceptions that `catch` is.

    Raises:
        ChipgymError: for what is no type of exception, and for one that is no `Exception`, such as KeyboardInterrupt.
    """
    types: Any = (catch,) if isinstance(catch, type) else catch
    if isinstance(types, str) or not isinstance(types, Iterable):
        raise ChipgymError(f"catch: {shorten(catch)} is not a type of exception such as ValueError, or several")
    kinds = tuple(types)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise ChipgymError(f"catch: {shorten(kind)} is not a type of exception such as ValueError")
    return kinds


def joined(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Join several batches, one at least, into one."""
    if len(evaluations) == 1:
        return evaluations[0]
    return Evaluation(
        Metrics.concatenate([e.metrics for e in evaluations]),
        np.concatenate([e.objectives for e in evaluations]),
        np.concatenate([e.violation for e in evaluations]),
    )

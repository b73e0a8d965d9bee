"""Tasks that wait for a worker, those whose worker was lost before all others."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ...errors import ChipgymError

T = TypeVar("T")
Answered = TypeVar("Answered", covariant=True)

#: Workers that a task may cost. Machines fail rarely; a task that takes all memory ends every worker it is given to.
TRIES = 4

LOG = logging.getLogger("chipgym")

_NOTHING = object()


class LostTaskError(ChipgymError):
    """A task that each of several workers was lost with.

    Attributes:
        task: what it was.
    """

    def __init__(self, message: str, task: object) -> None:
        super().__init__(message)
        self.task = task


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """A task in a worker's hands.

    Attributes:
        task: what it is.
        lost: workers that were lost with it.
    """

    task: T
    lost: int = 0


class Queue(Generic[T]):
    """Tasks in their order; one that comes back is the next to go out."""

    def __init__(self, tasks: Iterable[T]) -> None:
        self._tasks = iter(tasks)
        self._again: deque[Attempt[T]] = deque()

    def take(self) -> Attempt[T] | None:
        """Return the next task, None where there is none at the moment."""
        if self._again:
            return self._again.popleft()
        task: Any = next(self._tasks, _NOTHING)
        return None if task is _NOTHING else Attempt(task)

    def lost(self, attempt: Attempt[T], field: str, how: str) -> None:
        """Put back a task whose worker was lost.

        Args:
            attempt: the task.
            field: the argument that says how many workers there are, which an error names.
            how: what became of the worker.

        Raises:
            LostTaskError: where it has cost `TRIES` workers.
        """
        if attempt.lost + 1 >= TRIES:
            raise LostTaskError(
                f"{field}: {TRIES} workers in turn were lost with the same task, the last one {how}; where memory runs "
                f"out, fewer {field} need less of it; the same call goes on from there",
                attempt.task,
            )
        LOG.warning("a worker was lost, %s; what it had to do is done again", how)
        self._again.append(Attempt(attempt.task, attempt.lost + 1))


class Pool(Protocol):
    """Workers that answer tasks with one function, until their context ends."""

    @property
    def size(self) -> int:
        """How many tasks are worked on at a time."""

    def answered(self, tasks: Iterable[T]) -> Iterator[tuple[T, Any]]:
        """Answer each task, and return it with its answer, the first to be ready first.

        A task is taken only when a worker is free for it; it may depend on the answers so far. A task whose worker is
        lost goes to another. The answers are to be gone through to their end before this is called again.

        Raises:
            ChipgymError: as the function.
            LostTaskError: where several workers in turn are lost with a task.
            RuntimeError: with the worker's traceback, where the function raises anything else.
        """

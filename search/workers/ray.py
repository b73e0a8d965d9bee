"""A function over many tasks as tasks of a Ray cluster."""

from __future__ import annotations

import copy
import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ...errors import ChipgymError, shorten
from .local import answer_of
from .queue import Attempt, Pool, Queue
from .ray_cluster import Cluster, connected

T = TypeVar("T")

LOG = logging.getLogger("chipgym")

# Seconds without an answer after which it is looked up whether the cluster has anything to work with.
PATIENCE_S = 10.0

# What became of a worker, by the exception that Ray has for it.
_LOST = {
    "WorkerCrashedError": "when its process died",
    "NodeDiedError": "when its machine died",
    "OutOfMemoryError": "when memory ran out",
    "ObjectLostError": "with the answer",
}


@contextmanager
def ray_pool(function: Callable[..., Any], workers: int | None, address: str | None) -> Iterator[Pool]:
    """Connect to a Ray cluster, or start one on this machine, and have it answer tasks with a function.

    Raises:
        ChipgymError: as `connected`, and where the function cannot be sent.
    """
    with connected(address, workers) as cluster:
        yield RayTasks(cluster, function, workers or cluster.cpus)


class RayTasks:
    """Tasks of a cluster, each with one CPU; see `Pool`."""

    def __init__(self, cluster: Cluster, function: Callable[..., Any], size: int) -> None:
        """Send the function.

        Raises:
            ChipgymError: where it cannot be sent.
        """
        from ... import __version__

        self._ray = cluster.ray
        self._size = size
        try:
            # In a list, a reference reaches the task as it is: a worker asks for the function once, not for every task.
            self._function = [self._ray.put(function)]
        except Exception as error:
            raise ChipgymError(
                f"backend: this cannot be sent to a Ray worker ({shorten(str(error), 200)}); use backend='process'"
            ) from error
        self._about = (self._function[0].hex(), __version__, cluster.threads_each(size))
        # Ray's own retries have no end where memory runs out, and `Queue` does them for all kinds of workers alike.
        self._answer = self._ray.remote(num_cpus=1, max_retries=0)(_answer)

    @property
    def size(self) -> int:
        """How many tasks are worked on at a time."""
        return self._size

    def answered(self, tasks: Iterable[T]) -> Iterator[tuple[T, Any]]:
        """Answer as `Pool.answered` does."""
        queue, patient = Queue(tasks), True
        running: dict[Any, Attempt[T]] = {}
        try:
            while True:
                self._check()
                while len(running) < self._size and (attempt := queue.take()) is not None:
                    running[self._answer.remote(self._function, self._about, attempt.task)] = attempt
                if not running:
                    return
                done, _ = self._ray.wait(list(running), num_returns=1, timeout=PATIENCE_S)
                if not done and patient:
                    patient = False
                    self._say_whether_there_is_anything()
                for reference in done:
                    attempt = running.pop(reference)
                    answer = self._fetch(reference, attempt, queue)
                    if answer is not None:
                        yield attempt.task, answer[0]
        except (ConnectionError, self._ray.exceptions.RayError) as error:
            raise ChipgymError(
                f"backend: the Ray cluster was lost ({_first_line(error)}); run the same again to go on"
            ) from error
        finally:
            if self._ray.is_initialized():
                for reference in running:  # nobody waits for it any more
                    self._ray.cancel(reference, force=True)

    def _check(self) -> None:
        """See that the connection is there: without one, Ray starts a cluster of its own at the next call."""
        if not self._ray.is_initialized():
            raise ConnectionError("the connection to it has ended")

    def _fetch(self, reference: Any, attempt: Attempt[T], queue: Queue[T]) -> tuple[Any] | None:
        """Return an answer, None where it was lost and the task is back in the queue."""
        errors = self._ray.exceptions
        try:
            # Ray's arrays are views of memory that it shares, which nobody may write to and which would stay in use.
            answer, warned = copy.deepcopy(self._ray.get(reference))
        except errors.RayTaskError as error:
            raise _not_run(error) from error
        except errors.RayError as error:
            for kind, how in _LOST.items():
                if isinstance(error, getattr(errors, kind)):
                    queue.lost(attempt, "workers", how)
                    return None
            raise
        for message in warned:
            warnings.warn(message, stacklevel=2)
        if isinstance(answer, Exception):
            raise answer
        return (answer,)

    def _say_whether_there_is_anything(self) -> None:
        if not self._ray.cluster_resources().get("CPU"):
            warnings.warn("the Ray cluster has no CPU at the moment; tasks wait for one", stacklevel=2)


def _not_run(error: Exception) -> ChipgymError:
    """Say what keeps a worker from running any task."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)] or lines[:1] or [repr(error)]
    missing = next((line.partition(": ")[2] for line in raised if line.startswith("ModuleNotFoundError")), None)
    if missing:
        return ChipgymError(
            f"backend: a Ray worker lacks a module ({missing}); install what the search needs on every machine of the "
            "cluster"
        )
    return ChipgymError(f"backend: a Ray worker could not run ({_cut(raised[-1])})")


def _first_line(error: Exception) -> str:
    return _cut(next((line for line in str(error).splitlines() if line.strip()), type(error).__name__))


def _cut(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:299]}…"


# In a worker: the function that it answers with, under the name of its reference.
_KNOWN: dict[str, Callable[..., Any]] = {}


def _answer(function: list[Any], about: tuple[str, str, int], task: object) -> tuple[object, list[str]]:
    """Answer a task in a worker, with what it warns of.

    Args:
        function: where Ray keeps what to answer with.
        about: the name of that; chipgym's version where the search runs; threads that kernels may use.
        task: what to answer.
    """
    import ray

    from ... import __version__
    from ...simulators.core.compiled import limit_threads

    name, version, share = about
    if version != __version__:
        difference = f"a Ray worker has chipgym {__version__} and the search {version}"
        return ChipgymError(f"backend: {difference}; install the same on every machine of the cluster"), []
    limit_threads(share)
    if name not in _KNOWN:
        _KNOWN.clear()  # one search at a time
        found = ray.get(function[0])
        try:
            # Ray's arrays are read-only, which compiled kernels and simulators of one's own need not expect.
            found = copy.deepcopy(found)
        except Exception:
            LOG.info("a function that cannot be copied has Ray's read-only arrays")
        _KNOWN[name] = found
    with warnings.catch_warnings(record=True) as warned:
        answer = answer_of(_KNOWN[name], copy.deepcopy(task))
    return answer, [str(each.message) for each in warned]

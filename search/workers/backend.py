"""Which workers answer tasks: processes of this machine, or Ray's on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ...errors import ChipgymError, count, shorten, unknown
from ..agents.base import MOST_JOBS
from .local import Processes
from .queue import Pool

T = TypeVar("T")
R = TypeVar("R")

BACKENDS = ("process", "ray")


@dataclass(frozen=True, slots=True)
class Backend:
    """Where tasks are answered; see `checked_backend`.

    Attributes:
        name: "process" or "ray".
        workers: how many at a time; None for as many as a Ray cluster has CPUs.
        address: of a Ray cluster; None for one that Python is connected to already, or else one of this machine.
    """

    name: str = "process"
    workers: int | None = 1
    address: str | None = None

    @property
    def here(self) -> bool:
        """Whether no other process is asked."""
        return self.name == "process" and self.workers == 1

    def check(self) -> None:
        """See that nothing stands in the way of workers that can be told at once, before anything is written.

        Raises:
            ChipgymError: where Ray is not installed, or its cluster does not answer.
        """
        if self.name == "ray":
            from .ray_cluster import check_ray

            check_ray(self.address)

    def pool(self, function: Callable[..., Any]) -> AbstractContextManager[Pool]:
        """Make workers that answer tasks with a function, until their context ends.

        Raises:
            ChipgymError: where the function cannot be sent, Ray is not installed, or its cluster does not answer.
        """
        if self.name == "process":
            return Processes(function, self.workers or 1)
        from .ray import ray_pool

        return ray_pool(function, self.workers, self.address)


def checked_backend(
    backend: str | None = "process", jobs: int | None = 1, workers: int | None = None, address: str | None = None
) -> Backend:
    """Check the arguments that say where to work, as functions and the command line take them.

    Args:
        backend: "process" or "ray".
        jobs: processes of this machine, where the backend is "process".
        workers: Ray's, where the backend is "ray"; None for as many as its cluster has CPUs.
        address: of a Ray cluster: "ray://host:10001", "host:6379" on one of its machines, or "auto" for one that runs
            on this machine. None for the cluster that Python is connected to, or else that of the environment's
            RAY_ADDRESS, or else one of this machine that ends with the work.

    Raises:
        ChipgymError: for an unknown backend, with the nearest known, and for what belongs to the other one.
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    jobs = count("jobs", jobs, high=MOST_JOBS)
    if workers is not None:
        workers = count("workers", workers, high=MOST_JOBS)
    if address is not None and not (isinstance(address, str) and address.strip()):
        raise ChipgymError(f"address: {shorten(address)} is not an address such as 'ray://host:10001' or 'auto'")
    if backend == "ray":
        if jobs != 1:
            raise ChipgymError(f"jobs: {jobs} processes are of backend='process'; of backend='ray' give workers={jobs}")
        return Backend("ray", workers, address)
    if workers is not None:
        raise ChipgymError(f"workers: Ray's are of backend='ray'; of backend='process' give jobs={workers}")
    if address is not None:
        raise ChipgymError(f"address: {shorten(address)} is a Ray cluster's, for backend='ray'")
    return Backend("process", jobs)


def unordered(
    function: Callable[..., R],
    tasks: Iterable[T],
    where: int | Backend = 1,
    told: Callable[[T, Any], None] | None = None,
) -> Iterator[tuple[T, R]]:
    """Answer each task, and return it with its answer, the first to be ready first.

    A task is taken only when a worker is free for it. A task whose worker is lost goes to another.

    Args:
        function: sent to each worker; it and the tasks must be picklable.
        tasks: may be endless, and may depend on the answers so far.
        where: a number of processes, each with its share of the threads that kernels may use, or a backend. With one
            process everything runs in this one.
        told: where given, the function takes a `Say` as its second argument, and this the task with what it says; in
            processes of this machine alone.

    Raises:
        ChipgymError: as `function`; as `Backend.pool`; and a `LostTaskError` where several workers in turn are lost
            with a task.
        RuntimeError: with the worker's traceback, where `function` raises anything else there.
    """
    backend = Backend("process", where) if isinstance(where, int) else where
    if backend.here:
        for task in tasks:
            yield task, function(task, partial(told, task)) if told else function(task)
    elif told:
        if backend.name != "process":
            raise ValueError("told: Ray's workers say nothing before they answer")
        with Processes(function, backend.workers or 1, says=True) as processes:
            yield from processes.answered(tasks, told)
    else:
        with backend.pool(function) as pool:
            yield from pool.answered(tasks)

"""A function over many tasks in processes of their own, answers in the order in which they are ready."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from ...errors import ChipgymError, shorten

T = TypeVar("T")
R = TypeVar("R")

#: Through which a function tells something of its task before it answers.
Say = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a function tells before its answer."""

    what: Any


# A worker imports the script that started it, which must not start workers in its turn.
UNGUARDED = "jobs: a worker process could not start; a script that asks for several needs `if __name__ == '__main__':`"


def unordered(
    function: Callable[..., R], tasks: Iterable[T], jobs: int, told: Callable[[T, Any], None] | None = None
) -> Iterator[tuple[T, R]]:
    """Answer each task, and return it with its answer, the first to be ready first.

    A task is taken only when a process is free for it.

    Args:
        function: sent to each process once; it and the tasks must be picklable.
        tasks: may be endless, and may depend on the answers so far.
        jobs: processes, each with its share of the threads that kernels may use; with 1 everything runs in this one.
        told: where given, the function takes a `Say` as its second argument, and this the task with what it says.

    Raises:
        ChipgymError: as `function`, and where a process dies.
        RuntimeError: with the other process's traceback, where `function` raises anything else there.
    """
    if jobs == 1:
        for task in tasks:
            yield task, function(task, partial(told, task)) if told else function(task)
        return
    with processes(function, jobs, told is not None) as workers:
        yield from answered(workers, tasks, told)


def answered(
    workers: Mapping[Connection, SpawnProcess], tasks: Iterable[T], told: Callable[[T, Any], None] | None = None
) -> Iterator[tuple[T, Any]]:
    """Answer as `unordered` does, by processes that are there already.

    It is to be gone through to its end before it is called again.
    """
    waiting = iter(tasks)
    busy: dict[Connection, T] = {}
    idle = list(workers)
    while True:
        for connection in idle:
            for task in waiting:
                _send(connection, task, workers[connection])
                busy[connection] = task
                break
        if not busy:
            return
        idle = []
        for connection in [c for c in wait(list(busy)) if isinstance(c, Connection)]:
            answer = _receive(connection, workers[connection])
            if told and isinstance(answer, _Said):
                told(busy[connection], answer.what)
                continue
            idle.append(connection)
            yield busy.pop(connection), answer


@contextmanager
def processes(function: Callable[..., R], jobs: int, says: bool) -> Iterator[dict[Connection, SpawnProcess]]:
    """Start processes that answer tasks with a function, each at one end of a pipe, until the context ends.

    Args:
        function: sent to each once; takes a task, and a `Say` where it `says` something.
        jobs: how many.
        says: whether it does.

    Raises:
        ChipgymError: where the function cannot be sent.
    """
    # Spawned, not forked: a fork copies other libraries' threads half-way, and would keep every pipe open, so that a
    # worker could not tell when the process that it works for is gone.
    context = get_context("spawn")
    from ...simulators.core.compiled import threads

    share = max(1, threads() // jobs)
    workers: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            worker = context.Process(target=_serve, args=(theirs, function, share, says), daemon=True)
            with _interrupts_held():
                try:
                    worker.start()
                except OSError:
                    raise
                except Exception as error:
                    if isinstance(error, RuntimeError) and "bootstrapping" in str(error):
                        raise ChipgymError(UNGUARDED) from None  # a worker that runs the script again
                    raise ChipgymError(
                        f"jobs: this cannot be sent to another process ({shorten(str(error), 200)}); define its class "
                        "in a module, not in a function or a notebook, or use jobs=1"
                    ) from error
            theirs.close()
            workers[ours] = worker
        yield workers
    finally:
        for connection, worker in workers.items():
            connection.close()
            worker.kill()  # not SIGTERM, which it does not see
        for worker in workers.values():
            worker.join()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM from what is started meanwhile: a whole group is sent them, and one has to answer."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started with the first process otherwise, after which Python lets interrupts through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[..., Any], share: int, says: bool) -> None:
    """Answer tasks in the other process until nobody asks any more."""
    from ...simulators.core.compiled import limit_threads

    limit_threads(share)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    say = (lambda what: connection.send(_Said(what)),) if says else ()
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        answer: object
        try:
            answer = function(task, *say)
        except ChipgymError as error:
            answer = ChipgymError(str(error))  # whatever else one of its kinds has may not be sendable
        except Exception:
            answer = RuntimeError(f"in a worker process:\n{traceback.format_exc()}")
        try:
            connection.send(answer)
        except OSError:
            return


def _end_with_parent() -> None:
    """End this process with the one that it works for, also in the midst of a task.

    Whoever goes on where that one was killed must not find its files written by a process left behind.
    """
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _send(connection: Connection, task: object, worker: SpawnProcess) -> None:
    try:
        connection.send(task)
    except OSError:
        raise _died(worker) from None


def _receive(connection: Connection, worker: SpawnProcess) -> Any:
    try:
        answer = connection.recv()
    except (EOFError, OSError):
        raise _died(worker) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _died(worker: SpawnProcess) -> ChipgymError:
    worker.join(timeout=5)
    code = worker.exitcode
    if code == 1:  # an error before the first task, which the process has printed
        return ChipgymError(UNGUARDED)
    how = f"killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
    return ChipgymError(f"jobs: a worker process was {how}; run it again with fewer to go on")

"""A function over many tasks in processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Literal, TypeVar

from ...errors import ChipgymError, shorten
from .queue import Attempt, Queue

T = TypeVar("T")

#: Through which a function tells something of its task before it answers.
Say = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a function tells before its answer."""

    what: Any


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a process says once it can take tasks."""


@dataclass(slots=True)
class _Worker:
    """A process, and whether it has got as far as to take tasks."""

    process: SpawnProcess
    ready: bool = False


# A worker imports the script that started it, which must not start workers in its turn.
UNGUARDED = "jobs: a worker process could not start; a script that asks for several needs `if __name__ == '__main__':`"


class Processes:
    """Processes that answer tasks with a function, each at one end of a pipe, until the context ends.

    One that dies is replaced, and its task done again: see `Pool`.
    """

    def __init__(self, function: Callable[..., Any], jobs: int, says: bool = False) -> None:
        """Start nothing yet.

        Args:
            function: sent to each process once; takes a task, and a `Say` where it `says` something. It and the tasks
                must be picklable.
            jobs: how many, each with its share of the threads that kernels may use.
            says: whether it does.
        """
        self._function = function
        self._jobs = jobs
        self._says = says
        self._workers: dict[Connection, _Worker] = {}

    @property
    def size(self) -> int:
        """How many tasks are worked on at a time."""
        return self._jobs

    def __enter__(self) -> Processes:
        """Start the processes.

        Raises:
            ChipgymError: where the function cannot be sent.
        """
        try:
            for _ in range(self._jobs):
                self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> Literal[False]:
        self._end()
        return False

    def answered(self, tasks: Iterable[T], told: Callable[[T, Any], None] | None = None) -> Iterator[tuple[T, Any]]:
        """Answer as `Pool.answered` does; `told` is given each task with what the function says of it."""
        queue = Queue(tasks)
        busy: dict[Connection, Attempt[T]] = {}
        idle = list(self._workers)
        while True:
            while idle and (attempt := queue.take()) is not None:
                connection = idle.pop()
                try:
                    connection.send(attempt.task)
                    busy[connection] = attempt
                except OSError:
                    idle.append(self._replace(connection, attempt, queue))
            if not busy:
                return
            for connection in [c for c in wait(list(busy)) if isinstance(c, Connection)]:
                try:
                    answer = connection.recv()
                except (EOFError, OSError):
                    idle.append(self._replace(connection, busy.pop(connection), queue))
                    continue
                if isinstance(answer, _Ready):
                    self._workers[connection].ready = True
                elif isinstance(answer, _Said):
                    if told:
                        told(busy[connection].task, answer.what)
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    idle.append(connection)
                    yield busy.pop(connection).task, answer

    def _start(self) -> Connection:
        # Spawned, not forked: a fork copies other libraries' threads half-way, and would keep every pipe open, so that
        # a worker could not tell when the process that it works for is gone.
        context = get_context("spawn")
        from ...simulators.core.compiled import threads

        share = max(1, threads() // self._jobs)
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._function, share, self._says), daemon=True)
        with _interrupts_held():
            try:
                process.start()
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
        self._workers[ours] = _Worker(process)
        return ours

    def _replace(self, connection: Connection, attempt: Attempt[T], queue: Queue[T]) -> Connection:
        """Put a process in the place of one that died, and its task back into the queue.

        Raises:
            ChipgymError: where the process never got as far as to take tasks: the next one would not either.
            LostTaskError: where too many have died with the task.
        """
        worker = self._workers.pop(connection)
        connection.close()
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        worker.process.kill()
        if code == 1 and not worker.ready:  # an error before the first task, which the process has printed
            raise ChipgymError(UNGUARDED)
        killed = code is not None and code < 0
        queue.lost(attempt, "jobs", f"killed by signal {-(code or 0)}" if killed else f"ended with status {code}")
        return self._start()

    def _end(self) -> None:
        for connection, worker in self._workers.items():
            connection.close()
            worker.process.kill()  # not SIGTERM, which it does not see
        for worker in self._workers.values():
            worker.process.join()
        self._workers.clear()


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
    try:
        connection.send(_Ready())
        while True:
            task = connection.recv()
            connection.send(answer_of(function, task, *say))
    except (EOFError, OSError):
        return


def answer_of(function: Callable[..., Any], task: object, *say: Say) -> object:
    """Answer a task, with an exception that can be sent where the function raises one."""
    try:
        answer: object = function(task, *say)
    except ChipgymError as error:
        return ChipgymError(str(error))  # whatever else one of its kinds has may not be sendable
    except Exception:
        return RuntimeError(f"in a worker process:\n{traceback.format_exc()}")
    return answer


def _end_with_parent() -> None:
    """End this process with the one that it works for, also in the midst of a task.

    Whoever goes on where that one was killed must not find its files written by a process left behind.
    """
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

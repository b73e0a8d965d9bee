"""A study's searches, shared out among processes in chunks that take about as long as a kill may cost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...simulators import Problem
from ..agents import AgentEntry, register_agent
from ..loop import optimize
from .configurations import Configuration
from .searches import Task, Trace

#: Seconds that a chunk is to take, and between two parts on disk: what a kill can cost.
CHUNK_S = 2.0
# Searches of a chunk; of a configuration whose cost is not known yet there is one.
MOST_IN_CHUNK = 1000

Chunk = tuple[Task, ...]


@dataclass(frozen=True)
class Searcher:
    """Makes the searches of a chunk; sent to each process once, with problems that share their tables."""

    problems: Sequence[Problem]
    configurations: Sequence[Configuration]
    entries: tuple[AgentEntry, ...]
    catch: tuple[type[Exception], ...]

    def __call__(self, chunk: Chunk) -> tuple[list[Trace], float]:
        """Return a trace for each task, and the seconds that they took."""
        for entry in self.entries:  # a process of its own knows only the agents of the package
            register_agent(entry)
        begun = time.perf_counter()
        return [self._search(task) for task in chunk], time.perf_counter() - begun

    def _search(self, task: Task) -> Trace:
        one = self.configurations[task.configuration]
        problem = self.problems[task.problem]
        found = optimize(problem, one.agent, one.budget, task.seed, agent_options=one.options, catch=self.catch).table
        return Trace.of(found.objectives[:, 0], found.violation <= 0)


class Chunks:
    """Tasks in order, cut into chunks of one problem by what searches of each configuration took so far."""

    def __init__(self, tasks: Sequence[Task], jobs: int) -> None:
        self._tasks = tasks
        self._jobs = jobs
        self._seconds: dict[int, float] = {}

    def __iter__(self) -> Iterator[Chunk]:
        start = 0
        while start < len(self._tasks):
            # Towards the end chunks are small, so that no process is left with a long one.
            most = max(1, min(MOST_IN_CHUNK, (len(self._tasks) - start) // (4 * self._jobs)))
            stop, seconds = start, 0.0
            while stop < len(self._tasks) and stop - start < most and seconds < CHUNK_S:
                task = self._tasks[stop]
                if stop > start and task.problem != self._tasks[start].problem:
                    break
                seconds += self._seconds.get(task.configuration, CHUNK_S)
                if stop > start and seconds > CHUNK_S:
                    break
                stop += 1
            yield tuple(self._tasks[start:stop])
            start = stop

    def adapt(self, chunk: Chunk, seconds: float) -> None:
        """Learn how long a chunk took."""
        expected = [self._seconds.get(task.configuration, CHUNK_S) for task in chunk]
        scale = seconds / max(sum(expected), 1e-9)
        for task, share in zip(chunk, expected, strict=True):
            self._seconds[task.configuration] = max(share * scale, 1e-6)

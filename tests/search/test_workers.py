"""Tasks in processes of their own: all answers, errors as they were, and deaths that are noticed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import pytest

import chipgym
from chipgym.search.workers import unordered
from chipgym.simulators.core.compiled import threads


@dataclass(frozen=True)
class Twice:
    """Doubles; some numbers go wrong in their own way."""

    def __call__(self, n: int) -> tuple[int, int]:
        if n == -1:
            raise chipgym.ChipgymError("n: -1 is not positive")
        if n == -2:
            raise LookupError("a bug")
        if n == -3:
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * n, os.getpid()


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_is_answered_once(jobs):
    found = dict(unordered(Twice(), range(40), jobs))
    assert {n: twice for n, (twice, _) in found.items()} == {n: 2 * n for n in range(40)}
    own = {pid for _, pid in found.values()} & {os.getpid()}
    assert bool(own) == (jobs == 1)


def test_tasks_are_taken_when_a_process_is_free():
    """So that later tasks can depend on earlier answers."""
    taken = []

    def tasks():
        for n in range(10):
            taken.append(n)
            yield n

    for answered, _ in enumerate(unordered(Twice(), tasks(), 2)):
        assert len(taken) <= answered + 2 + 1


def test_no_tasks():
    assert list(unordered(Twice(), [], 2)) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_come_back(jobs):
    with pytest.raises(chipgym.ChipgymError, match="n: -1 is not positive"):
        list(unordered(Twice(), [1, -1], jobs))
    with pytest.raises((LookupError, RuntimeError), match="a bug"):
        list(unordered(Twice(), [1, -2], jobs))


def test_a_death_is_noticed():
    with pytest.raises(chipgym.ChipgymError, match="a worker process was killed by signal 9"):
        list(unordered(Twice(), [1, -3, 2, 3], 2))


def threads_here(_: int) -> int:
    return threads()


def test_processes_share_the_threads(monkeypatch):
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 5)
    assert dict(unordered(threads_here, [0, 1], 1)) == {0: 5, 1: 5}
    assert dict(unordered(threads_here, [0, 1], 2)) == {0: 2, 1: 2}
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 2)
    assert dict(unordered(threads_here, [0], 3)) == {0: 1}

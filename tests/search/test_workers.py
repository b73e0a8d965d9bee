"""Tasks in processes of their own: all answers, errors as they were, and deaths that are noticed."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import chipgym
from chipgym.search.workers import UNGUARDED, Backend, LostTaskError, checked_backend, queue, unordered
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
        if n == -4:
            os._exit(1)
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


@pytest.mark.parametrize(
    ("task", "says"), [(-3, "killed by signal 9"), pytest.param(-4, "ended with status 1", marks=pytest.mark.slow)]
)
def test_a_task_that_ends_every_worker_ends_the_work(monkeypatch, task, says):
    assert queue.TRIES > 2
    monkeypatch.setattr(queue, "TRIES", 2)
    with pytest.raises(LostTaskError, match=f"jobs: 2 workers in turn .* the last one {says};") as error:
        list(unordered(Twice(), [1, task, 2, 3], 2))
    assert error.value.task == task


@dataclass(frozen=True)
class DiesOnce:
    """Doubles; the third task kills the first worker that it is given to."""

    folder: Path

    def __call__(self, n: int) -> tuple[int, int]:
        mark = self.folder / "died"
        if n == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * n, os.getpid()


def test_what_a_dead_worker_had_to_do_is_done_again(tmp_path):
    """In the midst of a task, and while it has none."""
    with checked_backend(jobs=2).pool(DiesOnce(tmp_path)) as pool:
        found = dict(pool.answered(range(8)))
        idle = found[7][1]
        os.kill(idle, signal.SIGKILL)
        again = dict(pool.answered(range(8)))
    for answers in (found, again):
        assert {n: twice for n, (twice, _) in answers.items()} == {n: 2 * n for n in range(8)}
    assert (tmp_path / "died").exists()
    assert idle not in {pid for _, pid in again.values()}


class Unready:
    """Cannot be made again in another process."""

    def __call__(self, n: int) -> int:
        return n

    def __reduce__(self):
        return sys.exit, (1,)


@pytest.mark.slow
def test_a_worker_that_cannot_start_is_not_started_again():
    with pytest.raises(chipgym.ChipgymError, match="could not start") as error:
        list(unordered(Unready(), [1, 2], 2))
    assert str(error.value) == UNGUARDED


def test_backends_and_what_is_no_part_of_them():
    assert checked_backend() == Backend("process", 1)
    assert checked_backend("process", jobs=4) == Backend("process", 4)
    assert checked_backend("ray", workers=2, address="auto") == Backend("ray", 2, "auto")
    assert checked_backend().here
    assert not checked_backend("ray", workers=1).here


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"backend": "rai"}, "unknown backend 'rai'; did you mean 'ray'? (known: process, ray)"),
        ({"backend": None}, "unknown backend None (known: process, ray)"),
        ({"workers": 2}, "workers: Ray's are of backend='ray'; of backend='process' give jobs=2"),
        ({"address": "auto"}, "address: 'auto' is a Ray cluster's, for backend='ray'"),
        ({"backend": "ray", "jobs": 2}, "jobs: 2 processes are of backend='process'; of backend='ray' give workers=2"),
        ({"backend": "ray", "workers": 0}, "workers: 0 is not a whole number from 1; nearest is 1"),
        ({"backend": "ray", "address": " "}, "address: ' ' is not an address such as 'ray://host:10001' or 'auto'"),
    ],
)
def test_backends_that_are_none(toy, arguments, says):
    with pytest.raises(chipgym.ChipgymError) as error:
        chipgym.optimize(toy, **arguments)
    assert str(error.value) == says


def threads_here(_: int) -> int:
    return threads()


def test_processes_share_the_threads(monkeypatch):
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 5)
    assert dict(unordered(threads_here, [0, 1], 1)) == {0: 5, 1: 5}
    assert dict(unordered(threads_here, [0, 1], 2)) == {0: 2, 1: 2}
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 2)
    assert dict(unordered(threads_here, [0], 3)) == {0: 1}

"""Searches on a Ray cluster: what one process finds, whatever becomes of workers, machines and the search itself."""

from __future__ import annotations

import os
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from fragile import CrashError, FragileSimulator

import chipgym
from chipgym.search import SimulationError, optimize
from chipgym.search.workers import LostTaskError, checked_backend, queue, unordered

ray = pytest.importorskip("ray")

# Least memory that Ray takes for objects, and machines whose death it notices within a second.
MACHINE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
ALERT = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 200,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 2,
}


@dataclass(frozen=True)
class Doubling:
    """Doubles; some numbers go wrong in their own way."""

    folder: Path

    def __call__(self, n: int) -> tuple[int, int]:
        mark = self.folder / f"died-{n}"
        if n == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if n == -1:
            raise chipgym.ChipgymError("n: -1 is not positive")
        if n == -2:
            raise LookupError("a bug")
        if n == -3:
            os.kill(os.getpid(), signal.SIGKILL)
        if n == -4:
            warnings.warn("four is odd", stacklevel=1)
        return 2 * n, os.getpid()


def frame(result):
    return result.to_pandas()


def test_a_cluster_of_which_workers_and_a_machine_die(tmp_path, monkeypatch, capfd):
    """On a cluster that Python is connected to, which stays."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    cluster = Cluster(initialize_head=True, head_node_args=MACHINE)
    other = cluster.add_node(**MACHINE)
    try:
        ray.init(cluster.address, log_to_driver=False, logging_level="critical")
        two = checked_backend("ray", workers=2)
        print("---", time.perf_counter())
        answers_and_errors(tmp_path, two, monkeypatch)
        print("---", time.perf_counter())
        failing_designs(tmp_path)
        print("---", time.perf_counter())
        machine_dies(cluster, other)
        print("---", time.perf_counter())
        assert ray.is_initialized()
    finally:
        ray.shutdown()
        cluster.shutdown()


def answers_and_errors(tmp_path, two, monkeypatch):
    found = dict(unordered(Doubling(tmp_path), range(8), two))
    assert {n: twice for n, (twice, _) in found.items()} == {n: 2 * n for n in range(8)}
    assert (tmp_path / "died-3").exists()
    with pytest.raises(chipgym.ChipgymError, match="n: -1 is not positive"):
        list(unordered(Doubling(tmp_path), [1, -1], two))
    with pytest.raises(RuntimeError, match="a bug"):
        list(unordered(Doubling(tmp_path), [1, -2], two))
    with pytest.warns(UserWarning, match="four is odd"):
        list(unordered(Doubling(tmp_path), [-4], two))
    monkeypatch.setattr(queue, "TRIES", 2)
    with pytest.raises(LostTaskError, match=r"workers: 2 workers in turn .* when its process died"):
        list(unordered(Doubling(tmp_path), [1, -3], two))


def failing_designs(tmp_path):
    problem = chipgym.make_problem(FragileSimulator(), objective=["latency_s", "area_mm2"])
    alone = optimize(problem, "nsga2", 40, catch=CrashError)
    there = optimize(problem, "nsga2", 40, catch=CrashError, backend="ray", workers=2, store=tmp_path / "s.db")
    assert frame(there).equals(frame(alone))
    assert [f.reason for f in there.failed] == [f.reason for f in alone.failed]
    with pytest.raises(SimulationError) as here:
        optimize(problem, "exhaustive")
    with pytest.raises(SimulationError) as error:
        optimize(problem, "exhaustive", backend="ray", workers=2)
    assert str(error.value) == str(here.value)
    assert frame(error.value.result).equals(frame(here.value.result))
    assert "CrashError" in str(error.value.__cause__)


def machine_dies(cluster, machine):
    problem = chipgym.make_problem(FragileSimulator(sleep_s=0.05))

    def kill(progress):
        if progress.evaluations >= 8 and len(cluster.list_all_nodes()) == 2:
            cluster.remove_node(machine, allow_graceful=False)

    there = optimize(problem, "random", 60, catch=CrashError, batch=8, backend="ray", workers=2, callback=kill)
    assert len(cluster.list_all_nodes()) == 1
    alone = optimize(chipgym.make_problem(FragileSimulator(sleep_s=0)), "random", 60, catch=CrashError, batch=8)
    assert frame(there).equals(frame(alone))

"""Searches on a Ray cluster: what one process finds, whatever becomes of workers, machines and the search itself."""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from fragile import CrashError, FragileSimulator

import chipgym
from chipgym.cli.app import run
from chipgym.search import SimulationError, load_result, optimize
from chipgym.search.study import run_study
from chipgym.search.workers import LostTaskError, checked_backend, queue, ray_cluster, unordered

HERE = Path(__file__).parent
# Least memory that Ray takes for objects.
MACHINE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@dataclass(frozen=True)
class Doubling:
    """Doubles; some numbers go wrong in their own way, and 3 kills the first worker that it is given to."""

    folder: Path

    def __call__(self, n: int) -> int:
        mark = self.folder / f"died-{n}"
        if n == -3 or (n == 3 and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if n == -1:
            raise chipgym.ChipgymError("n: -1 is not positive")
        if n == -2:
            raise LookupError("a bug")
        if n == -4:
            warnings.warn("four is even", stacklevel=1)
        return 2 * n


def frame(result):
    return result.to_pandas()


def test_a_cluster_of_which_workers_and_a_machine_die(tmp_path, monkeypatch, capsys):
    """Two machines that Python is connected to, and stays connected to."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", f"{HERE}{os.pathsep}{HERE.parent}")
    monkeypatch.chdir(tmp_path)
    cluster = Cluster(initialize_head=True, head_node_args=MACHINE)
    other = cluster.add_node(**MACHINE)
    try:
        ray.init(cluster.address, log_to_driver=False, logging_level="critical")
        answers_and_errors(tmp_path, monkeypatch)
        failing_designs(tmp_path)
        study(tmp_path)
        with pytest.raises(chipgym.ChipgymError, match="address: Python is connected to a Ray cluster already"):
            optimize(chipgym.make_problem("toy"), backend="ray", address="auto")
        monkeypatch.setattr(sys, "argv", ["ray_search.py", "--workload", "mlp:64-64", "--budget", "40"])
        runpy.run_path(str(HERE.parents[1] / "examples" / "ray_search.py"), run_name="__main__")
        assert "40 designs of mlp:64-64, in runs/ray.db" in capsys.readouterr().out
        machine_dies(cluster, other)
        assert ray.is_initialized()
    finally:
        ray.shutdown()
        cluster.shutdown()


def answers_and_errors(folder, monkeypatch):
    two = checked_backend("ray", workers=2)
    assert sorted(unordered(Doubling(folder), range(8), two)) == [(n, 2 * n) for n in range(8)]
    assert (folder / "died-3").exists()
    with pytest.raises(chipgym.ChipgymError, match="n: -1 is not positive"):
        list(unordered(Doubling(folder), [1, -1], two))
    with pytest.raises(RuntimeError, match="a bug"):
        list(unordered(Doubling(folder), [1, -2], two))
    with pytest.warns(UserWarning, match="four is even"):
        list(unordered(Doubling(folder), [-4], two))
    with monkeypatch.context() as patch:
        patch.setattr(queue, "TRIES", 2)
        with pytest.raises(LostTaskError, match=r"workers: 2 workers in turn .* when its process died"):
            list(unordered(Doubling(folder), [1, -3], two))


def failing_designs(folder):
    problem = chipgym.make_problem(FragileSimulator(), objective=["latency_s", "area_mm2"])
    alone = optimize(problem, "nsga2", 40, catch=CrashError)
    there = optimize(problem, "nsga2", 40, catch=CrashError, backend="ray", workers=2, store=folder / "s.db")
    assert frame(there).equals(frame(alone))
    assert [design.reason for design in there.failed] == [design.reason for design in alone.failed]
    with pytest.raises(SimulationError) as here:
        optimize(problem, "exhaustive")
    with pytest.raises(SimulationError) as error:
        optimize(problem, "exhaustive", backend="ray")
    assert str(error.value) == str(here.value)
    assert frame(error.value.result).equals(frame(here.value.result))
    assert "CrashError" in str(error.value.__cause__)


def study(folder):
    """Whole searches as tasks."""
    arguments = {"agents": ["random", "nsga2"], "seeds": 2, "budget": 10}
    here = run_study(chipgym.make_problem("toy"), folder / "here", **arguments)
    there = run_study(chipgym.make_problem("toy"), folder / "there", backend="ray", workers=2, **arguments)
    pd.testing.assert_frame_equal(there.to_pandas(), here.to_pandas(), check_exact=True)


def machine_dies(cluster, machine):
    problem = chipgym.make_problem(FragileSimulator(sleep_s=0.05))

    def kill(progress):
        if progress.evaluations >= 8 and len(cluster.list_all_nodes()) == 2:
            cluster.remove_node(machine, allow_graceful=False)

    there = optimize(problem, "random", 40, catch=CrashError, batch=8, backend="ray", workers=2, callback=kill)
    assert len(cluster.list_all_nodes()) == 1
    alone = optimize(chipgym.make_problem(FragileSimulator(sleep_s=0.05)), "random", 40, catch=CrashError, batch=8)
    assert frame(there).equals(frame(alone))


# --- a cluster of this machine that a search starts --------------------------------------------------------------

SEARCH = (
    "import sys, time, chipgym\n"
    "from fragile import FragileSimulator, CrashError\n"
    "problem = chipgym.make_problem(FragileSimulator(sleep_s=0.02))\n"
    "wait = lambda progress: print(progress.evaluations, flush=True)\n"
    "chipgym.optimize(problem, 'random', 40, 5, sys.argv[1], batch=4, catch=CrashError, callback=wait,\n"
    "                 backend='ray', workers=2)\n"
)


@pytest.mark.slow
def test_a_killed_search_goes_on_from_its_store(tmp_path):
    pytest.importorskip("ray")
    store = tmp_path / "s.db"
    process = subprocess.Popen(
        [sys.executable, "-c", SEARCH, store], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    while (line := process.stdout.readline()) and int(line) < 12:
        pass
    process.kill()
    process.wait()
    assert 12 <= load_result(store).evaluations < 40
    problem = chipgym.make_problem(FragileSimulator(sleep_s=0.02))
    options = {"batch": 4, "catch": CrashError}
    resumed = optimize(problem, "random", 40, 5, store, **options)
    assert frame(resumed).equals(frame(optimize(problem, "random", 40, 5, **options)))


@pytest.mark.slow
def test_the_command_starts_ray_and_ends_it(tmp_path):
    """A worker that is killed leaves no trace on either stream but a line."""
    pytest.importorskip("ray")
    search = ("search", "systolic", "--workload", "mlp:64-64", "--budget", "400", "--json", "--store")
    command = [sys.executable, "-m", "chipgym", *search, "a.db", "--backend", "ray", "--workers", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "designs" in process.stderr.readline()
    for worker in descendants(process.pid, "ray::_answer"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert out.startswith("{")
    assert out.endswith("}\n")
    lines = [line for line in err.splitlines() if " designs, best " not in line]
    assert all(line.startswith("a worker was lost, ") for line in lines), err
    subprocess.run([sys.executable, "-m", "chipgym", *search, "b.db"], cwd=tmp_path, check=True, capture_output=True)
    assert frame(load_result(tmp_path / "a.db")).equals(frame(load_result(tmp_path / "b.db")))


def descendants(pid: int, name: str) -> list[int]:
    """Processes below one whose command begins with a name."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            found += [int(child)] * Path(f"/proc/{child}/cmdline").read_bytes().startswith(name.encode())
            found += descendants(int(child), name)
    return found


@pytest.mark.slow
def test_what_a_search_leaves_of_ray(monkeypatch, capfd):
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    handler, environment = signal.getsignal(signal.SIGTERM), dict(os.environ)
    problem = chipgym.make_problem("systolic", "mobilenet_v2", objective="edp", constraints="area_mm2 <= 5")
    there = optimize(problem, "nsga2", 100, 1, backend="ray", workers=2)
    assert not ray.is_initialized()
    assert signal.getsignal(signal.SIGTERM) == handler
    assert dict(os.environ) == environment
    assert frame(there).equals(frame(optimize(problem, "nsga2", 100, 1)))
    assert capfd.readouterr() == ("", "")
    ray.shutdown()


# --- what cannot be ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def door(listens):
    """The address of a port at which nothing listens, or something else than Ray."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        if listens:
            sock.listen()
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "listens", "says"),
    [
        ("ray://{}", False, "within 0.5 s (Connection refused); expected ray://host:10001, "),
        ("{}", True, "within 0.5 s (what listens there is something else); expected "),
        ("ray://head", False, "'ray://head' is not a Ray cluster's; expected "),
        ("head:many", False, "'head:many' is not a Ray cluster's"),
        ("http://{}", False, " is not a Ray cluster's"),
    ],
)
def test_an_address_that_does_not_answer(tmp_path, monkeypatch, capsys, address, listens, says):
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ray_cluster, "ANSWER_S", 0.5)
    with door(listens) as place:
        begun = time.monotonic()
        arguments = ["--backend", "ray", "--address", address.format(place)]
        assert run(["search", "toy", "--store", "s.db", *arguments]) == 2
        assert time.monotonic() - begun < 20
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert err.startswith("error: address: ")
        assert says in err
        with pytest.raises(chipgym.ChipgymError) as error:
            run_study(chipgym.make_problem("toy"), "study", backend="ray", address=address.format(place))
        assert err == f"error: {error.value}\n"
    assert not list(tmp_path.iterdir())


def test_without_ray(toy, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(chipgym.ChipgymError, match=r"backend: 'ray' needs ray: pip install 'chipgym\[ray\]'"):
        optimize(toy, backend="ray", store=tmp_path / "s.db")
    assert not list(tmp_path.iterdir())

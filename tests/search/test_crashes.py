"""Crashes of other kinds than a killed process: of one worker, of a disk in the middle of a sector, of memory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from fuzzing import attempt

import chipgym
from chipgym.cli.app import run
from chipgym.search import load_result, optimize

SECTOR = 512
SPACE = ("--space", "rows=16,32", "--space", "cols=16", "--space", "ifmap_sram_kb=8", "--workload", "mlp:64-64")


def workers(pid: int) -> list[int]:
    """The processes that a collection has share its work, without Python's helper."""
    found = [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [c for c in found if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for a process's children")
@pytest.mark.parametrize("order", [(0,), pytest.param((0, 1), marks=pytest.mark.slow)], ids=str)
def test_kills_of_single_workers(tmp_path, order):
    """As the system does when memory runs out: another takes its place, and the table is the same."""
    command = [sys.executable, "-m", "chipgym", "collect", "systolic", "--exhaustive", *SPACE]
    process = subprocess.Popen(
        [*command, "--jobs", "2", "--out", "a.parquet"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "designs" in first
    pids = workers(process.pid)
    for which in order:
        os.kill(pids[which], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    space = {"rows": [16, 32], "cols": 16, "ifmap_sram_kb": 8}
    for name in ("a.parquet", "b.parquet"):
        done = chipgym.collect("systolic", tmp_path / name, workload="mlp:64-64", space=space)
    assert done.evaluated == done.designs
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


def torn(content: bytes, rng: random.Random) -> bytes:
    """A file of which a disk has written a part: sectors are zero, or from elsewhere, or not there."""
    sectors = -(-len(content) // SECTOR)
    out = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(sectors) * SECTOR
        piece = len(out[at : at + SECTOR])
        elsewhere = rng.randrange(sectors) * SECTOR
        out[at : at + SECTOR] = bytes(piece) if rng.random() < 0.5 else content[elsewhere:][:piece].ljust(piece, b"\0")
    return bytes(out[: rng.randrange(sectors) * SECTOR]) if rng.random() < 0.3 else bytes(out)


@pytest.mark.parametrize("count", [pytest.param(25, id="few"), pytest.param(3000, marks=pytest.mark.slow, id="many")])
def test_torn_writes(tmp_path, count):
    """Of a store, a table and a model: refused in one line, or what they were."""
    rng = random.Random(count)
    problem = chipgym.make_problem("toy")
    good = optimize(problem, "random", 60, store=tmp_path / "s.db", batch=7)
    chipgym.collect("toy", tmp_path / "t.parquet")
    table = chipgym.load_table(tmp_path / "t.parquet")
    chipgym.surrogates.Surrogate("ridge").fit(table).save(tmp_path / "m.npz")
    whole = {name: (tmp_path / name).read_bytes() for name in ("s.db", "t.parquet", "m.npz")}
    for _ in range(count):
        for name, content in whole.items():
            (tmp_path / f"torn-{name}").write_bytes(torn(content, rng))
        read, _ = attempt(load_result, tmp_path / "torn-s.db")
        if read is not None:
            pd.testing.assert_frame_equal(read.to_pandas(), good.to_pandas(), check_exact=True)
        found, _ = attempt(chipgym.load_table, tmp_path / "torn-t.parquet")
        assert found is None or found.digest == table.digest
        attempt(chipgym.load_surrogate, tmp_path / "torn-m.npz")
        gone_on, _ = attempt(lambda: optimize(problem, "random", 60, store=tmp_path / "torn-s.db", batch=7))
        if gone_on is not None:
            pd.testing.assert_frame_equal(gone_on.to_pandas(), good.to_pandas(), check_exact=True)


@pytest.mark.parametrize("agent", ["random", "nsga2"])
def test_memory_that_runs_out(tmp_path, monkeypatch, agent):
    """In whatever evaluation: what was stored before is there, and the search goes on to the same result."""
    problem, store = chipgym.make_problem("toy"), tmp_path / "s.db"
    options = {"batch": 8, "agent_options": {"population_size": 8} if agent == "nsga2" else None}
    expected = optimize(problem, agent, 60, **options).to_pandas()
    simulate = type(problem.simulator).simulate
    for most in (1, 2, 3):
        left = [most]

        def fails(self, columns, n, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise MemoryError
            return simulate(self, columns, n)

        monkeypatch.setattr(type(problem.simulator), "simulate", fails)
        with pytest.raises((MemoryError, chipgym.ChipgymError)):  # named with the design, or of the batch
            optimize(problem, agent, 60, store=store, **options)
        monkeypatch.undo()
        stored = load_result(store).to_pandas()
        pd.testing.assert_frame_equal(stored, expected[: len(stored)], check_exact=True)
    found = optimize(problem, agent, 60, store=store, **options).to_pandas()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_memory_that_runs_out_is_one_line_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(chipgym.simulators, "make_simulator", lambda *_, **__: bytearray(2**62))
    assert run(["simulate", "toy"]) == 2
    assert capsys.readouterr().err.startswith("error: memory: there is not enough of it")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux how much memory there is in use")
def test_an_address_space_that_is_full(tmp_path):
    """A real limit, in the middle of a search whose batches are too large for it."""
    program = (
        "import resource, sys, chipgym\n"
        "from chipgym.cli.app import run\n"
        "store = sys.argv[1]\n"
        "arguments = ['search', 'systolic', '--workload', 'mlp:8-8', '--store', store, '--agent', 'random']\n"
        "assert run([*arguments, '--budget', '100']) == 0\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "limit = pages * resource.getpagesize() + 48 * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "problem = chipgym.make_problem('systolic', 'mlp:8-8')\n"
        "try:\n"
        "    chipgym.optimize(problem, 'random', 10**6, seed=1, store=store, batch=2**20)\n"
        "except MemoryError:\n"
        "    print('memory ran out')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "s.db"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines()[-1] == "memory ran out", done.stderr
    assert load_result(tmp_path / "s.db", 1).evaluations == 100
    again = optimize(chipgym.make_problem("systolic", "mlp:8-8"), "random", 120, store=tmp_path / "s.db")
    assert again.evaluations == 120

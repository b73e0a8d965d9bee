"""`chipgym collect`: what it prints, what it leaves on disk, how it is interrupted, and what reads the table."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy import ToySimulator

import chipgym
from chipgym.datasets import load_table
from chipgym.search.collecting import sharing

COMMAND = (sys.executable, "-m", "chipgym", "collect", "systolic", "--exhaustive", "--workload", "mlp:64-64")
ALL = ("collect", "toy", "--exhaustive", "--out", "t.parquet")


def test_summary_and_file(cli):
    done = cli(*ALL)
    assert done.status == 0
    assert "90 designs (90 of them evaluated now) in t.parquet" in done.out
    assert "chipgym search tabular --workload t.parquet" in done.out
    assert "90/90 designs" in done.err
    assert len(load_table("t.parquet")) == 90
    again = cli(*ALL)
    assert (again.status, again.err) == (0, "")
    assert "90 designs (there already)" in again.out
    assert "chipgym search" not in cli("collect", "toy", "--samples", 9, "--out", "s.parquet").out


def test_json_and_arguments(cli):
    arguments = ("collect", "toy", "--samples", 12, "--seed", 4, "--workload", "mlp:8-8", "--space", "units=2,8,4")
    out = cli(*arguments, "--option", "budget_mm2=20", "--out", "deep/t.parquet", "--jobs", 2, "--json").json
    table = load_table("deep/t.parquet")
    assert (out["designs"], out["evaluated"], out["samples"], out["seed"]) == (12, 12, 12, 4)
    assert out["options"] == {"budget_mm2": 20}
    assert out["space"]["units"] == [2, 4, 8]
    assert out["digest"] == table.digest
    assert out["bytes"] == Path("deep/t.parquet").stat().st_size
    assert out["sources"] == table.header.sources
    chipgym.collect(
        "toy", "p.parquet", workload="mlp:8-8", samples=12, seed=4, space={"units": [2, 4, 8]}, budget_mm2=20
    )
    assert Path("p.parquet").read_bytes() == Path("deep/t.parquet").read_bytes()


def test_tables_of_several_spaces_are_not_for_one_model(cli):
    done = cli("collect", "hls", "--workload", "atax", "--workload", "gemm-ncubed", "--samples", 12, "--out", "both")
    assert done.out.endswith("their workloads have knobs of their own: train a model on each table\n")
    done = cli("train", "both", "--out", "m.npz", "--model", "ridge")
    assert done.status == 2
    assert done.err.startswith(
        "error: knobs: the table of gemm-ncubed has para_L0 of 1, 2, 4, 8, 16, 32, 64, that of atax "
    )


def test_several_workloads(cli):
    arguments = ("--agents", "random,nsga2", "--objective", "latency_s", "--objective", "energy_j", "--n", 20)
    several = ("collect", "toy", "--workload", "mlp:8-8", "--workload", "mlp:64-64", *arguments, "--out", "nets")
    done = cli(*several)
    assert done.status == 0, done.err
    assert "20 designs (20 of them evaluated now) in nets/workload=mlp%3A8-8/table.parquet" in done.out
    assert "40/40 designs" in done.err
    assert "chipgym train nets --out model.npz" in done.out
    assert cli("train", "nets", "--model", "ridge", "--out", "m.npz").status == 0
    assert chipgym.load_surrogate("m.npz").workloads == ("mlp:64-64", "mlp:8-8")
    shown = cli(*several, "--json").json
    assert [table["evaluated"] for table in shown["tables"]] == [0, 0]
    assert shown["tables"][0]["searched"] == ["latency_s", "energy_j"]
    assert cli("collect", "toy", "--workload", "mlp:8-8", *arguments, "--out", "one.parquet").status == 0
    assert Path("one.parquet").read_bytes() == Path("nets/workload=mlp%3A8-8/table.parquet").read_bytes()


def test_other_verbs_take_the_table(cli):
    cli(*ALL)
    shown = cli("simulate", "tabular", "--workload", "t.parquet", "--set", "units=8", "--json").json
    expected = cli("simulate", "toy", "--set", "units=8", "--json").json
    assert shown["metrics"] == expected["metrics"]
    found = cli("search", "tabular", "--workload", "t.parquet", "--budget", 90, "--agent", "random", "--json").json
    assert found["store"].startswith("runs/tabular-toy-mlp-16-64-5-random-0-")
    assert found["best"]["objectives"] == cli("search", "toy", "--budget", 90, "--agent", "random", "--json").json[
        "best"
    ]["objectives"]  # fmt: skip


def test_home_is_written_as_a_tilde(cli, monkeypatch, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert cli("collect", "toy", "--samples", 5, "--out", "~/t.parquet").status == 0
    assert [p.name for p in home.iterdir()] == ["t.parquet"]
    assert {p.name for p in tmp_path.iterdir()} == {"home"}
    assert cli("simulate", "tabular", "--workload", "~/t.parquet").status == 0
    assert len(chipgym.load_table("~/t.parquet")) == len(chipgym.load_table(Path("~/t.parquet"))) == 5


BAD = {
    "neither": (("--out", "t.parquet"), "--samples: give either --exhaustive or --samples N"),
    "both": (("--out", "t.parquet", "--exhaustive", "--samples", "5"), "--samples: give either"),
    "no file": (("--exhaustive",), "missing option '--out'"),
    "other file": (("--exhaustive", "--out", "t.csv"), "does not end in .parquet"),
    "too many": (("--samples", "91", "--out", "t.parquet"), "nearest is 90"),
    "jobs": (("--exhaustive", "--out", "t.parquet", "--jobs", "0"), "jobs: 0 is not a whole number from 1"),
    "space": (("--exhaustive", "--out", "t.parquet", "--space", "unitz=1"), "did you mean 'units'"),
    "option": (("--exhaustive", "--out", "t.parquet", "--option", "budget=1"), "did you mean 'budget_mm2'"),
    "no agents": (("--samples", "5", "--objective", "edp", "--out", "t.parquet"), "nothing is searched for without"),
    "several in one file": (
        ("--exhaustive", "--workload", "mlp:8-8", "--workload", "mlp:4-4", "--out", "t.parquet"),
        "expected a folder for several, such as t",
    ),
    "somebody's file": (("--exhaustive", "--out", "mine.parquet"), "is there already and is no table"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_input(cli, arguments, says):
    Path("mine.parquet").write_text("mine")
    done = cli("collect", "toy", *arguments)
    assert (done.status, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: ")
    assert says in done.err
    assert [p.name for p in Path().iterdir()] == ["mine.parquet"]


def test_a_table_that_is_none(cli):
    Path("t.parquet").write_text("hello")
    done = cli("search", "tabular", "--workload", "t.parquet")
    assert (done.status, done.err) == (2, "error: file 't.parquet': is not a Parquet file\n")
    assert "did you mean 'systolic-resnet18'" in cli("simulate", "tabular", "--workload", "systolic-resnet").err


@pytest.mark.parametrize("part", [0, 1, 4])
def test_interrupted_between_and_within_parts(cli, monkeypatch, part):
    """Ctrl-C: exit 130, a line that says how to go on, and the same command does."""
    monkeypatch.setattr(sharing, "FIRST_PART", 5)
    monkeypatch.setattr(sharing, "MOST_IN_PART", 5)
    simulate, calls = ToySimulator.simulate, iter(range(1000))

    def interrupted(self, columns, n):
        if next(calls) == part:
            raise KeyboardInterrupt
        return simulate(self, columns, n)

    with monkeypatch.context() as patch:
        patch.setattr(ToySimulator, "simulate", interrupted)
        done = cli(*ALL)
    assert (done.status, done.out) == (130, "")
    message = done.err.splitlines()[-1]
    assert message.startswith("interrupted: ")
    assert "safe in t.parquet.parts; the same command goes on from there" in message
    assert ("of 90 designs" in message) == (part > 0)
    assert not Path("t.parquet").exists()
    assert cli(*ALL).status == 0
    assert cli(*ALL[:-1], "whole.parquet").status == 0
    assert Path("t.parquet").read_bytes() == Path("whole.parquet").read_bytes()
    assert not Path("t.parquet.parts").exists()


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_ctrl_c_of_a_terminal(tmp_path, jobs):
    """SIGINT to the whole group of processes, as a terminal sends it: one line, no traceback of any of them."""
    command = [*COMMAND, "--out", "a.parquet", "--jobs", jobs]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    first = process.stderr.readline()
    assert "designs/s" in first
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "safe in a.parquet.parts; the same command goes on from there" in err.splitlines()[-1]


def test_full_disk_of_a_process(tmp_path):
    """A part that finds no room: one line and nothing else."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    command = [*COMMAND, "--out", "a.parquet"]
    for name in ("rows", "cols", "ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb"):
        command += ["--space", f"{name}=16" if name != "ofmap_sram_kb" else f"{name}=16,32,64,128,256"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "designs/s" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("error: out: ")
    assert "cannot be written" in lines[0]
    assert not (tmp_path / "a.parquet").exists()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(load_table(tmp_path / "a.parquet")) == 4 * 3 * 5 * 6 * 8

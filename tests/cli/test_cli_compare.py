"""`chipgym compare`: what it leaves in its folder, and one line for whatever is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest

COMPARE = ("compare", "toy", "--agents", "random,nsga2", "--seeds", 2, "--budget", "10,20")


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_a_study_and_the_same_again(cli):
    done = cli(*COMPARE, "--objective", "edp", "--objective", "latency_s", "--out", "new/s")
    assert done.status == 0
    assert "2 problems, 2 seeds: gap to the optimum" in done.out
    assert "8 searches; 16 runs (of a search up to a budget) in new/s/runs.parquet" in done.out
    assert done.out.endswith("report in new/s/report.html\n")
    assert done.err.splitlines()[-1].startswith("8/8 searches, nsga2, ")
    before = content("new/s")
    assert {"study.json", "searches.parquet", "runs.parquet", "report.html"} <= set(before)
    assert len(pandas.read_parquet("new/s/runs.parquet")) == 16
    assert (
        b'"chipgym","compare","toy","--objective","edp","--objective","latency_s","--agents"' in before["report.html"]
    )
    again = cli(*COMPARE, "--objective", "edp", "--objective", "latency_s", "--out", "new/s", "--jobs", 2, "--json")
    assert again.err == ""
    assert again.json["searches"] == 8
    assert [one["agent"] for one in again.json["agents"]] == ["random", "nsga2"]
    assert set(again.json["agents"][0]["mean_gap"]) == {"10", "20"}
    assert content("new/s") == before


def test_files_of_problems_and_options(cli):
    Path("p.json").write_text(json.dumps([{"simulator": "toy", "objective": "energy_j"}, {"simulator": "toy"}]))
    Path("o.toml").write_text("budget = {tpe = 10}\n[nsga2]\npopulation_size = [5, 8]\n[tpe]\n")
    arguments = ("compare", "--problems", "p.json", "--options", "o.toml", "--seeds", 1, "--budget", "10,20")
    done = cli(*arguments, "--out", "s", "--no-optimum", "--within", 0.5)
    assert done.status == 0
    assert "within 50 %" in done.out
    assert "gap to the best that was found" in done.out
    runs = pandas.read_parquet("s/runs.parquet")
    assert len(runs) == 2 * (2 * 2 + 1)
    done = cli(*arguments, "--agents", "nsga2,random", "--out", "t")
    assert done.status == 0
    assert set(pandas.read_parquet("t/runs.parquet").agent) == {"nsga2", "random"}


BAD = {
    "no folder": ((), "--out: give a folder"),
    "no agents": (("compare", "toy", "--out", "n"), "--agents: give the agents"),
    "no simulator": (("compare", "--agents", "random", "--out", "n"), "SIMULATOR: give one"),
    "a simulator twice": ((*COMPARE, "--problems", "p.json", "--out", "n"), "--problems: 'p.json' says simulators"),
    "no file": (("compare", "--problems", "q.json", "--agents", "random", "--out", "n"), "q.json"),
    "an agent": (("compare", "toy", "--agents", "randon", "--out", "n"), "did you mean 'random'?"),
    "a budget": (("compare", "toy", "--agents", "random", "--budget", "5,x", "--out", "n"), "--budget: 'x' is"),
    "no option": ((*COMPARE, "--options", "o.json", "--out", "n"), "unknown option of nsga2: 'population'"),
    "another study": ((*COMPARE, "--objective", "energy_j", "--out", "s"), "problems: study s has toy mlp:16"),
    "another budget": (("compare", "toy", "--agents", "random,nsga2", "--budget", 5, "--out", "s"), "budget: study s"),
    "a file": ((*COMPARE, "--out", "o.json"), "folder: o.json cannot be used"),
    "a damaged study": ((*COMPARE, "--out", "d"), "folder: d/study.json is damaged"),
    "a share": ((*COMPARE, "--within", 2, "--out", "n"), "--within: 2.0 is not a number from 0 to 1"),
    "too large": (("compare", "systolic", "--agents", "random", "--out", "n"), "or --no-optimum to compare"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_input(cli, arguments, says):
    if "s" in arguments:
        assert cli(*COMPARE, "--out", "s").status == 0
    Path("p.json").write_text("[]")
    Path("o.json").write_text('{"nsga2": {"population": 5}}')
    Path("d").mkdir()
    Path("d/study.json").write_text("{")
    before = {path: path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}
    done = cli(*(arguments or COMPARE))
    assert done.status == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: ")
    assert says in done.err
    assert {path: path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()} == before


def test_an_interrupted_study_goes_on(tmp_path):
    """Ctrl-C after the first searches, and what is printed of it."""
    words = "compare tabular --agents random,tpe --seeds 4 --budget 50"
    command = [sys.executable, "-m", "chipgym", *words.split()]
    run = subprocess.Popen([*command, "--out", "s"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
                           env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert run.stderr.readline().startswith("1/8 searches, random")
    time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    said = run.stderr.read().splitlines()
    assert run.wait() == 130
    assert said[-1].startswith("interrupted: ")
    assert said[-1].endswith("of 8 searches are safe in s; the same command goes on from there")
    kept = int(said[-1].split()[1])
    done = subprocess.run([*command, "--out", "s"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stderr.split("/")[0]) > kept
    assert (tmp_path / "s" / "report.html").exists()

"""Tables of several workloads in one call: each as if it had been collected by itself, whatever happens on the way."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import ToySimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import collect

NAMES = ["mlp:8-8", "mlp:16-64-5", "mlp:64-64"]
PLACES = [f"workload={name.replace(':', '%3A')}" for name in NAMES]
OPTIONS = {"agents": ["random", "nsga2"], "samples": 40, "seed": 5, "objective": ["latency_s", "energy_j"]}


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, bytes]:
    """Each workload's table, collected by itself."""
    folder = tmp_path_factory.mktemp("alone")
    return {
        place: collect("toy", folder / f"{i}.parquet", workload=name, **OPTIONS).path.read_bytes()
        for i, (name, place) in enumerate(zip(NAMES, PLACES, strict=True))
    }


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder by their path, the tables by their workload's folder alone."""
    names = {p: str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    return {name.removesuffix("/table.parquet"): p.read_bytes() for p, name in names.items()}


@pytest.mark.parametrize("jobs", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_each_is_as_if_by_itself(tmp_path, alone, jobs):
    seen = []
    found = collect("toy", tmp_path / "nets", workload=NAMES, jobs=jobs, callback=seen.append, **OPTIONS)
    assert files(tmp_path / "nets") == alone
    assert [p.name for p in tmp_path.iterdir()] == ["nets"]
    assert [(one.header.workload, one.designs) for one in found] == [(name, 40) for name in NAMES]
    assert all(
        one.path == tmp_path / "nets" / place / "table.parquet" for one, place in zip(found, PLACES, strict=True)
    )
    assert (seen[-1].total, max(p.done for p in seen)) == (120, 120)
    again = collect("toy", tmp_path / "nets", workload=NAMES, **OPTIONS)
    assert [(one.evaluated, one.digest) for one in again] == [(0, one.digest) for one in found]


def test_uniform_draws_and_whole_spaces(tmp_path):
    for name, options in (("drawn", {"samples": 30, "seed": 2}), ("all", {"space": {"units": [1, 2]}})):
        collect("toy", tmp_path / name, workload=NAMES[:2], **options)
        for workload, place in zip(NAMES[:2], PLACES[:2], strict=True):
            one = collect("toy", tmp_path / "one.parquet", workload=workload, **options).path
            assert (tmp_path / name / place / "table.parquet").read_bytes() == one.read_bytes()
            one.unlink()


def test_pandas_has_a_column_of_workloads(tmp_path, alone):
    collect("toy", tmp_path / "nets", workload=NAMES, **OPTIONS)
    frame = pd.read_parquet(tmp_path / "nets")
    assert sorted(frame["workload"].unique()) == sorted(NAMES)
    tables = chipgym.load_tables(tmp_path / "nets")
    assert [t.header.workload for t in tables] == sorted(NAMES)
    for table in tables:
        part = frame[frame["workload"] == table.header.workload]
        np.testing.assert_array_equal(part["latency_s"], table.metrics["latency_s"])
    (one,) = chipgym.load_tables(tmp_path / "nets" / PLACES[0] / "table.parquet")
    assert one.digest in {t.digest for t in tables}


def test_the_header_says_what_was_searched(tmp_path, alone):
    collect("toy", tmp_path / "nets", workload=NAMES[:1], **OPTIONS)
    (table,) = chipgym.load_tables(tmp_path / "nets")
    assert table.header.searched == ("latency_s", "energy_j")
    with pytest.raises(ChipgymError, match=r"^searched: .* has \['latency_s', 'energy_j'\], this is None"):
        collect("toy", tmp_path / "nets", workload=NAMES[:1], **{**OPTIONS, "objective": None})


def test_an_objective_steers_the_agents(tmp_path):
    where = {"workload": "mlp:64-64", "agents": ["nsga2"], "samples": 200}
    small, quick = (
        chipgym.load_table(collect("systolic", tmp_path / f"{name}.parquet", objective=name, **where).path)
        for name in ("area_mm2", "latency_s")
    )
    for name, better, worse in (("area_mm2", small, quick), ("latency_s", quick, small)):
        assert np.median(better.metrics[name]) < np.median(worse.metrics[name])
    usual, spelled = (
        collect("toy", tmp_path / f"{i}.parquet", agents=["nsga2"], samples=20, objective=objective)
        for i, objective in enumerate((None, "edp"))
    )
    assert usual.digest == spelled.digest  # the default by its name is the default


class StoppedError(Exception):
    """What a callback raises in place of a signal."""


@pytest.mark.parametrize("after", [1, 2, 4])
def test_an_interrupted_one_goes_on_to_the_same_bytes(tmp_path, alone, after):
    calls = []

    def stop(progress):
        calls.append(progress)
        if len(calls) == after:
            raise StoppedError

    with pytest.raises(StoppedError):
        collect("toy", tmp_path / "nets", workload=NAMES, callback=stop, **OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == ["nets.parts"]
    with pytest.raises(ChipgymError, match="has workload=mlp%3A64-64, which this has not; remove the folder"):
        collect("toy", tmp_path / "nets", workload=NAMES[:2], **OPTIONS)
    done = collect("toy", tmp_path / "nets", workload=NAMES, **OPTIONS)
    assert sum(one.evaluated for one in done) < 120
    assert files(tmp_path / "nets") == alone


# A worker that is killed alone, and workers whose collection is, are those of `test_crashes` and `test_collect`.
@pytest.mark.parametrize(("jobs", "kills"), [(1, 6), pytest.param(2, 20, marks=pytest.mark.slow)])
def test_kill_minus_nine(server, tmp_path, alone, jobs, kills):
    """At any moment: in a search, between two tables, in a worker's task; what follows ends in the same bytes."""
    draw = random.Random(jobs)
    hit = 0
    for trial in range(100):
        out = tmp_path / f"{trial}"
        while True:
            child = server.begin("collect_several", out=str(out), workloads=NAMES, jobs=jobs, **OPTIONS)
            time.sleep(draw.uniform(0, 0.6 if jobs == 1 else 4.0))
            if hit < kills:
                os.kill(child, signal.SIGKILL)
            printed, code = server.end()
            hit += code == -signal.SIGKILL
            if code == 0:
                assert printed == "done: 120"
                break
            assert not out.exists() or files(out) == alone
        assert files(out) == alone
        if hit >= kills:
            break
    assert hit >= kills


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workload": []}, "workload: an empty list"),
        ({"workload": ["mlp:8-8", "mlp:8-8"]}, "workload: two are called 'mlp:8-8'"),
        ({"workload": ["mlp:8-8", "nothing"]}, "unknown workload 'nothing'"),
        ({"workload": NAMES, "agents": ["nsga2"]}, "samples: agents propose a number"),
        ({"workload": NAMES, "samples": 5, "objective": "edp"}, "objective: nothing is searched for without agents"),
        ({"workload": NAMES, **OPTIONS, "objective": "edpp"}, "did you mean 'edp'"),
    ],
)
def test_wrong_arguments(tmp_path, options, message):
    with pytest.raises(ChipgymError, match=message):
        collect("toy", tmp_path / "nets", **options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_places(tmp_path):
    with pytest.raises(
        ChipgymError, match=r"nets.parquet is one file; expected a folder for several, such as .*/nets$"
    ):
        collect("toy", tmp_path / "nets.parquet", workload=NAMES)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ChipgymError, match="file is a file, expected a folder"):
        collect("toy", tmp_path / "file", workload=NAMES)
    with pytest.raises(ChipgymError, match="belong to make_simulator"):
        collect(ToySimulator(), tmp_path / "nets", workload=NAMES)
    (tmp_path / "mine").mkdir()
    with pytest.raises(ChipgymError, match="is there already and has no workload=mlp%3A8-8; choose another folder"):
        collect("toy", tmp_path / "mine", workload=NAMES)
    with pytest.raises(ChipgymError, match=r"has no \.parquet file"):
        chipgym.load_tables(tmp_path / "mine")

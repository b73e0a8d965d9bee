"""Collecting: the same file whatever happens on the way, and clear lines where something stands in it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bowl import BowlSimulator
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import ToySimulator

import chipgym
from chipgym.datasets import load_table
from chipgym.search.collecting import sharing
from chipgym.search.collecting.parts import Parts
from chipgym.search.collecting.plan import draw, make_plan
from chipgym.simulators.tabular import header_of

REQUEST = {"samples": None, "part": 5, "pause_s": 0.001, "largest_file": None}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """The files that interrupted collections must end in."""
    folder = tmp_path_factory.mktemp("whole")
    chipgym.collect("toy", folder / "all.parquet")
    chipgym.collect("toy", folder / "samples.parquet", samples=70, seed=5)
    return {p.stem: p.read_bytes() for p in folder.glob("*.parquet")}


@pytest.fixture
def small_parts(monkeypatch):
    """Five grid rows at a time, so that the toy takes twenty-nine parts."""
    monkeypatch.setattr(sharing, "FIRST_PART", 5)
    monkeypatch.setattr(sharing, "MOST_IN_PART", 5)


def refused(*arguments, **options) -> str:
    """The one line that collecting is refused with."""
    with pytest.raises(chipgym.ChipgymError) as caught:
        chipgym.collect(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class StoppedError(Exception):
    """What a callback raises in place of a signal."""


def stop_after(parts):
    def callback(progress):
        callback.left -= 1
        if callback.left == 0:
            raise StoppedError

    callback.left = parts
    return callback


def stopped(out, parts=3, **options) -> Path:
    """A collection that was interrupted, and its folder of parts."""
    with pytest.raises(StoppedError):
        chipgym.collect("toy", out, callback=stop_after(parts), **options)
    assert not out.exists()
    return Path(f"{out}.parts")


# --- content -----------------------------------------------------------------------------------------------------


def test_every_canonical_design_once(tmp_path):
    done = chipgym.collect("toy", tmp_path / "new" / "t.parquet")
    simulator = chipgym.make_simulator("toy")
    rows = np.concatenate(list(simulator.space.canonical_rows()))
    table = load_table(done.path)
    np.testing.assert_array_equal(table.positions, rows)
    assert (done.designs, done.evaluated, done.digest) == (90, 90, table.digest)
    assert table.header.source == simulator.identity()
    assert [p.name for p in done.path.parent.iterdir()] == ["t.parquet"]


def test_a_simulator_object_and_a_narrowed_space(tmp_path):
    simulator = BowlSimulator()
    space = {f"k{i}": 5 for i in range(8)}
    done = chipgym.collect(simulator, tmp_path / "t.parquet", space=space)
    assert done.designs == 64
    assert load_table(done.path).metrics["latency_s"].min() == 1.0


@pytest.mark.parametrize("samples", [1, 2, 40, 89, 90])
def test_samples_are_different_and_the_default_is_among_them(tmp_path, samples):
    done = chipgym.collect("toy", tmp_path / "t.parquet", samples=samples, seed=1)
    table = load_table(done.path)
    assert len(table) == samples == len(np.unique(table.positions, axis=0))
    space = chipgym.make_simulator("toy").space
    assert (table.positions == space.default_indices).all(axis=1).any()
    np.testing.assert_array_equal(space.canonicalize(table.positions.astype(np.int64)), table.positions)


def test_samples_follow_their_seed(tmp_path):
    space = chipgym.make_simulator("systolic", "mlp:4-4").space
    first, again, other = (draw(space, 500, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    for j, size in enumerate(space.sizes):  # from the whole grid, not from one corner of it
        assert len(np.unique(first[:, j])) == size


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_parts_make_the_whole(whole, tmp_path_factory, data):
    """Whatever ranges were evaluated before, in whatever order, what is missing is found and the file is the same."""
    simulator = ToySimulator()
    plan = make_plan(simulator, simulator.space, None, 0)
    edges = sorted(data.draw(st.sets(st.integers(0, plan.span), max_size=8)) | {0, plan.span})
    ranges = list(pairwise(edges))
    known = data.draw(st.lists(st.sampled_from(ranges), unique=True))
    out = tmp_path_factory.mktemp("parts") / "t.parquet"
    with Parts(Path(f"{out}.parts"), plan.header) as parts:
        for numbers in known:
            parts.write(numbers, plan(numbers))
        assert sum(b - a for a, b in (*parts.ranges, *parts.missing(plan.span))) == plan.span
    assert chipgym.collect("toy", out).evaluated == 90 - sum(len(plan.rows(*numbers)) for numbers in known)
    assert out.read_bytes() == whole["all"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [pytest.param("all", {}, marks=pytest.mark.slow), ("samples", {"samples": 70, "seed": 5})],
    ids=["all", "samples"],
)
def test_processes_make_the_same_file(tmp_path, whole, kind, options):
    done = chipgym.collect("toy", tmp_path / "t.parquet", jobs=2, **options)
    assert done.path.read_bytes() == whole[kind]


# --- going on ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_parts")
def test_what_was_evaluated_is_not_evaluated_again(tmp_path, whole):
    out = tmp_path / "t.parquet"
    stopped(out, 4)
    seen = []
    done = chipgym.collect("toy", out, callback=seen.append)
    assert 0 < done.evaluated < 90
    assert seen[0].resumed == 90 - done.evaluated
    assert (seen[-1].done, seen[-1].total, seen[-1].left_s) == (90, 90, 0)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert out.read_bytes() == whole["all"]
    assert chipgym.collect("toy", out).evaluated == 0
    assert out.read_bytes() == whole["all"]


def kill_and_go_on(server, folder, expected, draw, kills, **request):
    """Kills collections until `kills` were hit, each carried to its end."""
    hit, tables = 0, 0
    while hit < kills:
        out = folder / f"{tables}.parquet"
        tables += 1
        while True:
            child = server.begin("collect", out=str(out), **{**REQUEST, **request})
            time.sleep(draw.uniform(0, 0.12))
            if hit < kills:
                os.kill(child, signal.SIGKILL)
            printed, code = server.end()
            hit += code == -signal.SIGKILL
            if code == 0:
                assert printed.startswith("done: ")
                break
            if out.exists():  # whole or not there
                assert out.read_bytes() == expected
        assert out.read_bytes() == expected
    names = {p.name for p in folder.iterdir()}
    assert names == {f"{i}.parquet" for i in range(tables)}


@pytest.mark.parametrize(("samples", "kind"), [(None, "all"), pytest.param(70, "samples", marks=pytest.mark.slow)])
def test_kill_minus_nine(server, tmp_path, whole, samples, kind):
    kill_and_go_on(server, tmp_path, whole[kind], random.Random(0), 15, samples=samples)


@pytest.mark.slow
def test_kill_minus_nine_many_times(server, tmp_path, whole):
    kill_and_go_on(server, tmp_path, whole["all"], random.Random(), 300)


def children(pid: int) -> set[int]:
    return {int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for a process's children")
def test_workers_end_with_the_process_that_they_work_for(tmp_path):
    """It is killed and can say nothing; the table is the same all the same."""
    space = ("--space", "rows=16,32", "--space", "cols=16", "--space", "ifmap_sram_kb=8", "--workload", "mlp:64-64")
    command = [sys.executable, "-m", "chipgym", "collect", "systolic", "--exhaustive", *space, "--jobs"]
    process = subprocess.Popen([*command, "2", "--out", "a.parquet"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert "designs/s" in process.stderr.readline()
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    assert not (tmp_path / "a.parquet").exists()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):  # the test's own time limit ends this
        time.sleep(0.05)
    grid = {"rows": [16, 32], "cols": 16, "ifmap_sram_kb": 8}
    for name in ("a.parquet", "b.parquet"):
        chipgym.collect("systolic", tmp_path / name, workload="mlp:64-64", space=grid)
    a, b = ((tmp_path / name).read_bytes() for name in ("a.parquet", "b.parquet"))
    assert a == b


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("damage", ["cut", "changed", "renamed", "removed", "overlapping"])
def test_damaged_parts_are_evaluated_again(tmp_path, whole, damage):
    out = tmp_path / "t.parquet"
    part = sorted(stopped(out, 6).glob("*.part"))[2]
    content = part.read_bytes()
    if damage == "cut":
        part.write_bytes(content[:-8])
    elif damage == "changed":
        part.write_bytes(content[:8] + b"\1" + content[9:])
    elif damage == "renamed":
        part.rename(part.with_name(part.name.replace("-", "-9", 1)))
    elif damage == "removed":
        part.unlink()
    else:
        simulator = ToySimulator()
        plan = make_plan(simulator, simulator.space, None, 0)
        with Parts(part.parent, plan.header) as parts:
            parts.write((12, 17), plan((12, 17)))
    chipgym.collect("toy", out)
    assert out.read_bytes() == whole["all"]


@pytest.mark.usefixtures("small_parts")
def test_partial_files_are_swept_away(tmp_path, whole):
    out = tmp_path / "t.parquet"
    folder = stopped(out)
    (folder / "x.part.1.partial").write_bytes(b"half of one")
    chipgym.collect("toy", out)
    assert out.read_bytes() == whole["all"]
    assert list(tmp_path.iterdir()) == [out]


def test_killed_after_the_table_was_whole(tmp_path, whole):
    out = tmp_path / "t.parquet"
    out.write_bytes(whole["all"])
    (tmp_path / "t.parquet.parts").mkdir()
    (tmp_path / "t.parquet.parts" / "lock").touch()
    assert chipgym.collect("toy", out).evaluated == 0
    assert list(tmp_path.iterdir()) == [out]


def test_files_of_others_in_the_folder_stay(tmp_path):
    folder = tmp_path / "t.parquet.parts"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    chipgym.collect("toy", tmp_path / "t.parquet")
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_parts")
def test_another_collection_is_refused_by_what_differs(tmp_path, monkeypatch):
    out = tmp_path / "t.parquet"
    folder = stopped(out)
    before = {p: p.read_bytes() for p in folder.iterdir()}

    def other(**options):
        message = refused("toy", out, **options)
        assert str(folder) in message
        assert "remove the folder to begin anew, or choose another file" in message
        return message

    assert other(workload="mlp:8-8").startswith(f"workload: {folder} has mlp:16-64-5, this is mlp:8-8; ")
    assert other(budget_mm2=5.0).startswith("options budget_mm2: ")
    assert other(space={"units": [1, 2]}).startswith("space units: ")
    assert other(samples=9).startswith("samples: ")
    with monkeypatch.context() as patch:
        patch.setattr(ToySimulator, "version", "2")
        assert other().startswith("version: ")
    with monkeypatch.context() as patch:
        patch.setattr("chipgym.simulators.tabular.fields.source_digest", lambda cls: "other sources")
        assert other().startswith("sources: ")
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_a_file_that_is_there_is_left_alone(tmp_path):
    out = tmp_path / "t.parquet"
    chipgym.collect("toy", out, space={"units": 4})
    before = out.read_bytes()
    message = refused("toy", out)
    assert message.startswith("space units: ")
    assert message.endswith("choose another file")
    out.write_bytes(b"mine")
    assert "is there already and is no table; choose another" in refused("toy", out)
    assert out.read_bytes() == b"mine"
    assert len(before) > 1000


def test_two_processes_do_not_mix(tmp_path):
    out = tmp_path / "t.parquet"
    with Parts(Path(f"{out}.parts"), header_of(ToySimulator(), ToySimulator().space)):
        message = refused("toy", out)
    assert message == f"out: another process is collecting into {out}.parts; wait for it"
    assert chipgym.collect("toy", out).designs == 90


@pytest.mark.usefixtures("small_parts")
def test_folders_that_cannot_be_gone_on_from(tmp_path):
    out = tmp_path / "t.parquet"
    plan = stopped(out) / "plan.json"
    text = plan.read_text()
    plan.write_text("{")
    assert "cannot be gone on from (header is not JSON (" in refused("toy", out)
    plan.write_text(json.dumps(json.loads(text) | {"format": 9}))
    assert "format: the table has 9" in refused("toy", out)
    plan.unlink()
    assert "has no plan.json" in refused("toy", out)


def test_places_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.parquet").mkdir()
    for out, says in (
        (tmp_path / "file" / "t.parquet", "cannot be written"),
        (tmp_path / "folder.parquet", "is a folder, expected a file"),
        (tmp_path / "t.csv", "does not end in .parquet; nearest is t.csv.parquet"),
        ("/proc/none/t.parquet", "cannot be written"),
        ("a\0.parquet", "is not the path of a file"),
        (5, "is not the path of a file"),
        ("", "is not the path of a file"),
    ):
        assert refused("toy", out).startswith("out: ")
        assert says in refused("toy", out)


def test_a_folder_that_cannot_be_written(unprivileged):
    (unprivileged / "locked").mkdir(mode=0o500)
    assert "cannot be written (Permission denied)" in refused("toy", unprivileged / "locked" / "t.parquet")


def test_arguments_that_cannot_be(tmp_path):
    out = tmp_path / "t.parquet"
    for options, says in (
        ({"samples": 91}, "samples: 91 is more than the 90 designs that there are; nearest is 90"),
        ({"samples": 0}, "samples: 0 is not a whole number from 1"),
        ({"samples": 5, "seed": -1}, "seed: -1 is not"),
        ({"jobs": 0}, "jobs: 0 is not"),
        ({"jobs": 1.5}, "jobs: 1.5 is not"),
        ({"space": {"unit": 1}}, "did you mean 'units'"),
        ({"no_such": 1}, "no_such"),
    ):
        assert says in refused("toy", out, **options)
    assert "did you mean 'toy'" in refused("toyy", out)
    assert "is neither a name" in refused(5, out)
    assert "belong to make_simulator" in refused(ToySimulator(), out, workload="mlp:4-4")
    assert "GiB, at most" in refused(BowlSimulator(), out)
    assert list(tmp_path.iterdir()) == []


# --- disks and signals -------------------------------------------------------------------------------------------


def test_a_full_disk(server, tmp_path, whole):
    """A limit on the size of files stands in for one: parts still fit, the table does not."""
    out = tmp_path / "t.parquet"
    server.begin("collect", out=str(out), **{**REQUEST, "largest_file": 4096})
    printed, _ = server.end()
    assert printed.startswith("error: out: ")
    assert "cannot be written" in printed
    assert not out.exists()
    assert not list(tmp_path.glob("**/*.partial"))
    server.begin("collect", out=str(out), **REQUEST)
    assert server.end() == ("done: 90", 0)
    assert out.read_bytes() == whole["all"]


@pytest.mark.usefixtures("small_parts")
def test_a_disk_that_fills_up_says_what_is_safe(tmp_path, whole, monkeypatch):
    out, write, calls = tmp_path / "t.parquet", os.fsync, iter(range(1000))

    def full(handle):
        if next(calls) > 8:
            raise OSError(28, "No space left on device")
        write(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        message = refused("toy", out)
    assert "(No space left on device)" in message
    assert f"evaluated designs are safe in {out}.parts; when it can be, run the same again to go on" in message
    safe = int(message.split("); ")[1].split()[0])
    assert 0 < safe < 90
    assert chipgym.collect("toy", out).evaluated <= 90 - safe
    assert out.read_bytes() == whole["all"]

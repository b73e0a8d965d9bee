"""A search that is really killed, at any moment, goes on to the result of one that was not."""

from __future__ import annotations

import os
import random
import signal
import time

import pandas as pd
import pytest
from server import Server

from chipgym.search import load_result, open_store

REQUEST = {"agent": "random", "batch": 4, "budget": 80, "pause_s": 0.002, "largest_file": None}


def begin(server, store, **request) -> int:
    return server.begin("search", store=str(store), **{**REQUEST, **request})


def search(server, store, **request) -> str:
    begin(server, store, **request)
    return server.end()[0]


@pytest.fixture(scope="module")
def server():
    one = Server()
    yield one
    one.close()


def kill_and_resume(server, folder, draw, kills, **request):
    """Kills searches until `kills` were hit, each store carried to its end; compares all with an unkilled one."""
    assert search(server, folder / "whole.db", **request) == "done: 80"
    whole = load_result(folder / "whole.db").to_pandas()
    hit, stores = 0, 0
    while hit < kills:
        store = folder / f"killed{stores}.db"
        stores += 1
        while True:
            child = begin(server, store, **request)
            time.sleep(draw.uniform(0, 0.08))
            if hit < kills:
                os.kill(child, signal.SIGKILL)
            printed, code = server.end()
            hit += code == -signal.SIGKILL
            if code == 0:
                assert printed == "done: 80"
                break
        pd.testing.assert_frame_equal(load_result(store).to_pandas(), whole, check_exact=True)
        (run,) = open_store(store).runs()
        assert run.evaluations == 80
        assert sorted(p.name for p in folder.glob(f"{store.name}*")) == [store.name]  # a single file, no journal


@pytest.mark.parametrize(("agent", "kills"), [("random", 12), ("nsga2", 6)])
def test_kill_minus_nine(server, tmp_path, agent, kills):
    kill_and_resume(server, tmp_path, random.Random(0), kills, agent=agent)


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["random", "nsga2", "tpe"])
def test_kill_minus_nine_many_times(server, tmp_path, agent):
    kill_and_resume(server, tmp_path, random.Random(), 150, agent=agent)


def test_two_processes_writing_one_run(server, tmp_path):
    """At most one goes on; what is in the store stays right, and whoever starts again finishes it."""
    search(server, tmp_path / "whole.db")
    other = Server()
    try:
        for one in (server, other):
            begin(one, tmp_path / "both.db")
        ends = [one.end()[0] for one in (server, other)]
    finally:
        other.close()
    assert "done: 80" in ends
    for end in ends:
        assert end == "done: 80" or "another process is writing this run" in end
    whole, both = (load_result(tmp_path / name).to_pandas() for name in ("whole.db", "both.db"))
    pd.testing.assert_frame_equal(both, whole, check_exact=True)


def test_a_full_disk(server, tmp_path):
    """A limit on the file's size stands in for one: the write fails in mid-search."""
    store = tmp_path / "s.db"
    assert search(server, store, budget=20) == "done: 20"
    printed = search(server, store, largest_file=store.stat().st_size + 4096)
    assert "cannot be written" in printed
    assert "stored so far are intact" in printed
    assert "run the same search again to resume" in printed
    stored = load_result(store).to_pandas()
    assert 20 <= len(stored) < 80
    assert f"the {len(stored)} designs" in printed
    assert search(server, store) == "done: 80"
    search(server, tmp_path / "whole.db")
    whole = load_result(tmp_path / "whole.db").to_pandas()
    pd.testing.assert_frame_equal(load_result(store).to_pandas(), whole, check_exact=True)
    pd.testing.assert_frame_equal(stored, whole[: len(stored)], check_exact=True)


def test_a_disk_that_is_full_from_the_start(server, tmp_path):
    printed = search(server, tmp_path / "s.db", largest_file=4096)
    assert printed.startswith("error: store:")
    assert search(server, tmp_path / "s.db") == "done: 80"

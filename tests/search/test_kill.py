"""A search that is really killed, at any moment, goes on to the result of one that was not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from killing import kill_and_resume, search, write_together

from chipgym.search import load_result


def in_folder(folder: Path) -> Callable[[str], Path]:
    return lambda name: folder / f"{name}.db"


def check_files(folder: Path, stores: list[Path]) -> None:
    """Each is a single file, with no journal beside it."""
    for store in stores:
        assert sorted(p.name for p in folder.glob(f"{store.name}*")) == [store.name]


@pytest.mark.parametrize(("agent", "kills"), [("random", 6), pytest.param("nsga2", 6, marks=pytest.mark.slow)])
def test_kill_minus_nine(server, tmp_path, agent, kills):
    check_files(tmp_path, kill_and_resume(server, in_folder(tmp_path), random.Random(0), kills, agent=agent))


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["random", "nsga2", "tpe"])
def test_kill_minus_nine_many_times(server, tmp_path, agent):
    check_files(tmp_path, kill_and_resume(server, in_folder(tmp_path), random.Random(), 150, agent=agent))


def test_two_processes_writing_one_run(server, tmp_path):
    """At most one goes on; what is in the store stays right, and whoever starts again finishes it."""
    search(server, tmp_path / "whole.db")
    ends = write_together(tmp_path / "both.db", server, {}, {})
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

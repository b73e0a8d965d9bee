"""`chipgym report`: where it writes, and one line for whatever is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

SEARCH = ("search", "toy", "--agent", "random", "--budget", 20)


def test_beside_the_store(cli):
    assert cli(*SEARCH, "--store", "runs/a.db").status == 0
    done = cli("report", "runs/a.db")
    assert (done.status, done.out) == (0, "report in runs/a.db.report.html\n")
    assert Path("runs/a.db.report.html").read_text("utf-8").startswith("<!doctype html>")
    done = cli("report", "runs/a.db#1", "runs/a.db", "--out", "new/b.html")
    assert (done.status, done.out) == (0, "report in new/b.html\n")


BAD = {
    "no run": ((), "missing argument 'RUN...'"),
    "no file": (("none.db",), "error: store: there is no file none.db"),
    "a folder": (("runs",), "is a folder"),
    "another file": (("text",), "text is not a store"),
    "no such run": (("runs/a.db#9",), "error: run: 9 is not in runs/a.db, which has 1"),
    "an empty run": (("empty.db",), "error: run: empty.db has no evaluations yet"),
    "an empty file": (("nothing.db",), "nothing.db is empty: it has no runs yet"),
    "another format": (("format.db",), "error: store format: format.db has '0', this version writes '2'"),
    "another problem": (("runs/a.db", "other.db"), "error: objectives: other.db has ['area_mm2'], runs/a.db has"),
    "no place": (("runs/a.db", "--out", ""), "error: out: '' is not the path of a file"),
    "a place that is a folder": (("runs/a.db", "--out", "runs"), "error: out: runs is a folder, expected a file"),
    "a place below a file": (("runs/a.db", "--out", "text/r.html"), "error: out: text/r.html cannot be written"),
    "the store's own place": (("runs/a.db", "--out", "runs/a.db"), "error: out: runs/a.db is the store"),
    "a workload that there is not": (("runs/a.db", "--workload", "resnet-18"), "did you mean 'resnet18'?"),
    "another workload": (("runs/a.db", "--workload", "mlp:8-8"), "mlp:8-8 is not the one that runs/a.db"),
    "an option": (("runs/a.db", "--output", "x"), "unknown option '--output'; did you mean '--out'?"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_input(cli, arguments, says):
    cli(*SEARCH, "--store", "runs/a.db")
    cli(*SEARCH, "--objective", "area_mm2", "--store", "other.db")
    for name, change in (("empty", "delete from evaluations"), ("format", "update chipgym_meta set value = '0'")):
        cli(*SEARCH, "--store", f"{name}.db")
        with sqlite3.connect(f"{name}.db") as connection:
            connection.execute(change)
    Path("text").write_text("not a database")
    Path("nothing.db").touch()
    before = sorted(Path().rglob("*"))
    done = cli("report", *arguments)
    assert done.status == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: ")
    assert says in done.err
    assert sorted(Path().rglob("*")) == before


def test_a_folder_that_cannot_be_written_to(cli, unprivileged, monkeypatch):
    monkeypatch.chdir(unprivileged)
    assert cli(*SEARCH, "--store", "a.db").status == 0
    locked = unprivileged / "locked"
    locked.mkdir(mode=0o500)
    done = cli("report", "a.db", "--out", locked / "r.html")
    assert (done.status, done.err) == (2, f"error: out: {locked / 'r.html'} cannot be written (Permission denied)\n")

"""Bad input: status 2 and one line on standard error that names the nearest right choice, whatever is wrong."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

BAD = {
    "simulator": (("simulate", "toyy"), "unknown simulator 'toyy'; did you mean 'toy'?"),
    "simulator of a search": (("search", "systolik"), "did you mean 'systolic'?"),
    "simulator of a list": (("list", "knobs", "tpy"), "did you mean 'toy'?"),
    "workload": (("simulate", "systolic", "--workload", "resnet-18"), "did you mean 'resnet18'?"),
    "workload file": (("simulate", "systolic", "--workload", "missing/net.csv"), "net.csv"),
    "knob": (("simulate", "toy", "--set", "unit=4"), "unknown knob 'unit'; did you mean 'units'?"),
    "option as a knob": (("simulate", "dataflow", "--set", "sockets=4"), "an option of dataflow: --option sockets="),
    "option as a space": (("search", "dataflow", "--space", "batch=1,8"), "an option of dataflow: --option batch="),
    "value of a category": (("simulate", "systolic", "--set", "dataflow=wz"), "did you mean 'ws'?"),
    "not a number": (("simulate", "systolic", "--set", "rows=many"), "rows: 'many' is not a whole number"),
    "NaN": (("simulate", "systolic", "--set", "rows=nan"), "rows: nan is not"),
    "NaN bandwidth": (("simulate", "systolic", "--set", "dram_bandwidth=nan"), "dram_bandwidth: nan is not"),
    "negative": (("simulate", "systolic", "--set", "rows=-8"), "rows: -8 is not"),
    "huge": (("simulate", "systolic", "--set", "rows=" + "9" * 30), "nearest is 1024"),
    "thousands of digits": (("simulate", "systolic", "--set", "rows=" + "9" * 5000), "rows: "),
    "fraction": (("simulate", "systolic", "--set", "rows=16.5"), "rows: 16.5 is not a whole number"),
    "underscores": (("simulate", "systolic", "--set", "rows=1_6"), "rows: '1_6' is not"),
    "infinite count": (("simulate", "systolic", "--set", "rows=inf"), "rows: inf is not"),
    "boolean": (("simulate", "systolic", "--set", "rows=true"), "rows: 'true' is not"),
    "no value": (("simulate", "toy", "--set", "units="), "--set: 'units=' is not of the form name=value"),
    "no equals sign": (("simulate", "toy", "--set", "units"), "--set: 'units' is not of the form name=value"),
    "twice": (("simulate", "toy", "--set", "units=1", "--set", "units=2"), "--set: units is given twice"),
    "metric": (("simulate", "toy", "--metric", "latency"), "did you mean 'latency_s'?"),
    "option of the simulator": (("simulate", "toy", "--option", "budget=1"), "did you mean 'budget_mm2'?"),
    "value of an option": (("simulate", "systolic", "--option", "technology=45mm"), "did you mean '45nm'?"),
    "objective": (("search", "toy", "--objective", "edpp"), "did you mean 'edp'?"),
    "objective of others": (("search", "hls", "--objective", "edp"), "'edp' is energy_j * latency_s, not all"),
    "a kernel for networks": (("simulate", "systolic", "--workload", "atax"), "not Kernel(name='atax', loops=4)"),
    "objective twice": (("search", "toy", "--objective", "edp", "--objective", "edp"), "names one twice"),
    "constraint": (("search", "toy", "--constraint", "area_mm2 < 1"), "is not of the form 'area_mm2 <= 10'"),
    "metric of a constraint": (("search", "toy", "--constraint", "area <= 1"), "did you mean 'area_mm2'?"),
    "limit": (("search", "toy", "--constraint", "area_mm2 <= nan"), "is not a number"),
    "space knob": (("search", "toy", "--space", "unitz=1"), "did you mean 'units'?"),
    "space value": (("search", "toy", "--space", "units=4,big"), "units: 'big' is not a whole number"),
    "space value twice": (("search", "toy", "--space", "units=4,8,4"), "--space: units has 4 twice in '4,8,4'"),
    "no store": (("search", "toy", "--store", ""), "store: '' is not a path"),
    "no csv": (("search", "toy", "--csv", ""), "--csv: . is a folder"),
    "objectives in one": (("search", "toy", "--objective", "edp,area_mm2"), "by repeating the option"),
    "constraint that nothing meets": (("search", "toy", "--constraint", "area_mm2 <= -1"), "is met by no design"),
    "beginning of an option": (("simulate", "systolic", "--option", "tech=22nm"), "did you mean 'technology'?"),
    "technology by its number": (("simulate", "systolic", "--option", "technology=7nm"), "did you mean '22nm'?"),
    "empty space value": (("search", "toy", "--space", "units=4,"), "units has an empty value"),
    "agent": (("search", "toy", "--agent", "nsga"), "did you mean 'nsga2'?"),
    "agent option": (("search", "toy", "--agent=nsga2", "--agent-option=population=4"), "did you mean 'popul"),
    "agent option's value": (("search", "toy", "--agent=nsga2", "--agent-option=population_size=x"), "'x' is not"),
    "budget of text": (("search", "toy", "--budget", "ten"), "error: --budget: 'ten' is not a whole number\n"),
    "seed with a point": (("search", "toy", "--seed", "1.5"), "error: --seed: '1.5' is not a whole number\n"),
    "budget of nothing": (("search", "toy", "--budget", "0"), "budget: 0 is not a whole number from 1"),
    "budget below nothing": (("search", "toy", "--budget", "-5"), "budget: -5 is not"),
    "seed": (("search", "toy", "--seed", "-1"), "seed: -1 is not"),
    "store in a file": (("search", "toy", "--store", "file/a.db"), "file"),
    "store in a file, named": (("search", "toy", "--store", "file/a.db"), "--store: file/a.db.pareto.csv cannot be"),
    "store that is a folder": (("search", "toy", "--store", "."), "is a folder"),
    "store of another kind": (("search", "toy", "--store", "file"), "is not a store"),
    "store without a dialect": (("search", "toy", "--store", "nosuch://host/db"), "no SQLAlchemy dialect"),
    "csv that is a folder": (("search", "toy", "--csv", "."), "--csv: . is a folder"),
    "csv in place of the store": (("search", "toy", "--csv", "a.db", "--store", "./a.db"), "a.db is the store"),
    "csv in a file": (("search", "toy", "--csv", "file/a.csv"), "--csv: file/a.csv cannot be written"),
    "reference": (("validate", "systolic", "--reference", "nowhere"), "--reference: nowhere is not a folder"),
    "reference without a table": (("validate", "systolic", "--reference", "."), "there is no file"),
    "simulator without a reference": (("validate", "toy"), "'toy' has no reference"),
    "list": (("list", "agent"), "unknown list 'agent'; did you mean 'agents'?"),
    "agent of a list": (("list", "agents", "tpee"), "did you mean 'tpe'?"),
    "verb": (("serch",), "search"),
    "option": (("search", "toy", "--budgt", "5"), "unknown option '--budgt'; did you mean '--budget'?"),
    "setting as an option": (("simulate", "hls", "--tool", "x"), "tool of hls is given as --option tool=VALUE"),
    "setting of several": (("search", "hls", "--device=x"), "device of hls, hls4ml, memory is given as --option"),
    "option of the command": (("--versio",), "did you mean '--version'?"),
    "missing argument": (("simulate",), "missing argument 'SIMULATOR'"),
    "missing value": (("search", "toy", "--budget"), "'--budget' requires an argument"),
    "one argument too many": (("simulate", "toy", "extra"), "unexpected extra argument"),
    "a NUL": (("simulate", "systolic", "--workload", "a\0b"), "workload"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_input(cli, arguments, says):
    Path("file").write_text("not a database")
    done = cli(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: ")
    assert says in done.err
    assert "Traceback" not in done.err


def test_full_disk(cli, monkeypatch):
    """The database refuses a batch: one line says what is safe, and the store can be read."""
    from chipgym.search.store import writer

    write, calls = writer.StoredRun.write, iter(range(100))

    def full(self, ask, start, numbers):
        if next(calls) == 2:
            with writer.connect.writable(self._name, start):
                raise sqlite3.OperationalError("database or disk is full")
        return write(self, ask, start, numbers)

    monkeypatch.setattr(writer.StoredRun, "write", full)
    done = cli("search", "toy", "--agent", "random", "--agent-option", "x=1")
    assert done.status == 2
    done = cli("search", "systolic", "--workload", "mlp:8-8", "--agent", "random", "--budget", 1000, "--store", "a.db")
    assert done.status == 2
    last = done.err.splitlines()[-1]
    assert last.startswith("error: store: a.db cannot be written (database or disk is full)")
    assert "intact" in last


def test_csv_on_a_full_disk(cli, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    done = cli("search", "toy", "--budget", 20, "--store", "a.db", "--csv", "b.csv")
    assert done.status == 2
    assert "error: --csv: b.csv cannot be written (No space left on device); every evaluation is in a.db" in done.err
    assert {p.name for p in Path().iterdir()} == {"a.db"}
    assert "best design" in done.out
    assert "b.csv" not in done.out
    done = cli("search", "toy", "--budget", 20, "--store", "a.db", "--csv", "b.csv", "--json")
    assert (done.status, done.json["csv"], done.json["evaluations"]) == (2, None, 20)


def test_a_place_that_no_csv_can_be_written_to_is_found_before_the_search(cli, unprivileged, monkeypatch):
    locked = unprivileged / "locked"
    locked.mkdir(mode=0o500)
    monkeypatch.chdir(unprivileged)
    done = cli("search", "toy", "--store", "a.db", "--csv", locked / "b.csv")
    assert done.status == 2
    assert done.err == f"error: --csv: {locked / 'b.csv'} cannot be written (Permission denied)\n"
    assert not Path("a.db").exists()


def test_an_option_that_is_like_no_other_has_no_suggestion(cli):
    assert "did you mean" not in cli("search", "toy", "--xyzzy", "4").err

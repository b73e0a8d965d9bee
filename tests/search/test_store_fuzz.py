"""Damaged stores: refused in one line, or with the result that they were written with."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
import warnings

import pandas as pd
import pytest
from fuzzing import attempt

import chipgym
from chipgym.search import load_result, open_store, optimize

MANY = [pytest.param(30, id="few"), pytest.param(10_000, marks=pytest.mark.slow, id="many")]


@pytest.fixture(scope="module")
def toy_problem():
    return chipgym.make_problem("toy")


@pytest.fixture(scope="module")
def stored(toy_problem, tmp_path_factory):
    """A store of 60 evaluations in several transactions, and its content."""
    path = tmp_path_factory.mktemp("stores") / "s.db"
    optimize(toy_problem, "random", 60, store=path, batch=7)
    return path, load_result(path)


def check(path, good, problem) -> bool:
    """Whether readers and a search that goes on refuse a store; where they do not, they have the right result."""
    runs, _ = attempt(lambda: open_store(path).runs())
    result, first = attempt(load_result, path)
    if result is not None:
        pd.testing.assert_frame_equal(result.to_pandas(), good.to_pandas(), check_exact=True)
        assert result.identity == good.identity
        assert result.provenance.versions == good.provenance.versions
    again, second = attempt(lambda: optimize(problem, "random", 60, store=path, batch=7))
    if again is not None:
        pd.testing.assert_frame_equal(again.to_pandas(), good.to_pandas(), check_exact=True)
    return runs is None or first is not None or second is not None


@pytest.mark.parametrize("count", MANY)
def test_a_flipped_bit_is_noticed_or_means_nothing(stored, toy_problem, tmp_path, count):
    path, good = stored
    whole, rng, copy = path.read_bytes(), random.Random(0), tmp_path / "s.db"
    noticed = 0
    for _ in range(count):
        at = rng.randrange(len(whole))
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        noticed += check(copy, good, toy_problem)
    assert noticed > count / 10  # half of a small store is pages with room for more


@pytest.mark.parametrize("count", [pytest.param(30, id="few"), pytest.param(2000, marks=pytest.mark.slow, id="many")])
def test_another_digit_is_always_noticed(stored, toy_problem, tmp_path, count):
    """In whatever column: what is stored is still JSON and still numbers, but another result."""
    path, good = stored
    rng, copy = random.Random(1), tmp_path / "s.db"
    with sqlite3.connect(path) as connection:
        tables = ("runs", "evaluations", "asks", "seals", "chipgym_meta")
        cells = [
            (table, name, rowid, value)
            for table in tables
            for (name,) in connection.execute(f"select name from pragma_table_info('{table}')").fetchall()
            for rowid, value in connection.execute(f"select rowid, {name} from {table}").fetchall()
            if re.search(r"\d", str(value)) and (table, name) != ("chipgym_meta", "key") and value != good.store
        ]
    for table, name, rowid, value in rng.sample(cells, min(count, len(cells))):
        shutil.copy(path, copy)
        at = rng.choice([m.start() for m in re.finditer(r"\d", str(value))])
        text = str(value)
        other = text[:at] + str((int(text[at]) + rng.randrange(1, 10)) % 10) + text[at + 1 :]
        if table == "chipgym_meta" and name == "value" and text.startswith("["):
            continue  # where the workload came from, which is compared with the workload's digest when it is used
        with sqlite3.connect(copy) as connection:
            connection.execute("pragma foreign_keys = off")
            try:
                connection.execute(f"update {table} set {name} = ? where rowid = ?", (type(value)(other), rowid))
            except sqlite3.IntegrityError:  # another row has that key
                continue
        same = type(value)(other) == value or name == "feasible"
        assert check(copy, good, toy_problem) or same, f"{table}.{name}: {value} became {other}"


@pytest.mark.parametrize("every", [pytest.param(5, id="few"), pytest.param(1, marks=pytest.mark.slow, id="all")])
def test_content_of_another_kind(stored, toy_problem, tmp_path, every):
    """What JSON or a number should be is something else, with checksums that say that it was written so."""
    path, _ = stored
    copy = tmp_path / "s.db"
    junk = ("[]", "null", "1e999", "[[[1]]]", "1" * 5000, "[" * 2000, b"\xff\xfe", 2**62)
    columns = {"runs": ("options", "seed", "problem", "reward", "units", "objectives", "versions", "batch"),
               "evaluations": ("design", "metrics", "objectives", "violation", "ask", "position"),
               "asks": ("numbers",)}  # fmt: skip
    changes = [(table, name, value) for table, names in columns.items() for name in names for value in junk]
    some = changes[::every]  # in fives all columns still come, and all kinds of content
    assert {change[:2] for change in some} == {change[:2] for change in changes}
    assert {str(change[2]) for change in some} == {str(change[2]) for change in changes}
    for table, name, value in some:
        shutil.copy(path, copy)
        unseal(copy)
        with sqlite3.connect(copy) as connection:
            try:
                connection.execute(f"update {table} set {name} = ?", (value,))
            except sqlite3.IntegrityError:
                continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            attempt(lambda: open_store(copy).runs())
            attempt(load_result, copy)
            attempt(lambda: optimize(toy_problem, "random", 60, store=copy, batch=7))


def unseal(path) -> None:
    """Makes a store what it would have been before there were checksums."""
    with sqlite3.connect(path) as connection:
        connection.execute("drop table seals")
        connection.execute("update chipgym_meta set value = '1' where key = 'format'")


def test_a_store_from_before_there_were_checksums(toy_problem, tmp_path):
    """It is read and gone on with as it is, and says what it lacks."""
    path = tmp_path / "s.db"
    optimize(toy_problem, "random", 40, store=path, batch=7)
    unseal(path)
    with pytest.warns(UserWarning, match=r"s\.db was written by an older chipgym and has no checksums"):
        assert load_result(path).evaluations == 40
    with pytest.warns(UserWarning, match="has no checksums"):
        found = optimize(toy_problem, "random", 60, store=path, batch=7)
    expected = optimize(toy_problem, "random", 60, batch=7)
    pd.testing.assert_frame_equal(found.to_pandas(), expected.to_pandas(), check_exact=True)
    with sqlite3.connect(path) as connection:
        assert connection.execute("select value from chipgym_meta where key = 'format'").fetchone() == ("1",)


def test_the_checksums_cannot_just_be_left_out(stored, toy_problem, tmp_path):
    path, _ = stored
    for change in ("update chipgym_meta set value = '1' where key = 'format'", "drop table seals",
                   "delete from seals", "delete from seals where number = 3",
                   "delete from seals where number = (select max(number) from seals)"):  # fmt: skip
        copy = tmp_path / "s.db"
        shutil.copy(path, copy)
        with sqlite3.connect(copy) as connection:
            connection.execute(change)
        with pytest.raises(chipgym.ChipgymError, match="is damaged"):
            load_result(copy)
        with pytest.raises(chipgym.ChipgymError, match="is damaged"):
            optimize(toy_problem, "random", 60, store=copy, batch=7)


def test_a_run_goes_on_under_other_versions_with_a_warning(toy_problem, tmp_path, monkeypatch):
    from chipgym.search.store import writer

    path = tmp_path / "s.db"
    optimize(toy_problem, "random", 20, store=path)
    now = writer.library_versions()
    monkeypatch.setattr(writer, "library_versions", lambda: {**now, "numpy": "99.0"})
    with pytest.warns(UserWarning, match=rf"begun under numpy {re.escape(now['numpy'])} \(now 99\.0\); "):
        assert optimize(toy_problem, "random", 30, store=path).evaluations == 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimize(toy_problem, "random", 30, store=path)  # proposes nothing more


def test_a_run_goes_on_where_the_reference_has_other_last_bits(toy_problem, tmp_path):
    """As on another processor."""
    path = tmp_path / "s.db"
    optimize(toy_problem, "nsga2", 60, store=path)
    elsewhere = chipgym.make_problem("toy")
    object.__setattr__(elsewhere, "reference", elsewhere.reference * (1 + 2**-50))
    assert elsewhere.reference != toy_problem.reference
    assert optimize(elsewhere, "nsga2", 80, store=path).evaluations == 80
    assert len(open_store(path).runs()) == 1
    own = chipgym.make_problem("toy", targets=(elsewhere.reference * 1.001).tolist())
    optimize(own, "nsga2", 10, store=path)
    assert len(open_store(path).runs()) == 2


def test_a_store_is_as_small_a_change_as_json(stored):
    """Everything in it can be read by anyone; a checksum is 64 hexadecimal digits."""
    with sqlite3.connect(stored[0]) as connection:
        seals = connection.execute("select number, evaluations, asks, checksum from seals order by number").fetchall()
        ((last,),) = connection.execute("select count(*) from asks").fetchall()
    assert [s[0] for s in seals] == list(range(len(seals)))
    assert (seals[0][1:3], seals[-1][1:3]) == ((0, 0), (60, last))
    assert all(re.fullmatch("[0-9a-f]{64}", s[3]) for s in seals)
    assert json.dumps(seals)


def test_reasons_and_starts_are_sealed_too(tmp_path, monkeypatch):
    """Why a design is infeasible, and what a run began with: part of what was written."""
    problem, path = chipgym.make_problem("toy"), tmp_path / "s.db"
    simulate = type(problem.simulator).simulate

    def fails(self, columns, n):
        if n == 1 and int(columns["units"][0]) > 4:
            raise ValueError("7 units do not fit")
        if n > 1:
            raise ValueError("one at a time")
        return simulate(self, columns, n)

    monkeypatch.setattr(type(problem.simulator), "simulate", fails)
    found = optimize(problem, "random", 30, store=path, batch=7, start=[{"units": 2}], catch=ValueError)
    assert found.table.reasons
    assert load_result(path).table.reasons == found.table.reasons
    assert load_result(path).provenance.start == found.provenance.start
    changes = ("update reasons set reason = replace(reason, '7', '8')", "delete from reasons",
               "update starts set designs = replace(designs, '2', '3')", "delete from starts")  # fmt: skip
    for change in changes:
        copy = tmp_path / "copy.db"
        shutil.copy(path, copy)
        with sqlite3.connect(copy) as connection:
            connection.execute(change)
        with pytest.raises(chipgym.ChipgymError, match="is damaged"):
            load_result(copy)

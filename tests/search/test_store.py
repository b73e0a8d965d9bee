"""The store: what is in it, what it refuses, and how it is read."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chipgym
from chipgym.jsonable import parse_number
from chipgym.search import load_result, open_store, optimize
from chipgym.search.store import codec
from chipgym.search.store.connect import writable


def rows(path, query):
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def refused(*arguments, **options) -> str:
    """The one line that a search is refused with."""
    with pytest.raises(chipgym.ChipgymError) as caught:
        optimize(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- content -----------------------------------------------------------------------------------------------------


def test_tables_can_be_read_by_anyone(pareto, tmp_path):
    result = optimize(pareto, "random", 90, batch=10, store=tmp_path / "new" / "folder" / "s.db")
    path = tmp_path / "new" / "folder" / "s.db"
    assert rows(path, "select * from chipgym_meta") == [("format", "2"), ("workload", '["mlp:16-64-5"]')]
    ((agent, seed, batch, problem),) = rows(path, "select agent, seed, batch, problem from runs")
    assert (agent, seed, batch) == ("random", "0", 10)
    assert json.loads(problem) == json.loads(json.dumps(pareto.identity()))
    found = rows(path, "select number, ask, design, metrics, objectives, feasible from evaluations order by number")
    assert [r[0] for r in found] == list(range(90))
    for (number, ask, design, metrics, objectives, feasible), row in zip(
        found, result.to_pandas().itertuples(), strict=True
    ):
        one = result.table.row(number)
        assert ask == row.ask
        assert json.loads(design) == one.design
        strict = json.loads(metrics, parse_constant=pytest.fail)  # NaN and Infinity are not JSON
        assert {k: v for k, v in strict.items() if v is not None} == one.metrics
        assert len(json.loads(objectives, parse_constant=pytest.fail)) == 2
        assert feasible == one.feasible
    assert any(not r[5] for r in found)


def test_runs_of_one_problem_share_a_store(toy, tmp_path):
    store = tmp_path / "s.db"
    optimize(toy, "random", 20, 0, store)
    optimize(toy, "random", 20, 1, store)
    optimize(toy, "nsga2", 20, 0, store, agent_options={"population_size": 4})
    optimize(toy, "random", 25, 0, store)  # continues the first
    runs = open_store(store).runs()
    assert [(r.id, r.agent, r.seed, r.evaluations) for r in runs] == [
        (1, "random", 0, 25),
        (2, "random", 1, 20),
        (3, "nsga2", 0, 20),
    ]
    assert runs[2].options["population_size"] == 4
    assert runs[0].versions["chipgym"] == chipgym.__version__
    assert load_result(store, 2).evaluations == 20
    assert load_result(store).agent == "nsga2"


def test_a_default_spelled_out_is_the_same_run(toy, tmp_path):
    optimize(toy, "nsga2", 60, store=tmp_path / "s.db")
    optimize(toy, "nsga2", 60, store=tmp_path / "s.db", batch=50, agent_options={"population_size": 50})
    assert len(open_store(tmp_path / "s.db").runs()) == 1


def test_a_result_is_read_without_its_simulator(problem, tmp_path):
    result = optimize(problem, "random", 60, store=tmp_path / "s.db")
    read = load_result(tmp_path / "s.db")
    pd.testing.assert_frame_equal(read.to_pandas(), result.to_pandas(), check_exact=True)
    assert read.best == result.best
    assert read.pareto == result.pareto
    assert read.identity == json.loads(json.dumps(problem.identity()))
    assert (read.problem, read.stopped, read.store) == (None, "stored", str(tmp_path / "s.db"))
    with pytest.raises(chipgym.ChipgymError, match=r"run: 7 is not in .* which has \[1\]"):
        load_result(tmp_path / "s.db", 7)


def test_of_a_broken_file_nothing_is_called_safe(toy, tmp_path):
    store = tmp_path / "s.db"
    optimize(toy, "random", 60, store=store, batch=10)
    content = bytearray(store.read_bytes())
    with sqlite3.connect(store) as connection:
        page = connection.execute("pragma page_size").fetchone()[0]
        root = connection.execute("select rootpage from sqlite_master where name = 'evaluations'").fetchone()[0]
    content[(root - 1) * page : (root - 1) * page + 12] = b"\xff" * 12  # the header of the table's first page
    store.write_bytes(content)
    with sqlite3.connect(store) as connection, pytest.raises(chipgym.ChipgymError) as caught, writable("s.db", 60):
        connection.execute("select * from evaluations").fetchall()
    assert str(caught.value) == "store: s.db is damaged (database disk image is malformed); choose another store"
    assert "cannot be read" in refused(toy, "random", 80, store=store, batch=10)


@pytest.mark.parametrize(
    ("delete", "says"),
    [
        ("evaluations where number = 17", "evaluations are missing"),
        ("evaluations where number = 0", "evaluations are missing"),
        ("evaluations where number >= 40", "evaluations are missing"),
        ("asks where ask = 1", "asks are missing"),
    ],
)
def test_a_run_that_lacks_a_row_is_refused_by_readers_and_by_searches(toy, tmp_path, delete, says):
    store = tmp_path / "s.db"
    optimize(toy, "random", 60, store=store, batch=10)
    with sqlite3.connect(store) as connection:
        connection.execute(f"delete from {delete}")
    with pytest.raises(chipgym.ChipgymError, match=f"is damaged .*{says}"):
        load_result(store)
    assert says in refused(toy, "random", 60, store=store, batch=10)


def test_a_run_that_was_cut_in_the_middle_of_an_ask_is_whole(toy, tmp_path):
    optimize(toy, "random", 25, store=tmp_path / "s.db", batch=10)
    assert load_result(tmp_path / "s.db").evaluations == 25


def test_a_budget_that_is_spent_already_returns_the_run(toy, tmp_path):
    optimize(toy, "random", 30, store=tmp_path / "s.db")
    assert optimize(toy, "random", 10, store=tmp_path / "s.db").evaluations == 30


def test_an_objective_spelled_otherwise_is_the_same_run(tmp_path):
    for budget, texts in ((10, ("edp", "area_mm2<=30")), (20, ("latency_s*energy_j", "area_mm2 <= 30.0"))):
        problem = chipgym.make_problem("toy", objective=texts[0], constraints=texts[1])
        optimize(problem, "random", budget, store=tmp_path / "s.db")
    (run,) = open_store(tmp_path / "s.db").runs()
    assert run.evaluations == 20


def test_a_url_is_a_store_too(toy, tmp_path):
    first = optimize(toy, "random", 20, store=f"sqlite:///{tmp_path}/s.db")
    second = optimize(toy, "random", 20, store=tmp_path / "s.db")
    assert first.store == second.store
    assert len(open_store(f"sqlite:///{tmp_path}/s.db").runs()) == 1


@given(st.lists(st.floats(), min_size=1))
def test_floats_keep_every_bit(numbers):
    column = np.array(numbers)
    texts = codec.number_texts(column)
    back = np.array([parse_number(v) for v in codec.parse_all(texts)])
    nan = np.isnan(column)
    assert (np.isnan(back) == nan).all()
    assert back[~nan].tobytes() == column[~nan].tobytes()
    assert "NaN" not in "".join(texts)
    assert "Infinity" not in "".join(texts)


@given(st.lists(st.tuples(st.floats(), st.floats())))
def test_arrays_of_numbers_come_back(rows):
    matrix = np.array(rows).reshape(-1, 2)
    parsed = codec.parse_all(codec.array_texts(matrix))
    np.testing.assert_array_equal(codec.parse_arrays(parsed, len(rows), 2), matrix)
    with pytest.raises(ValueError, match="reshape"):
        codec.parse_arrays(parsed, len(rows) + 1, 2)


def test_an_infinite_knob_and_odd_names_round_trip():
    from chipgym.simulators import DesignSpace, Parameter, Reals

    space = DesignSpace(
        (
            Parameter("bandwidth", (1.0, 2.5, float("inf")), domain=Reals(0, 9, infinite=True)),
            Parameter('a "b" %s', ("inf", "naïve")),
        )
    )
    indices = space.enumerate()
    designs = codec.parse_all(codec.design_texts(space, indices))
    np.testing.assert_array_equal(codec.parse_rows(space, designs), indices)
    for p in space.parameters:
        column = codec.parse_values([d[p.name] for d in designs], list(p.values))
        np.testing.assert_array_equal(column, space.decode(indices)[p.name])
    assert codec.object_texts(["a%", 'b"'], np.array([[1.0, np.nan]])) == ['{"a%": 1.0, "b\\"": null}']


# --- refusals ----------------------------------------------------------------------------------------------------


def test_another_problem_is_refused_by_what_differs(toy, tmp_path):
    store = tmp_path / "s.db"
    optimize(toy, "random", 5, store=store)
    before = store.read_bytes()
    other = chipgym.make_problem("toy", "mlp:8-8")
    assert (
        refused(other, store=store) == f"workload: store {store} has mlp:16-64-5, this is mlp:8-8; choose another store"
    )
    other = chipgym.make_problem("toy", budget_mm2=5.0)
    assert refused(other, store=store).startswith(f"options budget_mm2: store {store} has 40.0, this is 5.0")
    other = chipgym.make_problem("toy", space={"units": [1, 2]})
    assert refused(other, store=store).startswith("space units: store")
    other = chipgym.make_problem("toy", constraints="area_mm2 <= 3")
    assert refused(other, store=store).startswith("constraints: store")
    assert store.read_bytes() == before


def test_another_simulator_version_is_refused(toy, tmp_path, monkeypatch):
    optimize(toy, "random", 5, store=tmp_path / "s.db")
    monkeypatch.setattr(type(toy.simulator), "version", "2")
    assert "version: store" in refused(toy, store=tmp_path / "s.db")


def test_another_format_is_refused(toy, tmp_path):
    optimize(toy, "random", 5, store=tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("update chipgym_meta set value = '99'")
    assert "store format: " in refused(toy, store=tmp_path / "s.db")
    with pytest.raises(chipgym.ChipgymError, match="has '99', this version writes '2'"):
        open_store(tmp_path / "s.db")


class Bomb:
    """Loading its pickle makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_loaded(toy, tmp_path):
    store = tmp_path / "s.db"
    store.write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    before = store.read_bytes()
    assert "is not a store (not an SQLite file)" in refused(toy, store=store)
    with pytest.raises(chipgym.ChipgymError, match="not an SQLite file"):
        open_store(store)
    assert store.read_bytes() == before
    assert not (tmp_path / "ran").exists()
    optimize(toy, "random", 20, store=tmp_path / "good.db")
    with sqlite3.connect(tmp_path / "good.db") as connection:
        connection.execute("update evaluations set metrics = ?", (pickle.dumps(Bomb(tmp_path / "ran")),))
    with pytest.raises(chipgym.ChipgymError):
        load_result(tmp_path / "good.db")
    assert "damaged" in refused(toy, "random", 20, store=tmp_path / "good.db")
    assert not (tmp_path / "ran").exists()


def test_another_programs_database_is_left_alone(toy, tmp_path):
    store = tmp_path / "s.db"
    with sqlite3.connect(store) as connection:
        connection.execute("create table runs (id integer)")
    before = store.read_bytes()
    assert "database of another program" in refused(toy, store=store)
    with pytest.raises(chipgym.ChipgymError, match="database of another program"):
        open_store(store)
    assert store.read_bytes() == before


def test_an_empty_file_is_an_empty_store(toy, tmp_path):
    """A search that was killed before its first transaction leaves one."""
    store = tmp_path / "s.db"
    store.touch()
    with pytest.raises(chipgym.ChipgymError, match="is empty: it has no runs yet"):
        open_store(store)
    assert optimize(toy, "random", 5, store=store).evaluations == 5


@pytest.mark.parametrize("name", ["text.txt", "cut.db", "scrambled.db"])
def test_files_that_are_no_stores(toy, tmp_path, name):
    optimize(toy, "random", 80, store=tmp_path / "good.db")
    good = (tmp_path / "good.db").read_bytes()
    scrambled = good[:100] + bytes(reversed(good[100:]))
    (tmp_path / name).write_bytes(
        {"text": b"hello\n" * 9, "cut": good[:5000], "scrambled": scrambled}[name[:-3].rstrip(".")]
    )
    assert refused(toy, store=tmp_path / name).startswith("store: ")
    with pytest.raises(chipgym.ChipgymError, match="store: "):
        load_result(tmp_path / name)


def test_places_that_cannot_be(toy, tmp_path):
    assert "is a folder, expected a file such as" in refused(toy, store=tmp_path)
    (tmp_path / "file").write_text("x")
    assert "is not a folder" in refused(toy, store=tmp_path / "file" / "s.db")
    assert refused(toy, store="/proc/no/such/s.db").startswith("store: ")
    assert refused(toy, store="a\0b").startswith("store: ")
    assert "no SQLAlchemy dialect" in refused(toy, store="nonsense://x/y")
    assert "not a database URL" in refused(toy, store="://")
    with pytest.raises(chipgym.ChipgymError, match="there is no file"):
        open_store(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()


def test_a_folder_that_cannot_be_written(toy, unprivileged):
    locked = unprivileged / "locked"
    locked.mkdir(mode=0o500)
    assert refused(toy, store=locked / "s.db").startswith(f"store: {locked / 's.db'} cannot be opened")
    assert list(locked.iterdir()) == []


def test_passwords_stay_out_of_messages(toy):
    message = refused(toy, store="postgresql+psycopg://me:secret@127.0.0.1:1/x")
    assert message.startswith("store: ")
    assert "secret" not in message


# --- durability --------------------------------------------------------------------------------------------------


def test_an_interrupt_leaves_a_store_to_go_on_from(toy, tmp_path):
    def interrupt(progress):
        if progress.evaluations >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(toy, "random", 60, store=tmp_path / "s.db", batch=5, callback=interrupt)
    assert 20 <= open_store(tmp_path / "s.db").runs()[0].evaluations < 60
    result = optimize(toy, "random", 60, store=tmp_path / "s.db", batch=5)
    pd.testing.assert_frame_equal(result.to_pandas(), optimize(toy, "random", 60, batch=5).to_pandas())


def test_a_batch_is_durable_before_the_agent_is_told(toy, tmp_path):
    """Seen from another connection while the search runs."""
    seen = []
    optimize(
        toy,
        "random",
        40,
        store=tmp_path / "s.db",
        batch=10,
        callback=lambda p: seen.append((p.evaluations, open_store(tmp_path / "s.db").runs()[0].evaluations)),
    )
    assert len(seen) >= 4
    assert all(told == stored for told, stored in seen)


def test_a_second_writer_of_a_run_is_told_so(toy, tmp_path):
    def meanwhile(progress):
        if progress.evaluations < 20:
            optimize(toy, "random", 60, store=tmp_path / "s.db", batch=5)

    message = refused(toy, "random", 60, store=tmp_path / "s.db", batch=5, callback=meanwhile)
    assert "another process is writing this run" in message
    result = load_result(tmp_path / "s.db")
    pd.testing.assert_frame_equal(result.to_pandas(), optimize(toy, "random", 60, batch=5).to_pandas())

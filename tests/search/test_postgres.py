"""A store on a PostgreSQL server, in every way that one in a file is."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from killing import kill_and_resume, search, write_together

import chipgym
from chipgym import ChipgymError
from chipgym.search import load_result, open_store

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")


def program(name: str) -> str | None:
    """Debian keeps a server's programs out of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


INITDB, PG_CTL = program("initdb"), program("pg_ctl")


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Of a running server, which listens on a socket there and nowhere else."""
    if not (INITDB and PG_CTL):
        pytest.skip("no PostgreSQL server: initdb and pg_ctl were not found")
    # A server refuses to run as root, and a socket's path has at most 107 characters.
    as_user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp", ignore_cleanup_errors=True) as name:
        if as_user:
            shutil.chown(name, "nobody")
        data, log = f"{name}/data", f"{name}/log"
        settings = f"-k {name} -c listen_addresses= -c fsync=off"

        def call(*command: str) -> None:
            done = subprocess.run([*as_user, *command], cwd="/", capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr

        call(INITDB, "-D", data, "-U", "chipgym", "-A", "trust", "-E", "UTF8", "--no-sync")
        # Output to a file: the server keeps what it is given open, and would be waited for.
        call(PG_CTL, "-D", data, "-l", log, "-o", settings, "-w", "start")
        try:
            yield Path(name)
        finally:
            call(PG_CTL, "-D", data, "-m", "immediate", "stop")


@pytest.fixture
def database(folder) -> Iterator[Callable[[str], str]]:
    """Makes a database of a name, and says where it is."""
    made: list[str] = []
    with psycopg.connect(host=str(folder), user="chipgym", dbname="postgres", autocommit=True) as connection:

        def make(name: str) -> str:
            made.append(name)
            connection.execute(f'CREATE DATABASE "{name}"')
            return f"postgresql+psycopg://chipgym@/{name}?host={folder}"

        yield make
        for name in made:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize("agent", ["random", "nsga2"])
def test_as_in_a_file(problem, agent, database, tmp_path):
    stores = [database("whole"), tmp_path / "whole.db"]
    there, here = (chipgym.optimize(problem, agent, 60, seed=1, store=s).to_pandas() for s in stores)
    pd.testing.assert_frame_equal(there, here, check_exact=True)
    read, written = (load_result(s).to_pandas() for s in stores)
    pd.testing.assert_frame_equal(read, written, check_exact=True)


def test_goes_on_where_it_was(pareto, database):
    store = database("half")
    chipgym.optimize(pareto, "nsga2", 30, seed=1, store=store)
    resumed = chipgym.optimize(pareto, "nsga2", 60, seed=1, store=store)
    pd.testing.assert_frame_equal(
        resumed.to_pandas(), chipgym.optimize(pareto, "nsga2", 60, seed=1).to_pandas(), check_exact=True
    )


def test_kill_minus_nine(server, database):
    kill_and_resume(server, database, random.Random(0), 8)


@pytest.mark.slow
def test_kill_minus_nine_many_times(server, database):
    kill_and_resume(server, database, random.Random(), 100, agent="nsga2")


def test_two_processes_writing_one_run(server, database):
    """At most one goes on; what is in the store stays right, and whoever starts again finishes it."""
    store = database("both")
    ends = write_together(store, server, {}, {})
    assert "done: 80" in ends
    for end in ends:
        assert end == "done: 80" or "another process is writing this run" in end
    whole = database("whole")
    search(server, whole)
    pd.testing.assert_frame_equal(load_result(store).to_pandas(), load_result(whole).to_pandas(), check_exact=True)


def test_two_processes_making_the_tables(server, database):
    """Both find an empty database; each run is whole."""
    store = database("fresh")
    assert write_together(store, server, {"seed": 1}, {"seed": 2}) == ["done: 80", "done: 80"]
    assert [run.evaluations for run in open_store(store).runs()] == [80, 80]


def test_beside_the_tables_of_others(toy, database, folder):
    store = database("shared")
    with psycopg.connect(host=str(folder), user="chipgym", dbname="shared", autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id integer)")
        chipgym.optimize(toy, budget=5, store=store)
        assert connection.execute("SELECT count(*) FROM evaluations").fetchone() == (5,)
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_a_table_of_our_name_is_left_alone(toy, database, folder):
    store = database("theirs")
    with psycopg.connect(host=str(folder), user="chipgym", dbname="theirs", autocommit=True) as connection:
        connection.execute("CREATE TABLE evaluations (id integer)")
        with pytest.raises(ChipgymError, match="is a database of another program; it was left as it is"):
            chipgym.optimize(toy, budget=5, store=store)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == [("evaluations",)]


def test_a_budget_beyond_32_bits(toy, database):
    """All of a small space, with a budget that stands for it."""
    result = chipgym.optimize(toy, "exhaustive", 10**12, store=database("large"))
    assert result.evaluations == toy.space.canonical_size


def test_no_such_database(toy, folder):
    with pytest.raises(ChipgymError, match=r'store: .* cannot be opened .*database "absent" does not exist'):
        chipgym.optimize(toy, budget=5, store=f"postgresql+psycopg://chipgym@/absent?host={folder}")


def test_another_problem(toy, pareto, database):
    store = database("taken")
    chipgym.optimize(toy, budget=5, store=store)
    with pytest.raises(ChipgymError, match="choose another store"):
        chipgym.optimize(pareto, budget=5, store=store)


@pytest.mark.parametrize("url", ["postgresql://{}@127.0.0.1:1/x", "postgres://{}@127.0.0.1:1/x"])
def test_no_server_there(toy, url):
    """And no password in what is said of it."""
    with pytest.raises(ChipgymError, match="store: ") as error:
        chipgym.optimize(toy, budget=5, store=url.format("me:s3cret"))
    assert "\n" not in str(error.value)
    assert "127.0.0.1:1" in str(error.value)
    assert "s3cret" not in str(error.value)

"""Simulators that raise on some designs: what a search records, names, keeps and goes on from."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from fragile import CrashError, FragileSimulator

import chipgym
from chipgym.errors import ChipgymError
from chipgym.search import SimulationError, ground_truth, load_result, report
from chipgym.search.store.schema import UNSEALED
from chipgym.simulators import SimulatorEntry, unregister

ENTRY = SimulatorEntry("fragile", "Fragile", FragileSimulator)


@pytest.fixture
def problem():
    return chipgym.make_problem(FragileSimulator(), objective=["latency_s", "area_mm2"])


def same(a, b):
    assert len(a.table) == len(b.table)
    for name in a.table.designs:
        np.testing.assert_array_equal(a.table.designs[name], b.table.designs[name])
    for name in ("objectives", "violation", "reward", "asks"):
        np.testing.assert_array_equal(getattr(a.table, name), getattr(b.table, name))
    assert a.table.reasons == b.table.reasons


def test_a_simulator_that_takes_no_batches_is_told():
    class Scalar(FragileSimulator):
        name, crashing = "scalar", frozenset()

        def simulate(self, columns, n):
            if columns["units"] > 5:  # of an array of several, an error
                columns = {**columns, "ways": columns["ways"] * 2}
            return super().simulate(columns, n)

    with pytest.warns(UserWarning, match=r"simulator scalar: simulate raised ValueError: .* for two designs at once"):
        assert chipgym.optimize(chipgym.make_problem(Scalar()), "exhaustive").evaluations == 40


@pytest.mark.filterwarnings("error")
def test_a_design_that_raises_alone_is_no_such_simulator(problem):
    assert chipgym.optimize(problem, "exhaustive", catch=CrashError).evaluations == 40


@pytest.mark.parametrize("catch", [CrashError, (ValueError, CrashError), [CrashError], Exception])
def test_a_caught_design_is_infeasible_with_its_reason(problem, catch):
    found = chipgym.optimize(problem, "exhaustive", catch=catch)
    assert found.evaluations == 40
    assert [(d.design, d.reason, d.feasible, d.metrics) for d in found.failed] == [
        ({"units": 5, "ways": 2}, "CrashError: tool crashed with 5 units and 2 ways", False, {}),
        ({"units": 7, "ways": 4}, "CrashError: tool crashed with 7 units and 4 ways", False, {}),
        ({"units": 10, "ways": 8}, "not a number: latency_s", False, {}),
    ]
    assert (found.table.violation > 0).sum() == 3
    assert np.isfinite(found.table.reward).all()
    assert found.to_pandas().query("reason != ''")["units"].tolist() == [5, 7, 10]


@pytest.mark.parametrize("agent", ["random", "nsga2", "tpe", "exhaustive"])
def test_without_catch_the_design_is_named_and_the_rest_is_kept(problem, tmp_path, agent):
    store = tmp_path / "run.db"
    with pytest.raises(SimulationError) as error:
        chipgym.optimize(problem, agent, 40, store=store)
    message = str(error.value)
    assert message.startswith("simulator fragile: simulate raised CrashError: tool crashed with ")
    design = error.value.design
    assert f"for units={design['units']}, ways={design['ways']}" in message
    assert "catch=CrashError" in message
    assert "\n" not in message
    assert isinstance(error.value.__cause__, CrashError)
    assert (design["units"], design["ways"]) in FragileSimulator.crashing
    kept = error.value.result
    assert kept.stopped == "error"
    assert f"the {kept.evaluations} designs evaluated before it are in {store}" in message
    assert load_result(store).evaluations == kept.evaluations
    # The same again, and it neither loses nor repeats what is there; then on to the end.
    problem.simulator.calls.clear()
    with pytest.raises(SimulationError) as again:
        chipgym.optimize(problem, agent, 40, store=store)
    assert again.value.result.evaluations == kept.evaluations
    resumed = chipgym.optimize(problem, agent, 40, store=store, catch=CrashError)
    same(resumed, chipgym.optimize(problem, agent, 40, catch=CrashError))
    same(load_result(store), resumed)
    assert repr(load_result(store).failed) == repr(resumed.failed)
    assert len(resumed.failed) >= 2


def test_what_was_evaluated_is_in_the_error_without_a_store(problem):
    with pytest.raises(SimulationError, match="in this error's `result`") as error:
        chipgym.optimize(problem, "exhaustive")
    # In grid order: all before the 18th.
    assert error.value.result.evaluations == 17
    assert error.value.result.best.feasible


def test_another_exception_is_not_caught(problem):
    with pytest.raises(SimulationError, match="CrashError"):
        chipgym.optimize(problem, "exhaustive", catch=(ValueError, OSError))


def test_one_design_that_raises_costs_no_evaluation_of_the_others_twice_over(problem):
    """Halving: of a batch of 32 with one that raises, the others are evaluated a few times at most."""
    chipgym.optimize(problem, "exhaustive", catch=CrashError)
    assert sum(problem.simulator.calls) <= 1 + 40 * 6


def test_negative_answers_are_named_and_can_be_caught():
    class Negative(FragileSimulator):
        crashing: set = set()  # noqa: RUF012

        def simulate(self, columns, n):
            values, violation = super().simulate(columns, n)
            return {**values, "area_mm2": np.where(columns["units"] == 3, -1.0, values["area_mm2"])}, violation

    problem = chipgym.make_problem(Negative())
    with pytest.raises(SimulationError, match=r"returned area_mm2 -1 mm2 for units=3, ways=1.*8 designs evaluated"):
        chipgym.optimize(problem, "exhaustive")
    found = chipgym.optimize(problem, "exhaustive", catch=ValueError)
    assert [d.design["units"] for d in found.failed] == [3, 3, 3, 3, 10]


@pytest.mark.parametrize("catch", ["ValueError", 5, [5], KeyboardInterrupt, (BaseException,), [ValueError()]])
def test_what_cannot_be_caught(problem, catch):
    with pytest.raises(ChipgymError, match=r"catch: .* is not a type of exception such as ValueError"):
        chipgym.optimize(problem, catch=catch)


def test_a_default_that_raises_is_named():
    class Never(FragileSimulator):
        crashing: set = {(1, 1)}  # noqa: RUF012

    with pytest.raises(ChipgymError, match=r"simulate raised CrashError: .* for its default design"):
        chipgym.make_problem(Never())
    problem = chipgym.make_problem(Never(), targets=[1.0])
    assert len(chipgym.optimize(problem, "exhaustive", catch=CrashError).failed) == 2


def test_a_report_of_nothing_but_failures(tmp_path):
    class Always(FragileSimulator):
        def simulate(self, columns, n):
            raise CrashError(0, 0)

    problem = chipgym.make_problem(Always(), targets=[1.0])
    found = chipgym.optimize(problem, "exhaustive", catch=CrashError)
    assert found.best.reason == "CrashError: tool crashed with 0 units and 0 ways"
    report(found, tmp_path / "out.html")
    assert "tool crashed with 0 units" in (tmp_path / "out.html").read_text()


def test_a_store_from_before_there_were_reasons_goes_on(problem, tmp_path):
    store = tmp_path / "run.db"
    chipgym.optimize(problem, "exhaustive", 10, store=store, catch=CrashError)
    with sqlite3.connect(store) as old:
        for table in ("reasons", "starts", "seals"):
            old.execute(f"DROP TABLE {table}")
        old.execute("UPDATE chipgym_meta SET value = ? WHERE key = 'format'", (UNSEALED,))
    with pytest.warns(UserWarning, match="has no checksums"):
        assert load_result(store).evaluations == 10
    with pytest.warns(UserWarning, match="has no checksums"):
        assert len(chipgym.optimize(problem, "exhaustive", store=store, catch=CrashError).failed) == 3
    with pytest.warns(UserWarning, match="has no checksums"):
        assert len(load_result(store).failed) == 3


@pytest.mark.parametrize(("table", "column"), [("reasons", "reason"), ("starts", "designs")])
def test_a_changed_reason_or_start_is_noticed(problem, tmp_path, table, column):
    store = tmp_path / "run.db"
    chipgym.optimize(problem, "exhaustive", 70, store=store, catch=CrashError, start=[{}])
    with sqlite3.connect(store) as changed:
        assert changed.execute(f"UPDATE {table} SET {column} = {column} || ' '").rowcount > 0
    with pytest.raises(ChipgymError, match="another checksum"):
        load_result(store)
    with pytest.raises(ChipgymError, match="another checksum"):
        chipgym.optimize(problem, "exhaustive", 80, store=store, catch=CrashError, start=[{}])


# --- the command line --------------------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    from chipgym.cli.app import run

    chipgym.register_simulator(ENTRY)
    monkeypatch.chdir(tmp_path)

    def answer(*arguments):
        status = run(["search", "fragile", "--agent", "exhaustive", *arguments])
        return status, capsys.readouterr()

    yield answer
    unregister("fragile")


def test_the_command_names_and_catches(command):
    status, said = command()
    assert status == 2
    assert "error: simulator fragile: simulate raised CrashError: tool crashed with 5 units and 2 ways" in said.err
    assert "17 designs evaluated before it are in runs/fragile-" in said.err
    status, said = command("--catch", "fragile:CrashError")
    assert status == 0
    assert "3 designs have no metrics, such as units=5, ways=2: CrashError: tool crashed with" in said.out
    status, said = command("--catch", "Exception", "--json")
    assert '"reason": "not a number: latency_s"' in said.out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ValeError", "did you mean 'ValueError'"),
        ("KeyboardInterrupt", "unknown exception"),
        ("no_such:Thing", "cannot be imported"),
        ("fragile:FragileSimulator", "is not a type of exception"),
    ],
)
def test_the_command_refuses_what_is_no_exception(command, name, says):
    status, said = command("--catch", name)
    assert status == 2
    assert says in said.err


def test_a_study_in_processes_names_the_design(tmp_path):
    from chipgym.search.study import run_study

    problem = chipgym.make_problem(FragileSimulator())
    for jobs in (1, 2):
        with pytest.raises(ChipgymError, match=r"simulate raised CrashError: tool crashed .* for units="):
            run_study(problem, tmp_path / str(jobs), agents=["exhaustive"], seeds=1, jobs=jobs, optimum=False)
    with pytest.raises(ChipgymError, match=r"5 units and 2 ways for units=5, ways=2; catch=CrashError takes it to be"):
        ground_truth(problem)
    study = run_study(problem, tmp_path / "caught", agents=["exhaustive"], seeds=1, catch=CrashError)
    assert study.truth.designs == 40
    assert study.truth.optimum == chipgym.optimize(problem, "exhaustive", catch=CrashError).best.objectives[0]

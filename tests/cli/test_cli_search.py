"""`chipgym search`: what it prints, what it leaves on disk, and how it is interrupted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from toy import ToySimulator

import chipgym
from chipgym.cli import parse
from chipgym.search import load_result

FRONT = ("search", "toy", "--objective", "latency_s", "--objective", "energy_j", "--agent", "random")


def rows_of(path: str | Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_front_on_screen_and_on_disk(cli):
    done = cli(*FRONT, "--budget", 60, "--seed", 3)
    assert done.status == 0
    problem = chipgym.make_problem("toy", objective=["latency_s", "energy_j"])
    store = f"runs/toy-mlp-16-64-5-random-3-{problem.digest[:8]}.db"
    expected = chipgym.optimize(problem, "random", 60, 3)
    assert load_result(store).evaluations == 60
    table = rows_of(f"{store}.pareto.csv")
    assert [int(r["number"]) for r in table] == [d.number for d in expected.pareto]
    assert [float(r["latency_s"]) for r in table] == [d.metrics["latency_s"] for d in expected.pareto]
    assert {"units", "cache", "area_mm2", "feasible", "violation"} <= set(table[0])
    assert "Pareto-optimal designs" in done.out
    assert store in done.out
    assert "60/60 designs" in done.err


def test_each_problem_has_a_store_of_its_own_unless_one_is_named(cli):
    searches = [
        (), ("--objective", "latency_s"), ("--constraint", "area_mm2 <= 30"), ("--space", "units=1,2"),
        ("--option", "budget_mm2=20"), ("--objective", "edp", "--budget", "40"),
    ]  # fmt: skip
    for more in searches:
        assert cli("search", "toy", "--agent", "random", "--budget", 20, *more).status == 0, more
    stores = sorted(Path("runs").glob("*.db"))
    assert len(stores) == len(searches) - 1  # the last is the first one's problem, gone on with
    assert sorted(load_result(store).evaluations for store in stores)[-1] == 40


def test_home_is_written_as_a_tilde(cli, monkeypatch, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert cli("search", "toy", "--budget", 5, "--store", "~/a.db", "--csv", "~/deep/b.csv").status == 0
    assert cli("search", "toy", "--budget", 5, "--store", "~/c.db").status == 0
    assert {p.name for p in home.iterdir()} == {"a.db", "deep", "c.db", "c.db.pareto.csv"}
    assert {p.name for p in tmp_path.iterdir()} == {"home"}
    assert load_result("~/a.db").evaluations == load_result("sqlite:///~/a.db").evaluations == 5
    (home / "net.csv").write_text("Layer,M,N,K,\ng,16,16,16,\n")
    assert cli("simulate", "systolic", "--workload", "~/net.csv").status == 0
    assert "there is no file" in cli("validate", "systolic", "--reference", "~").err


def test_an_objective_of_which_more_is_better_is_named_as_what_is_minimised(cli):
    arguments = ("search", "systolic", "--workload", "mlp:16-16", "--objective", "utilization", "--agent", "random")
    done = cli(*arguments, "--budget", 20, "--json")
    best = done.json["best"]
    assert best["objectives"] == {"1/utilization": pytest.approx(1 / best["metrics"]["utilization"], rel=1e-15)}
    assert " best 1/utilization=" in done.err
    assert "utilization=" not in done.err.replace("1/utilization=", "")
    assert "1/utilization" not in cli(*arguments, "--budget", 20).out  # the table has the metric


def test_json_is_alone_on_standard_output(cli):
    out = cli(*FRONT, "--budget", 40, "--store", "a.db", "--csv", "deep/b.csv", "--json").json
    assert out["evaluations"] == 40
    assert out["objectives"] == ["latency_s", "energy_j"]
    assert len(out["pareto"]) == len(rows_of("deep/b.csv"))
    assert out["pareto"][0]["feasible"] is True
    assert out["stopped"] == "budget"


def test_space_constraint_and_options_reach_the_problem(cli):
    out = cli(
        "search", "toy", "--objective", "edp", "--constraint", "area_mm2 <= 9",
        "--space", "units=2,8", "--space", "cache=off", "--agent", "nsga2", "--agent-option", "population_size=4",
        "--option", "budget_mm2=20", "--budget", 50, "--json",
    ).json  # fmt: skip
    assert out["space"]["units"] == [2, 8]
    assert out["space"]["cache"] == ["off"]
    assert out["constraints"] == ["area_mm2 <= 9"]
    assert out["options"] == {"budget_mm2": 20}
    assert out["best"]["design"]["units"] == 8
    assert len(out["pareto"]) == 1


def test_nothing_feasible_is_said(cli):
    done = cli("search", "toy", "--constraint", "area_mm2 <= 0.5", "--agent", "exhaustive", "--budget", 1000)
    assert done.status == 0
    assert "no feasible design; the nearest miss has violation " in done.out
    small = ("--constraint", "area_mm2 <= 0.5", "--space", "cache=off", "--agent", "exhaustive")
    assert "has violation 1: area_mm2 is 1, above the limit of 0.5 mm2" in cli("search", "toy", *small).out
    assert "space exhausted" in done.out
    assert (
        cli("search", "toy", "--constraint", "area_mm2 <= 0.5", "--agent", "exhaustive", "--json").json["pareto"] == []
    )


def test_a_raised_budget_continues(cli):
    cli(*FRONT, "--budget", 20, "--store", "a.db")
    cli(*FRONT, "--budget", 50, "--store", "a.db")
    assert cli(*FRONT, "--budget", 50, "--store", "b.db").status == 0
    a, b = load_result("a.db").to_pandas(), load_result("b.db").to_pandas()
    assert len(a) == 50
    assert a.equals(b)


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_interrupted_in_the_middle_of_a_batch(cli, monkeypatch, batch):
    """Ctrl-C while designs are being simulated: exit 130, what was stored stays, and the same command goes on."""
    arguments = ("search", "toy", "--agent", "nsga2", "--agent-option", "population_size=10", "--budget", 60)
    simulate, calls = ToySimulator.simulate, iter(range(100))

    def interrupted(self, columns, n):
        if n > 1 and next(calls) == batch:  # n = 1 is the default design that rewards refer to
            raise KeyboardInterrupt
        return simulate(self, columns, n)

    with monkeypatch.context() as patch:
        patch.setattr(ToySimulator, "simulate", interrupted)
        done = cli(*arguments, "--store", "a.db")
    assert done.status == 130
    assert done.out == ""
    message = done.err.splitlines()[-1]
    assert message.startswith("interrupted: ")
    assert "a.db" in message
    assert "the same command goes on" in message
    stored = load_result("a.db").evaluations
    assert stored < 60
    assert (stored > 0) == (batch > 0)

    assert cli(*arguments, "--store", "a.db").status == 0
    assert cli(*arguments, "--store", "b.db").status == 0
    a, b = (load_result(name) for name in ("a.db", "b.db"))
    assert a.evaluations == 60
    np.testing.assert_array_equal(a.table.objectives, b.table.objectives)


def test_long_fronts_are_cut_on_screen_alone(cli):
    arguments = (
        "search",
        "systolic",
        "--workload",
        "mlp:64-128-64",
        "--objective",
        "ppa",
        "--agent",
        "nsga2",
        "--budget",
        600,
    )
    done = cli(*arguments, "--store", "a.db")
    n = len(rows_of("a.db.pareto.csv"))
    assert n > 20
    assert f"20 of {n} shown" in done.out


def test_designs_that_are_equal_are_shown_once(cli):
    problem = ("search", "hls", "--workload", "gemm-ncubed", "--objective", "latency_dsp")
    arguments = (*problem, "--agent", "nsga2", "--budget", 60)
    done = cli(*arguments)
    front = cli(*arguments, "--json").json["pareto"]
    points = {(d["metrics"]["latency_s"], d["metrics"]["dsp"]) for d in front}
    assert len(points) < len(front) <= 40
    assert f"\n{len(front) - len(points)} more are equal to one of these in every objective\n" in done.out
    assert len(done.out.split("Pareto-optimal designs\n")[1].split(" more are")[0].splitlines()) == 2 + len(points) + 1


def test_an_existing_csv_survives_a_search_that_fails(cli, tmp_path):
    Path("kept.csv").write_text("mine\n")
    assert cli(*FRONT, "--csv", "kept.csv", "--store", tmp_path).status == 2
    assert Path("kept.csv").read_text() == "mine\n"


def test_starting_designs_and_time(cli):
    search = ("search", "toy", "--agent", "random", "--budget", 20, "--store", "s.db", "--json")
    started = cli(*search, "--start", "units=8,cache=on", "--start", "units=1").json
    assert started["evaluations"] == 20
    assert load_result("s.db").provenance.start == (
        {"units": 8, "cache": "on", "cache_kb": 4, "clock_mhz": 100},
        {"units": 1, "cache": "off", "cache_kb": 4, "clock_mhz": 100},
    )
    assert cli(*search, "--timeout", 1000).json["stopped"] == "budget"
    assert len(chipgym.search.open_store("s.db").runs()) == 2
    plain = ("search", "toy", "--agent", "random", "--budget", 60, "--store", "s.db")
    for evaluated in (1, 2):
        cut = cli(*plain, "--timeout", 1e-9, "--seed", 5)
        assert cut.status == 0
        assert f"\n{evaluated} designs evaluated (stopped: timeout)" in cut.out
        assert "the same command goes on from there" in cut.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--start", "units"), "--start: 'units' is not of the form name=value"),
        (("--start", "unit=4"), "unknown knob 'unit'; did you mean 'units'"),
        (("--start", "units=3"), "start: units: 3 is not on the grid"),
        (("--timeout", "0"), "timeout: 0.0 is not a number of seconds above 0"),
        (("--jobs", "0"), "jobs: 0 is not a whole number from 1"),
        (("--backend", "rai"), "unknown backend 'rai'; did you mean 'ray'? (known: process, ray)"),
        (("--workers", "2"), "workers: Ray's are of backend='ray'; of backend='process' give jobs=2"),
        (("--address", "auto"), "address: 'auto' is a Ray cluster's, for backend='ray'"),
        (("--backend", "ray", "--jobs", "2"), "of backend='ray' give workers=2"),
    ],
)
def test_starts_times_and_jobs_that_cannot_be(cli, arguments, says):
    done = cli("search", "toy", "--budget", 5, *arguments)
    assert done.status == 2
    assert says in done.err
    assert not list(Path().rglob("*.db"))


def test_a_report_spells_the_start(cli):
    cli("search", "toy", "--agent", "random", "--budget", 10, "--store", "s.db", "--start", "units=8,cache=on")
    assert cli("report", "s.db").status == 0
    said = next(Path().glob("*.html")).read_text()
    assert "--start units=8,cache=on,cache_kb=4,clock_mhz=100" in said


def test_an_option_that_is_a_list_is_given_between_commas():
    """Read `net_arch=64,32` as a list, with brackets or without; `[]` is an empty one."""
    texts = {"64,32": [64, 32], "[64, 32]": [64, 32], "8": [8], "[]": []}
    for text, value in texts.items():
        assert parse.settings("--agent-option", [f"net_arch={text}"], {"net_arch": (64, 64)}, "ppo") == {
            "net_arch": value
        }

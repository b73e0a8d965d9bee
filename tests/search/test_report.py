"""Reports as files: which runs they take, what they say of them, and what they refuse."""

from __future__ import annotations

import builtins
import dataclasses
import json
import re
import shlex
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import chipgym
from chipgym.cli.app import run as run_command
from chipgym.datasets import load_workload
from chipgym.search import load_result, open_store, optimize, report
from chipgym.search.reporting.runs import MOST_RUNS, gather

EVIL = "</script><script>alert(1)</script> & <b>%{x}</b> \u2028 $a$"


def read(path) -> dict:
    """The data of a report."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', Path(path).read_text("utf-8"), re.S)
    return json.loads(found[1], parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """Runs of two agents on one problem, and one that has not begun."""
    path = tmp_path_factory.mktemp("report") / "runs.db"
    problem = chipgym.make_problem("toy", objective=["latency_s", "energy_j"], constraints="area_mm2 <= 20")
    optimize(problem, "random", 60, 0, path)
    optimize(problem, "nsga2", 90, 3, path, agent_options={"population_size": 20})
    return path


# --- which runs --------------------------------------------------------------------------------------------------


def test_a_store_is_all_its_runs(store):
    runs = gather(store)
    assert runs.labels == ("random, seed 0", "nsga2, seed 3")
    assert len(runs.pool) == sum(r.evaluations for r in runs.results)
    assert gather(f"{store}#2").labels == ("nsga2, seed 3",)
    first = runs.pool.feasible
    seen = {tuple(column[i] for column in runs.pool.designs.values()) for i in first}
    assert len(seen) == len(first)  # each design once, though two runs found it
    feasible = [r.table.row(i) for r in runs.results for i in range(len(r.table)) if r.table.violation[i] <= 0]
    assert seen == {tuple(d.design.values()) for d in feasible}


def test_labels_tell_runs_apart(store, toy):
    twice = gather([f"{store}#1", f"{store}#1", load_result(store, 2)])
    assert len(set(twice.labels)) == 3
    assert twice.labels[2] == "nsga2, seed 3"
    memory = optimize(toy, "random", 5, 0)
    assert gather([memory, memory]).labels == ("random, seed 0", "random, seed 0 (2)")


def test_runs_that_there_are_not(store, toy, tmp_path):
    empty = tmp_path / "empty.db"
    optimize(toy, "random", 5, 0, empty)
    with sqlite3.connect(empty) as connection:
        connection.execute("delete from evaluations")
        connection.execute("delete from asks")
    for sources, says in (
        (tmp_path / "none.db", "there is no file"),
        (f"{store}#first", "run: 'first' is not the number of a run, as in .*runs.db#1"),
        (f"{store}#7", "run: 7 is not in .*runs.db, which has 1, 2"),
        (empty, "empty.db has no evaluations yet"),
        (f"{empty}#1", "run: 1 of .*empty.db has no evaluations yet"),
        ([], "run: none given"),
        (7, "run: 7 is neither a search's result nor a store"),
        ([store, 7], "run: 7 is neither"),
        ([store] * MOST_RUNS, f"{2 * MOST_RUNS} runs are too many"),
        ([store, optimize(toy, "random", 5)], "objectives: the second run has .*, .*runs.db has .*; a report is about"),
    ):
        with pytest.raises(chipgym.ChipgymError, match=says) as error:
            report(sources, tmp_path / "x.html")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "x.html").exists()


def test_a_run_of_another_version_of_its_simulator(tmp_path, toy, monkeypatch):
    from toy import ToySimulator

    optimize(toy, "random", 5, 0, tmp_path / "a.db")
    monkeypatch.setattr(ToySimulator, "version", "2")
    with pytest.raises(chipgym.ChipgymError, match=r"version: .*a.db was searched with toy 1, this is toy 2; search"):
        report(tmp_path / "a.db", tmp_path / "x.html")
    assert [p.name for p in tmp_path.iterdir()] == ["a.db"]


# --- what is written ---------------------------------------------------------------------------------------------


def test_the_file_is_whole_and_by_itself(store, tmp_path):
    place = report(store, tmp_path / "new" / "r.html")
    assert [p.name for p in place.parent.iterdir()] == ["r.html"]
    text = place.read_text("utf-8")
    assert "plotly.js v" in text
    shell = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"(src|href)\s*=|@import|url\(", shell)
    assert "default-src 'none'" in shell


def test_the_same_runs_are_the_same_report(store, tmp_path):
    a, b = (report(store, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert a == b


def test_the_front_is_that_of_all_runs(store, tmp_path):
    data = read(report(store, tmp_path / "r.html"))
    table = [load_result(store, run).table for run in (1, 2)]
    good = np.concatenate([t.objectives[t.violation <= 0] for t in table])
    front = {tuple(p) for p in good if not ((good <= p).all(axis=1) & (good < p).any(axis=1)).any()}
    n = data["counts"]["chosen"]
    assert n == len(front)
    scales = [1e3 if axis["unit"].startswith("m") else 1e6 for axis in data["axes"][:2]]
    drawn = np.array(data["points"]["columns"][:2]).T[:n] / scales
    np.testing.assert_allclose(sorted(map(tuple, drawn)), sorted(front), rtol=1e-5)
    assert data["evaluations"] == sum(map(len, table))
    assert data["feasible"] == len(good)
    assert data["counts"]["broken"] > 0
    least = [pick["place"] for pick in data["picks"][1:]]
    assert drawn[least[0], 0] == drawn[:, 0].min()
    assert drawn[least[1], 1] == drawn[:, 1].min()
    assert [len(curves) for curves in data["history"]["curves"]] == [2, 2]
    assert max(s["share"][-1] for s in data["history"]["shares"]) <= 100.001
    assert len(data["parallel"]["lines"][0]) == len(data["parallel"]["axes"])


def test_layers_of_every_design_that_can_be_chosen(tmp_path):
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective=["latency_s", "area_mm2"])
    result = optimize(problem, "random", 80, 0, tmp_path / "a.db")
    data = read(report(result, tmp_path / "r.html"))
    layers = data["layers"]
    assert layers["missing"] == ""
    assert len(layers["tables"]) == len(layers["rooflines"]) == data["counts"]["chosen"]
    factor = {"ns": 1e9, "µs": 1e6, "ms": 1e3}[layers["units"]["time"]]
    for place, table in layers["tables"].items():
        design = dict(zip((k["name"] for k in data["knobs"]), data["designs"][int(place)], strict=True))
        whole = problem.simulator.evaluate(design)["latency_s"][0]
        assert sum(map(sum, table["time"].values())) == pytest.approx(whole * factor, rel=1e-4)
        roof = layers["rooflines"][place]
        assert all(np.array(roof["throughput"]) <= np.array(roof["ceiling"]) * 1.00001)
    assert read(report(tmp_path / "a.db", tmp_path / "s.html"))["layers"] == layers


def test_layers_of_a_network_that_runs_several_samples(tmp_path):
    """Its name does not tell how many: the stored run does."""
    for store, workload, options in (
        ("a.db", "mlp:64-10", {"batch": 8}),
        ("b.db", load_workload("mlp:64-10", batch=8), {}),
    ):
        problem = chipgym.make_problem("systolic", workload, objective="latency_s", **options)
        result = optimize(problem, "random", 20, 0, tmp_path / store)
        layers = read(report(tmp_path / store, tmp_path / "s.html"))["layers"]
        assert layers == read(report(result, tmp_path / "r.html"))["layers"]
        assert layers["tables"]
    alone = chipgym.make_problem("systolic", "mlp:64-10", objective="latency_s", batch=1)
    assert alone.identity() == chipgym.make_problem("systolic", "mlp:64-10", objective="latency_s").identity()


def test_layers_of_mappings_that_cut_the_workload_differently():
    from chipgym.search.reporting.layers import layer_tables
    from chipgym.search.reporting.sections import layer_section

    simulator = chipgym.make_simulator("dataflow", "mlp:64-128-10")
    designs = {0: {"fusion": "full"}, 1: {"fusion": "none"}, 2: {"fusion": "full"}}
    section = layer_section(layer_tables(simulator, designs))
    assert [len(section["tables"][str(i)].get("names", section["names"])) for i in designs] == [1, 2, 1]
    assert ["names" in section["tables"][str(i)] for i in designs] == [False, True, False]
    for place, design in designs.items():
        table, told = section["tables"][str(place)], simulator.evaluate_layers(design)
        assert tuple(table.get("kinds", section["kinds"])) == told.kinds
        assert len(table["time"]["time"]) == len(told)


def test_a_roofline_has_a_ceiling_for_each_memory():
    from chipgym.search.reporting.layers import layer_tables
    from chipgym.search.reporting.sections import layer_section

    simulator = chipgym.make_simulator("dataflow", "llama-3-8b", input_tokens=64, output_tokens=4)
    # With little HBM bandwidth what sections hand over holds some of them up, and weights from DDR the others.
    ddr = {"weight_tier": "ddr", "fusion": "none", "hbm_gbps": 4.0}
    section = layer_section(layer_tables(simulator, {0: {}, 1: ddr}))
    near, both = section["rooflines"]["0"], section["rooflines"]["1"]
    assert (near["bandwidths"], both["bandwidths"]) == ([12_800], [1000, 32])
    assert both["ridges"] == pytest.approx([both["peak"] / b for b in both["bandwidths"]], rel=1e-5)
    held_up = [i / c for i, c in zip(both["ceiling"], both["intensity"], strict=True)]
    for slope, under in zip(held_up, both["under"], strict=True):
        assert not under or min(abs(slope / b - 1) for b in both["bandwidths"]) < 1e-4
    assert {round(slope) for slope, under in zip(held_up, both["under"], strict=True) if under} == {1000, 32}


def test_what_moves_no_bytes_is_under_no_memory():
    from chipgym.search.reporting.layers import layer_tables
    from chipgym.search.reporting.sections import layer_section

    simulator = chipgym.make_simulator("dataflow", "bert_base")
    design = {"looping": "on", "weight_residency": "resident"}  # twelve layers that never leave the chip
    assert np.isinf(simulator.roofline(design).intensity).sum() == 1
    section = layer_section(layer_tables(simulator, {0: design}))
    assert section["rooflines"]["0"]["names"] == ["forward/part2/pooler_dense"]  # the first part multiplies nothing
    assert None not in section["rooflines"]["0"]["intensity"]


def test_a_simulator_that_knows_no_layers_says_so(store, tmp_path):
    layers = read(report(store, tmp_path / "r.html"))["layers"]
    assert layers["tables"] == {}
    assert layers["missing"] == "The toy simulator does not tell the parts of a workload apart."


def test_layers_that_are_too_many_are_kept_of_some(tmp_path, monkeypatch):
    from chipgym.search.reporting import layers

    monkeypatch.setattr(layers, "MOST_ROWS", 5)
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective=["latency_s", "area_mm2"])
    data = read(report(optimize(problem, "random", 80), tmp_path / "r.html"))
    kept = len(data["layers"]["tables"])
    assert 1 < kept < data["counts"]["chosen"]
    assert data["layers"]["missing"].startswith(f"Layers are kept for {kept} of the")
    assert str(data["picks"][0]["place"]) in data["layers"]["tables"]


def test_nothing_feasible(tmp_path):
    problem = chipgym.make_problem("toy", constraints="area_mm2 <= 0.5")
    result = optimize(problem, "random", 40, 0, tmp_path / "a.db")
    nearest = read(report(tmp_path / "a.db", tmp_path / "r.html"))["nearest"]
    assert nearest["design"] == list(result.best.design.values())
    assert nearest["limits"] == ["area_mm2 is 1, above the limit of 0.5 mm2"]


def test_designs_that_cannot_be_built_are_nowhere(tmp_path):
    result = optimize(chipgym.make_problem("toy", budget_mm2=3.0), "random", 90, 0)
    data = read(report(result, tmp_path / "r.html"))
    assert 0 < data["feasible"] < data["evaluations"]
    assert data["counts"]["broken"] == 0
    assert all(v is not None for column in data["points"]["columns"] for v in column)


@pytest.mark.parametrize("knobs", [{"units": 1, "cache": "off", "clock_mhz": 100}, {"cache": "off", "clock_mhz": 100}])
def test_few_designs(tmp_path, knobs):
    data = read(report(optimize(chipgym.make_problem("toy", space=knobs), "exhaustive"), tmp_path / "r.html"))
    assert data["importance"] == [None]
    assert data["counts"]["chosen"] == data["feasible"]


def test_infinite_values_of_a_knob(tmp_path):
    problem = chipgym.make_problem("systolic", "mlp:8-8", space={"dram_bandwidth": [1.0, float("inf")]})
    optimize(problem, "random", 60, 0, tmp_path / "a.db")
    data = read(report(tmp_path / "a.db", tmp_path / "r.html"))
    at = [k["name"] for k in data["knobs"]].index("dram_bandwidth")
    assert {d[at] for d in data["designs"]} <= {1.0, "inf"}
    assert "inf" in {d[at] for d in data["designs"]}


def test_names_do_no_harm(tmp_path):
    workload = dataclasses.replace(load_workload("mlp:16-64-5"), name=EVIL)
    problem = chipgym.make_problem("systolic", workload, objective=["latency_s", "energy_j"])
    result = optimize(problem, "random", 20, 0, tmp_path / "a.db")
    for sources in (result, tmp_path / "a.db"):
        text = report(sources, tmp_path / "r.html").read_text("utf-8")
        assert "<script>alert" not in text
        assert len(re.findall(r"</script>", text)) == 3  # plotly.js, data, the page's own
        assert read(tmp_path / "r.html")["title"] == f"systolic running {EVIL}"
    missing = read(tmp_path / "r.html")["layers"]["missing"]
    assert missing.startswith("The simulator systolic on </script>")
    assert "--workload names the workload's file" in missing


def test_a_workload_from_a_file(tmp_path):
    heading = "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,"
    lines = f"{heading}\nc1,8,8,3,3,4,8,1,\n"
    (tmp_path / "mine.csv").write_text(lines)
    (tmp_path / "other.csv").write_text(lines.replace("4,8,1", "4,16,1"))
    problem = chipgym.make_problem("systolic", tmp_path / "mine.csv")
    optimize(problem, "random", 20, 0, tmp_path / "a.db")
    found = read(report(tmp_path / "a.db", tmp_path / "r.html"))
    assert found["layers"]["tables"]
    assert str(tmp_path / "mine.csv") in found["runs"][0]["command"]
    (tmp_path / "mine.csv").rename(tmp_path / "moved.csv")
    with pytest.warns(
        UserWarning, match=r"no layers and no roofline: .*mine.csv': does not exist.*\); --workload names"
    ):
        assert not read(report(tmp_path / "a.db", tmp_path / "r.html"))["layers"]["tables"]
    found = read(report(tmp_path / "a.db", tmp_path / "r.html", workload=tmp_path / "moved.csv"))
    assert found["layers"]["tables"]
    assert str(tmp_path / "moved.csv") in found["runs"][0]["command"]
    with pytest.raises(chipgym.ChipgymError, match=r"other.csv is not the one that .*a.db was searched with"):
        report(tmp_path / "a.db", tmp_path / "r.html", workload=tmp_path / "other.csv")
    with pytest.raises(chipgym.ChipgymError, match=r"none.csv"):
        report(tmp_path / "a.db", tmp_path / "r.html", workload=tmp_path / "none.csv")


def test_a_workload_that_was_made_in_python(tmp_path):
    network = dataclasses.replace(load_workload("mlp:8-16"), name="mine")
    result = optimize(chipgym.make_problem("systolic", network), "random", 20, 0, tmp_path / "a.db")
    found = read(report(result, tmp_path / "r.html"))
    assert found["layers"]["tables"]
    assert found["simulate"] == []  # no command line can name it
    code = found["runs"][0]["command"].replace("chipgym.optimize", "again = chipgym.optimize")
    assert f'# workload: the object "mine" (sha256 {network.digest[:16]}' in code
    space = {"workload": network}
    exec(code, space)
    np.testing.assert_array_equal(space["again"].table.objectives, result.table.objectives)
    with pytest.warns(UserWarning, match="cannot be made here again"):
        stored = read(report(tmp_path / "a.db", tmp_path / "r.html"))
    assert stored["simulate"] == []


def test_a_named_workload_that_was_given_as_an_object(tmp_path):
    problem = chipgym.make_problem("memory", load_workload("cloud-1"))
    found = read(report(optimize(problem, "random", 5, 0), tmp_path / "r.html"))
    assert found["simulate"][:5] == ["chipgym", "simulate", "memory", "--workload", "cloud-1"]


# --- where it goes -----------------------------------------------------------------------------------------------


def test_places_that_cannot_be_written(store, tmp_path):
    (tmp_path / "file").write_text("x")
    for place, says in (
        (tmp_path, "is a folder, expected a file"),
        (tmp_path / "file" / "r.html", "cannot be written"),
        ("", "out: '' is not the path of a file"),
        (None, "out: None is not"),
        ("a\0b", "is not the path of a file"),
        (store, "is the store; choose another file"),
    ):
        with pytest.raises(chipgym.ChipgymError, match=says):
            report(store, place)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert len(open_store(store).runs()) == 2


def test_a_disk_that_is_full_leaves_the_old_report(store, tmp_path, monkeypatch):
    place = report(store, tmp_path / "r.html")
    before = place.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(chipgym.ChipgymError, match=r"r.html cannot be written \(No space left on device\)"):
        report(store, place)
    assert place.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_without_plotly(store, tmp_path, monkeypatch):
    whole = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("plotly"):
            raise ModuleNotFoundError("No module named 'plotly'", name="plotly")
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(chipgym.ChipgymError, match=r"needs plotly, .*: pip install 'chipgym\[report\]'"):
        report(store, tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


# --- making the runs again ---------------------------------------------------------------------------------------

AGAIN = {
    "plain": ("toy", {}, {"agent": "random"}),
    "several objectives and limits": (
        "toy",
        {"objective": ["latency_s", "edp"], "constraints": ["area_mm2 <= 20", "energy_j <= 0.01"]},
        {"agent": "nsga2", "agent_options": {"population_size": 12}, "seed": 5},
    ),
    "an option that is a list": ("toy", {}, {"agent": "ppo", "agent_options": {"net_arch": [8, 4], "n_epochs": 1}}),
    "part of a space, an option": (
        "toy",
        {"space": {"units": [2, 8], "cache": ["on"]}, "budget_mm2": 30.0},
        {"agent": "tpe", "seed": 2},
    ),
    "more is better": (
        "systolic",
        {"workload": "mlp:8-16", "objective": ["utilization", "area_mm2"], "technology": "22nm"},
        {"agent": "random"},
    ),
    "several workloads": ("systolic", {"workload": ["mlp:8-16", "mlp:16-8"]}, {"agent": "random"}),
    "a table that is the default": ("tabular", {}, {"agent": "random"}),
    "a model": ("surrogate", {"workload": "systolic-networks@vgg16"}, {"agent": "random"}),
    "samples at once": (
        "systolic",
        {"workload": "mlp:8-16", "objective": "latency_s", "batch": 4},
        {"agent": "random"},
    ),
    "memory": ("memory", {"workload": "cloud-1", "objective": "latency_s", "device": "DDR4-2400"}, {"agent": "random"}),
}
IN_PYTHON = {
    "batch": ("toy", {}, {"agent": "random", "batch": 3}),
    "targets": ("toy", {"targets": [1e-6]}, {"agent": "tpe"}),
    "reward": ("toy", {"reward": "target_distance", "targets": {"edp": 2e-6}}, {"agent": "random"}),
}


@pytest.mark.parametrize(("simulator", "problem", "search"), AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("stored", [False, True])
def test_the_command_makes_the_run_again(simulator, problem, search, stored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = optimize(chipgym.make_problem(simulator, **problem), budget=25, store="first.db", **search)
    data = read(report("first.db" if stored else first, "r.html"))
    words = shlex.split(data["runs"][0]["command"])
    assert words[0] == "chipgym"
    assert "dram" not in data["runs"][0]["command"]  # left out, it is the technology's own
    assert run_command([*words[1:], "--store", "again.db"]) == 0
    again = load_result("again.db")
    assert again.identity == load_result("first.db").identity
    assert again.provenance.options == first.provenance.options
    np.testing.assert_array_equal(again.table.objectives, first.table.objectives)
    assert data["runs"][0]["versions"]["chipgym"] == chipgym.__version__


@pytest.mark.parametrize(("simulator", "problem", "search"), IN_PYTHON.values(), ids=IN_PYTHON)
def test_what_the_command_line_has_no_option_for_is_python(simulator, problem, search, tmp_path):
    first = optimize(chipgym.make_problem(simulator, **problem), budget=25, store=tmp_path / "a.db", **search)
    code = read(report(tmp_path / "a.db", tmp_path / "r.html"))["runs"][0]["command"]
    space = {}
    exec(code.replace("chipgym.optimize", "again = chipgym.optimize"), space)
    np.testing.assert_array_equal(space["again"].table.objectives, first.table.objectives)
    np.testing.assert_array_equal(space["again"].table.reward, first.table.reward)


def test_a_simulator_that_is_not_registered(tmp_path, toy):
    from toy import TOY

    from chipgym.simulators import unregister

    optimize(toy, "random", 30, 0, tmp_path / "a.db")
    unregister("toy")
    try:
        data = read(report(tmp_path / "a.db", tmp_path / "r.html"))
    finally:
        chipgym.register_simulator(TOY)
    assert data["layers"]["missing"] == "The simulator toy is not one that is registered here."
    assert "--space units=1,2,4,8,16,32" in data["runs"][0]["command"]

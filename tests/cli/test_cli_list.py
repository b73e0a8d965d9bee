"""`chipgym list`."""

from __future__ import annotations

import pytest

import chipgym
from chipgym.datasets import kernel_names, load_workload, network_names, table_names, trace_names
from chipgym.search import agent_names


def test_bare_list_names_everything(cli):
    done = cli("list")
    assert done.status == 0
    for name in ("systolic", "toy", "resnet18", *agent_names()):
        assert name in done.out
    assert cli("list", "--json").json["agents"] == list(agent_names())


def test_bare_command_shows_help(cli):
    done = cli()
    assert done.status == 0
    for verb in ("list", "simulate", "search", "validate"):
        assert verb in done.out
    assert done.out == cli("--help").out


def test_version(cli):
    import chipgym

    assert cli("--version").out == f"chipgym {chipgym.__version__}\n"


def test_simulators_have_one_line_each(cli):
    rows = cli("list", "simulators", "--json").json
    assert {"systolic", "toy"} <= {r["simulator"] for r in rows}
    assert all(r["about"] for r in rows)


def test_networks_have_macs_and_traces_requests(cli):
    rows = {r["workload"]: r for r in cli("list", "workloads", "--json").json}
    assert set(rows) == {*network_names(), *trace_names(), *kernel_names()}
    assert rows["cloud-1"] == {
        "workload": "cloud-1", "kind": "trace", "macs": None, "parameters": None, "operators": None,
        "requests": 10_000, "writes": 0, "loops": None, "pragmas": None,
    }  # fmt: skip
    gemm = rows["gemm-ncubed"]
    assert (gemm["kind"], gemm["loops"], gemm["pragmas"]) == ("kernel", 3, 7)
    assert set(cli("list", "--json").json["workloads"]) == set(rows)
    assert rows["resnet18"]["macs"] == load_workload("resnet18").macs
    assert "1,814,073,344" in cli("list", "workloads").out


def test_tables_that_ship_and_files(cli):
    rows = {r["table"]: r for r in cli("list", "tables", "--json").json}
    assert set(rows) == set(table_names())
    shipped = rows["systolic-resnet18"]
    assert (shipped["simulator"], shipped["workload"], shipped["designs"]) == ("systolic", "resnet18", 5184)
    assert cli("collect", "toy", "--samples", 9, "--out", "t.parquet").status == 0
    (row,) = cli("list", "tables", "t.parquet", "--json").json
    assert (row["simulator"], row["designs"], row["drawn"]) == ("toy", 9, True)


def test_surrogates_that_ship_and_files(cli):
    rows = {r["surrogate"]: r for r in cli("list", "surrogates", "--json").json}
    shipped = rows["systolic-networks"]
    assert (shipped["model"], shipped["simulator"], shipped["designs"]) == ("ridge", "systolic", 27_000)
    assert {"resnet18", "gpt2"} <= set(shipped["workloads"].split(", "))
    assert cli("collect", "toy", "--samples", 30, "--out", "t.parquet").status == 0
    assert cli("train", "t.parquet", "--model", "ridge", "--out", "m.npz").status == 0
    (row,) = cli("list", "surrogates", "m.npz", "--json").json
    assert (row["model"], row["simulator"], row["designs"]) == ("ridge", "toy", 30)


def test_knobs_of_a_simulator(cli):
    rows = {r["knob"]: r for r in cli("list", "knobs", "toy", "--json").json}
    assert rows["units"]["grid"] == [1, 2, 4, 8, 16, 32]
    assert rows["units"]["default"] == 4
    assert rows["clock_mhz"]["unit"] == "MHz"
    assert rows["cache_kb"]["active_when"] == "cache is on"
    shown = cli("list", "knobs", "toy").out
    assert "1 2 4 8 16 32" in shown
    assert "cache is on" in shown


def test_knobs_on_a_workload_and_under_options(cli):
    rows = {r["knob"]: r for r in cli("list", "knobs", "hls", "--workload", "atax", "--json").json}
    assert set(rows) == {"para_L0", "para_L0_0", "para_L0_1", "pipe_L0", "tile_L0"}
    of_chip = {
        r["knob"]: r["grid"] for r in cli("list", "knobs", "dataflow", "--option", "explore=hardware", "--json").json
    }
    assert len(of_chip["pcus"]) > 1
    assert of_chip["fusion"] == ["full"]


@pytest.mark.parametrize("arguments", [("knobs",), ("workloads", "resnet18"), ("agents",), ()])
def test_a_workload_is_for_lists_of_one_simulator(cli, arguments):
    done = cli("list", *arguments, "--workload", "resnet18")
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: --workload: goes with the objectives, metrics, knobs of one simulator alone\n"


def test_a_simulator_in_place_of_a_list(cli):
    assert cli("list", "hls").err == (
        "error: unknown list 'hls': it is a simulator; try chipgym list simulators|objectives|metrics|knobs hls\n"
    )


def test_the_default_objective_under_another_name(cli):
    rows = {r["objective"]: r["default"] for r in cli("list", "objectives", "hls", "--json").json}
    assert [name for name, default in rows.items() if default] == ["latency"]


def test_metrics_and_objectives(cli):
    metrics = {r["metric"]: r["unit"] for r in cli("list", "metrics", "toy", "--json").json}
    assert metrics == {"latency_s": "s", "energy_j": "J", "area_mm2": "mm2"}
    objectives = {r["objective"]: r for r in cli("list", "objectives", "toy", "--json").json}
    assert objectives["edp"]["default"] is True
    assert objectives["all"]["minimises"] == "latency_s, energy_j, area_mm2"


def test_options_of_agents_and_simulators(cli):
    assert "population_size" in {r["option"] for r in cli("list", "agents", "nsga2", "--json").json}
    assert cli("list", "simulators", "toy", "--json").json == [
        {"option": "budget_mm2", "default": 40.0, "values": None}
    ]
    systolic = {r["option"]: r["default"] for r in cli("list", "simulators", "systolic", "--json").json}
    assert systolic["dram"] == "LPDDR4"  # the default of the default technology


def test_values_of_options_are_those_that_are_taken(cli):
    listed = []
    workloads = {"systolic": "mlp:4-4", "memory": "random", "hls": "atax", "hls4ml": "mlp:4-4"}
    for name, workload in workloads.items():
        for row in cli("list", "simulators", name, "--json").json:
            if isinstance(row["values"], list):
                listed.append(row["option"])
                for value in row["values"]:
                    chipgym.make_simulator(name, workload, **{row["option"]: value})
    of_systolic, of_memory = ["operand_bits", "accumulator_bits", "technology"], ["device", "channels"]
    assert listed == [*of_systolic, *of_memory, "tool", "device", "device", "granularity"]
    shown = cli("list", "simulators", "memory").out
    assert "DDR3-1600 DDR4-2400" in shown
    assert "rbc, brc, or where the device has bank groups interleaved" in shown


@pytest.mark.parametrize(
    "what", ["simulators", "workloads", "tables", "surrogates", "agents", "objectives", "metrics", "knobs"]
)
def test_every_list_prints(cli, what):
    done = cli("list", what)
    assert done.status == 0
    assert len(done.out.splitlines()) > 2
    assert done.err == ""

"""`chipgym simulate`."""

from __future__ import annotations

import pytest

import chipgym


def test_toy_in_json(cli):
    out = cli("simulate", "toy", "--set", "units=8", "--set", "cache=on", "--json").json
    sim = chipgym.make_simulator("toy")
    expected = sim.evaluate({"units": 8, "cache": "on"})
    assert out["design"] == {**sim.space.default, "units": 8, "cache": "on"}
    assert out["metrics"] == {name: expected[name][0] for name in ("latency_s", "energy_j", "area_mm2")}
    assert out["units"]["latency_s"] == "s"
    assert out["feasible"] is True


def test_toy_as_a_table(cli):
    done = cli("simulate", "toy", "--set", "units=2")
    assert done.status == 0
    assert "toy running mlp:16-64-5" in done.out
    assert "latency_s" in done.out
    assert "mm2" in done.out


def test_infeasible_design_is_a_result(cli):
    arguments = ("simulate", "toy", "--set", "units=32", "--option", "budget_mm2=1")
    out = cli(*arguments, "--json").json
    assert out["feasible"] is False
    assert out["violation"] == 31.0
    assert out["metrics"] == {"latency_s": None, "energy_j": None, "area_mm2": None}
    done = cli(*arguments)
    assert done.status == 0
    assert "cannot be built (violation 31).\n" in done.out
    assert out["broken_limits"] == []


def test_why_a_design_cannot_be_built(cli):
    arguments = ("simulate", "systolic", "--workload", "alexnet", "--option", "operand_bits=64",
                 "--set", "clock_mhz=3000", "--set", "filter_sram_kb=1")  # fmt: skip
    done = cli(*arguments)
    assert done.status == 0
    assert (
        "): clock_mhz is 3000, above the limit of 1819 MHz "
        "and filter_sram_kb is 1, below the least of 1.89062 KB.\n" in done.out
    )
    clock, sram = cli(*arguments, "--json").json["broken_limits"]
    assert (clock["name"], clock["value"], clock["upper"]) == ("clock_mhz", 3000.0, True)
    assert sram == {"name": "filter_sram_kb", "value": 1.0, "limit": 121 * 8 * 2 / 1024, "upper": False, "unit": "KB"}


def test_of_many_limits_the_most_exceeded_are_told(cli):
    arguments = ("simulate", "hls4ml", "--workload", "mlp:" + "-".join(["128"] * 9))
    broken = cli(*arguments, "--json").json["broken_limits"]
    assert len(broken) == 10
    done = cli(*arguments)
    (line,) = (line for line in done.out.splitlines() if "cannot be built" in line)
    assert line.count(" is ") == 6
    assert line.endswith(" and 4 more.")
    worst = max(broken, key=lambda limit: limit["value"] / limit["limit"])
    assert f"{worst['name']} is {worst['value']:.6g}, above" in line


def test_values_have_the_types_of_their_knobs(cli):
    shown = {cli("simulate", "systolic", *more, "--json").json["design"]["clock_mhz"].__repr__()
             for more in ((), ("--set", "clock_mhz=800"), ("--set", "clock_mhz=8e2"))}  # fmt: skip
    assert shown == {"800.0"}
    design = cli("simulate", "toy", "--set", "cache_kb=32", "--json").json["design"]
    assert design["cache_kb"] == 4  # inactive: the hardware that was evaluated


def test_layers_add_up(cli):
    out = cli("simulate", "systolic", "--workload", "mlp:64-128-10", "--layers", "--json").json
    assert out["workload"] == "mlp:64-128-10"
    for name in ("cycles", "macs", "energy_j"):
        total = sum(layer["metrics"][name] for layer in out["layers"])
        assert total == pytest.approx(out["metrics"][name], rel=1e-12)
    shown = cli("simulate", "systolic", "--workload", "mlp:64-128-10", "--layers").out
    assert "fc1" in shown
    assert "layer by layer" in shown


def test_parts_that_are_no_layers(cli):
    expected = chipgym.make_simulator("hls").evaluate_loops({})
    out = cli("simulate", "hls", "--layers", "--json").json
    assert [row["name"] for row in out["loops"]] == list(expected.names)
    assert [row["metrics"]["interval"] for row in out["loops"]] == expected["interval"].tolist()
    assert "loop by loop" in cli("simulate", "hls", "--layers", "--metric", "latency_s").out


def test_a_design_without_parts_is_still_a_result(cli):
    arguments = ("simulate", "dataflow", "--set", "tp=8", "--set", "pp=8", "--layers")
    done = cli(*arguments)
    assert done.status == 0
    assert "cannot be built" in done.out
    assert "layer by layer" not in done.out
    assert "layers" not in {*cli(*arguments, "--json").json}


def test_inactive_knobs_are_told_in_a_line(cli):
    done = cli("simulate", "toy", "--set", "cache=off")
    assert "inactive, as it means something only where cache is on: cache_kb\n" in done.out
    assert "\ncache_kb" not in done.out
    assert "\ncache_kb" in cli("simulate", "toy", "--set", "cache=on").out
    mapping = cli("simulate", "dataflow").out
    assert "only where pcu_allocation is custom: share_input_layernorm … share_add2, 15 knobs\n" in mapping


def test_infinite_bandwidth_and_a_workload_file(cli, tmp_path):
    (tmp_path / "net.csv").write_text("Layer,M,N,K,\ng,16,16,16,\n")
    out = cli(
        "simulate", "systolic", "--workload", "net.csv", "--set", "dram_bandwidth=inf",
        "--option", "technology=22nm", "--json",
    ).json  # fmt: skip
    assert out["metrics"]["stall_cycles"] == 0
    assert out["design"]["dram_bandwidth"] == "inf"
    assert out["options"]["technology"] == "22nm"


def test_a_warning_is_one_line_of_words(cli, tmp_path):
    (tmp_path / "sparse.csv").write_text("Layer, M, N, K, Sparsity,\nQKT, 16, 16, 8, 1:2,\n")
    done = cli("simulate", "systolic", "--workload", "sparse.csv", "--metric", "cycles")
    assert done.status == 0
    assert done.err == "warning: file 'sparse.csv': the sparsity column is not modelled, layers are taken as dense\n"


def test_chosen_metrics_alone(cli):
    out = cli("simulate", "toy", "--metric", "area_mm2", "--json").json
    assert list(out["metrics"]) == ["area_mm2"]


def test_several_workloads_have_no_layers(cli):
    done = cli("simulate", "systolic", "--workload", "mlp:8-8", "--workload", "mlp:4-4", "--layers")
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: --layers: mlp:8-8+mlp:4-4 are several workloads; give one --workload\n"


def test_layers_of_a_mapping_are_its_sections(cli):
    command = ("simulate", "dataflow", "--workload", "mlp:64-128-10", "--set", "fusion=none", "--layers")
    out = cli(*command, "--json").json
    assert len(out["layers"]) == out["metrics"]["sections"] == 2
    assert set(out["layers"][0]["metrics"]) == {"latency_s", "hbm_bytes", "ddr_bytes", "utilization"}
    for metric in ("latency_s", "hbm_bytes"):
        total = sum(layer["metrics"][metric] for layer in out["layers"])
        assert abs(total - out["metrics"][metric]) <= 1e-9 * total
    assert "layer by layer" in cli(*command).out


def test_a_simulator_without_layers_says_so(cli):
    done = cli("simulate", "toy", "--layers")
    assert done.status == 2
    assert done.err == "error: --layers: the toy simulator does not tell layers apart\n"

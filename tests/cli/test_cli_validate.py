"""`chipgym validate`."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import ToySimulator

from chipgym.simulators import SimulatorEntry, register, unregister
from chipgym.simulators.core.validation import Finding

GOLDEN = Path(__file__).parents[1] / "golden"


def test_systolic_from_a_checkout(cli):
    done = cli("validate", "systolic", "--json")
    assert done.status == 0
    assert done.json["reference"] == str(GOLDEN)
    found = {f["quantity"]: f for f in done.json["findings"]["systolic"]}
    assert found["compute_cycles"]["figure"] == 0
    assert found["compute_cycles"]["rows"] > 100
    assert found["compute_cycles"]["reference"] == "SCALE-Sim 3.0.0"
    assert found["stall_cycles"]["figure"] is None


def test_every_simulator_as_tables(cli):
    done = cli("validate", "--reference", GOLDEN)
    assert done.status == 0
    assert "systolic against SCALE-Sim 3.0.0" in done.out
    assert "compute_cycles" in done.out
    assert "not compared" in done.out
    row = next(line for line in done.out.splitlines() if line.startswith("area of Plasticine"))
    assert row.endswith("ISCA 2017")  # of several references each row says its own
    assert done.out.count("utilization: three times the forward FLOP, as there") == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("compute_cycles", "cycles", 1), "has no column 'compute_cycles'"),
        (lambda t: t.splitlines()[0], "has no rows"),
        (lambda t: t.replace(",16,", ",nan,", 1), "expected a number"),
        (lambda t: t.replace(",ws,", ",zz,", 1), "unknown value of dataflow"),
        (lambda t: "", "has no column"),
    ],
)
def test_a_damaged_table(cli, tmp_path, change, says):
    table = tmp_path / "systolic" / "scalesim_v3.csv"
    table.parent.mkdir()
    table.write_text(change((GOLDEN / "systolic" / "scalesim_v3.csv").read_text()))
    done = cli("validate", "systolic", "--reference", tmp_path)
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert says in done.err


def compare_toy(reference: Path) -> list[Finding]:
    return [Finding("latency_s", 12.5, "% mean error", 7, "a stopwatch", f"read in {reference.name}")]


def test_any_simulator_with_a_comparison(cli, tmp_path):
    register(SimulatorEntry("toy_checked", "ToyChecked", ToySimulator, validation=f"{__name__}:compare_toy"))
    try:
        done = cli("validate", "toy_checked", "--reference", tmp_path)
        (found,) = cli("validate", "toy_checked", "--reference", tmp_path, "--json").json["findings"]["toy_checked"]
    finally:
        unregister("toy_checked")
    assert "toy_checked against a stopwatch" in done.out
    assert "12.5" in done.out
    assert f"latency_s: read in {tmp_path.name}" in done.out
    assert found == {
        "quantity": "latency_s", "figure": 12.5, "unit": "% mean error", "rows": 7, "reference": "a stopwatch",
        "note": f"read in {tmp_path.name}",
    }  # fmt: skip

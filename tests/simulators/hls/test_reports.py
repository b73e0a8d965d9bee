"""The model against the reports that it is fitted to, where they are; and the calibration itself, on rows made here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.simulators.hls import HlsSimulator
from chipgym.simulators.hls.reference.calibration import START, fit_prices, fit_schedule, loss, samples
from chipgym.simulators.hls.reference.figures import Predicted, figures
from chipgym.simulators.hls.reference.reports import Reports
from chipgym.simulators.hls.reference.validation import validate
from chipgym.simulators.hls.tables.tools import load_tool

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
needs_reference = pytest.mark.skipif(
    not (REFERENCE / "fpga").is_dir(), reason=f"reference tables are not at {REFERENCE}"
)


@needs_reference
def test_reports_are_as_close_as_the_documentation_says():
    found = {f.quantity: f.figure for f in validate(REFERENCE)}
    assert len(found) == 24
    for tool in ("sdx-2018.3", "vitis-2020.2", "vitis-2021.1"):
        assert found[f"{tool}: cycles, median error"] < 20
        assert found[f"{tool}: cycles, RMSE of log2(1e7/cycles)/2"] < 0.5
        assert found[f"{tool}: cycles, median Spearman of a kernel"] > 0.78
        assert found[f"{tool}: dsp utilisation where reported, RMSE"] < 18


def test_a_table_that_is_missing_is_said(tmp_path):
    (absent,) = validate(tmp_path)
    assert np.isnan(absent.figure)
    assert "not part of this project" in absent.note
    (tmp_path / "fpga").mkdir()
    with pytest.raises(ChipgymError, match="its rows are published with UCLA-VAST"):
        validate(tmp_path)


def reports(kernel: str, tool: str, n: int) -> Reports:
    """Rows that a tool with other constants would report."""
    sim = HlsSimulator(kernel, tool=tool)
    knobs = sim.space.decode(sim.space.sample(n, np.random.default_rng(0)))
    blank = np.zeros(n)
    rows = Reports(kernel, tool, knobs, blank + 1, dict.fromkeys(("lut", "ff", "dsp", "bram18"), blank), blank == 0)
    (sample,) = samples([rows], tool)
    other = load_tool(tool)
    other = replace(other, fitted=replace(START[tool], tree=9.0, ii_sum=7.0, access=15.0))
    found = sim.evaluate(knobs)
    shares = {r: np.where(found[f"{r}_utilization"] < 0.01, 0.0, found[f"{r}_utilization"]) for r in rows.utilization}
    return replace(rows, cycles=sample.scheduled_cycles(other), utilization=shares, valid=found["feasible"])


def test_constants_are_found_again():
    tool = load_tool("vitis-2020.2")
    group = samples([reports(k, "vitis-2020.2", 60) for k in ("gemm-ncubed", "atax", "symm")], "vitis-2020.2")
    assert loss(group, fit_schedule(group, tool)) < loss(group, replace(tool, fitted=START["vitis-2020.2"])) / 20


def test_prices_are_none_below_nothing_and_come_close():
    tool = load_tool("vitis-2020.2")
    rows = [reports(k, "vitis-2020.2", 80) for k in ("gemm-ncubed", "gesummv", "gemm-p")]
    priced = fit_prices(samples(rows, "vitis-2020.2"), tool)
    assert set(priced.prices) == {"lut", "ff", "bram18"}
    assert all(price > 0 for prices in priced.prices.values() for price in prices.values())
    for name, price in tool.prices["ff"].items():
        if name == "dmul":
            assert priced.prices["ff"][name] == pytest.approx(price, rel=0.5)


def test_figures_of_a_perfect_model_are_perfect():
    rows = reports("gesummv", "vitis-2020.2", 60)
    found = figures([Predicted(rows, rows.cycles, rows.utilization)])
    assert (found.median_error, found.rmse, found.spearman) == (0, 0, 1)
    assert set(found.utilization.values()) == {0.0}
    half = figures([Predicted(rows, 2 * rows.cycles, rows.utilization)])
    assert half.median_error == pytest.approx(100)
    assert half.rmse == pytest.approx(0.5)

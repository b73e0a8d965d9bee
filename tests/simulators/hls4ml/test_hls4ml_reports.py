"""The reader of reports, the fit, and `validate`: on made reports, and on wa-hls4ml's where they are at hand."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.simulators.hls4ml import Hls4mlSimulator
from chipgym.simulators.hls4ml.reference import validation
from chipgym.simulators.hls4ml.reference.calibrate import MEANING, calibrate, document, fit
from chipgym.simulators.hls4ml.reference.reports import FILE, REPORTED, read_reports
from chipgym.simulators.hls4ml.tables.constants import Constants, load_constants

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
SHARED = ROOT.parent / "shared" / "reference"
needs_reports = pytest.mark.skipif(
    not (SHARED / FILE).exists(), reason=f"wa-hls4ml's reports are other people's data and not at {SHARED / FILE}"
)
BITS = (2, 4, 6, 8, 10, 12, 14)


def write_reports(folder: Path, constants: Constants | None = None) -> Path:
    """Reports in wa-hls4ml's form that a simulator with these constants gives."""
    path = folder / FILE
    path.parent.mkdir(parents=True)
    names = {ours: theirs for theirs, ours in REPORTED.items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["d_in", "d_out", "weight_bits", "reuse_factor", "strategy", "hls_success", *names.values()])
        for d_in, d_out in ((32, 32), (32, 64), (64, 32), (96, 32), (32, 96), (48, 64), (64, 96), (96, 96), (128, 64)):
            sim = Hls4mlSimulator(f"mlp:{d_in}-{d_out}")
            sim.constants = constants or sim.constants
            designs = [
                {"weight_bits": bits, "reuse_factor": reuse, "strategy": strategy}
                for bits in BITS
                for reuse in (1, 2 * d_in, 4 * d_in, 8 * d_in)
                for strategy in ("latency", "resource")
            ]
            answer = sim.evaluate(designs)
            for i, d in enumerate(designs):
                built = bool(answer["feasible"][i])
                figures = [float(answer[ours][i]) if built else "" for ours in names]
                knobs = (d["weight_bits"], d["reuse_factor"], d["strategy"], built)
                out.writerow([d_in, d_out, *knobs, *figures])
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_reports(tmp_path_factory.mktemp("made"))


def test_reading(made):
    reports = read_reports(made)
    assert len(reports) == 9 * len(BITS) * 4 * 2
    assert dict(reports.shapes())[32, 96].size == len(BITS) * 8
    assert np.isnan(reports.reported["lut"][~reports.success]).all()
    assert np.isfinite(reports.reported["lut"][reports.success]).all()
    part = reports.take(reports.resource)
    assert part.resource.all()
    assert len(part) == len(reports) / 2


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_a_fit_finds_the_constants_that_made_the_reports(tmp_path, scale):
    """But for those that no made report tells: of LUTs and flip-flops, rounded to whole ones."""
    known = load_constants()
    moved = [f.name for f in fields(Constants) if f.name not in ("dsp_bits", "dsp_decay", "level_delay_ns")]
    made = replace(known, **{name: getattr(known, name) * scale for name in moved})
    found = fit(read_reports(write_reports(tmp_path, made)))
    for f in fields(Constants):
        assert getattr(found, f.name) == pytest.approx(getattr(made, f.name), rel=0.02, abs=0.02), f.name


def test_validation_of_what_the_simulator_made_itself(made):
    found = {finding.quantity: finding for finding in validation.validate(made)}
    for name in ("initiation_interval, shared", "cycles, shared", "dsp, shared, 8 bits or more", "bram18, shared"):
        assert found[name].figure == 0
    assert found["lut, strategy latency"].figure == 0
    assert found["whether synthesis succeeds"].figure == 100
    assert found["cycles, SMAPE"].figure == 0
    assert found["cycles, SMAPE"].note.startswith("R² 1.0000; published on another test set")


def test_validation_in_a_checkout_has_the_rules_alone():
    rules, reports = validation.validate(GOLDEN)
    assert (rules.figure, rules.rows) == (0, 80)
    assert np.isnan(reports.figure)
    assert "wa-hls4ml" in reports.note


def test_validation_without_anything(tmp_path):
    with pytest.raises(ChipgymError, match="there is neither"):
        validation.validate(tmp_path)


def test_rules_that_are_none(tmp_path):
    path = tmp_path / validation.RULES
    path.parent.mkdir()
    path.write_text("n_in,n_out,legal\n3,x,1\n", encoding="utf-8")
    with pytest.raises(ChipgymError, match=r"reuse_factors.csv is not a table"):
        validation.validate(tmp_path)


def test_validation_sees_a_wrong_rule(tmp_path):
    path = tmp_path / validation.RULES
    path.parent.mkdir()
    path.write_text("n_in,n_out,legal\n3,2,1 3 6\n3,2,1 2 3 6\n", encoding="utf-8")
    assert validation.validate(tmp_path)[0].figure == 50


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("d_out", "out", 1), "no column 'd_out'"),
        (lambda t: t.splitlines()[0], "has no rows"),
        (lambda t: t.replace(",latency,", ",fast,", 1), "line 2: strategy 'fast' is not one of latency, resource"),
        (lambda t: t.replace(",True,", ",yes,", 1), "hls_success 'yes'"),
        (lambda t: t.replace("32,32,2,", "32,32,two,", 1), "line 2: weight_bits is 'two', expected a number"),
        (lambda t: t.replace(",True,", ",True,nan", 1), "expected a number"),
    ],
)
def test_a_damaged_table(made, tmp_path, change, says):
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text(change((made / FILE).read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ChipgymError, match=says) as error:
        read_reports(tmp_path)
    assert len(str(error.value).splitlines()) == 1


def test_no_table(tmp_path):
    with pytest.raises(ChipgymError, match=r"there is no file .*wa_hls4ml_dense_apache2.csv; .*fastmachinelearning"):
        read_reports(tmp_path)


def test_what_ships_says_where_it_is_from():
    text = resources.files("chipgym.simulators.hls4ml.tables").joinpath("constants.json").read_text(encoding="utf-8")
    shipped = json.loads(text)
    assert "Apache-2.0" in shipped["source"]
    assert {f.name for f in fields(Constants)} == set(shipped["constants"]) == set(MEANING)
    assert all(entry["unit"] and entry["meaning"] for entry in shipped["constants"].values())
    errors = shipped["median_error_percent"]
    for fitted, left_out in zip(*(table.values() for table in errors.values()), strict=True):
        assert 0 < fitted < 10
        assert 0 < left_out < 15


@needs_reports
def test_what_ships_is_what_the_reports_give():
    """The same fit again: the file is not edited by hand."""
    reports = read_reports(SHARED)
    text = resources.files("chipgym.simulators.hls4ml.tables").joinpath("constants.json").read_text(encoding="utf-8")
    shipped, again = json.loads(text), document(calibrate(reports), len(reports))
    for name, entry in shipped["constants"].items():
        assert again["constants"][name]["value"] == pytest.approx(entry["value"], rel=1e-3), name
    for of, errors in shipped["median_error_percent"].items():
        assert again["median_error_percent"][of] == pytest.approx(errors, abs=0.05)
    assert again["rows"] == shipped["rows"]


@needs_reports
def test_against_the_reports():
    found = {finding.quantity: finding for finding in validation.validate(SHARED)}
    assert found["initiation_interval, shared"].figure == 0
    assert found["cycles, shared"].figure == 0
    assert found["dsp, shared, 8 bits or more"].figure == 0
    assert found["bram18, shared"].figure < 2
    assert found["lut, strategy latency"].figure < 8
    assert found["ff, strategy latency"].figure < 8
    assert found["lut, strategy resource"].figure < 1
    assert found["ff, strategy resource"].figure < 1
    assert found["whether synthesis succeeds"].figure > 98

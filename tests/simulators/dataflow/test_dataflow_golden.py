"""The simulator beside DFModel's logs, measured runs of SN40L and published figures, from tests/golden/dataflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.simulators.dataflow.reference.calibrate import (
    FITTED_MODEL,
    TABLE,
    document,
    errors,
    fit,
    read_runs,
    simulator_of,
)
from chipgym.simulators.dataflow.reference.validation import (
    LOGS,
    fusion_gains,
    logged_sections,
    looping_gains,
    validate,
)
from chipgym.simulators.dataflow.tables.constants import load_calibration

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def runs():
    return read_runs(GOLDEN / TABLE)


def shipped() -> tuple[float, float, float]:
    c = load_calibration()
    return c.sync_us, c.sequence_us, c.compute_efficiency


def test_dfmodels_sections_and_initiation_interval():
    runs = logged_sections(GOLDEN / LOGS)
    for name, ii_ms, logged_ms in (("32x2x2", 23.654, 22.34), ("32x4x2", 24.201, 21.78)):
        ours, logged, fill = runs[name]
        np.testing.assert_allclose(ours, logged, rtol=1e-6)
        assert round(float(ours.sum()) * fill * 1e3, 3) == ii_ms
        assert float(logged.sum()) * 1e3 == pytest.approx(logged_ms, abs=0.01)


def test_measured_batch_1_on_every_row(runs):
    single = [run for run in runs if run.batch == 1]
    assert len(single) == 10
    assert np.abs(errors(single, shipped())).max() <= 0.10


def test_measured_batch_16_of_a_model_that_nothing_was_fitted_on(runs):
    others = [run for run in runs if run.batch == 16 and run.model != FITTED_MODEL]
    assert len(others) == 5
    assert np.median(np.abs(errors(others, shipped()))) <= 0.30


def test_a_run_is_evaluated_as_a_user_would(runs):
    run = runs[0]
    ours = simulator_of(run).evaluate({})["latency_s"][0]
    assert ours / run.latency_s - 1 == pytest.approx(errors([run], shipped())[0])


def test_the_calibration_sees_one_model_and_finds_constants_again(runs):
    """On runs made with known constants, and with the other model's rows spoilt."""
    few = [run for run in runs if run.tokens in (128, 1024)]
    truth = (15.0, 3.0, 0.5)
    made = []
    for run, error in zip(few, errors(few, truth), strict=True):
        latency = run.latency_s * (1 + error) if run.model == FITTED_MODEL else 1.0
        made.append(type(run)(run.model, run.tokens, run.batch, latency))
    found = fit(made)
    assert tuple(found.values()) == pytest.approx(truth, rel=0.02)
    report = document(made)["relative_errors"]
    assert report["fitted, batch 1"]["largest"] < 0.01 < report["held_out, batch 1"]["largest"]


def test_fusion_and_looping_gain_what_is_published():
    assert all(2 <= gain <= 13 for gain in fusion_gains().values())
    assert all(1 < gain <= 2.2 for gain in looping_gains().values())


def test_findings():
    found = {f.quantity: f.figure for f in validate(GOLDEN)}
    assert abs(found["area of Plasticine"]) < 1e-3
    assert abs(found["peak of Plasticine"]) < 2e-3
    assert found["section time"] < 1e-6
    assert abs(found["utilization"]) < 1e-3
    assert 0.5 < found["decode beside GenZ"] < 2
    assert 0.5 < found["prefill beside GenZ"] < 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no file"),
        ("Model,Input Output Length,Batch Size,Latency\n", "has no rows"),
        ("Model,Latency\nLlama,1\n", "line 2: Model is 'Llama'"),
        ("Model,Input Output Length,Batch Size,Latency\nmistralai/Mistral-7B-v0.1,128,1,fast\n", "line 2: "),
    ],
)
def test_tables_that_are_wrong(tmp_path, text, message):
    shutil.copytree(GOLDEN / "dataflow", tmp_path / "dataflow")
    (tmp_path / TABLE).unlink()
    if text is not None:
        (tmp_path / TABLE).write_text(text)
    with pytest.raises(ChipgymError, match=message):
        validate(tmp_path)
    (tmp_path / LOGS).write_text("run,PP\nx,y\n")
    with pytest.raises(ChipgymError, match="PP is 'y', expected a number"):
        logged_sections(tmp_path / LOGS)

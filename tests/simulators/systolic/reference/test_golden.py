"""The systolic simulator against the rows of SCALE-Sim 3.0.0 that are kept in tests/golden: every row, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipgym.simulators.systolic.reference import validation

GOLDEN = Path(__file__).parents[3] / "golden"


@pytest.fixture(scope="module")
def theirs():
    return validation.read_rows(GOLDEN / validation.TABLE)


@pytest.fixture(scope="module")
def ours(theirs):
    return validation.simulate_rows(theirs)


def test_the_rows_are_varied(theirs):
    assert 150 <= len(theirs["layer"]) <= 200
    assert set(theirs["dataflow"]) == {"os", "ws", "is"}
    assert set(theirs["mode"]) == {"conv", "gemm"}
    assert len(set(zip(theirs["rows"], theirs["cols"], strict=True))) >= 5
    assert len(set(theirs["ifmap_kb"])) >= 4


def test_compute_cycles(theirs, ours):
    np.testing.assert_array_equal(ours["compute_cycles"], theirs["compute_cycles"] + 1)


def test_mapping_efficiency(theirs, ours):
    np.testing.assert_allclose(ours["mapping_efficiency"] * 100, theirs["mapping_eff_pct"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["sram_ifmap_reads", "sram_filter_reads"])
def test_sram_reads(theirs, ours, name):
    np.testing.assert_array_equal(ours[name], theirs[name])


def test_sram_writes(theirs, ours):
    np.testing.assert_array_equal(
        ours["sram_ofmap_writes"], theirs["sram_ofmap_writes"] - validation.output_surplus(theirs)
    )


@pytest.mark.parametrize("name", ["dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes"])
def test_an_operand_on_chip_moves_once(theirs, ours, name):
    rows = validation.fits(theirs, name) & validation.whole(theirs, name)
    assert rows.sum() > 50
    np.testing.assert_array_equal(ours[name][rows], validation.operand_words(theirs)[name][rows])


@pytest.mark.parametrize("name", ["dram_filter_reads", "dram_ofmap_writes"])
def test_no_operand_moves_less_than_once(theirs, ours, name):
    assert (ours[name] >= validation.operand_words(theirs)[name]).all()

"""The memory simulator against DRAMSys 5.0: rows and phases kept in tests/golden, and full tables where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from phases import modelled, read_phases, read_setting

from chipgym.simulators.memory import MemorySimulator
from chipgym.simulators.memory.reference import validation

GOLDEN = Path(__file__).parents[2] / "golden"
REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"reference tables are not at {REFERENCE}")
KEPT = sorted((GOLDEN / "memory" / "phases").glob("*.phases.csv.gz"))
REPLAYED = [f for f in sorted((REFERENCE / "memory" / "tiny").glob("dramsys_*.phases.csv.gz")) if modelled(f)]


def tied(path: Path) -> bool:
    """Whether a run hangs on the order of events within a cycle in DRAMSys, see docs/memory.md."""
    design = read_setting(path)[2]
    return bool(design["arbiter"] == "simple" and design["page_policy"] == "open_adaptive")


def check_rows(reference: Path, table: validation.Table, least: int) -> None:
    """All rows are exact, but for what same-cycle events decide on sparse traces under the simple arbiter."""
    rows = validation.read_rows(reference, table)
    theirs, ours = validation.expected(rows), validation.simulate_rows(reference, table, rows)
    assert len(rows) > least
    assert not np.isnan(theirs["latency_s"]).any()
    sparse = [row["trace"].startswith(("chstone", "mediabench")) and row["Arbiter"] == "Simple" for row in rows]
    loose = {"energy_j": 1e-3, "read_latency_s": 0.015, "n_act": 0.035}
    for metric in theirs:
        for part, error in ((~np.array(sparse), 1e-5), (np.array(sparse), loose.get(metric, 1e-5))):
            known = part & ~np.isnan(theirs[metric])
            np.testing.assert_allclose(ours[metric][known], theirs[metric][known], rtol=error, err_msg=metric)


@pytest.mark.parametrize("table", validation.TABLES, ids=lambda t: t.file)
def test_kept_rows_are_equal(table):
    check_rows(GOLDEN, table, 40)


def test_kept_rows_are_varied():
    rows = [row for table in validation.TABLES for row in validation.read_rows(GOLDEN, table)]
    assert {row.get("device", "DDR3_1600") for row in rows} == set(validation._DEVICES)
    for knob in validation._KNOBS:
        assert len({row[knob] for row in rows}) >= 2, knob


def check_phases(path: Path, trace: Path) -> None:
    device, mapping, design = read_setting(path)
    sim = MemorySimulator(trace, device=device, address_mapping=mapping)
    history = sim.history(design)
    commands, requests = read_phases(path, round(history.cycle_s * 1e12))
    mine = history.commands.to_pandas()[["cycle", "command", "request"]].sort_values(["cycle", "command"])
    assert mine.to_numpy().tolist() == commands.to_numpy().tolist()
    found = history.requests.to_pandas()[["stands", "stored", "answered"]]
    assert found.to_numpy().tolist() == requests.to_numpy().tolist()


@pytest.mark.parametrize("path", KEPT, ids=lambda p: p.name[8:-19])
def test_every_command_of_a_kept_run(path):
    check_phases(path, GOLDEN / "memory" / "traces" / "tiny.stl.gz")


def test_kept_runs_are_of_every_device():
    assert {read_setting(path)[0] for path in KEPT} == set(validation._DEVICES.values())


@needs_reference
@pytest.mark.parametrize("path", [f for f in REPLAYED if not tied(f)], ids=lambda p: p.name[8:-19])
def test_every_command_of_a_run(path):
    check_phases(path, REFERENCE / "memory" / "traces" / "tiny.stl")


@needs_reference
@pytest.mark.parametrize("path", [f for f in REPLAYED if tied(f)], ids=lambda p: p.name[8:-19])
def test_a_tied_run_ends_at_the_same_time(path):
    device, mapping, design = read_setting(path)
    sim = MemorySimulator(REFERENCE / "memory" / "traces" / "tiny.stl", device=device, address_mapping=mapping)
    history = sim.history(design)
    commands, requests = read_phases(path, round(history.cycle_s * 1e12))
    mine = history.requests.to_pandas()
    assert mine["answered"].max() == requests["answered"].max()
    assert abs(len(history.commands.to_pandas()) - len(commands)) <= 20


@needs_reference
@pytest.mark.slow
@pytest.mark.parametrize("table", validation.TABLES, ids=lambda t: t.file)
def test_full_tables(table):
    check_rows(REFERENCE, table, 100)

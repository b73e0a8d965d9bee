"""Tables that others have published: from their file to a table that is searched."""

from __future__ import annotations

import itertools
from importlib import metadata

import numpy as np
import pytest

import chipgym
from chipgym.datasets import import_table, load_table
from chipgym.errors import ChipgymError


def small_contest() -> list[str]:
    """Two decode widths: of the first two issue queues, three reorder buffers; of the second two of each."""
    lines = []
    for decode, robs in ((1, (32, 30, 34)), (2, (36, 64))):
        for issue, rob in itertools.product((8, 6), robs):
            core = [4, decode, *(1, 1, issue) * 3, 8, 8, 16, rob, 52, 48, 8, 8, 64, 4, 1, 32, 64, 4, 0, 2, 1, 8]
            figures = [0.5 + decode + rob / 100, 0.02 + issue / 1000, 1.5e6 + 1e4 * rob, 1e4 + issue]
            lines.append("    ".join(map(str, core + figures)))
    return lines


@pytest.fixture
def contest(tmp_path):
    path = tmp_path / "contest.csv"
    path.write_text("\n".join(small_contest()))
    return path


def test_every_core_is_a_canonical_design(contest, tmp_path):
    table = import_table("iccad-boom", tmp_path / "new" / "boom.parquet", contest)
    assert len(table) == 10
    assert load_table(tmp_path / "new" / "boom.parquet").digest == table.digest
    simulator = chipgym.make_simulator("tabular", tmp_path / "new" / "boom.parquet")
    assert simulator.complete
    assert [p.name for p in simulator.space.parameters if p.size > 1] == [
        "decode_width", "issue", "rob_of_2", "rob_of_3",
    ]  # fmt: skip
    smallest = simulator.evaluate({"decode_width": 1, "issue": 1, "rob_of_3": 1}).row(0)
    assert smallest["rob_entries"] == 30
    assert smallest["int_issue_entries"] == 6
    assert smallest["ipc"] == pytest.approx(1.8)
    assert smallest["area_mm2"] == pytest.approx(1.8)
    assert simulator.evaluate({"decode_width": 2, "rob_of_2": 2})["rob_entries"].tolist() == [64.0]
    assert simulator.bottlenecks({}) == ()
    assert simulator.workload.header.options["licence"] == "Apache-2.0"


def test_a_table_in_memory_is_searched_too(contest):
    problem = chipgym.make_problem("tabular", import_table("iccad-boom", source=contest), objective="power_per_ipc")
    assert chipgym.optimize(problem, "exhaustive", 100).evaluations == 10
    assert chipgym.make_problem("tabular", import_table("iccad-boom", source=contest), objective="ppa").objectives


FAULTS = {
    "a core is missing": (lambda lines: lines[:-1], "has 3 cores of decode width 2, expected all 4"),
    "a core is there twice": (lambda lines: [*lines, lines[0]], "has a core of decode width 1 twice"),
    "a number is missing": (lambda lines: [lines[0], lines[1].rsplit(maxsplit=1)[0]], "line 2 is not 33 numbers"),
    "a word": (lambda lines: [lines[0].replace("52", "many")], "line 1 is not 33 numbers"),
    "no number": (lambda lines: [lines[0].rsplit(maxsplit=1)[0] + " nan"], "line 1 is not 33 numbers"),
    "half a way": (lambda lines: [lines[0].replace("52", "52.5")], "a core's that is not whole"),
    "no cores": (lambda lines: ["", " "], "is empty|has no cores"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_is_something_else(contest, tmp_path, fault):
    change, message = FAULTS[fault]
    contest.write_text("\n".join(change(small_contest())))
    with pytest.raises(ChipgymError, match=message) as told:
        import_table("iccad-boom", tmp_path / "boom.parquet", contest)
    assert "contest.csv" in str(told.value)
    assert not (tmp_path / "boom.parquet").exists()


def test_unknown_names_and_outputs(contest, tmp_path):
    with pytest.raises(ChipgymError, match="iccad-boom"):
        import_table("iccad-bom")
    with pytest.raises(ChipgymError, match=r"does not end in \.parquet"):
        import_table("iccad-boom", tmp_path / "boom.csv", contest)
    with pytest.raises(ChipgymError, match="nowhere"):
        import_table("iccad-boom", source=tmp_path / "nowhere.csv")


def test_the_package_that_ships_it_is_named_where_it_is_not_installed(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(ChipgymError, match=r"pip install iccad-contest==0\.1\.3"):
        import_table("iccad-boom")


def test_the_contests_cores():
    """All 15,633, whose figures are dummies: their sums over units explain next to nothing (see the docs)."""
    try:
        metadata.distribution("iccad-contest")
    except metadata.PackageNotFoundError:
        pytest.skip("iccad-contest is not installed")
    table = import_table("iccad-boom")
    assert len(table) == 15_633
    simulator = chipgym.make_simulator("tabular", table)
    assert simulator.complete
    assert len(simulator.space.parameters) == 11
    truth = chipgym.search.ground_truth(chipgym.make_problem("tabular", table, objective="1/ipc"))
    assert truth.optimum == pytest.approx(1 / 2.999964)
    widest = table.to_pandas().query("decode_width == 5")
    knobs = np.stack([(widest[k] == v).to_numpy(float) for k in simulator.space.names for v in (1, 2, 3)], axis=1)
    fitted = knobs @ np.linalg.lstsq(knobs, widest.ipc, rcond=None)[0]
    assert 1 - np.var(widest.ipc - fitted) / np.var(widest.ipc) < 0.02

"""Rows of results are designs: whatever a search, a table or a data frame answers goes back into `evaluate`."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

import chipgym
from chipgym.errors import ChipgymError
from chipgym.simulators.tabular import TabularSimulator


@pytest.fixture(scope="module")
def found():
    problem = chipgym.make_problem("toy", objective=["edp", "area_mm2"], constraints="latency_s <= 0.001")
    return chipgym.optimize(problem, "random", 40)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "toy.parquet"
    chipgym.collect("toy", path)
    return chipgym.load_table(path)


def forms(found):
    frame = found.to_pandas()
    csv = io.StringIO(frame.to_csv(index=False))
    return {
        "a data frame": frame,
        "a data frame from CSV": pd.read_csv(csv, keep_default_na=True),
        "its records": frame.to_dict("records"),
        "its columns": frame.to_dict("list"),
        "its rows": [row for _, row in frame.iterrows()],
        "evaluated designs": [found.table.row(i) for i in range(len(found.table))],
        "the table": found.table,
    }


@pytest.mark.parametrize("form", range(7))
def test_rows_of_a_search_evaluate_to_themselves(found, form):
    rows = list(forms(found).values())[form]
    for target in (found.problem, found.problem.simulator):
        out = target.evaluate(rows)
        metrics = getattr(out, "metrics", out)
        np.testing.assert_array_equal(metrics["latency_s"], found.table.metrics["latency_s"])
        np.testing.assert_array_equal(metrics["area_mm2"], found.table.metrics["area_mm2"])


def test_one_row(found):
    frame = found.to_pandas()
    simulator = found.problem.simulator
    latency = found.best.metrics["latency_s"]
    for one in (found.best, frame.iloc[found.best.number], dict(frame.iloc[found.best.number]), found.best.design):
        assert simulator.evaluate(one)["latency_s"].tolist() == [latency]
        assert not found.problem.broken_limits(one)
    front = simulator.evaluate(found.pareto)
    assert front["area_mm2"].tolist() == [d.metrics["area_mm2"] for d in found.pareto]


def test_rows_of_a_table(table):
    simulator = chipgym.make_simulator("toy")
    for rows in (table, table.to_pandas(), table.to_pandas().to_dict("records")):
        np.testing.assert_array_equal(simulator.evaluate(rows)["energy_j"], table.metrics["energy_j"])
        np.testing.assert_array_equal(TabularSimulator(table).evaluate(rows)["energy_j"], table.metrics["energy_j"])


def test_a_misspelled_knob_is_still_an_error(found):
    frame = found.to_pandas().rename(columns={"units": "unit"})
    with pytest.raises(ChipgymError, match="unknown knob 'unit'; did you mean 'units'"):
        found.problem.evaluate(frame)
    with pytest.raises(ChipgymError, match="unknown knob 'cycles'"):
        found.problem.evaluate(found.to_pandas().assign(cycles=1.0))


# --- what there is at the top ------------------------------------------------------------------------------------


def test_what_a_person_types_is_listed_and_nothing_else():
    names = dir(chipgym)
    assert {"optimize", "hypervolume", "load_result", "make_problem", "search", "ChipgymError"} <= set(names)
    assert not {"Any", "annotations", "TYPE_CHECKING", "importlib"} & set(names)
    assert not [name for name in names if name.startswith("_") and name != "__version__"]
    for name in names:
        assert getattr(chipgym, name) is not None
    assert not {"Any", "annotations", "os", "TYPE_CHECKING"} & set(dir(chipgym.search))
    for name in dir(chipgym.search):
        assert getattr(chipgym.search, name) is not None


def test_a_result_is_json(found, tmp_path):
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["best"]["design"] == found.best.design
    assert data["best"]["objectives"] == dict(zip(["edp", "area_mm2"], found.best.objectives, strict=True))
    assert [d["number"] for d in data["pareto"]] == [d.number for d in found.pareto]
    assert data["objective_units"] == {"edp": "J·s", "area_mm2": "mm2"}
    assert data["failed"] == []
    infeasible = int(np.flatnonzero(found.table.violation > 0)[0])
    row = found.table.row(infeasible).to_dict(found.table.objective_names)
    assert row["feasible"] is False
    json.dumps(row, allow_nan=False)

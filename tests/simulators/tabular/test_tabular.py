"""A table answers exactly as the simulator that it was collected from, and refuses what it does not have."""

from __future__ import annotations

import pickle
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import load_table
from chipgym.simulators import DesignSpace, Metrics, Parameter, Reals, make_simulator
from chipgym.simulators.tabular import TabularSimulator, space_of
from chipgym.simulators.tabular import simulator as tabular_module

SYSTOLIC = {
    "rows": [8, 32], "cols": [16, 32], "num_arrays": [1, 2], "dataflow": ["is", "ws"], "ifmap_sram_kb": [8, 128],
    "filter_sram_kb": [64, 128], "ofmap_sram_kb": 128, "dram_bandwidth": [0.5, float("inf")], "clock_mhz": [800, 1600],
}  # fmt: skip
SOURCES = {"toy": ("mlp:16-64-5", None, {}), "systolic": ("mlp:64-64-8", SYSTOLIC, {"technology": "22nm"})}


@pytest.fixture(scope="module", params=SOURCES)
def pair(request, tmp_path_factory):
    """A simulator and the table of all of its designs."""
    workload, space, options = SOURCES[request.param]
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    chipgym.collect(request.param, path, workload=workload, space=space, **options)
    return make_simulator(request.param, workload, **options), TabularSimulator(path)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "toy.parquet"
    chipgym.collect("toy", path)
    return path


def assert_same(a: Metrics, b: Metrics) -> None:
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name, strict=True)


def test_every_row_of_the_grid_in_every_metric(pair):
    source, table = pair
    rows = table.space.enumerate()
    assert_same(table.evaluate(rows), source.evaluate(table.space.decode(rows)))


def test_declarations_are_the_sources(pair):
    source, table = pair
    assert table.metrics == source.metrics
    assert table.objectives == source.objectives
    assert table.default_objective == source.default_objective
    assert table.targets == source.targets
    assert table.workload.features() == source.workload.features()
    assert table.source == source.identity()
    assert table.complete
    for mine, theirs in zip(table.space.parameters, source.space.parameters, strict=True):
        for name in ("name", "unit", "ordinal", "condition", "subsystem", "doc"):
            assert getattr(mine, name) == getattr(theirs, name)
        assert mine.accepts.dtype.kind == theirs.accepts.dtype.kind
    assert table.space.default.items() <= source.space.narrow({p.name: p.values for p in table.space}).default.items()


@pytest.mark.parametrize(
    ("simulator", "workload", "space"),
    [
        ("toy", "mlp:8-8", {"cache": "off"}),
        ("memory", "stream", {"arbiter": "simple", "refresh_policy": ["no_refresh"], "page_policy": "open"}),
        ("memory", "stream", {"arbiter": ["simple", "fifo"], "scheduler": "fifo", "page_policy": "open",
                              "request_buffer_size": [1, 8], "refresh_policy": "no_refresh"}),
    ],
)  # fmt: skip
def test_a_part_of_a_space_in_which_a_condition_is_never_met(simulator, workload, space, tmp_path):
    path = tmp_path / "part.parquet"
    chipgym.collect(simulator, path, workload=workload, space=space)
    table, source = TabularSimulator(path), make_simulator(simulator, workload)
    rows = next(table.space.canonical_rows())
    assert len(rows) == len(load_table(path))
    assert_same(table.evaluate(rows), source.evaluate(table.space.decode(rows)))
    assert chipgym.optimize(chipgym.make_problem(table), agent="random", budget=3).best


def test_problems_agree(pair):
    source, table = pair
    grids = {p.name: p.values for p in table.space}
    for objective in (None, "edp", ["latency_s", "area_mm2"]):
        theirs = chipgym.make_problem(source, objective=objective, constraints="area_mm2 <= 9", space=grids)
        mine = chipgym.make_problem(table, objective=objective, constraints="area_mm2 <= 9")
        rows = mine.space.enumerate()
        a, b = mine.evaluate(rows), theirs.evaluate(rows)
        np.testing.assert_array_equal(a.objectives, b.objectives)
        np.testing.assert_array_equal(mine.reward(a), theirs.reward(b))


def test_an_agent_goes_the_same_way(pair):
    """Same space, same answers: the same search, whichever of the two it asks."""
    source, table = pair
    grids = {p.name: p.values for p in table.space}
    theirs = chipgym.optimize(chipgym.make_problem(source, space=grids), "nsga2", 60, 1)
    mine = chipgym.optimize(chipgym.make_problem(table), "nsga2", 60, 1)
    assert mine.to_pandas().equals(theirs.to_pandas())


def test_the_environment_takes_a_path(toy):
    env = gymnasium.make("chipgym/Tabular-v0", workload=str(toy), objective="latency_s", space={"cache": "off"})
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.array([2, 0, 0, 1]))
    out = make_simulator("toy").evaluate(info["design"])
    assert info["metrics"] == out.row(0)
    expected = gymnasium.make("chipgym/Toy-v0", objective="latency_s", space={"cache": "off"})
    expected.reset(seed=0)
    assert expected.step(np.array([2, 0, 0, 1]))[1] == reward


def test_off_the_grid_is_an_error(toy):
    table = make_simulator("tabular", toy)
    assert make_simulator("toy").evaluate({"units": 3}).n == 1
    for design, says in (
        ({"units": 3}, r"units: 3 is not on the grid \(1, 2, 4, 8, 16, 32\); nearest is 2"),
        ({"units": [1] * 20 + [5] + [1] * 20}, "units: 5 is not on the grid"),
        ({"units": 64}, "units: 64 is not a whole number from 1 to 32; nearest is 32"),
        ({"cache": "of"}, "did you mean 'off'"),
        ({"unit": 4}, "did you mean 'units'"),
    ):
        with pytest.raises(chipgym.ChipgymError, match=says):
            table.evaluate(design)


@pytest.mark.parametrize("indexed", [True, False])
def test_samples_know_only_themselves(tmp_path, monkeypatch, indexed):
    """Both ways of finding a row: by an index of the whole grid, and by search in a grid too large for one."""
    if not indexed:
        monkeypatch.setattr(tabular_module, "MOST_INDEXED", 0)
    chipgym.collect("toy", tmp_path / "t.parquet", samples=40, seed=3)
    table, source = make_simulator("tabular", tmp_path / "t.parquet"), make_simulator("toy")
    assert not table.complete
    known = table.workload.positions
    assert_same(table.evaluate(known), source.evaluate(known))
    assert table.evaluate({}).n == 1  # rewards refer to the default
    missing = 0
    for rows in source.space.canonical_rows():
        for row in rows:
            if not (known == row).all(axis=1).any():
                missing += 1
                with pytest.raises(
                    chipgym.ChipgymError, match=r"is not among the 40 designs drawn for .*; collect every"
                ):
                    table.evaluate(row)
    assert missing == 50


def test_a_large_grid_is_searched_in_order(toy, monkeypatch):
    rows = make_simulator("toy").space.enumerate()
    indexed = make_simulator("tabular", toy).evaluate(rows)
    monkeypatch.setattr(tabular_module, "MOST_INDEXED", 0)
    assert_same(make_simulator("tabular", toy).evaluate(rows), indexed)


def test_names_paths_and_tables_are_taken(toy):
    rows = make_simulator("tabular", toy).space.enumerate()
    for spec in (str(toy), toy, load_table(toy)):
        assert_same(make_simulator("tabular", spec).evaluate(rows), make_simulator("toy").evaluate(rows))
    assert make_simulator("tabular").identity() == make_simulator("tabular", "systolic-resnet18").identity()
    again = pickle.loads(pickle.dumps(make_simulator("tabular", toy)))
    assert again.identity() == make_simulator("tabular", toy).identity()


def test_rows_that_do_not_fit_the_header(toy):
    table = load_table(toy)

    def part(which):
        metrics = {name: column[which] for name, column in table.metrics.items()}
        return replace(table, positions=table.positions[which], metrics=metrics, violation=table.violation[which])

    for wrong, says in (
        (part(slice(1, None)), "has 89 designs where its header says 90"),
        (part(slice(0)), "has no designs"),
        (part(np.arange(90)[::-1]), "not in grid order"),
        (part(np.repeat(np.arange(45), 2)), "in it twice"),
    ):
        with pytest.raises(chipgym.ChipgymError, match=says):
            TabularSimulator(wrong)
    off = table.positions.copy()
    off[2, 2] = 1  # the size of a cache that is off
    with pytest.raises(chipgym.ChipgymError, match="inactive knob"):
        TabularSimulator(replace(table, positions=off))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_positions_are_where_values_stand(data):
    """Numbers in order, categories in any order, columns short and long."""
    ordinal = data.draw(st.booleans())
    reals = st.floats(-1e6, 1e6).map(lambda v: v + 0.0)
    values = data.draw(st.lists(st.integers(-99, 99) | reals, min_size=1, max_size=9, unique=True))
    values = sorted(values) if ordinal else values
    p = Parameter("k", tuple(values), Reals(-1e7, 1e7), ordinal=ordinal)
    others = data.draw(st.lists(st.floats(-1e6, 1e6), max_size=20))
    column = np.array([*values, *others], dtype=np.float64)
    expected = [p.values.index(v) if v in p.values else -1 for v in column.tolist()]
    assert p.positions(column).tolist() == expected
    assert [p.positions(column[i : i + 1])[0] for i in range(len(column))] == expected


def test_an_infinite_value_comes_back():
    space = DesignSpace((Parameter("bandwidth", (1.0, 2.0, float("inf")), Reals(0.5, 9, infinite=True)),))
    simulator = make_simulator("toy")
    header = chipgym.simulators.tabular.header_of(simulator, space)
    again = space_of(type(header).from_json(header.to_json()))
    assert again["bandwidth"].values == (1.0, 2.0, float("inf"))
    assert again["bandwidth"].accepts == Reals(1.0, 2.0, infinite=True)

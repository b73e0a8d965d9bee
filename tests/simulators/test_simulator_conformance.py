"""What every registered simulator must do; a new one joins by being registered."""

from __future__ import annotations

import itertools
import json
import math
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.simulators import (
    Choices,
    DesignSpace,
    Metrics,
    Parameter,
    Simulator,
    SimulatorEntry,
    Value,
    bind_problem,
    make_simulator,
    registered,
)

ENTRIES = registered()
# Enough designs to meet every value and many pairs of them, few enough for a slow kernel.
DESIGNS = 96

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.fixture(scope="module", params=ENTRIES, ids=lambda e: e.name)
def entry(request):
    return request.param


@pytest.fixture(scope="module")
def sim(entry) -> Simulator:
    return make_simulator(entry.name)


@pytest.fixture(scope="module")
def rows(sim) -> np.ndarray:
    return sim.space.sample(DESIGNS, np.random.default_rng(7))


@pytest.fixture(scope="module")
def out(sim, rows) -> Metrics:
    return sim.evaluate(rows)


def assert_same(a: Metrics, b: Metrics) -> None:
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name, strict=True)


# --- declarations -----------------------------------------------------------------------------------------------


def test_declarations(entry, sim):
    assert sim.name == entry.name == entry.name.lower()
    assert entry.title
    assert entry.doc
    assert isinstance(sim, entry.load())
    assert sim.version
    assert sim.chunk > 0
    for name, preset in sim.objectives.items():
        assert bind_problem(sim, objective=name).objectives, preset
    assert bind_problem(sim).objectives


def test_metrics_are_declared_with_units(sim):
    names = [m.name for m in sim.metrics]
    assert len(set(names)) == len(names)
    assert not {"feasible", "violation", *(p.name for p in sim.space.parameters)} & set(names)  # columns of one table
    suffixes = {"_s": "s", "_j": "J", "_w": "W", "_mm2": "mm2", "_bytes": "bytes", "_gbps": "GB/s"}
    for m in sim.metrics:
        assert m.name.isidentifier()
        assert m.goal in ("min", "max")
        assert m.doc, m.name
        for suffix, unit in suffixes.items():
            if m.name.endswith(suffix) and not m.name.endswith("per_s"):
                assert m.unit == unit, m.name


def test_parameters_are_declared(sim):
    for p in sim.space.parameters:
        assert p.name.isidentifier()
        assert p.doc, p.name
        assert p.accepts.column(p.name, p.values).tolist() == list(p.values)
        if isinstance(p.accepts, Choices):
            assert set(p.values) <= set(p.accepts.names)
        else:
            assert p.accepts.low <= min(p.values) <= max(p.values) <= p.accepts.high
            assert all(math.isfinite(v) for v in p.values), "no limit is never on the grid"


def test_identity_is_json(sim, entry):
    identity = sim.identity()
    assert json.loads(json.dumps(identity, allow_nan=False)) == identity
    assert make_simulator(entry.name).identity() == identity
    assert make_simulator(entry.name, **sim.options).identity() == identity


def test_an_unknown_option_says_so(entry):
    with pytest.raises(ChipgymError, match="no_such_option") as error:
        make_simulator(entry.name, no_such_option=3)
    assert len(str(error.value).splitlines()) == 1
    for workload in ("no-such-workload", 5, "", [], b"x"):
        with pytest.raises(ChipgymError) as error:
            make_simulator(entry.name, workload)
        assert len(str(error.value).splitlines()) == 1


# --- answers ----------------------------------------------------------------------------------------------------


def test_columns(sim, rows, out):
    assert list(out) == [*(m.name for m in sim.metrics), "feasible", "violation"]
    for m in sim.metrics:
        assert out[m.name].dtype == np.float64, m.name
        assert out[m.name].shape == (len(rows),), m.name
        assert not np.isinf(out[m.name]).any(), m.name
        wrong = np.isnan(out[m.name]) != (~out["feasible"] & m.cost)
        assert not wrong.any(), m.name
    assert out["feasible"].dtype == np.bool_
    assert out["violation"].dtype == np.float64
    assert (out["violation"] >= 0).all()
    assert (out["feasible"] == (out["violation"] == 0)).all()


def test_the_default_is_feasible(sim):
    default = sim.evaluate({})
    assert default.n == 1
    assert default["feasible"].all()
    assert_same(default, sim.evaluate(sim.space.default))
    assert_same(default, sim.evaluate(sim.space.default_indices))
    (objective,) = bind_problem(sim).objectives
    assert objective(default)[0] > 0


def test_every_value_is_evaluated(sim):
    for p in sim.space.parameters:
        found = sim.evaluate({p.name: list(p.values)})
        assert found.n == p.size
        for m in sim.metrics:
            assert np.isfinite(found[m.name][found["feasible"]]).all(), (p.name, m.name)


def test_the_corners_of_the_domain_are_evaluated(sim):
    for p in sim.space.parameters:
        ends = list(p.accepts.names) if isinstance(p.accepts, Choices) else [p.accepts.low, p.accepts.high]
        if getattr(p.accepts, "infinite", False):
            ends.append(math.inf)
        found = sim.evaluate({p.name: ends})
        assert (found["violation"] >= 0).all(), p.name
        if not isinstance(p.accepts, Choices):
            for beyond in (
                math.nextafter(p.accepts.low, -math.inf),
                p.accepts.high + 1 + abs(p.accepts.high) * 1e-9,
                math.nan,
            ):
                with pytest.raises(ChipgymError, match=p.name):
                    sim.evaluate({p.name: beyond})


def test_a_batch_is_its_designs_one_by_one(sim, rows, out):
    assert_same(Metrics.concatenate([sim.evaluate(row) for row in rows[:24]]), sim.evaluate(rows[:24]))
    assert_same(Metrics.concatenate([sim.evaluate(rows[:1]), sim.evaluate(rows[1:50]), sim.evaluate(rows[50:])]), out)
    assert_same(sim.evaluate([sim.space.design(row) for row in rows]), out)
    assert_same(sim.evaluate(sim.space.decode(rows)), out)


def test_order_changes_nothing(sim, rows, out):
    order = np.random.default_rng(1).permutation(len(rows))
    shuffled = sim.evaluate(rows[order])
    for name in out:
        np.testing.assert_array_equal(shuffled[name], out[name][order])


def test_chunks_change_nothing(sim, rows, out, monkeypatch):
    for chunk in (1, 7, len(rows) - 1, len(rows)):
        monkeypatch.setattr(type(sim), "chunk", chunk)
        assert_same(sim.evaluate(rows), out)


def test_no_designs(sim):
    for none in ([], np.empty((0, len(sim.space.parameters)), int), {sim.space.names[0]: []}):
        empty = sim.evaluate(none)
        assert empty.n == 0
        assert all(column.shape == (0,) for column in empty.values())
        assert empty["feasible"].dtype == np.bool_


def test_inactive_parameters_change_nothing(sim):
    """As the kernel sees it: columns that were not folded on the way."""
    grid = np.random.default_rng(3).integers(0, sim.space.sizes, size=(DESIGNS, len(sim.space.parameters)))
    loose = DesignSpace(tuple(replace(p, condition=None) for p in sim.space.parameters))
    assert_same(sim.evaluate_columns(loose.decode(grid), len(grid)), sim.evaluate(grid))


def test_broken_limits_are_those_of_infeasible_designs(entry, sim, rows, out):
    """For a simulator that names them; designs off the grid too, at the ends of the domains."""
    corners = [{p.name: end} for p in sim.space.parameters for end in _ends(p)]
    named = [sim.broken_limits(design) for design in [*map(sim.space.design, rows), *corners]]
    feasible = [*out["feasible"], *(bool(sim.evaluate(design)["feasible"][0]) for design in corners)]
    if entry.load().broken_limits is Simulator.broken_limits:
        assert not any(named)
        return
    assert [not limits for limits in named] == feasible
    for limit in itertools.chain(*named):
        assert limit.broken
        assert limit.name in str(limit)


def _ends(p: Parameter) -> list[Value]:
    return list(p.accepts.names) if isinstance(p.accepts, Choices) else [p.accepts.low, p.accepts.high]


# --- purity -----------------------------------------------------------------------------------------------------


def test_inputs_stay_as_they_are_and_answers_are_ones_own(sim, rows, out):
    columns = sim.space.decode(rows)
    kept = {k: v.copy() for k, v in columns.items()}
    indices = rows.copy()
    for column in columns.values():
        column.setflags(write=False)
    assert_same(sim.evaluate(columns), out)
    for k, v in columns.items():
        np.testing.assert_array_equal(v, kept[k])
    first = sim.evaluate(indices)
    np.testing.assert_array_equal(indices, rows)
    for column in first.values():
        column[...] = 0
    assert_same(sim.evaluate(rows), out)


def test_another_instance_answers_the_same(entry, rows, out):
    assert_same(make_simulator(entry.name).evaluate(rows), out)


def test_threads(sim, rows, out):
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda i: sim.evaluate(np.roll(rows, i, axis=0)), range(24)):
            assert found.n == len(rows)
        for i, found in enumerate(pool.map(lambda i: sim.evaluate(np.roll(rows, i, axis=0)), range(8))):
            for name in out:
                np.testing.assert_array_equal(found[name], np.roll(out[name], i))


def test_pickled(sim, rows, out):
    assert_same(pickle.loads(pickle.dumps(sim)).evaluate(rows), out)


def _evaluate(entry: SimulatorEntry, rows: np.ndarray) -> Metrics:
    return entry.load()().evaluate(rows)


def test_another_process_answers_the_same():
    batches = [e.load()().space.sample(DESIGNS, np.random.default_rng(5)) for e in ENTRIES]
    with get_context("spawn").Pool(1) as pool:
        found = pool.starmap(_evaluate, zip(ENTRIES, batches, strict=True))
    for entry, rows, there in zip(ENTRIES, batches, found, strict=True):
        assert_same(there, _evaluate(entry, rows))


def test_no_files_are_written(entry, rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global generator must stay as it is
    environment = dict(os.environ)
    make_simulator(entry.name).evaluate(rows)
    assert list(tmp_path.iterdir()) == []
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert dict(os.environ) == environment

"""What every simulator must do."""

from __future__ import annotations

import itertools
import json
import math
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ..errors import ChipgymError
from ..simulators import (
    Choices,
    DesignSpace,
    Indices,
    Metrics,
    Parameter,
    Simulator,
    SimulatorEntry,
    Value,
    bind_problem,
    make_simulator,
)
from ..simulators.core.registry import entry as entry_of


def assert_same(a: Metrics, b: Metrics) -> None:
    """Check that two answers have the same columns, to the last bit."""
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name, strict=True)


@pytest.mark.filterwarnings("error::RuntimeWarning")
class SimulatorSuite:
    """Declarations, answers and purity of a registered simulator on its default workload.

    Attributes:
        simulator: its name; a package of one's own registers it, by an entry point or by `chipgym.register_simulator`.
        designs: how many drawn designs it is asked for: enough to meet every value and many pairs of them, few enough
            for a slow kernel.
        free: knobs whose greatest value may be better in something and worse in nothing, each with why that is so.
    """

    simulator: ClassVar[str]
    designs: ClassVar[int] = 96
    free: ClassVar[dict[str, str]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def entry(cls) -> SimulatorEntry:
        """Return the simulator as it is registered."""
        return entry_of(cls.simulator)

    @pytest.fixture(scope="class")
    @classmethod
    def sim(cls, entry: SimulatorEntry) -> Simulator:
        """Make the simulator on its default workload."""
        return make_simulator(entry.name)

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls, sim: Simulator) -> Indices:
        """Draw designs."""
        return sim.space.sample(cls.designs, np.random.default_rng(7))

    @pytest.fixture(scope="class")
    @classmethod
    def out(cls, sim: Simulator, rows: Indices) -> Metrics:
        """Return what the simulator answers for them."""
        return sim.evaluate(rows)

    # --- declarations -----------------------------------------------------------------------------------------------

    def test_declarations(self, entry: SimulatorEntry, sim: Simulator) -> None:
        """Check that the class has the registered name, a title, a description and a version, and presets that bind."""
        assert sim.name == entry.name == entry.name.lower()
        assert entry.title
        assert entry.doc
        assert isinstance(sim, entry.load())
        assert sim.version
        assert sim.chunk > 0
        for name, preset in sim.objectives.items():
            assert bind_problem(sim, objective=name).objectives, preset
        assert bind_problem(sim).objectives

    def test_metrics_are_declared_with_units(self, sim: Simulator) -> None:
        """Check that metrics have different names, descriptions and goals, and the units that their names end in."""
        names = [m.name for m in sim.metrics]
        assert len(set(names)) == len(names)
        knobs = {p.name for p in sim.space.parameters}
        assert not {"feasible", "violation", *knobs} & set(names), "columns of one table"
        suffixes = {"_s": "s", "_j": "J", "_w": "W", "_mm2": "mm2", "_bytes": "bytes", "_gbps": "GB/s"}
        for m in sim.metrics:
            assert m.name.isidentifier()
            assert m.goal in ("min", "max")
            assert m.doc, m.name
            for suffix, unit in suffixes.items():
                if m.name.endswith(suffix) and not m.name.endswith("per_s"):
                    assert m.unit == unit, m.name

    def test_parameters_are_declared(self, sim: Simulator) -> None:
        """Check that parameters have descriptions, and grids of finite values within their domains."""
        for p in sim.space.parameters:
            assert p.name.isidentifier()
            assert p.doc, p.name
            assert p.accepts.column(p.name, p.values).tolist() == list(p.values)
            if isinstance(p.accepts, Choices):
                assert set(p.values) <= set(p.accepts.names)
            else:
                values = p.column_values.astype(np.float64)
                assert p.accepts.low <= values.min() <= values.max() <= p.accepts.high
                assert np.isfinite(values).all(), "no limit is never on the grid"

    def test_identity_is_json(self, sim: Simulator, entry: SimulatorEntry) -> None:
        """Check that the identity is JSON data without NaN, and the same when the simulator is made again."""
        identity = sim.identity()
        assert json.loads(json.dumps(identity, allow_nan=False)) == identity
        assert make_simulator(entry.name).identity() == identity
        assert make_simulator(entry.name, **sim.options).identity() == identity

    def test_an_unknown_option_says_so(self, entry: SimulatorEntry) -> None:
        """Check that an unknown option and values that are no workload are refused in one line."""
        with pytest.raises(ChipgymError, match="no_such_option") as error:
            make_simulator(entry.name, no_such_option=3)
        assert len(str(error.value).splitlines()) == 1
        wrong: tuple[Any, ...] = ("no-such-workload", 5, "", [], b"x")
        for workload in wrong:
            with pytest.raises(ChipgymError) as error:
                make_simulator(entry.name, workload)
            assert len(str(error.value).splitlines()) == 1

    # --- answers ------------------------------------------------------------------------------------------------

    def test_columns(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check the columns' names, order, types and shapes, and that only costs of infeasible designs are NaN."""
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

    def test_the_default_is_feasible(self, sim: Simulator) -> None:
        """Check that the default design is feasible, in every form that `evaluate` takes, with a positive objective."""
        default = sim.evaluate({})
        assert default.n == 1
        assert default["feasible"].all()
        assert_same(default, sim.evaluate(sim.space.default))
        assert_same(default, sim.evaluate(sim.space.default_indices))
        (objective,) = bind_problem(sim).objectives
        assert objective(default)[0] > 0

    def test_every_value_is_evaluated(self, sim: Simulator) -> None:
        """Check that each value of each grid is evaluated, with finite metrics where it is feasible."""
        for p in sim.space.parameters:
            found = sim.evaluate({p.name: list(p.values)})
            assert found.n == p.size
            for m in sim.metrics:
                assert np.isfinite(found[m.name][found["feasible"]]).all(), (p.name, m.name)

    def test_the_corners_of_the_domain_are_evaluated(self, sim: Simulator) -> None:
        """Check that the ends of each domain are evaluated, and that what is just beyond them is refused."""
        for p in sim.space.parameters:
            ends = _ends(p)
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

    def test_a_batch_is_its_designs_one_by_one(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check that a batch, its parts and its single designs answer the same, in every form."""
        assert_same(Metrics.concatenate([sim.evaluate(row) for row in rows[:24]]), sim.evaluate(rows[:24]))
        assert_same(
            Metrics.concatenate([sim.evaluate(rows[:1]), sim.evaluate(rows[1:50]), sim.evaluate(rows[50:])]), out
        )
        assert_same(sim.evaluate([sim.space.design(row) for row in rows]), out)
        assert_same(sim.evaluate(sim.space.decode(rows)), out)

    def test_order_changes_nothing(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check that shuffled designs have the same answers in the shuffled order."""
        order = np.random.default_rng(1).permutation(len(rows))
        shuffled = sim.evaluate(rows[order])
        for name in out:
            np.testing.assert_array_equal(shuffled[name], out[name][order])

    def test_chunks_change_nothing(
        self, sim: Simulator, rows: Indices, out: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Check that answers do not depend on how many designs are simulated at a time."""
        for chunk in (1, 7, len(rows) - 1, len(rows)):
            monkeypatch.setattr(type(sim), "chunk", chunk)
            assert_same(sim.evaluate(rows), out)

    def test_no_designs(self, sim: Simulator) -> None:
        """Check that no designs give empty columns, in every form."""
        nothing: tuple[Any, ...] = ([], np.empty((0, len(sim.space.parameters)), int), {sim.space.names[0]: []})
        for none in nothing:
            empty = sim.evaluate(none)
            assert empty.n == 0
            assert all(column.shape == (0,) for column in empty.values())
            assert empty["feasible"].dtype == np.bool_

    def test_inactive_parameters_change_nothing(self, sim: Simulator) -> None:
        """Check that inactive parameters change nothing in the kernel: its columns were not folded on the way."""
        grid = np.random.default_rng(3).integers(0, sim.space.sizes, size=(self.designs, len(sim.space.parameters)))
        loose = DesignSpace(tuple(replace(p, condition=None) for p in sim.space.parameters))
        assert_same(sim.evaluate_columns(loose.decode(grid), len(grid)), sim.evaluate(grid))

    def test_broken_limits_are_those_of_infeasible_designs(
        self, entry: SimulatorEntry, sim: Simulator, rows: Indices, out: Metrics
    ) -> None:
        """Check limits that a simulator names, of designs off the grid too, at the ends of the domains."""
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

    # --- purity -------------------------------------------------------------------------------------------------

    def test_inputs_stay_as_they_are_and_answers_are_ones_own(
        self, sim: Simulator, rows: Indices, out: Metrics
    ) -> None:
        """Check that inputs are not written to, and that an answer can be overwritten without changing the next."""
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

    def test_another_instance_answers_the_same(self, entry: SimulatorEntry, rows: Indices, out: Metrics) -> None:
        """Check that a second instance gives the same answers."""
        assert_same(make_simulator(entry.name).evaluate(rows), out)

    def test_threads(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check that eight threads that share an instance get the answers of one."""
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(lambda i: sim.evaluate(np.roll(rows, i, axis=0)), range(24)):
                assert found.n == len(rows)
            for i, found in enumerate(pool.map(lambda i: sim.evaluate(np.roll(rows, i, axis=0)), range(8))):
                for name in out:
                    np.testing.assert_array_equal(found[name], np.roll(out[name], i))

    def test_pickled(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check that a pickled copy gives the same answers."""
        assert_same(pickle.loads(pickle.dumps(sim)).evaluate(rows), out)

    def test_no_files_are_written(
        self, entry: SimulatorEntry, rows: Indices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Check that no file, environment variable or global random state is changed."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        state = _global_state()  # the global generator must stay as it is
        environment = dict(os.environ)
        make_simulator(entry.name).evaluate(rows)
        assert list(tmp_path.iterdir()) == []
        assert _global_state() == state
        assert dict(os.environ) == environment

    def test_another_process_answers_the_same(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check that the simulator, sent to another process, has its class there and answers the same."""
        with get_context("spawn").Pool(1) as pool:
            assert_same(pool.apply(_evaluate, (sim, rows)), out)

    def test_nothing_is_free(self, sim: Simulator, rows: Indices, out: Metrics) -> None:
        """Check that the greatest value of a knob costs some design something, where it is better for one."""
        for j, p in enumerate(sim.space.parameters):
            if not p.ordinal or p.size == 1 or p.name in self.free:
                continue
            most = rows.copy()
            most[:, j] = p.size - 1
            better, worse = _compared(sim, out, sim.evaluate(most))
            assert worse or not better, f"{p.name}: its greatest value is better and costs nothing"


def _compared(sim: Simulator, before: Metrics, after: Metrics) -> tuple[bool, bool]:
    """Tell whether anything is better after a change for any design, and whether anything is worse."""
    gained = [after["violation"] - before["violation"]]
    for spec in sim.metrics:
        change = after[spec.name] - before[spec.name]
        gained.append(-change if spec.goal == "max" else change)
    return any(bool((g < 0).any()) for g in gained), any(bool((g > 0).any()) for g in gained)


def _global_state() -> bytes:
    state: Any = np.random.get_state()  # noqa: NPY002 - this is what must not be touched
    return bytes(state[1].tobytes())


def _evaluate(sim: Simulator, rows: Indices) -> Metrics:
    return sim.evaluate(rows)


def _ends(p: Parameter) -> list[Value]:
    if isinstance(p.accepts, Choices):
        return list(p.accepts.names)
    return [p.accepts.low, p.accepts.high]

from __future__ import annotations

import pickle

import numpy as np
import pytest

from chipgym.errors import ChipgymError
from chipgym.simulators import Breakdown, Metrics, MetricSpec, relative_excess

SPECS = (MetricSpec("latency_s", "s"), MetricSpec("lut", cost=False))


def metrics(n: int = 3, seed: int = 0) -> Metrics:
    rng = np.random.default_rng(seed)
    columns = {"latency_s": rng.random(n), "lut": rng.random(n)}
    return Metrics(SPECS, columns, np.where(np.arange(n) % 3 == 1, 0.5, 0.0))


def test_columns_by_name():
    m = metrics()
    assert list(m) == ["latency_s", "lut", "feasible", "violation"]
    assert len(m) == 4
    assert m.n == 3
    assert m.units == {"latency_s": "s", "lut": ""}
    assert m["feasible"].tolist() == [True, False, True]
    assert np.isnan(m["latency_s"]).tolist() == [False, True, False]
    assert np.isfinite(m["lut"]).all()
    assert "lut" in m
    assert "luts" not in m


def test_an_unknown_metric():
    m = metrics()
    with pytest.raises(ChipgymError, match="did you mean 'latency_s'"):
        m["latency"]
    assert m.get("latency") is None
    assert m.get("latency", 3) == 3
    assert m.get("lut") is m["lut"]


def test_a_violation_that_is_no_number_is_infeasible():
    m = Metrics(SPECS, {"latency_s": np.ones(2), "lut": np.ones(2)}, np.array([np.nan, np.inf]))
    assert not m["feasible"].any()
    assert np.isnan(m["latency_s"]).all()


def test_a_row_leaves_out_the_cost_of_what_cannot_be_built():
    m = metrics()
    assert set(m.row(0)) == {"latency_s", "lut"}
    assert set(m.row(1)) == {"lut"}
    assert all(type(v) is float for v in m.row(0).values())


def test_joining():
    parts = [metrics(2, 1), metrics(0, 2), metrics(4, 3)]
    whole = Metrics.concatenate(parts)
    assert whole.n == 6
    for name in whole:
        np.testing.assert_array_equal(whole[name], np.concatenate([p[name] for p in parts]))
    with pytest.raises(ChipgymError, match="no metrics"):
        Metrics.concatenate([])


def test_pandas_and_pickle():
    m = metrics()
    frame = m.to_pandas()
    assert list(frame.columns) == list(m)
    again = pickle.loads(pickle.dumps(m))
    for name in m:
        np.testing.assert_array_equal(again[name], m[name])
    parts = Breakdown(("conv1", "fc", "fc2"), ("Conv", "Linear", "Linear"), m)
    assert len(parts) == 3
    assert parts.to_pandas().loc["fc", "kind"] == "Linear"
    assert parts["lut"] is m["lut"]


@pytest.mark.filterwarnings("error")
def test_how_far_beyond_a_limit():
    got = relative_excess(np.array([5.0, 10.0, 15.0, 0.0, 1.0, np.inf]), np.array([10.0, 10.0, 10.0, 0.0, 0.0, 10.0]))
    assert got.tolist() == [0, 0, 0.5, 0, np.inf, np.inf]
    assert relative_excess(np.array([1.0, 3.0]), 2.0).tolist() == [0, 0.5]
    assert np.isnan(relative_excess(np.array([np.nan]), 2.0)).all()
    assert relative_excess(np.array([3.0]), np.inf).tolist() == [0]

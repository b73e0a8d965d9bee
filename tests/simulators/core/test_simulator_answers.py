"""What a simulator's `simulate` may return, and what is said of anything else."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from toy import ToySimulator

from chipgym.datasets import load_workload
from chipgym.envs.assess import assess
from chipgym.errors import ChipgymError
from chipgym.simulators import Metrics, MetricSpec, SuiteSimulator, make_problem


class Answering(ToySimulator):
    """A toy that returns what a test makes of its own answer."""

    def __init__(self, change) -> None:
        super().__init__()
        self.change = change

    def simulate(self, columns, n):
        return self.change(*super().simulate(columns, n), n)


def with_metric(column):
    return lambda values, violation, n: ({**values, "latency_s": column(n)}, violation)


def with_violation(column):
    return lambda values, violation, n: (values, column(n))


WRONG = {
    "nothing": (lambda *_: None, "simulate returned None, expected (metric columns by name, violation)"),
    "columns alone": (lambda values, *_: values, "expected (metric columns by name, violation)"),
    "a list of columns": (lambda values, v, n: (list(values), v), "expected (metric columns by name, violation)"),
    "no area": (
        lambda values, v, n: ({k: c for k, c in values.items() if k != "area_mm2"}, v),
        "no metric 'area_mm2', expected latency_s, energy_j, area_mm2",
    ),
    "one more": (
        lambda values, v, n: ({**values, "latency": v}, v),
        "a metric that is not declared: unknown metric 'latency'; did you mean 'latency_s'?",
    ),
    "another name": (
        lambda values, v, n: ({("area" if k == "area_mm2" else k): c for k, c in values.items()}, v),
        "no metric 'area_mm2'",
    ),
    "one design more": (
        with_metric(lambda n: np.zeros(n + 1)),
        "latency_s as float64 of shape (4,), expected a float64 array of shape (3,)",
    ),
    "a matrix": (with_metric(lambda n: np.zeros((n, 1))), "latency_s as float64 of shape (3, 1)"),
    "whole numbers": (with_metric(lambda n: np.zeros(n, int)), "latency_s as int64 of shape (3,)"),
    "objects": (with_metric(lambda n: np.zeros(n, object)), "latency_s as object of shape (3,)"),
    "a table's column": (with_metric(lambda n: pd.Series(np.zeros(n))), "latency_s as 0    0.0 1"),
    "a list": (with_metric(lambda n: [0.0] * n), "latency_s as [0.0, 0.0, 0.0], expected a float64 array"),
    "a scalar metric": (with_metric(lambda n: 1.5), "latency_s as 1.5, expected a float64 array"),
    "no column": (with_metric(lambda n: None), "latency_s as None"),
    "a scalar violation": (with_violation(lambda n: 0.0), "violation as 0.0, expected a float64 array"),
    "a numpy scalar": (with_violation(lambda n: np.float64(0)), "violation as "),
    "one violation more": (with_violation(lambda n: np.zeros(n + 1)), "violation as float64 of shape (4,)"),
    "a negative violation": (
        with_violation(lambda n: np.linspace(0.5, -1, n)),
        "violation -1 for design 2, expected 0 or more",
    ),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_named(change, says):
    with pytest.raises(ChipgymError) as error:
        Answering(change).evaluate({"units": [1, 2, 4]})
    assert str(error.value).startswith("simulator toy: simulate returned ")
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_wrong_answer_is_named_in_every_chunk(monkeypatch):
    monkeypatch.setattr(Answering, "chunk", 2)
    with pytest.raises(ChipgymError, match=r"latency_s as float64 of shape \(2,\), expected .* \(1,\)"):
        Answering(with_metric(lambda n: np.zeros(2))).evaluate({"units": [1, 2, 4]})


RIGHT = {
    "as it is": lambda values, violation, n: (values, violation),
    "another order": lambda values, violation, n: (dict(reversed(values.items())), violation),
    "another mapping": lambda values, violation, n: (MappingProxyType(values), violation),
    "a list of both": lambda values, violation, n: [values, violation],
    "a view": lambda values, violation, n: ({k: np.repeat(c, 2)[::2] for k, c in values.items()}, violation),
}


@pytest.mark.parametrize("change", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_in_any_form(change):
    expected = ToySimulator().evaluate({"units": [1, 2, 32], "cache": "on", "cache_kb": 32})
    found = Answering(change).evaluate({"units": [1, 2, 32], "cache": "on", "cache_kb": 32})
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    assert not expected["feasible"].all()


def test_a_violation_that_is_no_number_is_infeasible():
    assert not Answering(with_violation(lambda n: np.full(n, np.nan))).evaluate({})["feasible"].any()


def with_latency(*values):
    return lambda answer, violation, n: ({**answer, "latency_s": np.array(values)}, violation)


@pytest.mark.parametrize("name", ["latency_s", "energy_j", "area_mm2"])
def test_a_cost_that_is_no_number_is_infeasible(name):
    """One design at a time as in a batch, since a scalar answer is looked at by another path."""
    change = lambda values, v, n: ({**values, name: np.where(values["latency_s"] > 5e-4, np.nan, values[name])}, v)  # noqa: E731
    out = Answering(change).evaluate({"units": [1, 8, 2]})
    assert out["feasible"].tolist() == [False, True, False]
    assert out["violation"].tolist() == [np.inf, 0.0, np.inf]
    assert out.reasons == {0: f"not a number: {name}", 2: f"not a number: {name}"}
    assert all(np.isnan(out[m.name]).tolist() == [True, False, True] for m in out.specs)
    alone = Answering(change).evaluate({"units": 1})
    assert alone.reasons == {0: f"not a number: {name}"}
    assert not alone["feasible"][0]


def test_every_cost_that_is_no_number_is_named():
    out = Answering(lambda values, v, n: (dict.fromkeys(values, np.full(n, np.nan)), v)).evaluate({})
    assert out.reasons == {0: "not a number: latency_s, energy_j, area_mm2"}


def test_costs_of_what_cannot_be_built_may_be_anything():
    out = Answering(lambda values, v, n: ({**values, "latency_s": np.array([np.nan, -1.0])}, np.ones(n))).evaluate(
        {"units": [1, 2]}
    )
    assert not out["feasible"].any()
    assert out["violation"].tolist() == [1.0, 1.0]
    assert not out.reasons


def test_less_than_nothing_is_an_error_that_names_the_design():
    for designs, values in (({"units": [4, 2]}, (1.0, -3.0)), ({"units": 2}, (-3.0,))):
        with pytest.raises(ChipgymError) as error:
            Answering(with_latency(*values)).evaluate(designs)
        assert str(error.value) == (
            "simulator toy: simulate returned latency_s -3 s for units=2, cache=off, cache_kb=4, clock_mhz=100, "
            "expected 0 or more"
        )
    assert Answering(with_latency(0.0)).evaluate({})["feasible"].all()


@pytest.mark.parametrize(
    ("spec", "amount"),
    [
        (MetricSpec("delay", "ns"), True),
        (MetricSpec("energy_j"), True),
        (MetricSpec("area", "um2"), True),
        (MetricSpec("slack_s", "s", signed=True), False),
        (MetricSpec("temperature", "°C"), False),
        (MetricSpec("score"), False),
    ],
)
def test_what_is_never_less_than_nothing(spec, amount):
    assert spec.amount == amount


def test_a_number_that_may_be_negative_is_taken_as_it_is():
    class Signed(Answering):
        metrics = (MetricSpec("latency_s", "s", signed=True), *ToySimulator.metrics[1:])

    assert Signed(with_latency(-3.0)).evaluate({})["latency_s"].tolist() == [-3.0]


def test_several_workloads_check_each():
    members = [Answering(lambda values, v, n: (values, v)) for _ in range(2)]
    members[1].workload = load_workload("mlp:8-8")
    members[1].change = with_latency(np.nan, 1.0)
    out = SuiteSimulator(members).evaluate({"units": [1, 2]})
    assert out["feasible"].tolist() == [False, True]
    assert out.reasons == {0: "not a number: latency_s on mlp:8-8"}
    members[1].change = with_latency(-1.0)
    with pytest.raises(ChipgymError, match="latency_s -1 s for units=1"):
        SuiteSimulator(members).evaluate({"units": 1})


def test_reasons_are_joined_and_taken_along():
    broken = Answering(with_latency(np.nan, 1.0))
    out = broken.evaluate({"units": [1, 2]})
    assert Metrics.concatenate([out, out]).reasons == {0: "not a number: latency_s", 2: "not a number: latency_s"}
    problem = make_problem(broken, targets=[1.0])
    rows = problem.space.encode({"units": [1, 2]})
    assert assess(problem, rows).take(np.array([1, 0])).evaluation.metrics.reasons == {1: "not a number: latency_s"}


# --- how simulators, problems and spaces are printed -------------------------------------------------------------


def test_reprs_are_short():
    assert repr(ToySimulator()) == "ToySimulator('mlp:16-64-5', budget_mm2=40.0)"
    problem = make_problem("toy", objective=["edp", "area_mm2"], constraints="area_mm2<=8")
    assert (
        repr(problem) == "Problem(least edp, area_mm2 of ToySimulator('mlp:16-64-5', budget_mm2=40.0) "
        "within area_mm2 <= 8)"
    )
    assert repr(problem.space) == "DesignSpace(units, cache, cache_kb, clock_mhz: 144 designs)"
    assert len(repr(make_problem("systolic"))) < 300

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgym.simulators import REWARDS

ANY = st.floats(allow_nan=True, allow_infinity=True)
POSITIVE = st.floats(1e-300, 1e300)
VIOLATION = st.floats(0, exclude_min=True, allow_infinity=True)


def reward(name: str, objectives, reference, violation) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return REWARDS[name](np.atleast_2d(objectives), np.array(reference, float), np.array(violation, float))


@given(POSITIVE, POSITIVE)
@settings(deadline=None)
def test_decades_better_than_the_reference(objective, reference):
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        expected = np.clip(np.log10(np.float64(reference) / np.float64(objective)), -5, 5)
    assert reward("log_ratio", [objective], [reference], [0.0])[0] == expected


@given(st.floats(1e-12, 1e300))
@settings(deadline=None)
def test_a_miss_by_the_formula(violation):
    assert reward("log_ratio", [np.nan], [1.0], [violation])[0] == -5 - violation / (1 + violation)


def test_examples():
    objectives = [[1.0], [0.1], [100.0], [1e-9], [1e9], [np.nan]]
    got = reward("log_ratio", objectives, [1.0], [0, 0, 0, 0, 0, 1.0])
    assert got.tolist() == pytest.approx([0, 1, -2, 5, -5, -5.5])
    got = reward("target_distance", [[1.0], [0.5], [3.0], [np.nan]], [1.0], [0, 0, 0, 1.0])
    assert got.tolist() == pytest.approx([1e6, 2.0, 0.5, -5.5])


def test_several_objectives():
    assert reward("log_ratio", [[0.1, 100.0]], [1.0, 1.0], [0])[0] == pytest.approx(-0.5)
    assert reward("target_distance", [[0.5, 3.0]], [1.0, 1.0], [0])[0] == pytest.approx(2 * 0.5)


@pytest.mark.parametrize(
    ("objective", "expected"), [(0.0, 5), (-0.0, 5), (-3.0, 5), (math.inf, -5), (math.nan, -5), (5e-324, 5)]
)
def test_objectives_without_a_logarithm(objective, expected):
    assert reward("log_ratio", [objective], [1.0], [0.0])[0] == expected


@pytest.mark.parametrize("name", REWARDS)
@given(objectives=st.lists(ANY, min_size=1, max_size=3), reference=POSITIVE, violation=st.one_of(ANY, VIOLATION))
@settings(max_examples=150, deadline=None)
def test_always_finite(name, objectives, reference, violation):
    got = reward(name, objectives, [reference] * len(objectives), [violation])
    assert got.shape == (1,)
    assert np.isfinite(got).all()


@pytest.mark.parametrize("name", REWARDS)
@given(feasible=ANY, infeasible=ANY, reference=POSITIVE, violation=VIOLATION)
@settings(max_examples=150, deadline=None)
def test_every_infeasible_design_ranks_below_every_feasible_one(name, feasible, infeasible, reference, violation):
    good, bad = reward(name, [[feasible], [infeasible]], [reference], [0.0, violation])
    assert -6 <= bad < -5 <= good


@pytest.mark.parametrize("name", REWARDS)
@given(near=VIOLATION, far=VIOLATION)
@settings(max_examples=100, deadline=None)
def test_nearer_misses_rank_higher(name, near, far):
    near, far = sorted((near, far))
    a, b = reward(name, [[1.0], [1.0]], [1.0], [near, far])
    assert a >= b
    if far < 1e3 and far - near > 1e-6:
        assert a > b


@pytest.mark.parametrize("name", REWARDS)
def test_a_violation_that_is_no_number_is_the_worst(name):
    assert reward(name, [[1.0], [1.0]], [1.0], [np.nan, np.inf]).tolist() == [-6.0, -6.0]


@pytest.mark.parametrize("name", REWARDS)
def test_no_designs(name):
    assert reward(name, np.empty((0, 2)), [1.0, 1.0], np.empty(0)).shape == (0,)

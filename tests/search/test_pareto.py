"""Non-dominated designs against the definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chipgym.search import non_dominated


def reference(points):
    """The definition, pair by pair."""
    known = [not np.isnan(p).any() for p in points]
    return [
        known[i]
        and not any(
            known[j] and (points[j] <= points[i]).all() and (points[j] < points[i]).any() for j in range(len(points))
        )
        for i in range(len(points))
    ]


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 30), st.integers(1, 4)),
        elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, np.inf, -np.inf, np.nan]),
    )
)
def test_matches_the_definition_with_ties_and_nan(points):
    assert non_dominated(points).tolist() == reference(points)


@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 40), st.integers(1, 4)), elements=st.floats(width=32)))
def test_matches_the_definition(points):
    assert non_dominated(points).tolist() == reference(points)


def test_many_points_are_quick():
    points = np.random.default_rng(0).random((100_000, 2))
    front = points[non_dominated(points)]
    assert 1 < len(front) < 100
    assert non_dominated(np.random.default_rng(0).random((20_000, 3))).sum() > 10

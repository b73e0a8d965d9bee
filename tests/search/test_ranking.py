"""Which design is better: the feasibility rule, written out by hand."""

from __future__ import annotations

import numpy as np

from chipgym.search.ranking import best_number, ranked


def test_debs_rules_put_feasible_designs_first():
    values = np.array([3.0, 1.0, np.nan, 2.0, 0.0, 0.0, np.inf])
    violation = np.array([0.0, 0.0, np.inf, 0.1, 0.2, np.nan, 0.0])
    assert ranked(values, violation).tolist() == [1, 0, 6, 3, 4, 2, 5]


def test_the_best_is_the_first_of_equals():
    values = np.array([[2.0], [1.0], [1.0]])
    assert best_number(values, np.zeros(3), np.zeros(3)) == 1
    assert best_number(values, np.array([0.3, 0.2, 0.2]), np.zeros(3)) == 1
    assert best_number(np.hstack([values, -values]), np.zeros(3), np.array([0.0, 0.5, 1.0])) == 2
    assert best_number(np.full((2, 1), np.nan), np.array([1.0, 0.0]), np.zeros(2)) == 1

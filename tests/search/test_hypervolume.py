"""The dominated volume, against areas by hand, counting, and Optuna's own."""

from __future__ import annotations

import numpy as np
import pytest
from optuna._hypervolume import compute_hypervolume

import chipgym
from chipgym.errors import ChipgymError


@pytest.mark.parametrize(
    ("points", "reference", "volume"),
    [
        ([[1.0]], [3.0], 2.0),
        ([[2.0], [1.0], [5.0]], [3.0], 2.0),
        ([[1.0, 1.0]], [3.0, 4.0], 6.0),
        ([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]], [4.0, 4.0], 3 + 2 + 1),
        ([[1.0, 3.0], [1.0, 3.0], [9.0, 0.0]], [4.0, 4.0], 3.0),
        ([[0.0, 0.0, 0.0], [np.nan, 0.0, 0.0]], [1.0, 2.0, 3.0], 6.0),
        ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [2.0, 1.0, 2.0], 2 + 2 - 1),
        ([[4.0, 4.0]], [4.0, 4.0], 0.0),
        (np.empty((0, 2)), [1.0, 1.0], 0.0),
    ],
)
def test_by_hand(points, reference, volume):
    assert chipgym.hypervolume(points, reference) == pytest.approx(volume)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_as_optuna_computes_it(k):
    points = np.random.default_rng(k).random((60, k))
    reference = np.full(k, 0.9)
    inside = points[(points < reference).all(axis=1)]
    assert chipgym.hypervolume(points, reference) == pytest.approx(compute_hypervolume(inside, reference))


def test_counted_on_a_grid():
    """Whole numbers: the unit cubes that some point dominates."""
    points = np.random.default_rng(0).integers(0, 8, size=(12, 3))
    cells = np.stack(np.meshgrid(*[np.arange(8)] * 3), axis=-1).reshape(-1, 3)
    dominated = (points[:, None, :] <= cells[None]).all(axis=2).any(axis=0).sum()
    assert chipgym.hypervolume(points, [8, 8, 8]) == pytest.approx(dominated)


def test_of_a_search(tmp_path):
    problem = chipgym.make_problem("toy", objective=["latency_s", "energy_j"], constraints="area_mm2 <= 20")
    found = chipgym.optimize(problem, "exhaustive", store=tmp_path / "s.db")
    front = [d.objectives for d in found.pareto]
    assert chipgym.hypervolume(found) == pytest.approx(chipgym.hypervolume(front, problem.reference))
    assert chipgym.hypervolume(found) == chipgym.hypervolume(chipgym.load_result(tmp_path / "s.db"))
    # The default has the least energy there is, so that nothing is better than it in both.
    assert chipgym.hypervolume(found) == 0.0
    part = chipgym.optimize(problem, "exhaustive", 20)
    assert 0 < chipgym.hypervolume(part, [1.0, 1.0]) < chipgym.hypervolume(found, [1.0, 1.0]) < 1


@pytest.mark.parametrize(
    ("found", "reference", "says"),
    [
        ([1.0, 2.0], [1.0], "found: .* neither a search's result nor objectives"),
        ("front", [1.0], "found: "),
        ([[1.0, 2.0]], [1.0], "reference: .* a finite number for each of 2 objectives"),
        ([[1.0, 2.0]], None, "reference: None"),
        ([[1.0, 2.0]], [np.inf, 1.0], "reference: "),
    ],
)
def test_what_has_no_volume(found, reference, says):
    with pytest.raises(ChipgymError, match=says):
        chipgym.hypervolume(found, reference)

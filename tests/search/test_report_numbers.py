"""The numbers that a report draws, against brute force, Optuna and cases worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from optuna._hypervolume import compute_hypervolume

from chipgym.search.reporting import front, history, importance, layers, parallel, wording
from chipgym.simulators import Breakdown, Metrics, MetricSpec

REFERENCE = 1.1


def dominates(a, b) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


# --- the front ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 4])
def test_candidates_are_the_designs_that_none_dominates(k):
    points = np.random.default_rng(k).integers(0, 6, (80, k)).astype(float)
    found = front.candidates(points)
    expected = [i for i, p in enumerate(points) if not any(dominates(q, p) for q in points)]
    assert sorted(found.tolist()) == expected
    assert (np.diff(points[found, 0]) >= 0).all()


def test_candidates_of_one_objective_are_the_best():
    values = np.random.default_rng(0).permutation(50).astype(float)
    assert values[front.candidates(values[:, None])].tolist() == list(range(front.BEST_SHOWN))


def test_knee_is_nearest_to_the_ideal_by_factors():
    # In decades of a front from 1 to 100: (0, 1), (0.5, 0.25), (1, 0); by differences (1, 100) would be as near.
    assert front.knee(np.array([[1.0, 100.0], [10.0, 10**0.5], [100.0, 1.0]])) == 1
    assert front.knee(np.array([[3.0, 4.0]])) == 0


def test_scale_without_logarithms_and_without_width():
    objectives = np.array([[-1.0, 5.0], [0.0, 5.0], [1.0, 50.0]])
    found = front.scaled(objectives, np.array([-1.0, 5.0]), np.array([1.0, 5.0]))
    np.testing.assert_allclose(found, [[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]], atol=1e-12)


@pytest.mark.parametrize(("n", "most"), [(0, 5), (3, 5), (5, 5), (100, 5), (7, 6)])
def test_spread_keeps_both_ends(n, most):
    places = front.spread(n, most)
    assert places == sorted(set(places))
    assert len(places) == min(n, most)
    if n:
        assert (places[0], places[-1]) == (0, n - 1)


# --- hypervolume and progress ------------------------------------------------------------------------------------


def by_inclusion_and_exclusion(points) -> float:
    """The union of the boxes from each point to the reference, by the volumes of all their intersections."""
    total = 0.0
    for size in range(1, len(points) + 1):
        for chosen in itertools.combinations(points, size):
            sides = np.maximum(REFERENCE - np.max(chosen, axis=0), 0.0)
            total += (-1) ** (size + 1) * float(np.prod(sides))
    return total


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_hypervolume_is_exact(k, seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1.3, (8, k)).round(1)  # ties, repeats, and points beyond the reference
    assert history.hypervolume(points) == pytest.approx(by_inclusion_and_exclusion(points), abs=1e-9)
    many = rng.uniform(0, 1, (200, k))
    inside = many[(many < REFERENCE).all(axis=1)]
    assert history.hypervolume(many) == pytest.approx(compute_hypervolume(inside, np.full(k, REFERENCE)), rel=1e-9)


@pytest.mark.parametrize("k", [4, 5])
def test_hypervolume_of_many_objectives_is_close(k):
    points = np.random.default_rng(k).uniform(0, 1, (60, k))
    exact = compute_hypervolume(points, np.full(k, REFERENCE))
    assert history.hypervolume(points) == pytest.approx(exact, rel=0.02)


def test_hypervolume_of_nothing():
    assert history.hypervolume(np.empty((0, 2))) == 0.0
    assert history.hypervolume(np.array([[1.2, 0.0], [np.nan, 0.1]])) == 0.0


@pytest.mark.parametrize("k", [2, 3])
def test_hypervolume_curve_is_that_of_every_prefix(k):
    rng = np.random.default_rng(k)
    objectives = 10 ** rng.uniform(-6, 3, (300, k))
    objectives[rng.random(300) < 0.2] = np.nan
    feasible = rng.random(300) < 0.7
    good = feasible & ~np.isnan(objectives[:, 0])
    final = objectives[good][front.candidates(objectives[good])]
    at, share = history.hypervolume_curve(objectives, feasible, final)
    low, high = np.log10(final.min(axis=0)), np.log10(final.max(axis=0))
    whole = compute_hypervolume((np.log10(final) - low) / (high - low), np.full(k, REFERENCE))
    for n, has in zip(at, share, strict=True):
        points = (np.log10(objectives[:n][good[:n]]) - low) / (high - low)
        points = points[(points < REFERENCE).all(axis=1)]
        expected = compute_hypervolume(points, np.full(k, REFERENCE)) if len(points) else 0.0
        assert has == pytest.approx(expected / whole, abs=1e-9)
    assert (at[0], at[-1]) == (1, 300)
    assert len(at) <= history.CURVE_POINTS
    assert share[-1] == pytest.approx(1.0)


def test_best_so_far():
    values = np.array([5.0, 9.0, 4.0, 1.0, np.nan, 4.0, 2.0, 3.0])
    feasible = np.array([False, True, True, False, True, True, True, True])
    at, best = history.best_so_far(values, feasible)
    assert list(zip(at.tolist(), best.tolist(), strict=True)) == [(2, 9.0), (3, 4.0), (7, 2.0), (8, 2.0)]
    assert not len(history.best_so_far(values, np.zeros(8, bool))[0])


# --- importance --------------------------------------------------------------------------------------------------


def test_importance_is_that_of_a_model_which_knows_the_function():
    """Of y = 3a + b and independent knobs, a perfect model loses 2·var(part)/var(y) of R² to a shuffled knob."""
    rng = np.random.default_rng(0)
    positions = rng.integers(0, 5, (3000, 4))
    positions[:, 3] = 2  # never varies
    a, b, _, _ = positions.T
    found = importance.permutation_importance(positions, ("a", "b", "idle", "same"), 3.0 * a + b - 7.0, rng)
    assert found is not None
    assert found.knobs == ("a", "b", "idle")
    assert found.r2 > 0.99
    np.testing.assert_allclose(found.drop[:2], [2 * 9 / 10, 2 / 10], rtol=0.15)
    assert abs(found.drop[2]) < 0.01
    assert (found.spread >= 0).all()
    assert found.designs == 3000


def test_importance_of_positive_values_is_of_their_logarithm():
    rng = np.random.default_rng(0)
    positions = rng.integers(0, 6, (2000, 2))
    values = 10.0 ** positions[:, 0] * (1 + positions[:, 1] / 10)  # the second knob moves the largest values the most
    found = importance.permutation_importance(positions, ("decade", "tenth"), values, rng)
    np.testing.assert_allclose(found.drop[0], 2.0, rtol=0.1)
    assert found.drop[1] < 0.05


def test_importance_needs_something_to_learn_from():
    rng = np.random.default_rng(0)
    few = rng.integers(0, 5, (importance.FEWEST_DESIGNS - 1, 2))
    enough = rng.integers(0, 5, (importance.FEWEST_DESIGNS, 2))
    learn = importance.permutation_importance
    assert learn(few, ("a", "b"), few[:, 0].astype(float), rng) is None
    assert learn(np.ones_like(enough), ("a", "b"), enough[:, 0].astype(float), rng) is None
    assert learn(enough, ("a", "b"), np.ones(len(enough)), rng) is None
    assert learn(enough, ("a", "b"), enough[:, 0].astype(float), rng) is not None


def test_importance_is_the_same_for_the_same_generator():
    positions = np.random.default_rng(1).integers(0, 5, (200, 3))
    values = positions[:, 0] * 1.0 + positions[:, 1] ** 2
    a, b = (
        importance.permutation_importance(positions, tuple("abc"), values, np.random.default_rng(5)) for _ in range(2)
    )
    np.testing.assert_array_equal(a.drop, b.drop)


# --- layers, lines, words ----------------------------------------------------------------------------------------


def breakdown(**columns) -> Breakdown:
    units = {"latency_s": "s", "cycles": "cycles", "compute_cycles": "cycles", "stall_cycles": "cycles"}
    specs = [MetricSpec(name, units.get(name, "J")) for name in columns]
    arrays = {name: np.array(values, float) for name, values in columns.items()}
    n = len(next(iter(arrays.values())))
    return Breakdown(tuple(f"l{i}" for i in range(n)), ("Linear",) * n, Metrics(specs, arrays, np.zeros(n)))


def test_parts_of_a_layer_add_up_or_are_not_shown():
    table = breakdown(
        latency_s=[3e-6, 0.0], cycles=[30, 0], compute_cycles=[20, 0], stall_cycles=[10, 0],
        energy_j=[5.0, 2.0], array_energy_j=[4.0, 2.0], dram_energy_j=[1.0, 0.0],
    )  # fmt: skip
    time = layers.time_parts(table)
    np.testing.assert_allclose(time["computing"], [2e-6, 0.0])
    np.testing.assert_allclose(time["waiting for DRAM"], [1e-6, 0.0])
    assert {name: column.tolist() for name, column in layers.energy_parts(table).items()} == {
        "array": [4.0, 2.0],
        "dram": [1.0, 0.0],
    }
    assert layers.energy_parts(breakdown(energy_j=[5.0], array_energy_j=[4.0])) == {}
    assert layers.time_parts(breakdown(latency_s=[1.0])) == {}


def test_every_place_comes_once_and_the_ends_first():
    from chipgym.search.reporting.document import _outside_in

    for n in (1, 2, 3, 7, 100):
        places = _outside_in(n)
        assert sorted(places) == list(range(n))
        assert set(places[:2]) == {0, n - 1}


def test_ticks_of_an_axis_are_its_values_in_their_order():
    assert parallel._ordered(np.array(["ws", "os"]), ["os", "ws", "is"]) == ["os", "ws"]
    assert parallel._ordered(np.array([16, 8]), [8, 16, 32]) == [8, 16]


@pytest.mark.parametrize(
    ("values", "unit", "factor", "written"),
    [
        ([2e-3, 5e-4, np.nan], "s", 1e3, "ms"),
        ([1.5e-6], "J", 1e6, "µJ"),
        ([250.0, 0.0], "W", 1.0, "W"),
        ([12.0], "mm2", 1.0, "mm²"),
        ([1e9], "cycles", 1.0, "cycles"),
        ([1e-30], "s", 1e12, "ps"),
        ([np.nan], "s", 1.0, "s"),
    ],
)
def test_units_take_the_prefix_that_makes_them_readable(values, unit, factor, written):
    assert wording.prefix(np.array(values), unit) == (pytest.approx(factor), written)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("energy_j * latency_s", "J·s"),
        ("energy_j * latency_s**2", "J·s²"),
        ("energy_j / area_mm2", "J/mm²"),
        ("1/utilization", ""),
        ("1/latency_s", "1/s"),
        ("area_mm2 * utilization", "mm²"),
        ("energy_j / area_mm2**2", "J/(mm²)²"),
        ("0.1 * latency_s + energy_j", "J + 0.1 s"),
    ],
)
def test_units_of_products(text, unit):
    units = {"energy_j": "J", "latency_s": "s", "area_mm2": "mm2", "utilization": ""}
    assert wording.quantity_unit(wording.quantity_of(text, units), units) == unit


def test_names_without_their_units():
    assert wording.plain_name("latency_s", "s") == "latency"
    assert wording.plain_name("read_latency_p50_s", "s") == "read latency p50"
    assert wording.plain_name("cycles", "cycles") == "cycles"
    assert wording.rounded(np.array([1 / 3, np.nan, np.inf, 1e-9])) == [0.333333, None, None, 1e-9]

"""Vectors of grid positions and the designs that they stand for, and numbers where an evaluation has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chipgym
from chipgym.search.adapters.vectors import Vectors, finite_objectives

SPACES = {
    "toy": chipgym.make_problem("toy", space={"cache": "on"}),
    "systolic": chipgym.make_problem("systolic", "mlp:16-64-5"),
    "memory": chipgym.make_problem("memory", "stream"),
}


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-0.49, 0.49))
def test_vectors_are_designs_and_back(name, seed, shift):
    vectors = Vectors(SPACES[name])
    space = SPACES[name].space
    rows = space.sample(4, np.random.default_rng(seed))
    points = vectors.of_rows(rows)
    assert points.shape == (4, int((space.sizes > 1).sum()))
    assert (points >= 0).all()
    assert (points <= vectors.highest).all()
    assert (vectors.rows(points) == rows).all()
    assert (vectors.rows((points + shift).clip(0, vectors.highest)) == rows).all()
    designs = vectors.designs(points)
    assert designs == [space.design(row) for row in rows]
    assert (vectors.encode(designs) == points).all()
    assert (vectors.rows(points[0]) == rows[:1]).all()


def test_missing_numbers_rank_as_rewards_do():
    """The reward of an infeasible design, read backwards: nothing feasible is worse, and nearer misses are better."""
    problem = chipgym.make_problem("toy", budget_mm2=3.0)
    evaluation = problem.evaluate(problem.space.enumerate())
    values = finite_objectives(problem, evaluation)
    lost = np.isnan(evaluation.objectives[:, 0])
    assert 0 < lost.sum() < len(lost)
    assert np.isfinite(values).all()
    assert (values[~lost] == evaluation.objectives[~lost]).all()
    assert np.log10(values[lost, 0] / problem.reference) == pytest.approx(-problem.reward(evaluation)[lost])
    assert values[lost].min() > 1e3 * values[~lost].max()


def test_excesses_add_up_to_the_violation(adapted):
    rows = adapted.space.sample(200, np.random.default_rng(0))
    vectors = Vectors(adapted)
    values, beyond = vectors.evaluate(vectors.of_rows(rows))
    evaluation = adapted.evaluate(rows)
    assert np.isfinite(values).all()
    assert np.isfinite(beyond).all()
    assert beyond.shape == (200, 1 + len(adapted.constraints))
    assert np.maximum(beyond, 0).sum(axis=1) == pytest.approx(evaluation.violation)
    assert ((beyond <= 0).all(axis=1) == evaluation.feasible).all()


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[0, 0]], r"^vectors: an array of shape \(1, 2\), expected \(n, 4\)"),
        ([[0, 0, 0, 3]], r"^clock_mhz: position 3 is not from 0 to 2; nearest is 2"),
        ([[-1, 0, 0, 0]], r"^units: position -1 is not from 0 to 5; nearest is 0"),
        ([[0, np.nan, 0, 0]], r"^cache: position nan is not from 0 to 1; nearest is 0"),
        ([["a", 0, 0, 0]], r"^vectors: .* are not numbers"),
    ],
)
def test_vectors_that_are_none(toy, vectors, message):
    with pytest.raises(chipgym.ChipgymError, match=message):
        Vectors(toy).rows(vectors)


@pytest.mark.parametrize("adapter", ["pymoo_problem", "botorch_function", "tune_space", "tune_trainable"])
def test_every_adapter_says_what_it_cannot_take(adapter, single):
    pytest.importorskip({"p": "pymoo", "b": "botorch", "t": "ray.tune"}[adapter[0]])
    adapt = getattr(chipgym.search, adapter)
    with pytest.raises(chipgym.ChipgymError, match=r"^problem: its space has a single design"):
        adapt(single)
    with pytest.raises(chipgym.ChipgymError, match=r"^problem: 'toy' is not a problem"):
        adapt("toy")


@pytest.mark.parametrize(
    ("adapter", "library", "extra"),
    [
        ("pymoo_problem", "pymoo", "moo"),
        ("botorch_function", "botorch", "bo"),
        ("tune_space", "ray", "ray"),
        ("tune_trainable", "ray", "ray"),
    ],
)
def test_a_library_that_is_not_installed_is_named(adapter, library, extra, toy, monkeypatch):
    import sys

    for name in [n for n in sys.modules if n.split(".")[0] == library or n.startswith("chipgym.search.adapters.")]:
        monkeypatch.delitem(sys.modules, name)

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] == library:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(chipgym.ChipgymError, match=rf"needs {library}, which .*pip install 'chipgym\[{extra}\]'$"):
        getattr(chipgym.search, adapter)(toy)

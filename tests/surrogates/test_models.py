"""Fitted models of features as arrays: the same predictions as scikit-learn's own, design by design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import RidgeCV

from chipgym.errors import ChipgymError
from chipgym.surrogates import FAMILIES
from chipgym.surrogates.models import TreeEnsemble, family
from chipgym.surrogates.models.ridge import product_pairs
from chipgym.surrogates.models.trees import boosting_of, forest_of

# Leaves are of single precision; targets are standardised.
ROUNDING = 1e-6
FEATURES, DESIGNS, TARGETS = 5, 3, 2
# The model of graphs sees no features; test_gnn.py has it.
TABULAR = tuple(name for name in FAMILIES if name != "gnn")


@pytest.fixture(scope="module")
def data():
    """Features, standardised targets, and more features that nothing was fitted to."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, FEATURES)).round(2)
    z = np.stack([np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 3], np.abs(x[:, 2]) - x[:, 4]], axis=1)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    return x, z, rng.normal(size=(500, FEATURES))


@pytest.fixture(params=TABULAR, scope="module")
def fitted(request, data):
    settings = {"trees": 12} if request.param != "ridge" else {}
    return family(request.param, settings).fit(data[0], data[1], DESIGNS, 7)


def test_a_forest_is_scikit_learns(data):
    x, z, fresh = data
    models = [RandomForestRegressor(20, random_state=t).fit(x, z[:, t]) for t in range(TARGETS)]
    mean, spread = forest_of(models).predict(fresh)
    for t, model in enumerate(models):
        np.testing.assert_allclose(mean[:, t], model.predict(fresh), rtol=0, atol=ROUNDING)
        trees = [tree.predict(fresh) for tree in model.estimators_]
        np.testing.assert_allclose(spread[:, t], np.std(trees, axis=0), rtol=0, atol=ROUNDING)


def test_a_forest_rounds_as_scikit_learn_does(data):
    """A design on a threshold of single precision goes the same way."""
    x, z, _ = data
    model = RandomForestRegressor(5, random_state=0).fit(x, z[:, 0])
    edges = np.concatenate([e.tree_.threshold[e.tree_.children_left != -1] for e in model.estimators_])
    close = np.repeat(np.nextafter(edges, np.inf)[:, None], FEATURES, axis=1)
    found = forest_of([model]).predict(close)[0][:, 0]
    np.testing.assert_allclose(found, model.predict(close), rtol=0, atol=ROUNDING)


def test_boosting_is_scikit_learns(data):
    x, z, fresh = data
    models = [[HistGradientBoostingRegressor(max_iter=30, random_state=m).fit(x[m:], z[m:, t]) for m in range(3)]
              for t in range(TARGETS)]  # fmt: skip
    mean, spread = boosting_of(models).predict(fresh)
    for t, members in enumerate(models):
        answers = np.array([model.predict(fresh) for model in members])
        np.testing.assert_allclose(mean[:, t], answers.mean(axis=0), rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(spread[:, t], answers.std(axis=0), rtol=0, atol=ROUNDING)
    (alone,) = boosting_of([[models[0][0]]]).predict(fresh)[0].T
    np.testing.assert_allclose(alone, models[0][0].predict(fresh), rtol=0, atol=ROUNDING)


def test_ridge_is_scikit_learns(data):
    x, z, fresh = data
    fitted = family("ridge", {}).fit(x, z, DESIGNS, 0)
    pairs = product_pairs(FEATURES, DESIGNS)
    assert len(pairs) == 5 + 4 + 3

    def terms(features):
        s = (features - x.mean(axis=0)) / x.std(axis=0)
        return np.hstack([np.ones((len(s), 1)), s, s[:, pairs[:, 0]] * s[:, pairs[:, 1]]])

    model = RidgeCV(tuple(10.0**k for k in range(-3, 4)), fit_intercept=False).fit(terms(x), z)
    mean, spread = fitted.predict(fresh)
    np.testing.assert_allclose(mean, model.predict(terms(fresh)), rtol=0, atol=1e-11)
    phi = terms(x)
    inverse = np.linalg.inv(phi.T @ phi + model.alpha_ * np.eye(phi.shape[1]))
    variance = 1 + np.einsum("ni,ij,nj->n", terms(fresh), inverse, terms(fresh))
    residual = np.sqrt(np.mean((z - model.predict(phi)) ** 2, axis=0))
    np.testing.assert_allclose(spread, np.sqrt(variance)[:, None] * residual, rtol=1e-8)


def test_ridge_is_less_sure_far_away(data):
    x, z, _ = data
    fitted = family("ridge", {}).fit(x, z, DESIGNS, 0)
    near, far = fitted.predict(x)[1], fitted.predict(10 * x)[1]
    assert (far.mean(axis=0) > 2 * near.mean(axis=0)).all()


def test_a_batch_is_its_designs_one_by_one(fitted, data):
    whole = fitted.predict(data[2])
    for i in (0, 1, 250, 499):
        for many, one in zip(whole, fitted.predict(data[2][i : i + 1]), strict=True):
            np.testing.assert_array_equal(many[i : i + 1], one)


def test_arrays_are_all_that_it_is(fitted, data):
    again = type(fitted).from_arrays(fitted.arrays(), FEATURES, DESIGNS, TARGETS)
    for a, b in zip(again.predict(data[2]), fitted.predict(data[2]), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ChipgymError):
        type(fitted).from_arrays(fitted.arrays(), FEATURES, DESIGNS, TARGETS + 1)


@pytest.mark.parametrize("name", TABULAR)
def test_the_seed_decides(name, data):
    x, z, fresh = data
    make = family(name, {} if name == "ridge" else {"trees": 5})
    first, second, other = (make.fit(x, z, DESIGNS, seed).predict(fresh)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any() == (name != "ridge")


def test_trees_that_could_not_be_walked_are_refused(data):
    whole = family("forest", {"trees": 2}).fit(data[0], data[1], DESIGNS, 0)
    nodes = whole.nodes
    inner = int(np.flatnonzero(nodes["feature"] >= 0)[-1])

    def with_node(name, at, value):
        column = nodes[name].copy()
        column[at] = value
        return replace(whole, nodes={**nodes, name: column})

    faults = [
        with_node("left", inner, inner),  # round in circles
        with_node("left", inner, 0),
        with_node("right", inner, len(nodes["value"])),
        with_node("feature", inner, FEATURES),
        with_node("feature", inner, -7),
        with_node("value", int(np.flatnonzero(nodes["feature"] < 0)[0]), np.nan),
        replace(whole, roots=whole.roots - 1),
        replace(whole, roots=whole.roots.astype(np.int64)),
        replace(whole, base=whole.base[:1]),
        replace(whole, rounded=np.zeros((1, 1), np.int8)),
    ]
    for fault in faults:
        with pytest.raises(ChipgymError):
            TreeEnsemble.from_arrays(fault.arrays(), FEATURES, DESIGNS, TARGETS)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ridg", {}, "unknown model 'ridg'; did you mean 'ridge'"),
        ("forest", {"tree": 3}, "did you mean 'trees'"),
        ("forest", {"trees": 0}, "trees: 0 is not a positive whole number; default is 30"),
        ("forest", {"trees": 2.5}, "trees: 2.5 is not a positive whole number"),
        ("forest", {"share": 1.5}, "share: 1.5 is more than all features"),
        ("boosting", {"rate": True}, "rate: True is not a positive number"),
        ("boosting", {"rate": float("nan")}, "rate: nan is not a positive number"),
    ],
)
def test_wrong_settings(name, settings, message):
    with pytest.raises(ChipgymError, match=r"^[^\n]+$") as error:
        family(name, settings)
    assert message in str(error.value)

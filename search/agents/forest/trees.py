"""A random forest that says how sure it is (Hutter et al., Artificial Intelligence 206, 2014, section 4.3.2)."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from ....simulators.core.parameter import Column

# Part of the columns looked at for a split, SMAC's `ratio_features`.
COLUMNS = 5 / 6
# Least standard deviation of a prediction: trees that agree are not certain.
LEAST = 1e-3


class Forest:
    """scikit-learn's forest on one thread, read from its trees: thousands of rows in a millisecond or two.

    A tree's answer is the mean of a leaf and the variance within it. The forest's mean is that of its trees, and its
    variance, by the law of total variance, that of their means plus the mean of their variances.
    """

    def __init__(self, inputs: Column, targets: Column, trees: int, rng: np.random.Generator) -> None:
        """Fit `trees` trees to inputs (n, d) and targets (n,), n ≥ 1."""
        forest = RandomForestRegressor(trees, max_features=COLUMNS, random_state=int(rng.integers(2**31)))
        forest.fit(inputs, targets)
        self._trees = [(t.tree_, t.tree_.value[:, 0, 0], t.tree_.impurity) for t in forest.estimators_]

    def __call__(self, inputs: Column) -> tuple[Column, Column]:
        """Predict the mean and the standard deviation for inputs (n, d), both of shape (n,)."""
        rows = np.ascontiguousarray(inputs, dtype=np.float32)  # what trees compare
        means, within = np.empty((len(self._trees), len(rows))), np.zeros(len(rows))
        for i, (tree, value, impurity) in enumerate(self._trees):
            leaf = tree.apply(rows)
            means[i] = value[leaf]
            within += impurity[leaf]
        return means.mean(axis=0), np.sqrt(np.maximum(means.var(axis=0) + within / len(means), LEAST**2))

"""Predictions from flat arrays, one design after another: the answer to a design never depends on its neighbours."""

from __future__ import annotations

import numpy as np

from ...simulators import Column
from ...simulators.core.compiled import compiled


@compiled
def walk_trees(
    x: Column,
    feature: Column,
    threshold: Column,
    left: Column,
    right: Column,
    value: Column,
    roots: Column,
    base: Column,
    mean: Column,
    spread: Column,
) -> None:
    """Compute mean and standard deviation over members, each the sum of its trees.

    Args:
        x: features, (n, d).
        feature: of each node, -1 at a leaf; (nodes,).
        threshold: a design goes left where its feature is at most this.
        left: child of each node; (nodes,).
        right: child of each node; (nodes,).
        value: of each leaf; (nodes,).
        roots: first node of each tree, (targets, members, trees).
        base: what each member's sum begins with, (targets, members).
        mean: filled, (n, targets).
        spread: filled, (n, targets).
    """
    targets, members, trees = roots.shape
    n = len(x)
    first, answer, shifted, squares = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for t in range(targets):
        mean[:, t] = 0.0
        shifted[:] = 0.0
        squares[:] = 0.0
        for m in range(members):
            answer[:] = base[t, m]
            for k in range(trees):  # a tree stays in the cache while all designs go through it
                for i in range(n):
                    node = roots[t, m, k]
                    while feature[node] >= 0:
                        node = left[node] if x[i, feature[node]] <= threshold[node] else right[node]
                    answer[i] += value[node]
            if m == 0:
                first[:] = answer
            for i in range(n):  # shifted data: no digits are lost where members agree
                mean[i, t] += answer[i]
                shifted[i] += answer[i] - first[i]
                squares[i] += (answer[i] - first[i]) ** 2
        for i in range(n):
            mean[i, t] /= members
            spread[i, t] = np.sqrt(max(squares[i] / members - (shifted[i] / members) ** 2, 0.0))


@compiled
def quadratic(
    x: Column, pairs: Column, coefficients: Column, factor: Column, mean: Column, leverage: Column, terms: Column
) -> None:
    """Compute means, and how far each design is from those of the training.

    Args:
        x: standardised features, (n, d).
        pairs: the features that each product is of, (q, 2).
        coefficients: of 1, the features and the products, (1 + d + q, targets).
        factor: lower triangle L with L Lᵀ the inverse of the regularised second moments, (1 + d + q, 1 + d + q).
        mean: filled, (n, targets).
        leverage: filled with |Lᵀ φ|², (n,).
        terms: room for φ and Lᵀ φ, (2, 1 + d + q).
    """
    n, d = x.shape
    count, targets = coefficients.shape
    for i in range(n):
        terms[0, 0] = 1.0
        for j in range(d):
            terms[0, 1 + j] = x[i, j]
        for q in range(len(pairs)):
            terms[0, 1 + d + q] = x[i, pairs[q, 0]] * x[i, pairs[q, 1]]
        mean[i] = 0.0
        terms[1] = 0.0
        for j in range(count):
            phi = terms[0, j]
            for t in range(targets):
                mean[i, t] += phi * coefficients[j, t]
            for k in range(j + 1):
                terms[1, k] += phi * factor[j, k]
        square = 0.0
        for j in range(count):
            square += terms[1, j] ** 2
        leverage[i] = square

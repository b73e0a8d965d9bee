"""Ensembles of regression trees, fitted by scikit-learn and kept as flat arrays.

Node k of all trees together is `feature[k]`, `threshold[k]`, `left[k]`, `right[k]`, `value[k]`. A leaf has feature -1.
Children stand after their parent, so that any walk ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import ChipgymError
from ...simulators import Column
from .features import FeatureFamily

_LEAF = -1
_NODES = {"feature": np.int32, "threshold": np.float64, "left": np.int32, "right": np.int32, "value": np.float64}


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """Members whose mean is the prediction and whose standard deviation is its spread; each is a sum of trees.

    Attributes:
        nodes: columns by name, as the module says, each (nodes,).
        roots: first node of each tree, (targets, members, trees), int32.
        base: what a member's sum begins with, (targets, members).
        rounded: 1 where features are rounded to single precision first, as scikit-learn's forests do; shape (1,).
    """

    nodes: Mapping[str, Column]
    roots: Column
    base: Column
    rounded: Column
    names: ClassVar[tuple[str, ...]] = (
        "feature", "threshold", "split", "left", "right", "value", "roots", "base", "rounded",
    )  # fmt: skip

    def predict(self, x: Column) -> tuple[Column, Column]:
        """Return means and spreads, each (n, targets), of features (n, d)."""
        from .kernel import walk_trees

        if self.rounded[0]:
            x = x.astype(np.float32).astype(np.float64)
        mean, spread = np.empty((2, len(x), len(self.roots)))
        feature, threshold, left, right, value = (self.nodes[name] for name in _NODES)
        x = np.ascontiguousarray(x)
        walk_trees(x, feature, threshold, left, right, value, self.roots, self.base, mean, spread)
        return mean, spread

    def arrays(self) -> dict[str, Column]:
        """Pack all of the model as arrays by name: inner nodes alone have a threshold and children, leaves a value.

        Thresholds are few, so that nodes name them by their place among the distinct ones; children are told by how far
        behind their parent they stand, which is the same for most.
        """
        inner = self.nodes["feature"] != _LEAF
        here = np.flatnonzero(inner)
        distinct, split = np.unique(self.nodes["threshold"][inner], return_inverse=True)
        return {
            "feature": self.nodes["feature"].astype(np.int16),
            "threshold": distinct,
            "split": split.astype(np.int32),
            "left": (self.nodes["left"][inner] - here).astype(np.int32),
            "right": (self.nodes["right"][inner] - here).astype(np.int32),
            "value": self.nodes["value"][~inner].astype(np.float32),
            "roots": self.roots,
            "base": self.base,
            "rounded": self.rounded,
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, Column], features: int, designs: int, targets: int) -> TreeEnsemble:
        """Make an ensemble of what `arrays` gave; no walk through it leaves the arrays or goes round in circles.

        Raises:
            ChipgymError: where it is not that of so many features and targets, or one that could be walked badly.
        """
        roots, base, rounded = arrays["roots"], arrays["base"], arrays["rounded"]
        nodes = _unpacked(arrays, features)
        count = len(nodes["feature"])
        if roots.dtype != np.int32 or roots.ndim != 3 or len(roots) != targets or 0 in roots.shape:
            raise ChipgymError("roots is not an array of targets, members and trees")
        if (
            base.dtype != np.float64
            or base.shape != roots.shape[:2]
            or rounded.dtype != np.int8
            or rounded.shape != (1,)
        ):
            raise ChipgymError("base or rounded does not fit the trees")
        if (roots < 0).any() or (roots >= count).any():
            raise ChipgymError("a tree has a node that leads nowhere")
        if not (np.isfinite(nodes["value"]).all() and np.isfinite(base).all()):
            raise ChipgymError("a tree has a leaf that is no number")
        return TreeEnsemble(nodes, roots, base, rounded)


_PACKED = {
    "feature": np.int16, "threshold": np.float64, "split": np.int32, "left": np.int32, "right": np.int32,
    "value": np.float32,
}  # fmt: skip


def _unpacked(arrays: Mapping[str, Column], features: int) -> dict[str, Column]:
    """Unpack the nodes of packed arrays.

    Raises:
        ChipgymError: for arrays of other types or lengths, and a node that leads nowhere.
    """
    for name, kind in _PACKED.items():
        if arrays[name].dtype != kind or arrays[name].ndim != 1:
            raise ChipgymError(f"{name} has another type or shape than its tree")
    feature, threshold, split = (arrays[name] for name in ("feature", "threshold", "split"))
    count, inner = len(feature), feature != _LEAF
    here = np.flatnonzero(inner)
    for name, length in (*((name, len(here)) for name in ("split", "left", "right")), ("value", count - len(here))):
        if len(arrays[name]) != length:
            raise ChipgymError(f"{name} has another type or shape than its tree")
    behind = np.stack([arrays["left"], arrays["right"]]).astype(np.int64)
    if (
        (behind <= 0).any()
        or (here + behind >= count).any()
        or (split < 0).any()
        or (split >= len(threshold)).any()
        or (feature < _LEAF).any()
        or (feature >= features).any()
    ):
        raise ChipgymError("a tree has a node that leads nowhere")
    nodes = {name: np.zeros(count, kind) for name, kind in _NODES.items()}
    nodes["feature"] = feature.astype(np.int32)
    nodes["threshold"][inner] = threshold[split]
    nodes["left"][inner], nodes["right"][inner] = here + behind
    nodes["value"][~inner] = arrays["value"]
    return nodes


@dataclass(frozen=True)
class Forest(FeatureFamily):
    """Random forests (Breiman, "Random Forests", Machine Learning 45, 2001), one per target; the spread is over trees.

    Attributes:
        trees: in each forest.
        leaf: least designs in a leaf.
        share: of the features, drawn anew at each split.
    """

    extrapolates: ClassVar[bool] = False
    model: ClassVar = TreeEnsemble

    trees: int = 30
    leaf: int = 2
    share: float = 0.6

    def fit(self, x: Column, z: Column, designs: int, seed: int) -> TreeEnsemble:
        """Fit forests of standardised targets z (n, t) over features x (n, d)."""
        from sklearn.ensemble import RandomForestRegressor

        models = [
            RandomForestRegressor(
                self.trees, min_samples_leaf=self.leaf, max_features=self.share, random_state=(seed + t) % 2**32
            ).fit(x, z[:, t])
            for t in range(z.shape[1])
        ]
        return forest_of(models)


@dataclass(frozen=True)
class Boosting(FeatureFamily):
    """Histogram gradient boosting, one per target and member; each member sees its own bootstrap of the designs.

    J. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29 (2001); the
    spread is that of bagging (Breiman, "Bagging predictors", Machine Learning 24, 1996).

    Attributes:
        members: bootstraps.
        trees: of each member.
        leaves: most leaves of a tree.
        rate: what each tree is multiplied by.
    """

    extrapolates: ClassVar[bool] = False
    model: ClassVar = TreeEnsemble

    members: int = 3
    trees: int = 120
    leaves: int = 31
    rate: float = 0.2

    def fit(self, x: Column, z: Column, designs: int, seed: int) -> TreeEnsemble:
        """Fit boosted trees of standardised targets z (n, t) over features x (n, d)."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        rng = np.random.default_rng(seed)
        draws = [rng.integers(0, len(x), len(x)) for _ in range(self.members)]
        # One thread: sums of several arrive in any order, and the same seed would not give the same trees.
        with threadpool_limits(1):
            models = [
                [
                    HistGradientBoostingRegressor(
                        max_iter=self.trees,
                        max_leaf_nodes=self.leaves,
                        learning_rate=self.rate,
                        min_samples_leaf=5,
                        early_stopping=False,
                        random_state=seed % 2**32,
                    ).fit(x[draw], z[draw, t])
                    for draw in draws
                ]
                for t in range(z.shape[1])
            ]
        return boosting_of(models)


def forest_of(models: Sequence[Any]) -> TreeEnsemble:
    """Turn scikit-learn's random forests, one per target, into arrays: a member for each tree."""
    roots, parts, offset = [], [], 0
    for model in models:
        starts = []
        for estimator in model.estimators_:
            tree = estimator.tree_
            inner = tree.children_left != -1
            parts.append(
                (
                    np.where(inner, tree.feature, _LEAF),
                    np.where(inner, tree.threshold, 0.0),
                    np.where(inner, tree.children_left + offset, 0),
                    np.where(inner, tree.children_right + offset, 0),
                    np.where(inner, 0.0, tree.value[:, 0, 0]),
                )
            )
            starts.append([offset])
            offset += tree.node_count
        roots.append(starts)
    return _ensemble(parts, roots, np.zeros((len(models), len(roots[0]))), rounded=True)


def boosting_of(models: Sequence[Sequence[Any]]) -> TreeEnsemble:
    """Turn scikit-learn's histogram gradient boosting, one per target and member, into arrays.

    Its nodes are in no public attribute; a test holds what is made of them to its own predictions.
    """
    roots, parts, offset = [], [], 0
    for members in models:
        starts = []
        for model in members:
            firsts = []
            for (predictor,) in model._predictors:
                node = predictor.nodes
                inner = node["is_leaf"] == 0
                parts.append(
                    (
                        np.where(inner, node["feature_idx"].astype(np.int64), _LEAF),
                        np.where(inner, node["num_threshold"], 0.0),
                        np.where(inner, node["left"].astype(np.int64) + offset, 0),
                        np.where(inner, node["right"].astype(np.int64) + offset, 0),
                        np.where(inner, 0.0, node["value"]),
                    )
                )
                firsts.append(offset)
                offset += len(node)
            starts.append(firsts)
        roots.append(starts)
    base = np.array([[float(np.ravel(m._baseline_prediction)[0]) for m in members] for members in models])
    return _ensemble(parts, roots, base, rounded=False)


def _ensemble(parts: Sequence[tuple[Column, ...]], roots: object, base: Column, rounded: bool) -> TreeEnsemble:
    """Pack trees as arrays; leaves are rounded to single precision, as a file has them."""
    nodes = {
        name: np.concatenate([part[j] for part in parts]).astype(kind) for j, (name, kind) in enumerate(_NODES.items())
    }
    nodes["value"] = nodes["value"].astype(np.float32).astype(np.float64)
    return TreeEnsemble(nodes, np.array(roots, dtype=np.int32), base, np.array([rounded], dtype=np.int8))

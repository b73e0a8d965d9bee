"""Which knobs an objective depends on, among the designs that were evaluated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column

# Designs that a forest learns from and is tested on; it takes a second or two.
MOST_DESIGNS = 3000
FEWEST_DESIGNS = 40
HELD_OUT = 0.25
TREES = 60
REPEATS = 5


@dataclass(frozen=True, eq=False)
class Importance:
    """How much worse a model of one objective predicts when a knob is shuffled.

    Attributes:
        knobs: those that vary, most important first.
        drop: what R² on held-out designs loses, per knob, mean over `REPEATS` shuffles.
        spread: its standard deviation over shuffles.
        r2: the model's R² on held-out designs; what is near 0 says that `drop` means nothing.
        designs: how many the model learnt from and was tested on.
    """

    knobs: tuple[str, ...]
    drop: Column
    spread: Column
    r2: float
    designs: int


def permutation_importance(
    positions: Indices, knobs: tuple[str, ...], values: Column, rng: np.random.Generator
) -> Importance | None:
    """Compute the permutation importance of a random forest's knobs, on designs that it has not seen.

    The measure is that of Breiman, Machine Learning 45, 2001.

    Args:
        positions: of each design's values on the knobs' grids, shape (n, p).
        knobs: p names.
        values: what to explain, shape (n,), finite; its logarithm where all are positive.
        rng: draws the designs, the split, the trees and the shuffles.

    Returns:
        None for fewer than `FEWEST_DESIGNS` designs, and where no knob or no value varies.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.metrics import r2_score

    varying = np.flatnonzero(np.ptp(positions, axis=0) > 0) if len(positions) else np.empty(0, np.int64)
    if len(positions) < FEWEST_DESIGNS or not len(varying) or np.ptp(values) == 0:
        return None
    chosen = rng.permutation(len(positions))[:MOST_DESIGNS]
    x, y = positions[np.ix_(chosen, varying)].astype(np.float64), values[chosen]
    y = np.log10(y) if (values > 0).all() else y
    tests = round(len(x) * HELD_OUT)
    model = RandomForestRegressor(n_estimators=TREES, max_features=0.5, random_state=int(rng.integers(2**31)))
    model.fit(x[tests:], y[tests:])
    x, y = x[:tests], y[:tests]
    if np.ptp(y) == 0:
        return None
    whole = float(r2_score(y, model.predict(x)))
    # All shuffles of all knobs in one call: a forest is slow to begin and quick to go on.
    shuffled = np.tile(x, (len(varying), REPEATS, 1, 1))
    for j in range(len(varying)):
        shuffled[j, :, :, j] = rng.permuted(shuffled[j, :, :, j], axis=1)
    predicted = model.predict(shuffled.reshape(-1, len(varying))).reshape(len(varying), REPEATS, tests)
    drops = np.array([[whole - r2_score(y, once) for once in knob] for knob in predicted])
    mean = drops.mean(axis=1)
    order = np.argsort(-mean, kind="stable")
    return Importance(
        knobs=tuple(knobs[varying[j]] for j in order),
        drop=mean[order],
        spread=drops.std(axis=1)[order],
        r2=whole,
        designs=len(chosen),
    )

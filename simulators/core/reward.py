"""Rewards: how an evaluation becomes the number that an agent maximises."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from .parameter import Column

# A design ten thousand times better than the default is as good as reward gets: 5 decades.
DECADES = 5.0
# A target missed by a millionth is met.
CLOSEST = 1e6


class Reward(Protocol):
    """Maximised value per design from objectives (n, m), their reference (m,), and violations (n,)."""

    def __call__(self, objectives: Column, reference: Column, violation: Column) -> Column: ...


def log_ratio(objectives: Column, reference: Column, violation: Column) -> Column:
    """Decades of improvement over the reference: `clip(log10(reference / objective), -5, 5)`, mean over objectives.

    An infeasible design gets `-5 - v / (1 + v)`, so that each ranks below every feasible one, nearer misses higher.
    An objective of 0 is as good as reward gets, one that is not a number as bad as a feasible design's gets.
    """
    with np.errstate(all="ignore"):
        decades = np.log10(reference / (np.maximum(objectives, 0.0) + 0.0))  # + 0.0 makes -0.0 positive
    decades = np.where(np.isnan(decades), -DECADES, decades)
    decades = np.minimum(np.maximum(decades, -DECADES), DECADES)
    # Of one objective without a mean, which a scalar environment would wait for at every step.
    return _ranked(decades[:, 0] if decades.shape[1] == 1 else decades.mean(axis=1), violation)


def target_distance(objectives: Column, reference: Column, violation: Column) -> Column:
    """ArchGym's reward, the product over objectives of target / |target − objective|; the reference is the target.

    Bounded at `CLOSEST` where a target is met exactly (ArchGym, ISCA 2023, section 3, divides by zero there).
    Infeasible designs rank below every feasible one as in `log_ratio`.
    """
    with np.errstate(all="ignore"):
        closeness = np.minimum(reference / np.abs(reference - objectives), CLOSEST)
    product = np.where(np.isnan(closeness), 0.0, closeness).prod(axis=1)
    return _ranked(np.minimum(product, CLOSEST), violation)


def _ranked(worth: Column, violation: Column) -> Column:
    """`worth` where feasible, else `-5 - v / (1 + v)`: below -5 for every v, -6 for one infinite or not a number."""
    feasible = violation <= 0
    if feasible.all():
        return worth
    with np.errstate(all="ignore"):
        share = violation / (1 + violation)
    share = np.where(np.isfinite(share), share, 1.0)
    # A violation too small to be seen beside 5 is still one.
    miss = np.minimum(-DECADES - share, np.nextafter(-DECADES, -np.inf))
    return np.where(feasible, worth, miss)


REWARDS: Mapping[str, Reward] = MappingProxyType({"log_ratio": log_ratio, "target_distance": target_distance})
#: Least and largest value of each.
REWARD_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType({
    "log_ratio": (-DECADES - 1, DECADES), "target_distance": (-DECADES - 1, CLOSEST),
})  # fmt: skip

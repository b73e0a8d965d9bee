"""Rewards: how an evaluation becomes the number that an agent maximises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...errors import ChipgymError, shorten
from .parameter import Column

if TYPE_CHECKING:
    from .problem import Evaluation, Problem

# A design ten thousand times better than the default is as good as reward gets: 5 decades.
DECADES = 5.0
# A target missed by a millionth is met.
CLOSEST = 1e6


class Reward(Protocol):
    """Maximised value per design from objectives (n, m), their reference (m,), and violations (n,)."""

    def __call__(self, objectives: Column, reference: Column, violation: Column) -> Column:
        """Return the value of each design, shape (n,)."""


#: A reward of one's own: of n evaluated designs of a problem, a finite number each, shape (n,).
RewardFunction = Callable[["Evaluation", "Problem"], Any]


def name_of_reward(function: RewardFunction) -> str:
    """Return what names a reward of one's own in a store and a report: its `name`, or its module and its own.

    Raises:
        ChipgymError: where it is that of one of `REWARDS`.
    """
    name = getattr(function, "name", None)
    if not isinstance(name, str):
        named = function if hasattr(function, "__qualname__") else type(function)
        name = f"{named.__module__}.{named.__qualname__}"
    if name in REWARDS:
        raise ChipgymError(f"reward: the name {name!r} of {shorten(function)} is that of a reward of chipgym")
    return name


def checked_rewards(answer: object, shapes: tuple[tuple[int, ...], ...], name: str) -> Column:
    """Return what a reward of one's own answered, as float64.

    Args:
        answer: the answer.
        shapes: those that are right.
        name: of the function.

    Raises:
        ChipgymError: where it has another shape, or is no finite number for some design.
    """
    expected = f"expected a finite number per design, shape {' or '.join(map(str, shapes))}"
    try:
        rewards = np.array(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise ChipgymError(f"reward: {name} answered {shorten(answer)}, {expected}") from None
    if rewards.shape not in shapes:
        raise ChipgymError(f"reward: {name} answered an array of shape {rewards.shape}, {expected}")
    if not np.isfinite(rewards).all():
        wrong = np.argwhere(~np.isfinite(rewards))[0]
        raise ChipgymError(f"reward: {name} answered {rewards[tuple(wrong)]} for design {wrong[0]}, {expected}")
    return rewards


def log_ratio(objectives: Column, reference: Column, violation: Column) -> Column:
    """Return decades of improvement over the reference: `clip(log10(reference / objective), -5, 5)`, their mean.

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
    """Return ArchGym's reward: target / |target − objective|, multiplied over objectives; the target is the reference.

    Bounded at `CLOSEST` where a target is met exactly (ArchGym, ISCA 2023, section 3, divides by zero there).
    Infeasible designs rank below every feasible one as in `log_ratio`.
    """
    with np.errstate(all="ignore"):
        closeness = np.minimum(reference / np.abs(reference - objectives), CLOSEST)
    product = np.where(np.isnan(closeness), 0.0, closeness).prod(axis=1)
    return _ranked(np.minimum(product, CLOSEST), violation)


def _ranked(worth: Column, violation: Column) -> Column:
    """Return `worth` where feasible, else `-5 - v / (1 + v)`: below -5 for every v, -6 for infinite or not a number."""
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

"""How far a workload is from those that a model has learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Distance from which a prediction is an extrapolation: it is said, and its uncertainty is widened.
FAR = 0.25
#: Least scale of a feature: half of all work for a share, a factor of three for the logarithm of a size. What hardly
#: differs among the workloads of the tables says little of what a difference means.
LEAST_SCALE = 0.5


def beyond(features: Mapping[str, float], learned: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Name features in which a workload is far outside the range of others, with how far, the farthest first.

    Args:
        features: of the workload.
        learned: of the workloads that a model has learned from, each with the same features.

    Returns:
        By feature its distance from the range, in widths of the range (at least `LEAST_SCALE`); those of `FAR` or more.
    """
    distances = {}
    for name, value in features.items():
        known = [one[name] for one in learned]
        low, high = min(known), max(known)
        distance = max(low - value, value - high, 0.0) / max(high - low, LEAST_SCALE)
        if distance >= FAR:
            distances[name] = distance
    return dict(sorted(distances.items(), key=lambda item: -item[1]))


def widening(distances: Mapping[str, float]) -> float:
    """Return what the standard deviation is multiplied by at such distances: 1 plus the farthest."""
    return 1.0 + max(distances.values(), default=0.0)

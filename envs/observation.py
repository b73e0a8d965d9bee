"""What an agent sees, in numbers that fit a network: features of the work, places in grids, decades."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from gymnasium import Space
from gymnasium.spaces import Box

from ..datasets import Workload
from ..simulators import DesignSpace, Indices, Metrics
from ..simulators.core.parameter import Column

Observation = np.ndarray[Any, np.dtype[np.float32]]

# Features are logarithms, fractions and small counts; a finite bound keeps the space one that can be sampled.
BOUND = 1e9
# A metric ten billion times the default design's is as far as an agent sees.
DECADES = 10.0


def observation_box(features: int, *parts: tuple[int, float, float]) -> Space[Observation]:
    """Make the space of so many features of a workload, and of parts of so many numbers between two bounds."""
    every = [(features, -BOUND, BOUND), *parts]
    low, high = (np.concatenate([np.full(part[0], part[i]) for part in every]).astype(np.float32) for i in (1, 2))
    box: Any = Box(low, high, dtype=np.float32)
    return cast(Space[Observation], box)


def workload_observation(workload: Workload) -> Observation:
    """Return a workload's features as float32, shape (f,), within `BOUND`."""
    return np.array(list(workload.features().values())).clip(-BOUND, BOUND).astype(np.float32)


def places(rows: Indices, space: DesignSpace) -> Column:
    """Return where each parameter of index rows (n, p) stands in its grid, from 0 to 1; 0 in a grid of one value."""
    scaled: Column = rows / np.maximum(space.sizes - 1, 1)
    return scaled


def decades(metrics: Metrics, starts: Metrics, task: Indices) -> Column:
    """Return metrics of n designs in decades above those of their task's start, (n, m); 0 where either has none."""
    with np.errstate(all="ignore"):
        columns = [np.log10(metrics[s.name] / starts[s.name][task]) for s in metrics.specs]
    found = np.stack(columns, axis=1)
    return np.where(np.isfinite(found), found, 0.0).clip(-DECADES, DECADES)

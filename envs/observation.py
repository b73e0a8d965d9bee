"""What an agent sees of the work to be done: the workload's features, in their own fixed order."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from gymnasium import Space
from gymnasium.spaces import Box

from ..datasets import Workload

Observation = np.ndarray[Any, np.dtype[np.float32]]

# Features are logarithms, fractions and small counts; a finite bound keeps the space one that can be sampled.
BOUND = 1e9


def workload_box(workload: Workload) -> Space[Observation]:
    """The observation space of a workload's features, float32, shape (f,)."""
    box: Any = Box(-BOUND, BOUND, shape=(len(workload.features()),), dtype=np.float32)
    return cast(Space[Observation], box)


def workload_observation(workload: Workload) -> Observation:
    """A workload's features as float32, shape (f,), within `BOUND`."""
    return np.array(list(workload.features().values())).clip(-BOUND, BOUND).astype(np.float32)

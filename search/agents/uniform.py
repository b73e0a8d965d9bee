"""Random search: the baseline that every other agent must beat."""

from __future__ import annotations

import numpy as np

from ...simulators import Indices
from .base import Agent


class UniformAgent(Agent):
    """Uniform draws from the grid, folded to canonical form."""

    batch = 256

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Draw `n` independent rows, shape (n, p)."""
        return self.problem.space.sample(n, rng)

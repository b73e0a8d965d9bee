"""Sobol' sequence: designs at random, but spread more evenly than independent draws are."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from ...errors import ChipgymError
from ...simulators import Evaluation, Indices, Problem
from .base import Agent
from .novelty import Novelty

# Points made at a time: a power of two, at which the sequence is balanced.
CHUNK = 256
# Points of the sequence that may be repeats, and more of them for each design told, before others are proposed.
MOST_REPEATS = 16 * CHUNK
REPEATS_EACH = 4


class SobolAgent(Agent):
    """Sobol' sequence with Owen's scrambling (SciPy's `qmc.Sobol`), folded to the grid and to canonical form.

    Sobol', USSR Comput. Math. Math. Phys. 7(4), 1967; scrambling after Matoušek, J. Complexity 14(4), 1998. The seed
    scrambles it. An ask is of the first points of the sequence whose designs were not told yet, so that where it stands
    follows from the designs told.

    Args:
        problem: what is searched; 21,201 knobs with several values at most.
        seed: a whole number ≥ 0.

    Raises:
        ChipgymError: for a space of more knobs.
    """

    batch = 256

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        space = problem.space
        self._novel = Novelty(space)
        self._free = np.flatnonzero(space.sizes > 1)
        if len(self._free) > qmc.Sobol.MAXDIM:
            raise ChipgymError(
                f"agent: 'sobol' takes {qmc.Sobol.MAXDIM:,} knobs at most, and this space has {len(self._free):,}; "
                "narrow it, or use 'random'"
            )
        scrambling = np.random.default_rng(np.random.SeedSequence(seed))
        self._sequence = qmc.Sobol(len(self._free), seed=scrambling) if len(self._free) else None
        # Rows of the sequence from its first whose design was not told, and how many came before them.
        self._made = np.empty((0, len(space.parameters)), dtype=np.int64)
        self._passed = 0

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return the next `n` rows, shape (n, p)."""
        if self._sequence is None:
            return self.problem.space.default_indices[None, :]
        within = n + MOST_REPEATS + REPEATS_EACH * len(self._novel) - self._passed  # follows from what was told alone
        found = self._novel.new(self._made[:within], n)
        while len(found) < n and len(self._made) < within:
            self._make(n - len(found))
            found = self._novel.new(self._made[:within], n)
        return found if len(found) == n else self._novel.filled(n, rng, lambda k: found)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Move on to the first point whose design was not told."""
        self._novel.add(designs)
        new = self._novel.among(self._made)
        passed = int(new.argmax()) if new.any() else len(new)
        self._made = self._made[passed:]
        self._passed += passed

    def _make(self, n: int) -> None:
        """Make the next points as rows, a multiple of `CHUNK`, at least `n`."""
        assert self._sequence is not None
        space = self.problem.space
        for _ in range(-(-n // CHUNK)):
            rows = np.repeat(space.default_indices[None, :], CHUNK, axis=0)
            points = self._sequence.random(CHUNK)
            rows[:, self._free] = np.minimum(points * space.sizes[self._free], space.sizes[self._free] - 1)
            self._made = np.concatenate([self._made, space.canonicalize(rows)])

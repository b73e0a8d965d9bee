"""Simulated annealing: a local search that takes worse designs too, the less of them the cooler it is."""

from __future__ import annotations

import numpy as np

from ...errors import ChipgymError, count
from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.moves import Moves
from .base import MOST_AT_ONCE, Agent
from .novelty import Novelty
from .outcomes import losses
from .settings import number

# The share of moves that change a second knob.
SECOND = 0.3
# How much longer each cycle is than the one before.
GROWTH = 2


class AnnealingAgent(Agent):
    """Simulated annealing of a few chains at once, with geometric cooling and reheating.

    Kirkpatrick, Gelatt and Vecchi (Science 220, 1983). A move changes one active knob, sometimes two. One that worsens
    the objective by d decades is accepted with probability exp(-d / T) (Metropolis). T falls geometrically with the
    designs told, from the initial to the final temperature within a cycle. Then all chains go on from the best design
    at the initial temperature, and the next cycle is twice as long, so that no budget need be known. The moves of one
    ask start from where the chains are at its beginning, and are accepted or not in their order, each by the chain that
    it differs least from.

    The first cycle begins at the best of the default design and random ones. By the feasibility rule (Deb, 2000) an
    infeasible design is never accepted in place of a feasible one; between two infeasible ones d is the difference in
    log10(1 + violation).

    Args:
        problem: what is searched, one objective.
        seed: a whole number ≥ 0.
        chains: how many designs are current at once.
        initial_temperature: at which a cycle begins, in decades of the objective.
        final_temperature: at which it ends.
        cycle: designs told in the first cycle.

    Raises:
        ChipgymError: for an option out of its range, or a final temperature above the initial one.
    """

    batch = 64
    several_objectives = False

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        chains: int = 2,
        initial_temperature: float = 0.1,
        final_temperature: float = 0.001,
        cycle: int = 200,
    ) -> None:
        super().__init__(problem, seed)
        self._chains = count("chains", chains, high=MOST_AT_ONCE)
        self._initial = number("initial_temperature", initial_temperature, beyond=True)
        self._final = number("final_temperature", final_temperature, beyond=True)
        if self._final > self._initial:
            raise ChipgymError(
                f"final_temperature: {final_temperature} is above the initial temperature, {initial_temperature}"
            )
        self._cycle = count("cycle", cycle)
        self._within = 0  # designs told of this cycle
        self._novel = Novelty(problem.space)
        self._moves = Moves(problem.space)
        # Where the chains are, and the best design.
        self._rows = np.empty((0, len(problem.space.parameters)), dtype=np.int64)
        self._losses = np.empty(0)
        self._best, self._best_loss = problem.space.default_indices, np.inf

    @property
    def temperature(self) -> float:
        """At which the next moves are accepted, in decades."""
        return float(self._initial * (self._final / self._initial) ** min(self._within / self._cycle, 1.0))

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return moves of each chain in turn, or designs to start from, shape (n, p)."""
        novel, n = self._novel, self._novel.paced(n)
        return novel.filled(n, rng, lambda k: self._moved(2 * k, rng)) if len(self._rows) else novel.first(n, rng)

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Accept moves or not, and cool down by as many designs as there are."""
        self._novel.add(designs)
        if not len(designs):
            return
        loss = losses(self.problem, evaluation)
        least = int(loss.argmin())
        if loss[least] < self._best_loss:
            self._best, self._best_loss = designs[least], float(loss[least])
        if not len(self._rows):
            best = np.resize(np.argsort(loss, kind="stable")[: self._chains], self._chains)
            self._rows, self._losses = designs[best], loss[best]
            return
        self._accept(designs, loss)
        self._within += len(designs)
        if self._within >= self._cycle:
            self._within, self._cycle = 0, GROWTH * self._cycle
            self._rows[:], self._losses[:] = self._best, self._best_loss

    def _moved(self, k: int, rng: np.random.Generator) -> Indices:
        rows = self._moves.stepped(self._rows[np.arange(k) % len(self._rows)], rng)
        twice = np.flatnonzero(rng.random(k) < SECOND)
        if len(twice):
            rows[twice] = self._moves.stepped(rows[twice], rng)
        return rows

    def _accept(self, designs: Indices, loss: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        """Take each design for the nearest chain, or leave it."""
        # Draws of its own, which follow from the ask's number as those of a proposal do.
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, self.asks, 1)))
        # A move that worsens by no more than this is accepted: exp(-d / T) > u.
        worse = -self.temperature * np.log1p(-rng.random(len(designs)))
        nearest = (designs[:, None, :] != self._rows[None, :, :]).sum(axis=2).argmin(axis=1)
        for i, chain in enumerate(nearest.tolist()):
            if loss[i] <= self._losses[chain] + worse[i]:
                self._rows[chain], self._losses[chain] = designs[i], loss[i]

"""What every search agent is: ask for designs, be told what they are worth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ...simulators import Evaluation, Indices, Problem

#: Designs that one ask may propose: what it takes in memory and between two transactions grows with them.
MOST_AT_ONCE = 2**20
#: Largest seed, of as many bits as numpy mixes into one.
LARGEST_SEED = 2**256 - 1
#: Processes that share a work; far more than there are cores only take memory.
MOST_JOBS = 256


class Agent(ABC):
    """Proposes designs of a problem and learns from their evaluations.

    An agent is a function of (seed, ask number, told history). `propose` draws only from the generator that it is
    handed, which is that of `SeedSequence((seed, ask number))`. What else it knows comes from `tell`. A search that
    was killed therefore goes on to the same result once its stored batches have been replayed; nothing is pickled.

    Options are the keyword arguments of the constructor beyond `problem` and `seed`.

    Attributes:
        problem: what is searched.
        seed: a whole number ≥ 0.
        asks: how many asks were made, which is the number of the next one.
        batch: how many designs one ask of the search loop proposes where the user does not say.
        several_objectives: whether it searches for a Pareto front; `make_agent` refuses such a problem otherwise.
        seeded: whether another seed is another search.
    """

    batch: int = 64
    several_objectives: ClassVar[bool] = True
    seeded: ClassVar[bool] = True

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        self.problem = problem
        self.seed = seed
        self.asks = 0

    def ask(self, n: int) -> Indices:
        """Propose at most `n` canonical index rows, shape (n, p); none where there is nothing left to propose."""
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, self.asks)))
        rows = self.propose(n, rng)
        self.asks += 1
        return rows

    def replay(self, designs: Indices, evaluation: Evaluation) -> None:
        """Count an ask that an earlier process made, and tell its outcome."""
        self.asks += 1
        self.tell(designs, evaluation)

    def begin(self, designs: Indices, evaluation: Evaluation) -> None:
        """Take designs that the search began with, none of which the agent proposed: they count as its first ask."""
        self.replay(designs, evaluation)

    @abstractmethod
    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Propose what `ask` returns, drawing from `rng` alone."""

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:  # noqa: B027 (an agent need not learn)
        """Take the evaluations of the last ask's designs, in its order; `designs` has shape (n, p)."""

    def explanation(self) -> tuple[str, ...]:
        """Say in sentences what it did in this search and why, where that is worth knowing."""
        return ()

"""The agent to ask where none is named: a local search guided by models, among proposers that earn their share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from ....errors import count
from ....simulators import Evaluation, Indices, Problem
from ..base import MOST_AT_ONCE, Agent
from .history import History
from .proposers import Proposer, Situation, anywhere, beside_the_best, by_models, offspring
from .shares import Shares

# An ask is a part of the designs told, so that models are made anew as often as what they know has grown by it.
PART = 16
# A design is good that is among so many best of those told; with several objectives the best are on the front.
GOOD = 5

PROPOSERS: Mapping[str, Proposer] = {"models": by_models, "neighbours": beside_the_best, "recombination": offspring}
# What part of its designs each is taken to find good before it proposed any: models are far ahead on most problems.
RATES = {"models": 0.5, "neighbours": 0.05, "recombination": 0.05}
SAYS = {
    "models": "models of the objectives and limits",
    "neighbours": "changing one knob of the best",
    "recombination": "recombining the best",
}


class AutoAgent(Agent):
    """A local search that models guide, with a bandit over the ways in which designs are proposed.

    It begins with the default design and uniform draws. Each later ask is divided between three proposers:

    - models: a Gaussian process for each objective and each limit, and of some thousand candidates (drawn anywhere,
      recombined, around the best, climbed to) those of most expected improvement within the limits;
    - neighbours: designs that differ from the best in one knob, which needs no model to be right;
    - recombination: crossovers of good designs, half of them mutated.

    A proposer's share is how often what it proposed was among the best five, or on the front. It is small asks of
    much thought at first, and larger ones of less thought per design as the search grows: thousands of designs take
    some ten seconds. With several objectives each proposal improves another weighting of them.

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        initial: designs before the first models.
        least_ask: designs of an ask at least; as many as are evaluated side by side, where that is more.
    """

    batch = 512

    def __init__(self, problem: Problem, seed: int = 0, *, initial: int = 12, least_ask: int = 4) -> None:
        super().__init__(problem, seed)
        self._initial = count("initial", initial, 2, MOST_AT_ONCE)
        self._least = count("least_ask", least_ask, high=MOST_AT_ONCE)
        self._history = History(problem)
        self._shares = Shares(RATES)
        self._proposed = dict.fromkeys(PROPOSERS, 0)
        self._good = dict.fromkeys(PROPOSERS, 0)
        self._threads = ThreadpoolController()

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Propose as many designs as the search has come to ask for at once, at most `n`."""
        history = self._history
        situation = Situation(self.problem, history, history.order(), rng)
        if len(history) < self._initial:
            return self._first(situation, min(n, self._initial - len(history)))
        wanted = min(n, max(self._least, len(history) // PART))
        parts = []
        with self._threads.limit(limits=1):  # thousands of small products, whose last bits would depend on threads
            for name, share in self._shares.split(wanted).items():
                if share:
                    found = situation.take(PROPOSERS[name](situation, share))
                    parts += [found, situation.take(anywhere(situation, share - len(found)))]
        return np.vstack(parts)

    def _first(self, situation: Situation, n: int) -> Indices:
        """Return the default design where nothing is known, and uniform draws."""
        space = self.problem.space
        begun = len(self._history) > 0
        rows = (
            [space.sample(n, situation.rng)]
            if begun
            else [space.canonicalize(space.default_indices)[None], space.sample(n - 1, situation.rng)]
        )
        found = situation.take(situation.novel(np.vstack(rows)))
        return np.vstack([found, anywhere(situation, n - len(found))])

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Add to what is known, and credit those who proposed what turned out good."""
        history = self._history
        before = len(history)
        new = history.add(designs, evaluation)
        if before < self._initial:
            return
        given = self._shares.split(len(designs))  # as it was for the ask: nothing was learnt since
        owners = np.repeat(np.arange(len(given)), list(given.values()))
        best = history.leaders(GOOD) - before
        hits = np.bincount(owners[new[best[best >= 0]]], minlength=len(given)).tolist()
        good = dict(zip(given, hits, strict=True))
        self._shares.learn(given, good)
        for name in given:
            self._proposed[name] += given[name]
            self._good[name] += good[name]

    def explanation(self) -> tuple[str, ...]:
        """Say which proposers had how many designs, and how many of those were good."""
        total = sum(self._proposed.values())
        if not total:
            return ("auto: the default design and uniform draws, too few to learn from",)
        parts = [f"{self._proposed[name]} by {SAYS[name]} ({self._good[name]} of them good)" for name in PROPOSERS]
        best = max(PROPOSERS, key=lambda name: self._good[name] / max(self._proposed[name], 1))
        what = f"among the best {GOOD}" if len(self.problem.objectives) == 1 else "on the front"
        begun = len(self._history) - total
        return (
            f"auto: {begun} designs to begin with, then {', '.join(parts)}; good is {what} when told",
            f"auto: shares follow the rates of success, of which that of {SAYS[best]} was the highest",
        )

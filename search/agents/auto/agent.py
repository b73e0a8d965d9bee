"""The agent to ask where none is named: a local search guided by models, among proposers that earn their share."""

from __future__ import annotations

import numpy as np
from threadpoolctl import ThreadpoolController

from ....simulators import Evaluation, Indices, Problem
from ..base import Agent
from .history import History
from .proposers import Proposer, Situation, anywhere, beside_the_best, by_models, offspring
from .shares import Shares

# Designs before the first model: the default design and uniform draws.
FIRST = 12
# Designs of an ask: a part of those told, so that models are made anew as often as their number grows by it.
LEAST, PART = 4, 16
# A design is good that is among so many best of those told; with several objectives, one that none dominates.
GOOD = 5

PROPOSERS: dict[str, Proposer] = {"models": by_models, "neighbours": beside_the_best, "recombination": offspring}
# Rates of success that proposers are taken to have before they proposed anything.
RATES = {"models": 0.5, "neighbours": 0.05, "recombination": 0.05}


class AutoAgent(Agent):
    """x."""

    batch = 512

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        self._history = History(problem)
        self._shares = Shares(RATES)
        self._threads = ThreadpoolController()

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        space, history = self.problem.space, self._history
        situation = Situation(self.problem, history, history.order(), rng)
        if len(history) < FIRST:
            rows = space.sample(FIRST, rng)
            if not len(history):
                rows[0] = space.canonicalize(space.default_indices)
            rows = situation.take(situation.novel(rows)[: min(n, FIRST - len(history))])
            return rows if len(rows) else anywhere(situation, 1)
        count = min(n, max(LEAST, len(history) // PART))
        rows = np.empty((0, len(space.parameters)), dtype=np.int64)
        with self._threads.limit(limits=1):
            for name, share in self._shares.split(count).items():
                if share:
                    found = situation.take(PROPOSERS[name](situation, share))
                    more = situation.take(anywhere(situation, share - len(found)))
                    rows = np.vstack([rows, found, more])
        return rows

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        history = self._history
        before = len(history)
        owners = np.repeat(np.arange(3), list(self._shares.split(len(designs)).values()))
        new = history.add(designs, evaluation)
        if before < FIRST:
            return
        best = history.order()[:GOOD] - before
        hit = np.zeros(len(designs)); hit[new[best[best >= 0]]] = 1
        given = np.bincount(owners, minlength=3); good = np.bincount(owners, hit, minlength=3)
        self.tot = getattr(self, "tot", 0) + np.array([given, good])
        self._shares.learn(dict(zip(RATES, given.tolist(), strict=True)), dict(zip(RATES, good.tolist(), strict=True)))

    def explanation(self):
        return (str(self.tot.tolist()),)

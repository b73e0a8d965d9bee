"""The agent to ask where none is named: a local search guided by models, among proposers that earn their share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from ....errors import count
from ....simulators import DesignSpace, Evaluation, Indices, Problem
from ....surrogates.algebra import one_thread
from ..base import MOST_AT_ONCE, Agent
from ..history import History
from ..neighborhoods import Exchange
from .proposers import Proposer, Situation, beside_the_best, by_models, offspring
from .regions import Region, Tour
from .shares import Shares

# An ask is a part of the designs told, so that models are made anew as often as what they know has grown by it.
PART = 16
# Neighbours of one design that are looked at; a space of many knobs with many values has more.
MOST_NEIGHBOURS = 400
# A design is good that is among so many best of those told; with several objectives the best are on the front.
GOOD = 5

PROPOSERS: Mapping[str, Proposer] = {"models": by_models, "neighbours": beside_the_best, "recombination": offspring}
# What part of its designs each is taken to find good before it proposed any. Models are far ahead on most problems,
# once they know two designs for each knob; until then it is as much less. Chosen here, on six problems.
RATES = {"models": 0.5, "neighbours": 0.05, "recombination": 0.02}
PER_KNOB = 2
SAYS = {
    "models": "models of the objectives and limits",
    "neighbours": "changing one knob of the best",
    "recombination": "recombining the best",
}


class AutoAgent(Agent):
    """A local search that models guide, with a bandit over the ways in which designs are proposed.

    It begins with the default design and a Latin hypercube. Each later ask is divided between three proposers:

    - models: a Gaussian process for each objective and each limit, and of some thousand candidates (drawn anywhere,
      recombined, around the best, climbed to) those of most expected improvement within the limits;
    - neighbours: designs that differ from the best in one knob, which needs no model to be right;
    - recombination: crossovers of good designs, half of them mutated.

    Where nothing better comes it looks elsewhere: by itself in each branch of the space (a value that gives further
    knobs a meaning), from fresh draws, and in the whole again.

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
        self._tour = Tour(problem.space)
        self._exchange = Exchange(problem.space, MOST_NEIGHBOURS)
        self._shares = Shares(tuple(PROPOSERS))
        self._proposed = dict.fromkeys(PROPOSERS, 0)
        self._good = dict.fromkeys(PROPOSERS, 0)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Propose as many designs as the search has come to ask for at once, at most `n`."""
        if not len(self._history):
            m = min(n, self._initial)
            return self._history.novel.filled(m, rng, lambda k: spread(self.problem.space, k, rng))
        region = self._region
        known = self._history.part(region.members(self._history))
        situation = Situation(region, known, known.order(), rng, self._history.novel.copy(), self._exchange)
        if len(known) < self._initial:
            return self._begun(situation, min(n, self._initial - len(known)))
        wanted = min(n, max(self._least, len(self._history) // PART))
        parts = []
        with one_thread():  # thousands of small products, whose last bits would depend on threads
            for name, share in self._shares.split(wanted, self._rates(len(known))).items():
                if share:
                    parts.append(self._proposed_by(PROPOSERS[name], situation, share))
        return np.vstack(parts)

    @property
    def _region(self) -> Region:
        return self._tour.region

    def _begun(self, situation: Situation, n: int) -> Indices:
        """Return `n` designs to begin a region with: uniform draws, and in a branch the best design moved there."""
        region, rng = situation.region, situation.rng
        uniform = lambda k: region.sample(k, rng)  # noqa: E731
        if region.knob < 0:
            return situation.novel.filled(n, rng, uniform)
        best = region.within(self._history.rows[self._history.order()[:1]])
        moved = lambda k: np.vstack([best, situation.changed(k // 2, best)])  # noqa: E731
        return situation.novel.filled(n, rng, moved, uniform)

    def _proposed_by(self, proposer: Proposer, situation: Situation, n: int) -> Indices:
        """Return `n` rows by a proposer, or uniform draws where it finds too few, and note them as proposed."""
        rows = situation.novel.filled(
            n,
            situation.rng,
            lambda k: proposer(situation, k),
            lambda k: situation.region.sample(k, situation.rng),
        )
        situation.novel.add(rows)
        return rows

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Add to what is known, and credit those who proposed what turned out good."""
        history = self._history
        before, begun = len(history), int(self._region.members(history).sum())
        new = history.add(designs, evaluation)
        members = self._region.members(history)
        leaders = np.flatnonzero(members)[history.part(members).leaders(GOOD)]
        if begun >= self._initial:
            self._credit(len(designs), new, leaders[leaders >= before] - before, self._rates(begun))
        one = len(self.problem.objectives) == 1
        if one and len(leaders) and self._tour.moves_on(history, int(leaders[0]), len(new)):
            self._shares = Shares(tuple(PROPOSERS))
            self._exchange = Exchange(self.problem.space, MOST_NEIGHBOURS, self._region.knob)

    def _rates(self, known: int) -> dict[str, float]:
        """Return rates of success before anything was proposed, given how many designs models know."""
        free = int((self.problem.space.sizes > 1).sum())
        return {**RATES, "models": RATES["models"] * min(known / (PER_KNOB * max(free, 1)), 1.0)}

    def _credit(self, n: int, new: Indices, best: Indices, rates: Mapping[str, float]) -> None:
        """Credit the proposers of the last ask, of `n` designs, with those that are `best` among the new ones."""
        given = self._shares.split(n, rates)  # as it was for the ask: nothing was learnt since
        owners = np.repeat(np.arange(len(given)), list(given.values()))
        hits = np.bincount(owners[new[best]], minlength=len(given)).tolist()
        good = dict(zip(given, hits, strict=True))
        self._shares.learn(given, good, rates)
        for name in given:
            self._proposed[name] += given[name]
            self._good[name] += good[name]

    def explanation(self) -> tuple[str, ...]:
        """Say which proposers had how many designs, and how many of those were good."""
        total = sum(self._proposed.values())
        if not total:
            return ("auto: the default design and a Latin hypercube, too few to learn from",)
        parts = [f"{self._proposed[name]} by {SAYS[name]} ({self._good[name]} of them good)" for name in PROPOSERS]
        best = max(PROPOSERS, key=lambda name: self._good[name] / max(self._proposed[name], 1))
        what = f"among the best {GOOD}" if len(self.problem.objectives) == 1 else "on the front"
        begun = len(self._history) - total
        return (
            f"auto: {begun} designs to begin with, then {', '.join(parts)}; good is {what} when told",
            f"auto: shares follow recent rates of success; over the whole search that of {SAYS[best]} was the highest",
            *self._where(),
        )

    def _where(self) -> tuple[str, ...]:
        """Say which parts of the space it turned to."""
        if not self._tour.entered:
            return ()
        times = Counter(str(region) for region in self._tour.entered)
        named = ", ".join(f"{name} ({n} times)" if n > 1 else name for name, n in times.items())
        return (f"auto: where nothing better came it turned to {named}",)


def spread(space: DesignSpace, n: int, rng: np.random.Generator) -> Indices:
    """Return the default design, and others that have every knob's values equally often, shape (n, p).

    A Latin hypercube (McKay, Beckman and Conover, Technometrics 21(2), 1979): a few uniform draws may miss the value at
    which a knob's effect begins.
    """
    places = np.stack([rng.permutation(n) for _ in space.parameters], axis=1)
    rows = places * space.sizes // n
    rows[0] = space.default_indices
    return space.canonicalize(rows)

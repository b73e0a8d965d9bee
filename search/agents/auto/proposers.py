"""The ways in which a search proposes designs, each a function of what was told: by models, and without them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ....simulators import Indices, Problem
from ...keys import row_keys
from .belief import Aim, Belief
from .history import History
from .process import Knobs

# Designs whose neighbours and descendants are looked at.
ELITE, PARENTS = 5, 20
# Candidates of one ask that models judge: drawn anywhere, by crossing parents, and by changing one of the elite.
ANYWHERE, CROSSED, CHANGED = 300, 150, 200
# Knobs that such a change turns on average.
TURNED = 2.0
# Candidates of each kind that climb, and the steps of each at the most.
CLIMBS, STEPS = 2, 5
# Neighbours of one design that are looked at; a space of many knobs with many values has more.
MOST_NEIGHBOURS = 400
# Draws in which something that was not told is looked for.
TRIES = 20


@dataclass(frozen=True)
class Situation:
    """What a proposer knows.

    Attributes:
        problem: what is searched.
        history: what was told.
        order: positions in the history, the best first.
        rng: the ask's generator.
        taken: keys of what this ask proposes already.
    """

    problem: Problem
    history: History
    order: Indices
    rng: np.random.Generator
    taken: set[bytes] = field(default_factory=set)

    def novel(self, rows: Indices) -> Indices:
        """Return the rows that were neither told nor proposed by this ask, each once, in their order."""
        here: set[bytes] = set()
        keep = []
        for i, key in enumerate(row_keys(rows)):
            if key not in self.history.seen and key not in self.taken and key not in here:
                here.add(key)
                keep.append(i)
        return rows[keep]

    def take(self, rows: Indices) -> Indices:
        """Note rows as proposed by this ask, and return them."""
        self.taken.update(row_keys(rows))
        return rows

    def best(self, n: int) -> Indices:
        """Return the rows of the best `n` designs told."""
        return self.history.rows[self.order[:n]]

    def crossed(self, n: int) -> Indices:
        """Return `n` uniform crossovers of two of the parents each, shape (n, p)."""
        parents = self.best(PARENTS)
        first, second = parents[self.rng.integers(0, len(parents), (2, n))]
        return self.problem.space.canonicalize(np.where(self.rng.random(first.shape) < 0.5, first, second))

    def changed(self, n: int, rows: Indices) -> Indices:
        """Return `n` of `rows` with about two knobs turned, shape (n, p)."""
        space = self.problem.space
        free = max(int((space.sizes > 1).sum()), 1)
        return space.mutate(rows[self.rng.integers(0, len(rows), n)], self.rng, min(TURNED / free, 1.0))

    def neighbours(self, row: Indices) -> Indices:
        """Return the rows that differ from one in the value of one active knob, shape (n, p)."""
        space = self.problem.space
        knobs = np.flatnonzero((space.sizes > 1) & space.active(row[None])[0])
        at = np.repeat(knobs, space.sizes[knobs] - 1)
        if not len(at):
            return np.empty((0, len(row)), dtype=np.int64)
        steps = np.concatenate([np.arange(1, size) for size in space.sizes[knobs]])
        if len(at) > MOST_NEIGHBOURS:
            some = np.sort(self.rng.choice(len(at), MOST_NEIGHBOURS, replace=False))
            at, steps = at[some], steps[some]
        rows = np.repeat(row[None], len(at), axis=0)
        rows[np.arange(len(at)), at] = (row[at] + steps) % space.sizes[at]
        return space.canonicalize(rows)


class Proposer(Protocol):
    """Proposes up to `n` designs that were not told, shape (≤ n, p), canonical."""

    def __call__(self, situation: Situation, n: int) -> Indices:
        """Propose."""
        ...


def anywhere(situation: Situation, n: int) -> Indices:
    """Draw designs uniformly from the grid."""
    found = np.empty((0, len(situation.problem.space.parameters)), dtype=np.int64)
    for _ in range(TRIES):
        rows = np.vstack([found, situation.problem.space.sample(2 * n, situation.rng)])
        found = situation.novel(rows)[:n]
        if len(found) == n:
            break
    return found


def beside_the_best(situation: Situation, n: int) -> Indices:
    """Change one knob of the best design, or of the next best where all of its neighbours were told."""
    found = np.empty((0, len(situation.problem.space.parameters)), dtype=np.int64)
    for row in situation.best(PARENTS):
        rows = situation.neighbours(row)
        rows = rows[situation.rng.permutation(len(rows))]
        found = situation.novel(np.vstack([found, rows]))[:n]
        if len(found) == n:
            break
    return found


def offspring(situation: Situation, n: int) -> Indices:
    """Cross two of the best designs each, and turn a knob or two of the half of them."""
    found = np.empty((0, len(situation.problem.space.parameters)), dtype=np.int64)
    for _ in range(TRIES):
        rows = situation.crossed(2 * n)
        rows[:n] = situation.changed(n, rows[:n])
        rows = rows[situation.rng.permutation(len(rows))]
        found = situation.novel(np.vstack([found, rows]))[:n]
        if len(found) == n:
            break
    return found


def by_models(situation: Situation, n: int) -> Indices:
    """Propose what models find most worth evaluating, one after the other, each taken to turn out as expected.

    Candidates are drawn anywhere, by recombination, and around the best. The best of each kind climb by one knob at a
    time to where no neighbour is worth more, and what they pass is a candidate too.
    """
    belief = Belief.of(situation.history, Knobs.of(situation.problem.space))
    aim = Aim.of(belief.front, situation.rng)
    candidates = _gathered(situation, belief, aim)
    survey, worth = candidates.survey, candidates.worth
    chosen: list[int] = []
    while len(chosen) < min(n, len(survey.rows)):
        worth[chosen] = -np.inf
        i = int(np.argmax(worth))
        chosen.append(i)
        survey.believe(i)
        if belief.front.shape[1] > 1:
            aim = Aim.of(belief.front, situation.rng)
        elif survey.objectives and survey.feasibility()[i] > np.log(0.5):
            aim = aim.reaching(float(survey.objectives[0].mean[i]))
        worth = survey.worth(aim)
    return survey.rows[chosen]


class _Candidates:
    """Designs that may be proposed, what is expected of each, and where each is."""

    def __init__(self, situation: Situation, belief: Belief, aim: Aim, rows: Indices) -> None:
        self._situation, self._aim = situation, aim
        self.survey = belief.survey(situation.novel(rows))
        self.worth = self.survey.worth(aim)
        self.place = {key: i for i, key in enumerate(row_keys(self.survey.rows))}

    def add(self, rows: Indices) -> None:
        """Add what is neither among them nor told."""
        new = self._situation.novel(rows[[key not in self.place for key in row_keys(rows)]])
        if len(new):
            survey = self.survey.belief.survey(new)
            self.place |= {key: len(self.place) + i for i, key in enumerate(row_keys(new))}
            self.worth = np.append(self.worth, survey.worth(self._aim))
            self.survey = self.survey.joined(survey)

    def best(self, rows: Indices, n: int) -> list[int]:
        """Return the places of the `n` among `rows` that are worth most."""
        places = [self.place[key] for key in row_keys(rows) if key in self.place]
        return sorted(places, key=lambda i: -self.worth[i])[:n]


def _gathered(situation: Situation, belief: Belief, aim: Aim) -> _Candidates:
    """Return candidates of several kinds, and those that climbs from the best of each kind pass."""
    elite = situation.best(ELITE)
    kinds = [
        situation.problem.space.sample(ANYWHERE, situation.rng),
        situation.crossed(CROSSED),
        situation.changed(CHANGED, elite),
        np.vstack([situation.neighbours(row) for row in elite]),
    ]
    candidates = _Candidates(situation, belief, aim, np.vstack(kinds))
    climbing = {i for rows in kinds for i in candidates.best(rows, CLIMBS)}
    for _ in range(STEPS):
        near = {i: situation.neighbours(candidates.survey.rows[i]) for i in sorted(climbing)}
        if not near:
            break
        candidates.add(np.vstack(list(near.values())))
        tops = ((i, candidates.best(rows, 1)) for i, rows in near.items())
        climbing = {top[0] for i, top in tops if top and candidates.worth[top[0]] > candidates.worth[i]}
    return candidates

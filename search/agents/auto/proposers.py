"""The ways in which a search proposes designs, each a function of what was told: by models, and without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ....simulators import Indices
from ....simulators.core.parameter import Column
from ..history import History
from ..knobs import Knobs
from ..local_search import climbed
from ..neighborhoods import Exchange
from ..novelty import Novelty
from .belief import Aim, Belief
from .regions import Region

# Designs whose neighbours and descendants are looked at.
ELITE, PARENTS = 5, 20
# Candidates of one ask that models judge: drawn anywhere, by crossing parents, and by changing one of the elite.
ANYWHERE, CROSSED, CHANGED = 300, 150, 200
# Knobs that such a change turns on average.
TURNED = 2.0
# Candidates of each kind that climb, and the steps of each at the most.
CLIMBS, STEPS = 2, 5
# Candidates worth most among which an ask's designs are chosen one after the other; more of them for large asks.
FINAL, FINAL_EACH = 200, 4


@dataclass(frozen=True)
class Situation:
    """What a proposer knows.

    Attributes:
        region: what is searched.
        history: what was told of it.
        order: positions in the history, the best first.
        rng: the ask's generator.
        novel: what was told or is proposed by this ask already.
        exchange: neighbours of rows.
    """

    region: Region
    history: History
    order: Indices
    rng: np.random.Generator
    novel: Novelty
    exchange: Exchange

    def best(self, n: int) -> Indices:
        """Return the rows of the best `n` designs told."""
        return self.history.rows[self.order[:n]]

    def crossed(self, n: int) -> Indices:
        """Return `n` uniform crossovers of two of the parents each, shape (n, p)."""
        parents = self.best(PARENTS)
        first, second = parents[self.rng.integers(0, len(parents), (2, n))]
        return self.region.within(np.where(self.rng.random(first.shape) < 0.5, first, second))

    def changed(self, n: int, rows: Indices) -> Indices:
        """Return `n` of `rows` with about two knobs turned, shape (n, p)."""
        free = max(int((self.region.space.sizes > 1).sum()), 1)
        return self.region.mutate(rows[self.rng.integers(0, len(rows), n)], self.rng, min(TURNED / free, 1.0))


class Proposer(Protocol):
    """Returns canonical rows, shape (m, p), of which the first `n` that are new are to be proposed."""

    def __call__(self, situation: Situation, n: int) -> Indices:
        """Propose."""


def beside_the_best(situation: Situation, n: int) -> Indices:
    """Change one knob of the best design, or of the next best where too few of its neighbours are new."""
    found = situation.history.rows[:0]
    for row in situation.best(PARENTS):
        near, _ = situation.exchange(row[None], situation.rng)
        found = situation.novel.new(np.vstack([found, situation.rng.permutation(near)]), n)
        if len(found) == n:
            break
    return found


def offspring(situation: Situation, n: int) -> Indices:
    """Cross two of the best designs each, and turn a knob or two of the half of them."""
    rows = situation.crossed(4 * n)
    rows[: 2 * n] = situation.changed(2 * n, rows[: 2 * n])
    return situation.rng.permutation(rows)


def by_models(situation: Situation, n: int) -> Indices:
    """Propose what models find most worth evaluating, one after the other, each taken to turn out as expected.

    Candidates are drawn anywhere, by recombination, and around the best. The best of each kind climb by one knob at a
    time to where no neighbour is worth more, and what they pass is a candidate too.
    """
    belief = Belief.of(situation.history, Knobs.of(situation.region.space))
    aim = Aim.of(belief.front, situation.rng)
    rows, worth = _candidates(situation, belief, aim)
    most = np.argsort(-worth, kind="stable")[: max(FINAL, FINAL_EACH * n)]
    survey, worth = belief.survey(rows[most]), worth[most]
    chosen: list[int] = []
    while len(chosen) < min(n, len(most)):
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


def _candidates(situation: Situation, belief: Belief, aim: Aim) -> tuple[Indices, Column]:
    """Return new rows of several kinds, those that climbs from the best of each pass, and what each is worth."""

    def worth(rows: Indices) -> Column:
        return belief.survey(rows).worth(aim)

    elite = situation.best(ELITE)
    kinds = [
        situation.region.sample(ANYWHERE, situation.rng),
        situation.crossed(CROSSED),
        situation.changed(CHANGED, elite),
        situation.exchange(elite, situation.rng)[0],
    ]
    kinds = [rows for rows in map(situation.novel.new, kinds) if len(rows)]
    if not kinds:
        return elite[:0], np.empty(0)
    values = [worth(rows) for rows in kinds]
    tops = [rows[np.argsort(-value, kind="stable")[:CLIMBS]] for rows, value in zip(kinds, values, strict=True)]
    looked, passed = climbed(worth, np.vstack(tops), situation.exchange, situation.rng, STEPS)
    rows, value = np.vstack([*kinds, looked]), np.concatenate([*values, passed])
    new = situation.novel.places(rows)
    return rows[new], value[new]

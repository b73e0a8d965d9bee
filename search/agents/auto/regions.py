"""Parts of a space that a search turns to where it finds nothing better: what it has overlooked is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....simulators import DesignSpace, Indices
from ..history import History

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Region:
    """A part of a space, and which of the designs told a search of it builds on.

    A value that gives further knobs a meaning opens a branch of the space. With those knobs at their defaults it is
    often worse than it can be, so that a search that compares designs one by one passes it by. It is searched by
    itself, with this value given. A space without such knobs is searched afresh instead.

    Attributes:
        space: the whole.
        knob: position of the knob whose value is given; -1 where none is.
        value: its position on the knob's grid.
        since: designs told before this one are left aside.
    """

    space: DesignSpace
    knob: int = -1
    value: int = 0
    since: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is all of the space, with all that is known."""
        return self.knob < 0 and self.since == 0

    def members(self, history: History) -> Flags:
        """Tell which designs told the search of it builds on, shape (n,)."""
        known = np.arange(len(history)) >= self.since
        return known if self.knob < 0 else known & (history.rows[:, self.knob] == self.value)

    def within(self, rows: Indices) -> Indices:
        """Return rows (n, p) with the given value, canonical."""
        if self.knob >= 0:
            rows = rows.copy()
            rows[:, self.knob] = self.value
        return self.space.canonicalize(rows)

    def sample(self, n: int, rng: np.random.Generator) -> Indices:
        """Draw `n` rows uniformly, shape (n, p)."""
        return self.within(self.space.sample(n, rng))

    def mutate(self, rows: Indices, rng: np.random.Generator, rate: float) -> Indices:
        """Change each knob of rows (n, p) with probability `rate`."""
        return self.within(self.space.mutate(rows, rng, rate))

    def __str__(self) -> str:
        if self.knob >= 0:
            knob = self.space.parameters[self.knob]
            return f"designs whose {knob.name} is {knob.values[self.value]}"
        return "the whole space" if self.since == 0 else "a fresh start"


# Designs without a better one after which a search looks elsewhere: as many as the best has neighbours, within these.
# Chosen here.
LEAST_PATIENCE, MOST_PATIENCE = 48, 128


class Tour:
    """Which region is searched: the whole until nothing better comes, then others, and the whole again.

    The others are the branches that the best design is not in, those first of which the best design is known, and at
    last a fresh start. A better design that one of them finds ends the round: the whole is searched with it.

    Args:
        space: the whole.

    Attributes:
        region: that is searched.
        entered: those that were turned to, in their order.
    """

    def __init__(self, space: DesignSpace) -> None:
        self._space = space
        self._ahead: list[Region] = []
        self._best = -1  # of the region, as a place in the history
        self._overall = -1  # of the whole when another region was last turned to
        self._idle = 0  # designs of the region since its best
        self.region = Region(space)
        self.entered: list[Region] = []

    def moves_on(self, history: History, best: int, told: int) -> bool:
        """Take where the region's best design stands, and how many were told; tell whether another region is next."""
        self._idle = self._idle + told if best == self._best else 0
        self._best = best
        active = self._space.active(history.rows[best : best + 1])[0]
        near = int((self._space.sizes - 1)[active].sum())
        if self._idle < min(max(near, LEAST_PATIENCE), MOST_PATIENCE):
            return False
        self._turn(history, int(history.order()[0]))
        return True

    def _turn(self, history: History, overall: int) -> None:
        """Turn to the next region, given the place of the best design of all."""
        better, self._overall = overall != self._overall, overall
        if self.region.whole:
            self._ahead = [*self._elsewhere(history, overall), Region(self._space, since=len(history))]
        back = not self.region.whole and (better or not self._ahead)
        region = Region(self._space) if back else self._ahead.pop(0)
        self.region = replace(region, since=len(history)) if region.since else region
        self._idle, self._best = 0, -1
        self.entered.append(self.region)

    def _elsewhere(self, history: History, best: int) -> list[Region]:
        """Return the branches that the best design is not in, first those of which the best is known."""
        rank = np.argsort(history.order())
        row = history.rows[best]

        def first(region: Region) -> int:
            return int(rank[region.members(history)].min(initial=len(rank)))

        return sorted((r for r in branches(self._space) if row[r.knob] != r.value), key=first)


def branches(space: DesignSpace) -> list[Region]:
    """Return a region for each value that gives other knobs a meaning."""
    position = {name: j for j, name in enumerate(space.names)}
    found: dict[tuple[int, int], None] = {}
    for parameter in space.parameters:
        for name, values in parameter.condition.clauses if parameter.condition and parameter.size > 1 else ():
            grid = space[name].values
            if len(grid) > 1:
                found |= {(position[name], i): None for i, value in enumerate(grid) if value in values}
    return [Region(space, knob, value) for knob, value in found]

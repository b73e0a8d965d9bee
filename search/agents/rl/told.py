"""The environments' side of a learner: episodes whose designs the search loop evaluates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ....envs.assess import Assessment, Flags
from ....envs.episodes import Action, Episodes, Outcome
from ....envs.observation import Observation
from ....envs.sequential import Sequential
from ....envs.tasks import Ints, Tasks
from ....simulators import Evaluation, Indices, Metrics, Problem
from ....simulators.core.parameter import Column


class ToldTasks(Tasks):
    """A task whose designs are not simulated: what they are worth is told.

    Observations, masks, and what an action means are those of the project's environments, which play their episodes
    on these tasks. Only the last step of an episode asks for an assessment. While designs are being proposed it is
    blank: no metrics, infeasible, reward 0. Once the loop has evaluated them, the same episodes are played again with
    what was told.
    """

    def __init__(self, problem: Problem) -> None:
        """Bind one problem."""
        self._told: Assessment | None = None
        super().__init__([problem])

    def tell(self, rows: Indices, evaluation: Evaluation, rewards: Column) -> None:
        """Take what the episodes played next end with: n canonical rows (n, p) in their order, and n rewards."""
        self._told = Assessment(rows, evaluation, rewards)

    def scale(self, size: int) -> Column:
        """Return what to divide the numbers of an observation by, shape (size,), for a network to see them as alike.

        A workload's features come first, and are the same all through a search: they are divided by their sizes.
        Everything else is small.
        """
        features = np.abs(self.features[0])
        out = np.ones(size)
        out[: len(features)] = np.maximum(features, 1.0)
        return out

    def forget(self) -> None:
        """Go back to blank assessments."""
        self._told = None

    def assess(self, rows: Indices, task: Ints) -> Assessment:
        """Return what was told of these rows, shape (n, p), or a blank; the simulator is not called."""
        problem, n = self.problems[0], len(rows)
        rows = problem.space.rows(rows)
        if self._told is not None:
            assert np.array_equal(self._told.rows, rows), "episodes ended with other designs than were told"
            return self._told
        specs = problem.simulator.metrics
        metrics = Metrics(specs, {spec.name: np.full(n, np.nan) for spec in specs}, np.full(n, np.inf))
        unknown = Evaluation(metrics, np.full((n, len(problem.objectives)), np.nan), np.full(n, np.inf))
        return Assessment(rows, unknown, np.zeros(n))


class Step(NamedTuple):
    """One step of n episodes whose designs are known.

    Attributes:
        seen: observations before it, shape (n, d).
        masks: legal actions, flat, shape (n, k).
        actions: shape (n,) or (n, p).
        outcome: what came of it.
    """

    seen: Observation
    masks: Flags
    actions: Action
    outcome: Outcome


def played(episodes: Episodes, designs: Indices) -> Iterator[Step]:
    """Play n episodes of discrete actions to the designs that they end with, canonical rows of shape (n, p).

    An action of sequential mode is the position of the knob whose turn it is. Nothing else leads to a design there,
    since an inactive knob's default is its only legal position.
    """
    every = np.ones(episodes.n, np.bool_)
    episodes.begin(every, [])
    steps = [designs[:, j] for j in episodes.turns] if isinstance(episodes, Sequential) else [designs]
    for actions in steps:
        seen, masks = episodes.observe(), episodes.flat_masks()
        yield Step(seen, masks, actions, episodes.act(actions, every))

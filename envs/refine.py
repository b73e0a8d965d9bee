"""One change per step: a design is improved from where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from ..errors import ChipgymError, count, shorten
from ..simulators import Indices
from ..simulators.core.parameter import Column
from .assess import Flags
from .episodes import Action, Episodes, Outcome, action_array
from .observation import DECADES, Observation, decades, observation_box, places
from .starts import Starts
from .tasks import Tasks

STARTS = ("default", "random")


class Refine(Episodes):
    """Change one parameter of a design, or nothing, at every step.

    ## Action Space
    `Discrete(1 + Σ sizes)`: 0 leaves the design as it is; then one action for every value of every parameter, in the
    order of `problem.space`, sets that parameter to that value. The mask leaves out parameters that are inactive in
    the design in hand; setting one of them, or an action out of range (which wraps), sets `info["invalid_action"]`.

    ## Observation Space
    `Box` of float32, shape (f + p + m + 2,): the workload's features; for each of the p parameters its place in its
    grid from 0 to 1; for each of the m metrics the decades that it is above the default design's, 0 where either has
    none; whether the design is feasible; and the part of the horizon that is left.

    ## Rewards
    `problem.reward` of the design after the change, less that of the design before: over an episode they add up to
    what the last design has over the first.

    ## Starting State
    The default design, or with `start="random"` one drawn uniformly from the grid; or the one that
    `reset(options={"design": …})` tells.

    ## Episode End
    Truncated after `horizon` steps (by default twice the number of parameters), never terminated.

    ## Version History
    * v0: first version.
    """

    mode = "refine"
    told_starts = True

    def __init__(self, tasks: Tasks, n: int, *, horizon: int | None = None, start: str = "default") -> None:
        """See the class.

        Raises:
            ChipgymError: for a horizon below 1, or another start.
        """
        super().__init__(tasks, n)
        space = tasks.space
        if start not in STARTS:
            raise ChipgymError(f"start: {shorten(start)} is not one of {', '.join(STARTS)}")
        self.horizon = 2 * len(space) if horizon is None else count("horizon", horizon)
        self.draws = start == "random"
        # Of every action: the parameter that it sets (-1 for none), and to which position.
        self._sets = np.repeat(np.arange(-1, len(space)), [1, *space.sizes])
        self._to = np.concatenate([[0], *[np.arange(size) for size in space.sizes]])
        self.action_space = Discrete(len(self._sets))
        metrics = len(tasks.problems[0].simulator.metrics)
        self.observation_space = observation_box(
            tasks.features.shape[1], (len(space), 0.0, 1.0), (metrics, -DECADES, DECADES), (2, 0.0, 1.0)
        )
        span = tasks.reward_range[1] - tasks.reward_range[0]
        self.reward_range = (-span, span)
        self.now = tasks.start(self.task)
        self.rows = self.now.rows
        self._step = np.zeros(n, np.int64)
        self._invalid = np.zeros(n, np.bool_)

    def sized(self, n: int) -> Refine:
        """Make another n episodes with the same horizon and start; see `Episodes.sized`."""
        return type(self)(self.tasks, n, horizon=self.horizon, start="random" if self.draws else "default")

    def begin(self, which: Flags, rngs: list[np.random.Generator], starts: Starts | None = None) -> None:
        """Start at the default design, at a random one, or at the one told; see `Episodes.begin`."""
        assert self.now is not None
        task, space = self.task[which], self.tasks.space
        told = starts if starts is not None else [None] * len(task)
        if self.draws or any(row is not None for row in told):
            usual = [space.sample(1, rng)[0] for rng in rngs] if self.draws else [space.default_indices] * len(task)
            rows = [one if row is None else row for one, row in zip(usual, told, strict=True)]
            began = self.tasks.assess(np.stack(rows), task)
        else:
            began = self.tasks.start(task)
        self.now = self.now.replaced(which, began)
        self.rows = self.now.rows
        self._step, self._invalid = self._step.copy(), self._invalid.copy()
        self._step[which] = 0
        self._invalid[which] = False

    def act(self, actions: Action, which: Flags) -> Outcome:
        """Set one parameter to a value, or nothing, actions (n,); see `Episodes.act`."""
        assert self.now is not None
        chosen = action_array(actions, (self.n,))
        wrapped = chosen % len(self._sets)
        parameter = self._sets[wrapped]
        every = np.arange(self.n)
        idle = (parameter >= 0) & ~self.tasks.space.active(self.rows)[every, parameter]
        self._invalid = np.where(which, (wrapped != chosen) | idle, self._invalid)
        rows = self.rows.copy()
        moved = which & (parameter >= 0)
        rows[every[moved], parameter[moved]] = self._to[wrapped[moved]]
        return self.changed(rows, which)

    def changed(self, rows: Indices, which: Flags) -> Outcome:
        """Take the step in which the designs marked become those of index rows (n, p)."""
        assert self.now is not None
        before = self.now.rewards
        self.now = self.now.replaced(which, self.tasks.assess(rows[which], self.task[which]))
        self.rows = self.now.rows
        self._step = self._step + which
        done = which & (self._step >= self.horizon)
        ended = self.now.take(done) if done.any() else None
        return Outcome(self.now.rewards - before, np.zeros(self.n, np.bool_), done, ended)

    def observe(self) -> Observation:
        """Return features, places, decades, feasibility and the horizon left, float32, shape (n, f + p + m + 2)."""
        assert self.now is not None
        left = np.maximum(self.horizon - self._step, 0) / self.horizon
        return np.concatenate(
            [
                self.tasks.features[self.task],
                places(self.rows, self.tasks.space),
                decades(self.now.evaluation.metrics, self.tasks.starts.evaluation.metrics, self.task),
                (self.now.evaluation.violation <= 0)[:, None],
                left[:, None],
            ],
            axis=1,
        ).astype(np.float32)

    def flat_masks(self) -> Flags:
        """Tell which actions are legal: 0, and every value of an active parameter; bool, shape (n, 1 + Σ sizes)."""
        legal: Flags = self.tasks.space.active(self.rows)[:, self._sets]
        legal[:, 0] = True
        return legal

    def masks(self) -> list[Any] | None:
        """Return legal actions of each episode as `Discrete` takes them, int8; see `Episodes.masks`."""
        return list(self.flat_masks().astype(np.int8))

    def noted(self) -> dict[str, Column]:
        """Tell which of the actions just taken were invalid, under `invalid_action`."""
        return {"invalid_action": self._invalid}

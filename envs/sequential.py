"""One parameter per step: a design grows from the first parameter to the last."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from ..simulators.core.parameter import Column
from .assess import Flags
from .episodes import Action, Episodes, Outcome, action_array
from .observation import Observation, observation_box, places
from .starts import Starts
from .tasks import Ints, Tasks


class Sequential(Episodes):
    """Choose the parameters one after the other, in the order of `problem.space`; those with one value are given.

    ## Action Space
    `Discrete`, as large as the largest grid: a position in the `values` of the parameter whose turn it is. The mask
    says which positions that parameter has; one that is inactive under what was chosen before has its default only.
    Any other action wraps into range, as action modulo the number of legal ones among the legal ones, and sets
    `info["invalid_action"]`.

    ## Observation Space
    `Box` of float32, shape (f + 2 p,): the workload's features; for each of the p parameters its place in its grid
    from 0 to 1, -1 where it is not chosen yet; and for each 1 if it is its turn, else 0.

    ## Rewards
    0 until the last parameter, then `problem.reward` of the design, as in one-shot mode.

    ## Starting State
    Nothing is chosen, but for parameters with a single value.

    ## Episode End
    Terminated when every parameter is chosen, never truncated: every episode of a problem is as long.

    ## Info
    Until then the design is not complete: `info["design"]` has the parameters to come at their defaults,
    `info["complete"]` and `info["feasible"]` are False, `info["violation"]` is infinite, and there are no metrics.

    ## Version History
    * v0: first version.
    """

    mode = "sequential"

    def __init__(self, tasks: Tasks, n: int) -> None:
        super().__init__(tasks, n)
        space = tasks.space
        free = np.flatnonzero(space.sizes > 1)
        self._turns = free if len(free) else np.arange(len(space))  # parameters in the order of their turns
        self._widest = int(space.sizes[self._turns].max())
        self.action_space = Discrete(self._widest)
        self.observation_space = observation_box(
            tasks.features.shape[1], (len(space), -1.0, 1.0), (len(space), 0.0, 1.0)
        )
        self.reward_range = (min(tasks.reward_range[0], 0.0), max(tasks.reward_range[1], 0.0))
        self.now = None
        self.rows = np.repeat(space.default_indices[None, :], n, axis=0)
        self._turn = np.zeros(n, np.int64)
        self._invalid = np.zeros(n, np.bool_)

    def begin(self, which: Flags, rngs: list[np.random.Generator], starts: Starts | None = None) -> None:
        """Start with nothing chosen, but for parameters with a single value; see `Episodes.begin`."""
        self.rows, self._turn, self._invalid = self.rows.copy(), self._turn.copy(), self._invalid.copy()
        self.rows[which] = self.tasks.space.default_indices
        self._turn[which] = 0
        self._invalid[which] = False

    def act(self, actions: Action, which: Flags) -> Outcome:
        """Choose the value of the parameter whose turn it is, actions (n,); see `Episodes.act`."""
        space, every = self.tasks.space, np.arange(self.n)
        chosen = action_array(actions, (self.n,))
        turn = self._turns[np.minimum(self._turn, len(self._turns) - 1)]
        legal = self.legal()
        count = legal.sum(axis=1)
        inside = (chosen >= 0) & (chosen < self._widest)
        wrong = ~(inside & legal[every, np.where(inside, chosen, 0)])
        # The k-th legal position: where the running count first exceeds k.
        wrapped = (np.cumsum(legal, axis=1) > (chosen % count)[:, None]).argmax(axis=1)
        self._invalid = np.where(which, wrong, self._invalid)
        rows = self.rows.copy()
        rows[every[which], turn[which]] = np.where(wrong, wrapped, chosen)[which]
        self.rows = space.canonicalize(rows)
        self._turn = self._turn + which
        done = which & (self._turn == len(self._turns))
        rewards = np.zeros((self.n, len(self.tasks.problems[0].objectives)) if self.tasks.each_objective else self.n)
        ended = None
        if done.any():
            ended = self.tasks.assess(self.rows[done], self.task[done])
            rewards[done] = ended.rewards
        return Outcome(rewards, done, np.zeros(self.n, np.bool_), ended)

    def observe(self) -> Observation:
        """Return features, places of what is chosen, and whose turn it is, float32, shape (n, f + 2 p)."""
        space = self.tasks.space
        order = np.full(len(space), -1)
        order[self._turns] = np.arange(len(self._turns))
        known = order < self._turn[:, None]
        mine = order == self._turn[:, None]
        design = np.where(known, places(self.rows, space), -1.0)
        return np.concatenate([self.tasks.features[self.task], design, mine], axis=1).astype(np.float32)

    @property
    def turns(self) -> Ints:
        """Positions in `problem.space` of the parameters in the order of their turns, shape (steps of an episode,)."""
        return self._turns

    def legal(self) -> Flags:
        """Return legal positions of the parameter whose turn it is, bool, shape (n, widest).

        After the end they are those of the last parameter.
        """
        space = self.tasks.space
        turn = self._turns[np.minimum(self._turn, len(self._turns) - 1)]
        position = np.arange(self._widest)
        active = space.active(self.rows)[np.arange(self.n), turn][:, None]
        only = position == space.default_indices[turn][:, None]
        legal: Flags = np.where(active, position < space.sizes[turn][:, None], only)
        return legal

    def masks(self) -> list[Any] | None:
        """Return legal positions of each episode as `Discrete` takes them, int8; see `Episodes.masks`."""
        return list(self.legal().astype(np.int8))

    def flat_masks(self) -> Flags:
        """Return `legal`, bool, shape (n, widest)."""
        return self.legal()

    def noted(self) -> dict[str, Column]:
        """Tell which of the actions just taken were invalid, under `invalid_action`."""
        return {"invalid_action": self._invalid}

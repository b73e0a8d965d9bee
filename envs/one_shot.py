"""One complete design per episode: a contextual bandit, the plainest form of design-space exploration."""

from __future__ import annotations

import numpy as np

from .assess import Flags
from .episodes import Action, Episodes, Outcome, action_array, spread
from .info import Masks
from .observation import Observation, observation_box
from .starts import Starts
from .tasks import Tasks


class OneShot(Episodes):
    """Choose every parameter of a design at once; the episode is that one step.

    ## Action Space
    `MultiDiscrete` with one entry per parameter of `problem.space`, in its order: entry j is a position in that
    parameter's `values`. A parameter that the rest of the design makes inactive has no effect, and
    `info["design"]` shows it at its default.

    ## Observation Space
    `Box` of float32, shape (f,): the workload's features in their fixed order. It is the same at every step, since
    the workload is.

    ## Rewards
    `problem.reward`, maximised: by default the decades by which the objective is better than the default design's,
    from -5 to 5; an infeasible design gets from -6 to -5, so that each ranks below every feasible one and nearer
    misses rank higher.

    ## Starting State
    The observation is the workload's, and the info describes the default design, which the reward compares with.

    ## Episode End
    Terminated after every step, never truncated.

    ## Version History
    * v0: first version.
    """

    mode = "one_shot"

    def __init__(self, tasks: Tasks, n: int) -> None:
        super().__init__(tasks, n)
        self.action_space = tasks.space.to_gymnasium()
        self.observation_space = observation_box(tasks.features.shape[1])
        self.reward_range = tasks.reward_range
        masks = tasks.space.mask()
        self._mask = np.concatenate(masks)
        ends = np.cumsum([len(mask) for mask in masks]).tolist()
        self._each = [slice(end - len(mask), end) for mask, end in zip(masks, ends, strict=True)]
        self.now = tasks.start(self.task)
        self.rows = self.now.rows

    def begin(self, which: Flags, rngs: list[np.random.Generator], starts: Starts | None = None) -> None:
        """Take the default design of the tasks as the one in hand; see `Episodes.begin`."""
        assert self.now is not None
        self.now = self.now.replaced(which, self.tasks.start(self.task[which]))
        self.rows = self.now.rows

    def act(self, actions: Action, which: Flags) -> Outcome:
        """Evaluate a whole design per episode, actions (n, p), which ends it; see `Episodes.act`."""
        assert self.now is not None
        rows = action_array(actions, (self.n, len(self.tasks.space)))
        ended = self.tasks.assess(rows[which], self.task[which])
        self.now = self.now.replaced(which, ended)
        self.rows = self.now.rows
        return Outcome(spread(ended.rewards, which), which.copy(), np.zeros(self.n, np.bool_), ended)

    def observe(self) -> Observation:
        """Return the workload's features, float32, shape (n, f)."""
        return self.tasks.features[self.task]

    def masks(self) -> list[Masks] | None:
        """Return a mask per parameter for each episode, as `MultiDiscrete` takes them: every position is legal."""
        # Parts of one copy: as many copies as knobs would take longer than a simulation.
        mask = self._mask.copy()
        return [tuple([mask[part] for part in self._each])] * self.n

    def flat_masks(self) -> Flags:
        """Return masks that are all True, bool, shape (n, Σ sizes)."""
        return np.tile(self._mask.astype(np.bool_), (self.n, 1))

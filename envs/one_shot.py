"""One complete design per episode: a contextual bandit, the plainest form of design-space exploration."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from ..simulators import Problem
from .assess import assess
from .base import Action, DesignEnv, check_reset_options, index_rows
from .info import Info
from .observation import Observation


class OneShotEnv(DesignEnv):
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
    Nothing is drawn: the observation is the workload's, and the info describes the default design, which the reward
    compares with.

    ## Episode End
    Terminated after every step, never truncated.

    ## Info
    At reset and step: `design` (dict of plain values), `feasible` (bool), `violation` (float, 0 where feasible),
    `metrics` (dict of floats, without the cost metrics of a design that cannot be built), `action_mask` (a tuple of
    int8 arrays, as `action_space.sample(mask=…)` takes).

    ## Arguments
    `workload`, `objective`, `constraints`, `space`, `reward`, `targets` and the simulator's own options as for
    `chipgym.make_problem`, or a `problem` instead of all of them; `mode="one_shot"`;
    `render_mode=None | "ansi" | "rgb_array"`.

    ## Version History
    * v0: first version.
    """

    mode = "one_shot"

    def __init__(self, problem: Problem, *, render_mode: str | None = None) -> None:
        """See `DesignEnv`."""
        super().__init__(problem, render_mode=render_mode)
        self._shape = (len(problem.space.parameters),)
        self._running: bool | None = None
        self._warned = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, Info]:
        """Starts an episode.

        Raises:
            ChipgymError: for `options`, of which there are none in this mode.
        """
        super().reset(seed=seed)
        check_reset_options(options)
        self._now, self._reward = self._start, None
        self._running, self._warned = True, False
        return self._features.copy(), self._starting_info()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, Info]:
        """Evaluates one design.

        Args:
            action: integers, shape (p,), entry j below the number of values of parameter j.

        Raises:
            ChipgymError: for another shape, or an entry that is no whole number or out of range.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if not self._running:
            self._check_running()
        self._now = assess(self.problem, index_rows(action, self._shape)[None, :])
        self._reward = float(self._now.rewards[0])
        self._running = False
        return self._features.copy(), self._reward, True, False, self._info.each(self._now)[0]

    def action_masks(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Legal actions, flat over all parameters, bool, shape (sum of their sizes,)."""
        return np.concatenate(self._info.masks()).astype(np.bool_)

    def _check_running(self) -> None:
        if self._running is None:
            raise gymnasium.error.ResetNeeded("step() was called before reset()")
        if not self._warned:
            gymnasium.logger.warn("step() was called after the episode terminated; call reset() first")
            self._warned = True

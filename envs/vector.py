"""The one-shot environment, n at a time: one call of the batch kernel per step, whatever n is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..errors import ChipgymError, shorten
from ..simulators import Problem
from .assess import Assessment, assess
from .base import Action, check_render_mode, check_reset_options, index_rows, view_of
from .info import Info, InfoWriter
from .observation import Observation, workload_box, workload_observation
from .viewers import RENDER_FPS, RENDER_MODES, render

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Rewards = np.ndarray[Any, np.dtype[np.float64]]


class OneShotVectorEnv(VectorEnv[Observation, Action, Any]):
    """`num_envs` one-shot environments over one problem. See `OneShotEnv` for spaces and rewards.

    Every step ends every episode, and the next begins in the same step (`AutoresetMode.SAME_STEP`). So, as Gymnasium
    has it, the infos of `step` describe the new episodes' start, and the designs just evaluated are under
    `infos["final_info"]`, their last observations under `infos["final_obs"]`. Rewards are those of the scalar
    environment to the last bit, because it is the same kernel.

    ## Arguments
    `num_envs`, and those of `OneShotEnv`.

    ## Version History
    * v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }
    mode: ClassVar[str] = "one_shot"

    def __init__(self, problem: Problem, *, num_envs: int = 1, render_mode: str | None = None) -> None:
        """Binds `num_envs` environments to one problem.

        Raises:
            ChipgymError: for a number of environments below one, or an unknown render mode.
        """
        if not isinstance(num_envs, int | np.integer) or isinstance(num_envs, bool) or num_envs < 1:
            raise ChipgymError(f"num_envs: {shorten(num_envs)} is not a whole number from 1")
        self.render_mode = check_render_mode(render_mode)
        self.problem = problem
        self.num_envs = int(num_envs)
        self.single_action_space = problem.space.to_gymnasium()
        self.single_observation_space = workload_box(problem.simulator.workload)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._shape = (self.num_envs, len(problem.space.parameters))
        self.writer = InfoWriter(problem)
        self._features = workload_observation(problem.simulator.workload)
        start = assess(problem, problem.space.default_indices[None, :])
        self._start: Assessment = assess(problem, np.repeat(start.rows, self.num_envs, axis=0))
        self.last: Assessment = self._start
        self._running = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Starts an episode in every environment.

        Args:
            seed: one seed, or one per environment; nothing is drawn in this mode.
            options: `reset_mask` is accepted for Gymnasium's sake; every environment is at a start anyway.

        Raises:
            ChipgymError: for other options, or another number of seeds than environments.
        """
        super().reset(seed=self._one_seed(seed))
        check_reset_options(options, ("reset_mask",))
        self.last, self._running = self._start, True
        return self._observe(), self.writer.many(self._start)

    def step(self, actions: Action) -> tuple[Observation, Rewards, Flags, Flags, Info]:
        """Evaluates `num_envs` designs in one call of the kernel.

        Args:
            actions: integers, shape (num_envs, p).

        Returns:
            Observations (num_envs, f), rewards (num_envs,), terminated (all True), truncated (all False), infos.

        Raises:
            ChipgymError: for another shape, or an entry that is no whole number or out of range.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if not self._running:
            raise gymnasium.error.ResetNeeded("step() was called before reset()")
        n = self.num_envs
        self.last = assess(self.problem, index_rows(actions, self._shape))
        infos = self.writer.many(self._start)
        infos["final_obs"], infos["_final_obs"] = _objects(self._observe()), np.ones(n, dtype=np.bool_)
        infos["final_info"], infos["_final_info"] = self.writer.many(self.last), np.ones(n, dtype=np.bool_)
        return self._observe(), self.last.rewards.copy(), np.ones(n, np.bool_), np.zeros(n, np.bool_), infos

    def action_masks(self) -> Flags:
        """Legal actions of every environment, flat over all parameters, shape (num_envs, sum of their sizes)."""
        return np.tile(np.concatenate(self.writer.masks()).astype(np.bool_), (self.num_envs, 1))

    def render(self) -> tuple[Any, ...] | None:
        """A picture or text of every environment's last design, as for the scalar environment."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render mode; give one to gymnasium.make_vec")
            return None
        return tuple(self.render_one(i) for i in range(self.num_envs))

    def render_one(self, i: int) -> Any:
        """A picture or text of environment i's last design."""
        assert self.render_mode is not None
        reward = None if self.last is self._start else float(self.last.rewards[i])
        return render(view_of(self.problem, self.writer, self.last, reward, i), self.render_mode)

    def _observe(self) -> Observation:
        return np.tile(self._features, (self.num_envs, 1))

    def _one_seed(self, seed: int | Sequence[int | None] | None) -> int | None:
        if seed is None or isinstance(seed, int | np.integer):
            return None if seed is None else int(seed)
        if len(seed) != self.num_envs:
            raise ChipgymError(f"seed: {len(seed)} seeds for {self.num_envs} environments")
        return seed[0]


def _objects(rows: Observation) -> np.ndarray[Any, np.dtype[np.object_]]:
    """The rows as n separate arrays, which is how Gymnasium hands out last observations."""
    out = np.empty(len(rows), dtype=object)
    out[:] = list(rows)
    return out

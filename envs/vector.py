"""The native vector environment: n episodes of any mode, one call of the batch kernel per step, whatever n is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..errors import ChipgymError, shorten, unknown
from ..simulators import Problem
from ..simulators.core.parameter import Column
from .array_info import info_writer
from .assess import Assessment, Flags
from .base import (
    check_render_mode,
    check_reset_options,
    draw_task,
    facts_of,
    flat_masks,
    known_reset_options,
    picture_of,
    reward_box,
)
from .episodes import Action, Episodes, Outcome
from .info import Facts, Info, overlay
from .observation import Observation
from .starts import Starts, start_rows
from .viewers import RENDER_FPS, RENDER_MODES, render


class DesignVectorEnv(VectorEnv[Observation, Action, Any]):
    """`num_envs` environments of one mode over one problem, or one per workload. See `DesignEnv` and the modes.

    What follows an episode that ends is Gymnasium's to name, `autoreset_mode`:

    * `AutoresetMode.SAME_STEP` (the default): the next begins in the same step. The infos of `step` describe its
      start; the design that ended the old one is under `infos["final_info"]`, its last observation under
      `infos["final_obs"]`.
    * `AutoresetMode.NEXT_STEP`: the next begins in the next step, whose action is passed over, with reward 0. Of
      one-shot episodes every second step designs nothing.
    * `AutoresetMode.DISABLED`: nothing, until `reset(options={"reset_mask": …})` names it.

    Rewards are those of the scalar environment to the last bit, because it is the same kernel.

    ## Arguments
    `num_envs`, `autoreset_mode` (of `gymnasium.vector.AutoresetMode`, or its value as text), and those of `DesignEnv`.

    ## Version History
    * v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        episodes: Episodes,
        *,
        render_mode: str | None = None,
        info: str = "dicts",
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    ) -> None:
        """Take `num_envs` episodes.

        Raises:
            ChipgymError: for an unknown render mode, kind of info or autoreset mode.
        """
        self.autoreset_mode = checked_autoreset_mode(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}  # type: ignore[misc]
        self.render_mode = check_render_mode(render_mode)
        self.episodes = episodes
        self.tasks = episodes.tasks
        self.mode = episodes.mode
        self.num_envs = episodes.n
        self.single_action_space = episodes.action_space
        self.single_observation_space = episodes.observation_space
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        if self.tasks.each_objective:
            self.reward_space = reward_box(episodes)
        self.info = info
        self.writer = info_writer(info, self.tasks)
        self._every = np.ones(self.num_envs, np.bool_)
        self._rngs: list[np.random.Generator | None] = [None] * self.num_envs
        self._running = False
        self._ended = np.zeros(self.num_envs, np.bool_)  # episodes after which none has begun yet
        self._fresh = np.zeros(self.num_envs, np.bool_)  # those that the last step began, in place of acting
        self._rewards: Column | None = None
        self._stepped: tuple[Facts, Flags, Assessment | None] | None = None

    @property
    def problem(self) -> Problem:
        """The problem, the first workload's where there are several."""
        return self.tasks.problems[0]

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Start an episode in every environment.

        Args:
            seed: one seed, of which each environment takes the next whole number, or one per environment.
            options: `reset_mask`, a bool array of the environments to reset, leaves the others where they are;
                `workload`, where there are several, is the name of the one to take, or a list of one per environment;
                `design`, in the mode `refine`, is the design to begin at, or a list of one or None per environment, or
                an index array of shape (num_envs, p).

        Raises:
            ChipgymError: for other options, a mask of another form, or another number of seeds than environments.
        """
        if not (seed is None or isinstance(seed, int | np.integer | list | tuple | np.ndarray)):
            raise ChipgymError(f"seed: {shorten(seed)} is neither a whole number nor a list of one per environment")
        if not (seed is None or isinstance(seed, int | np.integer)) and len(seed) != self.num_envs:
            raise ChipgymError(f"seed: {len(seed)} seeds for {self.num_envs} environments")
        super().reset(seed=seed if seed is None or isinstance(seed, int | np.integer) else seed[0])
        check_reset_options(options, ("reset_mask", *known_reset_options(self.episodes)), self.mode)
        which = self._mask((options or {}).get("reset_mask"))
        design = (options or {}).get("design")
        starts = None if design is None else start_rows(self.tasks.problems[0], design, self.num_envs)
        self._seed(seed, which)
        self._begin(which, options, starts)
        self._running, self._rewards = True, None
        self._ended = self._ended & ~which
        self._fresh = np.zeros(self.num_envs, np.bool_)
        facts = facts_of(self.episodes)
        self._stepped = (facts, np.zeros(self.num_envs, np.bool_), None)
        assessed = None if facts.assessed is None else facts.assessed.take(which)
        return self.episodes.observe(), self.writer.many(_part(facts, which, assessed), which)

    def step(self, actions: Action) -> tuple[Observation, Column, Flags, Flags, Info]:
        """Take a step in every environment, in one call of the kernel; where an episode had ended, begin the next.

        Args:
            actions: one per environment, as the mode has them.

        Returns:
            Observations (num_envs, d), rewards (num_envs,) (or (num_envs, m), one per objective), terminated and
            truncated (num_envs,), infos.

        Raises:
            ChipgymError: for another shape, or an entry that is no whole number or out of range.
            gymnasium.error.ResetNeeded: before the first reset, and with `AutoresetMode.DISABLED` where an episode has
                ended.
        """
        if not self._running:
            raise gymnasium.error.ResetNeeded("step() was called before reset()")
        self._fresh = self._ended
        if self._fresh.any():
            if self.autoreset_mode is AutoresetMode.DISABLED:
                raise gymnasium.error.ResetNeeded(
                    f"step(): the episodes of environments {shorten(np.flatnonzero(self._fresh).tolist())} have ended; "
                    'call reset(options={"reset_mask": …}) first'
                )
            self._begin(self._fresh)
        outcome = self._idle() if self._fresh.all() else self.episodes.act(actions, ~self._fresh)
        self._rewards = outcome.rewards
        done = outcome.terminated | outcome.truncated
        facts = facts_of(self.episodes)
        self._stepped = (facts, done, outcome.ended)
        infos = self._write(facts, done, outcome.ended)
        return self.episodes.observe(), outcome.rewards.copy(), outcome.terminated, outcome.truncated, infos

    def _idle(self) -> Outcome:
        """Return a step in which every episode begins and none acts."""
        none = np.zeros(self.num_envs, np.bool_)
        several = (len(self.problem.objectives),) if self.tasks.each_objective else ()
        return Outcome(np.zeros((self.num_envs, *several)), none, none.copy(), None)

    def _write(self, facts: Facts, done: Flags, ended: Assessment | None) -> Info:
        """Write the infos of a step; then episodes that are done begin again where they do so in the same step."""
        same = self.autoreset_mode is AutoresetMode.SAME_STEP
        self._ended = np.zeros_like(done) if same else done
        if ended is None:
            return self.writer.many(facts, self._every)
        if same:
            last, final = self.episodes.observe(), _part(facts, done, ended)
            ending: Info = {
                "final_obs": _objects(last, done), "_final_obs": done.copy(),
                "final_info": self.writer.many(final, done), "_final_info": done.copy(),
            }  # fmt: skip
            self._begin(done)
            return self.writer.many(facts_of(self.episodes), self._every) | ending
        infos = self.writer.many(facts, self._every)
        if facts.assessed is None:  # designs in hand are not complete but where an episode ends
            overlay(infos, self.writer.many(_part(facts, done, ended), done), done)
        return infos

    def step_infos(self) -> list[Info]:
        """Write the infos of the step just taken as the scalar environments would give them, before any new episode."""
        assert self._stepped is not None
        facts, done, ended = self._stepped
        infos = self.writer.each(facts)
        if facts.assessed is None and ended is not None:  # designs in hand are not complete but where an episode ends
            for i, info in zip(np.flatnonzero(done), self.writer.each(_part(facts, done, ended)), strict=True):
                infos[i] = info
        return infos

    def action_masks(self) -> Flags:
        """Return legal actions of every environment, flat over all parameters, shape (num_envs, k).

        Raises:
            ChipgymError: for continuous actions, all of which are legal.
        """
        return flat_masks(self.episodes)

    def render(self) -> tuple[Any, ...] | None:
        """Draw every environment's design in hand as a picture or text, as for the scalar environment."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render mode; give one to gymnasium.make_vec")
            return None
        return tuple(self.render_one(i) for i in range(self.num_envs))

    def render_one(self, i: int) -> Any:
        """Draw environment i's design in hand as a picture or text."""
        assert self.render_mode is not None
        reward = None if self._rewards is None or self._fresh[i] else self._rewards[i]
        return render(picture_of(self.episodes, reward, i), self.render_mode)

    def _begin(self, which: Flags, options: dict[str, Any] | None = None, starts: Starts | None = None) -> None:
        at = np.flatnonzero(which)
        rngs = [self._rng(int(i)) for i in at] if self._draws else []
        if self.tasks.several:
            task = self.episodes.task.copy()
            told = self._told(options)
            task[at] = [draw_task(self.tasks, rng, told[i]) for i, rng in zip(at, rngs, strict=True)]
            self.episodes.task = task
        self.episodes.begin(which, rngs, None if starts is None else [starts[int(i)] for i in at])

    def _told(self, options: dict[str, Any] | None) -> list[dict[str, Any] | None]:
        """Return the options of each environment's `reset`."""
        workload = (options or {}).get("workload")
        if not isinstance(workload, list | tuple):
            return [options] * self.num_envs
        if len(workload) != self.num_envs:
            raise ChipgymError(f"reset option workload: {len(workload)} workloads for {self.num_envs} environments")
        return [{"workload": one} if one is not None else None for one in workload]

    @property
    def _draws(self) -> bool:
        """Whether episodes begin by chance: generators, of which there are many, are only made where they are used."""
        return self.tasks.several or self.episodes.draws

    def _rng(self, i: int) -> np.random.Generator:
        rng = self._rngs[i]
        if rng is None:
            rng = self._rngs[i] = seeding.np_random(None)[0]
        return rng

    def _seed(self, seed: int | Sequence[int | None] | None, which: Flags) -> None:
        if seed is None or not self._draws:
            return
        for i in np.flatnonzero(which).tolist():
            own = int(seed) + i if isinstance(seed, int | np.integer) else seed[i]
            if own is not None:
                self._rngs[i] = seeding.np_random(int(own))[0]

    def _mask(self, given: Any) -> Flags:
        if given is None:
            return self._every
        mask = np.asarray(given)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ChipgymError(
                f"reset option reset_mask: {shorten(given)} is not an array of {self.num_envs} bools, one True at least"
            )
        return mask


def checked_autoreset_mode(mode: object) -> AutoresetMode:
    """Return Gymnasium's mode, given itself or by its value, as in "NextStep".

    Raises:
        ChipgymError: where it is none.
    """
    modes = {one.value: one for one in AutoresetMode}
    if isinstance(mode, AutoresetMode):
        return mode
    if not isinstance(mode, str) or mode not in modes:
        raise unknown("autoreset_mode", mode, modes)
    return modes[mode]


def _part(facts: Facts, which: Flags, assessed: Assessment | None) -> Facts:
    """Select the facts about some designs, evaluated as given."""
    masks = None if facts.masks is None else [m for m, here in zip(facts.masks, which, strict=True) if here]
    noted = {name: column[which] for name, column in facts.noted.items()}
    return Facts(facts.rows[which], facts.task[which], assessed, masks, noted)


def _objects(rows: Observation, which: Flags) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return the rows marked as separate arrays, None elsewhere, which is how Gymnasium hands out last observations."""
    out = np.full(len(rows), None, dtype=object)
    for i in np.flatnonzero(which):
        out[i] = rows[i]
    return out

"""The scalar environment: one episode of any mode, with Gymnasium's conventions around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np

from ..errors import ChipgymError, unknown
from ..simulators import Problem
from .array_info import info_writer
from .assess import Assessment, Flags, assess
from .continuous import numbers
from .episodes import Action, Episodes, action_array
from .info import Facts, Info
from .observation import Observation
from .starts import start_row
from .tasks import Tasks
from .viewers import RENDER_FPS, RENDER_MODES, View, render

_ONE = np.ones(1, np.bool_)


class DesignEnv(gymnasium.Env[Observation, Any]):
    """An environment whose agent designs hardware. What one step is, its mode says: `OneShot`, `Sequential`, `Refine`.

    ## Info
    At reset and step: `design` (dict of plain values), `feasible` (bool), `violation` (float, 0 where feasible),
    `metrics` (dict of floats, without the cost metrics of a design that cannot be built), `action_mask` (as
    `action_space.sample(mask=…)` takes it, of discrete actions); `workload`, where there are several; and what the
    mode adds.

    ## Arguments
    `workload` (one, or a list: every episode is about one of them, drawn by the seed), `objective`, `constraints`,
    `space`, `reward`, `targets` and the simulator's own options as for `chipgym.make_problem`, or a `problem` (or a
    list) instead of all of them; `mode`, and the mode's own; `action_type="discrete" | "box"`;
    `render_mode=None | "ansi" | "rgb_array"`; `info="dicts" | "arrays"`, what infos are made of (see
    `ArrayInfoWriter`).

    Attributes:
        tasks: the problems, one per workload.
        episodes: the mode at work.
        mode: its name.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # type: ignore[misc]

    def __init__(self, episodes: Episodes, *, render_mode: str | None = None, info: str = "dicts") -> None:
        """Take episodes of which there is one.

        Raises:
            ChipgymError: for another render mode or kind of info.
        """
        self.render_mode = check_render_mode(render_mode)
        self.episodes = episodes
        self.tasks = episodes.tasks
        self.mode = episodes.mode
        self.writer = info_writer(info, self.tasks, often=episodes.now)
        self.action_space = episodes.action_space
        self.observation_space = episodes.observation_space
        if self.tasks.each_objective:
            self.reward_space = reward_box(episodes)
        self._reward: float | np.ndarray[Any, Any] | None = None
        self._running: bool | None = None
        self._warned = False

    @property
    def problem(self) -> Problem:
        """The problem of the episode in hand: simulator, objective, constraints and space."""
        return self.tasks.problems[int(self.episodes.task[0])]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, Info]:
        """Start an episode.

        Args:
            seed: seeds `np_random`, which draws the workload where there are several, and a random start.
            options: `workload`, the name of the one to take, where there are several; in the mode `refine`, `design`,
                the one to begin at: a dict of values, the rest at their defaults, or an index row.

        Raises:
            ChipgymError: for other options.
        """
        super().reset(seed=seed)
        several = self.tasks.several
        check_reset_options(options, known_reset_options(self.episodes), self.mode)
        if several:
            self.episodes.task = np.array([draw_task(self.tasks, self.np_random, options)])
        design = (options or {}).get("design")
        self.episodes.begin(_ONE, [self.np_random], [start_row(self.tasks.problems[0], design)])
        self._running, self._warned, self._reward = True, False, None
        return self.episodes.observe()[0], self.writer.each(facts_of(self.episodes))[0]

    def step(self, action: Action) -> tuple[Observation, Any, bool, bool, Info]:
        """Take one step.

        Args:
            action: as the mode has it.

        Raises:
            ChipgymError: for another shape, or an entry that is no whole number or out of range.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if not self._running:
            self._check_running()
        outcome = self.episodes.act(batch_of_one(action, self.action_space), _ONE)
        self._reward = outcome.rewards[0].copy() if outcome.rewards.ndim > 1 else float(outcome.rewards[0])
        terminated, truncated = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        self._running = not (terminated or truncated)
        info = self.writer.each(facts_of(self.episodes, outcome.ended))[0]
        return self.episodes.observe()[0], self._reward, terminated, truncated, info

    def action_masks(self) -> Flags:
        """Return legal actions now, flat over all parameters, as sb3-contrib's MaskablePPO asks for them; bool, (k,).

        Raises:
            ChipgymError: for continuous actions, all of which are legal.
        """
        masks: Flags = flat_masks(self.episodes)[0]
        return masks

    def render(self) -> str | np.ndarray[Any, np.dtype[np.uint8]] | None:
        """Draw the design in hand (the one started from after a reset) as text or as a picture of shape (H, W, 3).

        None, with Gymnasium's warning, where no render mode was asked for.
        """
        if self.render_mode is None:
            gymnasium.logger.warn(
                "render() was called without a render mode; give one to gymnasium.make, as in render_mode='rgb_array'"
            )
            return None
        return render(self.view(), self.render_mode)

    def view(self) -> View:
        """Return what a viewer draws."""
        return picture_of(self.episodes, self._reward)

    def _check_running(self) -> None:
        if self._running is None:
            raise gymnasium.error.ResetNeeded("step() was called before reset()")
        if not self._warned:
            gymnasium.logger.warn("step() was called after the episode ended; call reset() first")
            self._warned = True
        # Another episode of the same kind, as Gymnasium leaves what happens then to the environment.
        self.episodes.begin(_ONE, [self.np_random])


def reward_box(episodes: Episodes) -> gymnasium.spaces.Box:
    """Make the space of vector rewards, as MO-Gymnasium has it: one entry per objective."""
    least, most = episodes.reward_range
    return gymnasium.spaces.Box(least, most, shape=(len(episodes.tasks.problems[0].objectives),), dtype=np.float64)


def facts_of(episodes: Episodes, ended: Assessment | None = None) -> Facts:
    """Collect the facts about every design in hand; `ended` stands for them all where all have just ended."""
    assessed = ended if episodes.now is None else episodes.now
    return Facts(episodes.rows, episodes.task, assessed, episodes.masks(), episodes.noted())


def flat_masks(episodes: Episodes) -> Flags:
    """Return legal actions of each episode, bool (n, k).

    Raises:
        ChipgymError: for continuous actions.
    """
    if isinstance(episodes.action_space, gymnasium.spaces.Box):
        raise ChipgymError("action_masks: continuous actions have none, all of them are legal")
    return episodes.flat_masks()


def batch_of_one(action: Any, space: gymnasium.Space[Any]) -> Any:
    """Turn one action into a batch, shape (1, …).

    Raises:
        ChipgymError: for another shape or type than the space's.
    """
    checked = numbers if isinstance(space, gymnasium.spaces.Box) else action_array
    return checked(action, space.shape or ())[None]


def draw_task(tasks: Tasks, rng: np.random.Generator, options: Mapping[str, Any] | None) -> int:
    """Return the task that the options of `reset` name, else one drawn uniformly.

    Raises:
        ChipgymError: naming the nearest workload where there is none of that name.
    """
    drawn = int(rng.integers(len(tasks)))
    return tasks.position(options["workload"]) if options and "workload" in options else drawn


def picture_of(episodes: Episodes, reward: Any, i: int = 0) -> View:
    """Return what a viewer draws of design `i` and of its reward, if any yet.

    What is not chosen yet stands at its default.
    """
    problem = episodes.tasks.problems[int(episodes.task[i])]
    part = slice(i, i + 1)
    a = assess(problem, episodes.rows[part]) if episodes.now is None else episodes.now.take(part)
    return view_of(problem, a, None if reward is None else float(np.mean(reward)))


def view_of(problem: Problem, a: Assessment, reward: float | None) -> View:
    """Return what a viewer draws of the first design of a batch, and of the reward that it brought, if any yet."""
    return View(
        simulator=problem.simulator.name,
        workload=problem.simulator.workload.name,
        design=problem.space.design(a.rows[0]),
        design_units={p.name: p.unit for p in problem.space.parameters},
        positions={p.name: (int(j), p.size) for p, j in zip(problem.space.parameters, a.rows[0], strict=True)},
        metrics=a.evaluation.metrics.row(0),
        metric_units=a.evaluation.metrics.units,
        objectives=tuple(o.name for o in problem.objectives),
        feasible=bool(a.evaluation.violation[0] <= 0),
        violation=float(a.evaluation.violation[0]),
        reward=reward,
    )


def check_render_mode(render_mode: str | None) -> str | None:
    """Return the render mode itself.

    Raises:
        ChipgymError: where it is not one that environments draw in.
    """
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise unknown("render_mode", render_mode, RENDER_MODES)
    return render_mode


def known_reset_options(episodes: Episodes) -> tuple[str, ...]:
    """Name the options that `reset` takes, beside those of a vector."""
    several = ("workload",) if episodes.tasks.several else ()
    return (*several, "design") if episodes.told_starts else several


def check_reset_options(options: Mapping[str, Any] | None, known: tuple[str, ...], mode: str) -> None:
    """Refuse options of `reset` that mean nothing here, so that a misspelt one is not passed over.

    Raises:
        ChipgymError: naming the first.
    """
    for name in options or ():
        if name == "design" and name not in known:
            raise ChipgymError(
                f"reset option 'design': an episode of the mode {mode!r} chooses all of its design and begins at none; "
                "the mode 'refine' takes it"
            )
        if not known:
            raise ChipgymError(f"reset option {name!r}: this environment takes none")
        if name not in known:
            raise unknown("reset option", name, known)

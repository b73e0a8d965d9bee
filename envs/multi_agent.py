"""Several agents design one machine: as PettingZoo's `ParallelEnv`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from ..errors import ChipgymError, count, shorten, unexpected_keyword, unknown
from ..simulators import Indices, Problem
from ..simulators.core.registry import problem_arguments
from .array_info import info_writer
from .base import check_render_mode, draw_task, view_of
from .continuous import action_box, numbers, positions
from .info import Facts, Info
from .make import check_action_type, make_tasks
from .observation import DECADES, Observation, decades, observation_box, places
from .starts import start_row
from .tasks import Tasks
from .viewers import RENDER_FPS, RENDER_MODES, render

AGENTS = ("subsystem", "parameter")
_OWN = ("agents", "rounds", "action_type", "problem", "render_mode", "info")


class DesignParallelEnv(ParallelEnv[str, Observation, Any]):  # type: ignore[misc]
    """Every agent chooses some of the parameters, all at once; the design is scored as a whole.

    Splitting a memory controller's parameters among agents that share a reward is the multi-agent form of ArchGym's
    problem (Krishnan et al., "Multi-agent reinforcement learning for microprocessor design space exploration", 2022).

    ## Agents
    `agents="subsystem"` (the default): one for each group of parameters that the simulator declares, as `page`,
    `scheduling`, `buffers`, `refresh` and `arbitration` of a memory controller. `agents="parameter"`: one for each.

    ## Action Spaces
    `MultiDiscrete` over the agent's parameters in the order of `problem.space`, or `Discrete` where it has one. With
    `action_type="box"` a `Box` of as many numbers from -1 to 1, as in `BoxOneShot`.

    ## Observation Spaces
    The same `Box` of float32 for all, shape (f + p + m + 1,): the workload's features; for each parameter the place
    of its value in its grid, from 0 to 1, in the design of the last round (the default one at first); for each metric
    the decades that this design is above the default one; and whether it is feasible.

    ## State
    `state()`, for a critic that sees all, is what every agent sees and the part of the rounds that is left, shape
    (f + p + m + 2,), as `state_space` says.

    ## Rewards
    `problem.reward` of the round's design, the same for every agent.

    ## Episode End
    Truncated after `rounds` rounds (1 by default).

    ## Infos
    Every agent's has what the scalar environment's has, with `info="arrays"` in arrays alone; `action_mask` is the
    agent's own.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "chipgym_v0", "render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS, "is_parallelizable": True,
    }  # fmt: skip

    def __init__(
        self,
        tasks: Tasks,
        *,
        agents: str = "subsystem",
        rounds: int = 1,
        action_type: str = "discrete",
        render_mode: str | None = None,
        info: str = "dicts",
    ) -> None:
        """See the class.

        Raises:
            ChipgymError: for another split, a number of rounds below 1, an unknown type of actions, render mode or
                kind of info.
        """
        if not isinstance(agents, str) or agents not in AGENTS:
            raise unknown("agents", agents, AGENTS)
        self.continuous = check_action_type(action_type) == "box"
        self.render_mode = check_render_mode(render_mode)
        self.tasks = tasks
        self.rounds = count("rounds", rounds)
        space = tasks.space
        split: dict[str, tuple[str, ...]] = {name: (name,) for name in space.names}
        if agents == "subsystem":
            split = {group or "design": names for group, names in space.subsystems().items()}
        self._own = {agent: np.array([space.names.index(name) for name in names]) for agent, names in split.items()}
        self.possible_agents = list(split)
        self.agents: list[str] = []
        metrics = len(tasks.problems[0].simulator.metrics)
        parts = (len(space), 0.0, 1.0), (metrics, -DECADES, DECADES)
        self.observation_spaces = {
            agent: observation_box(tasks.features.shape[1], *parts, (1, 0.0, 1.0)) for agent in split
        }
        self.state_space = observation_box(tasks.features.shape[1], *parts, (2, 0.0, 1.0))
        self.action_spaces = {
            agent: action_box(len(own)) if self.continuous else _actions(space.sizes[own])
            for agent, own in self._own.items()
        }
        self._writer = info_writer(info, tasks)
        self._mask = space.mask()
        self._rng: np.random.Generator | None = None
        self._task = np.zeros(1, np.int64)
        self._now = tasks.starts.take(self._task)
        self._round = 0

    @property
    def shares(self) -> Mapping[str, Indices]:
        """Positions in `problem.space` of the parameters that each agent chooses, in the order of its action."""
        return MappingProxyType(self._own)

    def observation_space(self, agent: str) -> Any:
        """Return the agent's observation space; the same object at every call, so that its seed is kept."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """Return the agent's action space; the same object at every call, so that its seed is kept."""
        return self.action_spaces[agent]

    @property
    def problem(self) -> Problem:
        """The problem of the episode in hand."""
        return self.tasks.problems[int(self._task[0])]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, Info]]:
        """Start an episode.

        Args:
            seed: draws the workload where there are several.
            options: `workload`, the name of the one to take, where there are several; `design`, the one seen at first
                in place of the default: a dict of values, the rest at their defaults, or an index row; others are
                passed over, as PettingZoo's own tests expect.

        Raises:
            ChipgymError: where no workload has that name, and for a design that is not on the grid.
        """
        several = self.tasks.several
        if seed is not None or self._rng is None:
            self._rng = seeding.np_random(seed)[0]
        if several:
            self._task = np.array([draw_task(self.tasks, self._rng, options)])
        start = start_row(self.tasks.problems[0], (options or {}).get("design"))
        self._now = self.tasks.starts.take(self._task) if start is None else self.tasks.assess(start[None], self._task)
        self._round = 0
        self.agents = self.possible_agents.copy()
        return self._observe(), self._infos()

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Info]]:
        """Evaluate the design that all agents' choices make.

        Raises:
            ChipgymError: where an agent has no action, or one of another shape or out of range.
        """
        if self._rng is None:
            raise gymnasium.error.ResetNeeded("step() was called before reset()")
        if not self.agents:
            return {}, {}, {}, {}, {}
        if not isinstance(actions, Mapping):
            raise ChipgymError(f"actions: {shorten(actions)} is not a dict with an action for each agent")
        row = self._now.rows[0].copy()
        for agent, own in self._own.items():
            if agent not in actions:
                raise ChipgymError(f"actions: there is none of agent {agent!r}")
            row[own] = self._positions(agent, actions[agent])
        self._now = self.tasks.assess(row[None], self._task)
        self._round += 1
        over = self._round >= self.rounds
        agents = self.agents
        reward = float(self._now.rewards[0])
        out = (
            self._observe(), dict.fromkeys(agents, reward), dict.fromkeys(agents, False), dict.fromkeys(agents, over),
            self._infos(),
        )  # fmt: skip
        if over:
            self.agents = []
        return out

    def _positions(self, agent: str, action: Any) -> Indices:
        """Return an agent's choice: positions in the grids of its parameters, which are checked with the others'."""
        own = self._own[agent]
        if self.continuous:
            return positions(numbers(action, (len(own),), f"action of {agent}"), self.tasks.space.sizes[own])
        given: Indices = np.array(action)
        if given.dtype.kind not in "iu" or given.size != len(own) or given.ndim > 1:
            raise ChipgymError(f"action of {agent}: {shorten(action)} is not {len(own)} whole numbers")
        return given

    def render(self) -> Any:
        """Draw the last design as text or as a picture, as for the scalar environment."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render mode; give one to parallel_env")
            return None
        reward = float(self._now.rewards[0]) if self._round else None
        return render(view_of(self.problem, self._now, reward), self.render_mode)

    def close(self) -> None:
        """Do nothing, since nothing is held."""

    def state(self) -> Observation:
        """Return what there is to know of the whole, float32, as `state_space` has it: for a central critic."""
        left = 1 - self._round / self.rounds
        return np.append(self._seen(), left).astype(np.float32)

    def _observe(self) -> dict[str, Observation]:
        seen = self._seen()
        return {agent: seen.copy() for agent in self.agents}

    def _seen(self) -> Observation:
        evaluation = self._now.evaluation
        return np.concatenate(
            [
                self.tasks.features[self._task[0]],
                places(self._now.rows, self.tasks.space)[0],
                decades(evaluation.metrics, self.tasks.starts.evaluation.metrics, self._task)[0],
                evaluation.violation <= 0,
            ]
        ).astype(np.float32)

    def _infos(self) -> dict[str, Info]:
        out = {}
        for agent in self.agents:
            own = tuple([self._mask[j].copy() for j in self._own[agent]])
            masks: list[Any] | None = None if self.continuous else [own if len(own) > 1 else own[0]]
            out[agent] = self._writer.each(Facts(self._now.rows, self._task, self._now, masks, {}))[0]
        return out


def _actions(sizes: np.ndarray[Any, np.dtype[np.int64]]) -> gymnasium.Space[Any]:
    return gymnasium.spaces.MultiDiscrete(sizes) if len(sizes) > 1 else gymnasium.spaces.Discrete(int(sizes[0]))


def make_parallel_env(
    simulator: str,
    *,
    agents: str = "subsystem",
    rounds: int = 1,
    action_type: str = "discrete",
    problem: Any = None,
    render_mode: str | None = None,
    info: str = "dicts",
    **arguments: Any,
) -> DesignParallelEnv:
    """See `chipgym.envs.parallel_env`."""
    known = (*problem_arguments(simulator), *_OWN)
    for name in arguments:
        if name not in known:
            raise unexpected_keyword(simulator, name, known)
    tasks = make_tasks(simulator, problem, arguments)
    return DesignParallelEnv(
        tasks, agents=agents, rounds=rounds, action_type=action_type, render_mode=render_mode, info=info
    )

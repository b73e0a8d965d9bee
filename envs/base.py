"""What every environment over a problem shares, whatever its mode: spaces, masks, info, rendering."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np

from ..errors import ChipgymError, shorten, unknown
from ..simulators import Indices, Problem
from .assess import Assessment, assess
from .info import Info, InfoWriter
from .observation import Observation, workload_box, workload_observation
from .viewers import RENDER_FPS, RENDER_MODES, View, render

Action = np.ndarray[Any, np.dtype[np.int64]]


class DesignEnv(gymnasium.Env[Observation, Action], ABC):
    """An environment whose agent designs hardware. A mode is a subclass that says what one step is.

    Attributes:
        problem: the simulator, objective, constraints and space.
        mode: the name that `gymnasium.make(…, mode=…)` takes.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # type: ignore[misc]
    mode: ClassVar[str]

    def __init__(self, problem: Problem, *, render_mode: str | None = None) -> None:
        """Binds the environment to a problem.

        Args:
            problem: what to design, and for what.
            render_mode: "ansi", "rgb_array" or None.

        Raises:
            ChipgymError: for another render mode.
        """
        self.render_mode = check_render_mode(render_mode)
        self.problem = problem
        self._info = InfoWriter(problem)
        self._features = workload_observation(problem.simulator.workload)
        # What an episode starts from and is compared with: assessed once, told at every reset.
        self._start = assess(problem, problem.space.default_indices[None, :])
        self._start_info = self._info.one(self._start)
        self._now: Assessment = self._start
        self._reward: float | None = None
        self.action_space = problem.space.to_gymnasium()
        self.observation_space = workload_box(problem.simulator.workload)

    def _starting_info(self) -> Info:
        """The info of the default design; every object in it is new."""
        known = self._start_info
        return {
            **known,
            "design": known["design"].copy(),
            "metrics": known["metrics"].copy(),
            "action_mask": self._info.masks(),
        }

    @abstractmethod
    def action_masks(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Legal actions now, flat over all parameters, as sb3-contrib's MaskablePPO asks for them."""

    def render(self) -> str | np.ndarray[Any, np.dtype[np.uint8]] | None:
        """The design in hand (the default one after a reset) as text or as a picture of shape (H, W, 3).

        None, with Gymnasium's warning, where no render mode was asked for.
        """
        if self.render_mode is None:
            gymnasium.logger.warn(
                "render() was called without a render mode; give one to gymnasium.make, as in render_mode='rgb_array'"
            )
            return None
        return render(self.view(), self.render_mode)

    def view(self) -> View:
        """What a viewer draws."""
        return view_of(self.problem, self._info, self._now, self._reward)


def view_of(problem: Problem, writer: InfoWriter, a: Assessment, reward: float | None, i: int = 0) -> View:
    """What a viewer draws of design `i` of a batch, and of the reward that it brought, if any yet."""
    info: Info = writer.one(a, i)
    return View(
        simulator=problem.simulator.name,
        workload=problem.simulator.workload.name,
        design=info["design"],
        design_units={p.name: p.unit for p in problem.space.parameters},
        positions={p.name: (int(j), p.size) for p, j in zip(problem.space.parameters, a.rows[i], strict=True)},
        metrics=info["metrics"],
        metric_units=a.evaluation.metrics.units,
        objectives=tuple(o.name for o in problem.objectives),
        feasible=info["feasible"],
        violation=info["violation"],
        reward=reward,
    )


def check_render_mode(render_mode: str | None) -> str | None:
    """The render mode itself.

    Raises:
        ChipgymError: where it is not one that environments draw in.
    """
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise unknown("render_mode", render_mode, RENDER_MODES)
    return render_mode


def check_reset_options(options: Mapping[str, Any] | None, known: tuple[str, ...] = ()) -> None:
    """Refuses options of `reset` that mean nothing here, so that a misspelt one is not passed over.

    Raises:
        ChipgymError: naming the first.
    """
    for name in options or ():
        if not known:
            raise ChipgymError(f"reset option {name!r}: this environment takes none")
        if name not in known:
            raise unknown("reset option", name, known)


def index_rows(actions: Any, shape: tuple[int, ...]) -> Indices:
    """A copy of actions as an array of that shape, so that what is drawn later is what was evaluated.

    Raises:
        ChipgymError: where shape or type differ; whether the integers are in range, the design space checks.
    """
    try:
        rows: Indices = np.array(actions)
    except ValueError:  # a ragged list
        rows = np.empty(0, dtype=np.int64)
    if rows.shape != shape or rows.dtype.kind not in "iu":
        raise ChipgymError(f"action: {shorten(actions)} is not an array of integers of shape {shape}")
    return rows

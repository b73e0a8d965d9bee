"""Episodes: what one step is, for n of them side by side. The scalar environment is n = 1 of the same code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np

from ..errors import ChipgymError, shorten
from ..simulators import Indices
from ..simulators.core.parameter import Column
from .assess import Assessment, Flags
from .observation import Observation
from .starts import Starts
from .tasks import Ints, Tasks

Action = np.ndarray[Any, np.dtype[np.int64]]


class Outcome(NamedTuple):
    """One step of n episodes.

    Attributes:
        rewards: float64, shape (n,), or (n, m) with one per objective.
        terminated, truncated: bool, shape (n,).
        ended: the last designs of the k episodes that either holds for, a batch of k; None where k is 0.
    """

    rewards: Column
    terminated: Flags
    truncated: Flags
    ended: Assessment | None


class Episodes(ABC):
    """n episodes of one mode.

    Attributes:
        tasks: what they are about.
        task: which of them each episode is on, shape (n,).
        rows: the design in hand of each, canonical index rows, shape (n, p).
        now: the designs in hand as evaluated; None in a mode in which they are not complete.
        action_space, observation_space: of one episode.
        reward_range: least and largest reward (of one objective, where there is one reward for each).
    """

    mode: ClassVar[str]
    #: Whether `begin` draws from its generators.
    draws: bool = False
    #: Whether an episode can be told the design that it begins at.
    told_starts: ClassVar[bool] = False

    action_space: gymnasium.Space[Any]
    observation_space: gymnasium.Space[Any]
    reward_range: tuple[float, float]
    rows: Indices
    now: Assessment | None

    def __init__(self, tasks: Tasks, n: int) -> None:
        """Set up n episodes, none of which has begun yet."""
        self.tasks = tasks
        self.n = n
        self.task: Ints = np.zeros(n, np.int64)

    def sized(self, n: int) -> Episodes:
        """Make another n episodes of the same kind."""
        return type(self)(self.tasks, n)

    @abstractmethod
    def begin(self, which: Flags, rngs: list[np.random.Generator], starts: Starts | None = None) -> None:
        """Start the episodes marked, k of them, on the tasks that `task` holds.

        Args:
            which: bool (n,), with k marks.
            rngs: k generators, if it `draws`.
            starts: k designs to begin at, in a mode with `told_starts`.
        """

    @abstractmethod
    def act(self, actions: Action, which: Flags) -> Outcome:
        """Take one step of the episodes marked; an ended one has to `begin` before the next.

        Args:
            actions: one for each of the n, of which those marked are looked at.
            which: bool (n,); the others stay where they are, with reward 0.

        Raises:
            ChipgymError: for actions of another shape or type.
        """

    @abstractmethod
    def observe(self) -> Observation:
        """Return what each agent sees now, float32, shape (n, d)."""

    @abstractmethod
    def masks(self) -> list[Any] | None:
        """Return legal actions of each episode now, as `action_space.sample(mask=…)` takes them; fresh arrays.

        None where it takes none: all continuous actions are legal.
        """

    @abstractmethod
    def flat_masks(self) -> Flags:
        """Return the legal actions of `masks` as one bool array, shape (n, k)."""

    def noted(self) -> dict[str, Column]:
        """Return what infos say beside the keys of every mode: columns, shape (n,), about the step just taken."""
        return {}


def spread(rewards: Column, which: Flags) -> Column:
    """Spread rewards of the k episodes marked, (k,) or (k, m), among n, with 0 for the others: (n,) or (n, m)."""
    out = np.zeros((len(which), *rewards.shape[1:]))
    out[which] = rewards
    return out


def action_array(actions: Any, shape: tuple[int, ...]) -> Indices:
    """Copy actions into an array of that shape, so that what is drawn later is what was evaluated.

    Raises:
        ChipgymError: where shape or type differ; whether the integers are in range, who takes them checks.
    """
    try:
        rows: Indices = np.array(actions)
    except ValueError:  # a ragged list
        rows = np.empty(0, dtype=np.int64)
    if rows.shape != shape or rows.dtype.kind not in "iu":
        what = f"an array of integers of shape {shape}" if shape else "a whole number"
        raise ChipgymError(f"action: {shorten(actions)} is not {what}")
    return rows

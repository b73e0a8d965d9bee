"""Continuous actions: the modes with numbers from -1 to 1, for agents such as SAC that have no discrete ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from ..errors import ChipgymError, shorten
from ..simulators import Indices
from ..simulators.core.parameter import Column
from .assess import Flags
from .episodes import Action, Episodes, Outcome
from .one_shot import OneShot
from .refine import Refine
from .sequential import Sequential
from .tasks import Tasks


def action_box(size: int) -> Any:
    """Make the space of `size` numbers from -1 to 1, float32: symmetric, as agents with Gaussian policies expect."""
    return Box(-1.0, 1.0, (size,), np.float32)


def numbers(actions: Any, shape: tuple[int, ...], what: str = "action") -> Column:
    """Check actions and return them as float64 of that shape, those beyond -1 or 1 taken as these.

    Raises:
        ChipgymError: for another shape, and for what is no number; `what` it is begins the message.
    """
    try:
        found = np.array(actions)
    except ValueError:  # a ragged list
        found = np.empty(0)
    if found.shape != shape or found.dtype.kind not in "iuf" or np.isnan(found).any():
        raise ChipgymError(f"{what}: {shorten(actions)} is not an array of numbers of shape {shape}")
    return found.astype(np.float64).clip(-1.0, 1.0)


def positions(actions: Column, sizes: Any) -> Indices:
    """Turn numbers from -1 to 1 into positions in grids: each position has an equal part of that range."""
    found: Indices = np.minimum(np.floor((actions + 1) / 2 * sizes), sizes - 1).astype(np.int64)
    return found


class BoxOneShot(OneShot):
    """`OneShot` with an action of p numbers: each position of a parameter has an equal part of -1 to 1."""

    def __init__(self, tasks: Tasks, n: int) -> None:
        super().__init__(tasks, n)
        self.action_space = action_box(len(tasks.space))

    def act(self, actions: Any, which: Flags) -> Outcome:
        """Choose a position of every parameter by p numbers per episode, actions (n, p); see `Episodes.act`."""
        space = self.tasks.space
        return super().act(positions(numbers(actions, (self.n, len(space))), space.sizes), which)

    def masks(self) -> None:
        """Return None: all continuous actions are legal."""
        return None  # noqa: RET501 (it is the answer)


class BoxSequential(Sequential):
    """`Sequential` with an action of one number: each legal position has an equal part of -1 to 1, so none is wrong."""

    def __init__(self, tasks: Tasks, n: int) -> None:
        super().__init__(tasks, n)
        self.action_space = action_box(1)

    def act(self, actions: Any, which: Flags) -> Outcome:
        """Choose among the legal positions by one number per episode, actions (n, 1); see `Episodes.act`."""
        legal = self.legal()
        nth = positions(numbers(actions, (self.n, 1))[:, 0], legal.sum(axis=1))
        chosen: Action = (np.cumsum(legal, axis=1) > nth[:, None]).argmax(axis=1)
        return super().act(chosen, which)

    def masks(self) -> None:
        """Return None: all continuous actions are legal."""
        return None  # noqa: RET501 (it is the answer)


class BoxRefine(Refine):
    """`Refine` with an action of p numbers, which moves every parameter at once.

    Each moves by up to half of its grid, or by one position where that is less: by the nearest whole number of
    positions, and not beyond the ends. One that is inactive stays at its default.
    """

    def __init__(self, tasks: Tasks, n: int, *, horizon: int | None = None, start: str = "default") -> None:
        super().__init__(tasks, n, horizon=horizon, start=start)
        self.action_space = action_box(len(tasks.space))
        self._reach = np.maximum((tasks.space.sizes - 1) / 2, 1.0)

    def act(self, actions: Any, which: Flags) -> Outcome:
        """Move every active parameter by p numbers per episode, actions (n, p); see `Episodes.act`."""
        space = self.tasks.space
        steps = np.rint(numbers(actions, (self.n, len(space))) * self._reach).astype(np.int64)
        moved = np.where(space.active(self.rows), self.rows + steps, self.rows).clip(0, space.sizes - 1)
        self._invalid = self._invalid & ~which
        return self.changed(np.where(which[:, None], moved, self.rows), which)

    def masks(self) -> None:
        """Return None: all continuous actions are legal."""
        return None  # noqa: RET501 (it is the answer)


#: The modes by name, with actions from -1 to 1.
BOX_MODES: Mapping[str, type[Episodes]] = MappingProxyType({c.mode: c for c in (BoxOneShot, BoxSequential, BoxRefine)})

"""Designs as lines over one axis per knob and objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...simulators import Indices
from ...simulators.core.parameter import Column
from .front import scaled, spread
from .runs import Runs
from .wording import DIGITS

# Lines that can still be followed by eye: of the designs to choose from, and of others behind them.
CHOSEN, OTHERS = 120, 120
# Values written beside an axis.
MOST_TICKS = 11


def parallel_lines(runs: Runs, chosen: Indices, others: Indices, titles: Sequence[str]) -> dict[str, Any]:
    """Return axes with their ticks, and the height from 0 to 1 at which each design crosses each.

    The designs to choose from come first.

    `places` are those of them to draw where there are too many.

    A knob that never varies among the designs drawn has no axis. Objectives are on the scale of `scaled`.

    Args:
        runs: whose evaluations `chosen` and `others` are positions of.
        chosen: the designs to choose from.
        others: feasible ones that are not.
        titles: of the objectives.
    """
    pool = runs.pool
    drawn = np.concatenate([chosen, others[spread(len(others), OTHERS)]]).astype(np.int64)
    axes: list[dict[str, Any]] = []
    heights: list[list[float]] = []
    for name, values in pool.designs.items():
        mine = values[drawn]
        kinds = _ordered(np.unique(mine), runs.results[0].identity["space"][name])
        if len(kinds) < 2:
            continue
        height = {value: i / (len(kinds) - 1) for i, value in enumerate(kinds)}
        axes.append({"title": name, "ticks": _few([[h, _tick(v)] for v, h in height.items()])})
        heights.append([height[v] for v in mine.tolist()])
    objectives = pool.objectives[drawn]
    low, high = objectives.min(axis=0), objectives.max(axis=0)
    position = scaled(objectives, low, high)
    for j, title in enumerate(titles):
        axes.append({"title": title, "ticks": [], "objective": j})
        heights.append(position[:, j].tolist())
    return {
        "axes": axes,
        "lines": np.array(heights, dtype=float).T.round(4).tolist(),
        "places": spread(len(chosen), CHOSEN),
    }


def _ordered(values: Column, grid: Sequence[Any]) -> list[Any]:
    """Return distinct values of a knob in its grid's order."""
    order = {str(v): i for i, v in enumerate(grid)}
    return sorted(values.tolist(), key=lambda v: order.get(str(v), len(order)))


def _few(ticks: list[list[Any]]) -> list[list[Any]]:
    return [ticks[i] for i in spread(len(ticks), MOST_TICKS)]


def _tick(value: Any) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)

"""A study as a picture: mean regret over evaluations, with its confidence band, a colour per agent."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ...durable import durable_file
from ...envs.viewers.canvas import AMBER, BLUE, GREEN, INK, LINE, MUTED, RED, TEAL, Color
from ...errors import ChipgymError
from ...simulators.core.parameter import Column
from .pens import Pen, PixelPen, SvgPen
from .study import Study
from .summary import Band

# Pixels of the picture; it is drawn at SCALE times that and reduced, which smooths its edges.
WIDTH, HEIGHT, SCALE = 960, 600, 3
LEFT, RIGHT, TOP, BOTTOM = 92, 150, 84, 66
COLORS: Sequence[Color] = (MUTED, AMBER, BLUE, RED, GREEN, TEAL)
# Decades below which a mean regret is drawn as if it were there: a logarithmic axis has no zero.
LEAST, MOST = -3, 3
# Pixels between the names beside the curves.
LEADING = 22


def save_plot(study: Study, path: str | os.PathLike[str]) -> None:
    """Draw a study as a file of 960 × 600 pixels: PNG or SVG, as the name ends.

    Raises:
        ChipgymError: for another ending, and where the file cannot be written.
    """
    place = Path(os.path.expanduser(path))
    kind = place.suffix.lower()
    if kind == ".png":
        data = io.BytesIO()
        draw_study(study).save(data, format="PNG", optimize=True)
        content = data.getvalue()
    elif kind == ".svg":
        shapes = SvgPen(WIDTH, HEIGHT)
        _draw(study, shapes)
        content = shapes.document().encode()
    else:
        raise ChipgymError(f"plot: {place} ends neither in .png nor in .svg; nearest is {place.with_suffix('.png')}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(place, place.with_name(f"{place.name}.{os.getpid()}.partial")) as file:
            file.write(content)
    except OSError as error:
        raise ChipgymError(f"plot: {place} cannot be written ({error.strerror or error})") from error


def draw_study(study: Study) -> Image.Image:
    """Draw the picture in pixels."""
    pixels = PixelPen(WIDTH, HEIGHT, SCALE)
    _draw(study, pixels)
    return pixels.image()


def _draw(study: Study, pen: Pen) -> None:
    bands = study.bands()
    axes = _Axes(bands, max(len(b.mean) for b in bands.values()))
    colors = {agent: COLORS[i % len(COLORS)] for i, agent in enumerate(bands)}
    _draw_frame(pen, study, axes)
    for agent, band in bands.items():
        if len(band.mean) > 1:
            pen.area([*axes.points(band.high), *reversed(axes.points(band.low))], colors[agent])
    for agent, band in bands.items():
        pen.line(axes.points(band.mean), colors[agent], 2.2)
    _draw_names(pen, axes, bands, colors)


class _Axes:
    """Evaluations from left to right, decades of regret from bottom to top."""

    def __init__(self, bands: Mapping[str, Band], budget: int) -> None:
        self.budget = budget
        low = min(float(_decades(b.mean).min()) for b in bands.values())
        high = max(float(_decades(b.high).max()) for b in bands.values())
        self.low = max(LEAST, math.floor(low))
        self.high = max(min(MOST, math.ceil(high)), self.low + 1)

    def x(self, evaluation: float) -> float:
        share = (evaluation - 1) / max(self.budget - 1, 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, decades: float) -> float:
        share = (min(max(decades, self.low), self.high) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def points(self, curve: Column) -> list[tuple[float, float]]:
        return [(self.x(i), self.y(d)) for i, d in enumerate(_decades(curve).tolist(), 1)]


def _decades(regret: Column) -> Column:
    decades: Column = np.log10(np.maximum(regret, 10.0**LEAST))
    return decades


def _draw_frame(pen: Pen, study: Study, axes: _Axes) -> None:
    """Draw title, grid, ticks and what the axes mean."""
    problem, truth = study.truth.problem, study.truth
    seeds = max(len(curves) for curves in study.incumbents.values())
    limits = "".join(f", {c.text}" for c in problem.constraints)
    pen.text(28, 30, f"{problem.objectives[0].name} of {problem.simulator.workload.name}{limits}", 20)
    known = f"{len(truth.values):,} feasible of {truth.designs:,} designs" if truth.exact else "optimum not known"
    about = f"mean of {seeds} seeds, 95 % bootstrap band; {known}"
    pen.text(28, 57, about, 13, MUTED)
    for decade in range(axes.low, axes.high + 1):
        y = axes.y(decade)
        pen.line([(LEFT, y), (WIDTH - RIGHT, y)], LINE, 1)
        sign = "< " if decade == LEAST else ""
        pen.text(LEFT - 10, y, f"{sign}{100 * 10.0**decade:,g} %", 13, MUTED, "rm")
    for evaluation in _ticks(axes.budget):
        x = axes.x(evaluation)
        pen.line([(x, axes.y(axes.low)), (x, axes.y(axes.low) + 5)], LINE, 1)
        pen.text(x, HEIGHT - BOTTOM + 17, str(evaluation), 13, MUTED, "mm")
    pen.text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 20, "evaluated designs", 14, INK, "mm")
    beyond = "the optimum" if truth.exact else "the best found"
    pen.text(WIDTH - 24, TOP - 27, f"regret: beyond {beyond}", 13, MUTED, "rm")


def _ticks(budget: int) -> list[int]:
    """Choose 1, and four to eight round numbers after it."""
    step = next(s * 10**k for k in range(12) for s in (1, 2, 5) if budget / (s * 10**k) <= 8)
    return [1, *range(step, budget + 1, step)] if step > 1 else list(range(1, budget + 1))


def _draw_names(pen: Pen, axes: _Axes, bands: Mapping[str, Band], colors: Mapping[str, Color]) -> None:
    """Draw each agent's name and last mean where its curve ends, moved apart where curves end close together."""
    ends = {agent: axes.y(float(_decades(b.mean)[-1])) for agent, b in bands.items()}
    at = -math.inf
    placed: dict[str, float] = {}
    for agent in sorted(ends, key=ends.__getitem__):
        at = max(ends[agent], at + LEADING)
        placed[agent] = at
    above = max(0.0, at - (HEIGHT - BOTTOM + 8))
    for agent, y in placed.items():
        pen.text(WIDTH - RIGHT + 12, y - above, f"{agent}  {100 * bands[agent].mean[-1]:.2g} %", 14, colors[agent])

"""A study as a picture: mean regret over evaluations, with its confidence band, a colour per agent."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...durable import durable_file
from ...envs.viewers.canvas import AMBER, BLUE, GREEN, INK, LINE, MUTED, PAPER, RED, TEAL, Color, font
from ...errors import ChipgymError
from ...simulators.core.parameter import Column
from .study import Study
from .summary import Band

# Pixels of the picture; it is drawn at SCALE times that and reduced, which smooths its edges.
WIDTH, HEIGHT, SCALE = 960, 600, 3
LEFT, RIGHT, TOP, BOTTOM = 92, 150, 84, 66
COLORS: Sequence[Color] = (MUTED, AMBER, BLUE, RED, GREEN, TEAL)
BAND_ALPHA = 52
# Decades below which a mean regret is drawn as if it were there: a logarithmic axis has no zero.
LEAST, MOST = -3, 3
# Pixels between the names beside the curves.
LEADING = 22


def save_plot(study: Study, path: str | os.PathLike[str]) -> None:
    """Draws a study as a PNG file of 960 × 600 pixels.

    Raises:
        ChipgymError: where the file cannot be written.
    """
    place = Path(os.path.expanduser(path))
    data = io.BytesIO()
    draw_study(study).save(data, format="PNG", optimize=True)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(place, place.with_name(f"{place.name}.{os.getpid()}.partial")) as file:
            file.write(data.getvalue())
    except OSError as error:
        raise ChipgymError(f"plot: {place} cannot be written ({error.strerror or error})") from error


def draw_study(study: Study) -> Image.Image:
    """The picture."""
    bands = study.bands()
    axes = _Axes(bands, max(len(b.mean) for b in bands.values()))
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    colors = {agent: COLORS[i % len(COLORS)] for i, agent in enumerate(bands)}
    _draw_frame(ImageDraw.Draw(image), study, axes)
    for agent, band in bands.items():
        _draw_band(image, axes, band, colors[agent])
    pen = ImageDraw.Draw(image)
    for agent, band in bands.items():
        pen.line(axes.points(band.mean), fill=colors[agent], width=round(2.2 * SCALE), joint="curve")
    _draw_names(pen, axes, bands, colors)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


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
        return (LEFT + share * (WIDTH - LEFT - RIGHT)) * SCALE

    def y(self, decades: float) -> float:
        share = (min(max(decades, self.low), self.high) - self.low) / (self.high - self.low)
        return (HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)) * SCALE

    def points(self, curve: Column) -> list[tuple[float, float]]:
        return [(self.x(i), self.y(d)) for i, d in enumerate(_decades(curve).tolist(), 1)]


def _decades(regret: Column) -> Column:
    decades: Column = np.log10(np.maximum(regret, 10.0**LEAST))
    return decades


def _draw_frame(pen: ImageDraw.ImageDraw, study: Study, axes: _Axes) -> None:
    """Title, grid, ticks and what the axes mean."""
    problem, truth = study.truth.problem, study.truth
    seeds = max(len(curves) for curves in study.incumbents.values())
    limits = "".join(f", {c.text}" for c in problem.constraints)
    _text(pen, 28, 30, f"{problem.objectives[0].name} of {problem.simulator.workload.name}{limits}", 20)
    about = f"mean of {seeds} seeds, 95 % bootstrap band; {len(truth.values):,} feasible of {truth.designs:,} designs"
    _text(pen, 28, 57, about, 13, MUTED)
    for decade in range(axes.low, axes.high + 1):
        y = axes.y(decade)
        pen.line((LEFT * SCALE, y, (WIDTH - RIGHT) * SCALE, y), fill=LINE, width=SCALE)
        sign = "< " if decade == LEAST else ""
        _text(pen, LEFT - 10, y / SCALE, f"{sign}{100 * 10.0**decade:,g} %", 13, MUTED, "rm")
    for evaluation in _ticks(axes.budget):
        x = axes.x(evaluation)
        pen.line((x, axes.y(axes.low), x, axes.y(axes.low) + 5 * SCALE), fill=LINE, width=SCALE)
        _text(pen, x / SCALE, HEIGHT - BOTTOM + 17, str(evaluation), 13, MUTED, "mm")
    _text(pen, LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 20, "evaluated designs", 14, INK, "mm")
    _text(pen, WIDTH - 24, TOP - 27, "regret: beyond the optimum", 13, MUTED, "rm")


def _ticks(budget: int) -> list[int]:
    """1, and four to eight round numbers after it."""
    step = next(s * 10**k for k in range(12) for s in (1, 2, 5) if budget / (s * 10**k) <= 8)
    return [1, *range(step, budget + 1, step)] if step > 1 else list(range(1, budget + 1))


def _draw_band(image: Image.Image, axes: _Axes, band: Band, color: Color) -> None:
    """The area between low and high, through which others can be seen."""
    outline = [*axes.points(band.high), *reversed(axes.points(band.low))]
    mask = Image.new("L", image.size, 0)
    if len(band.mean) > 1:
        ImageDraw.Draw(mask).polygon(outline, fill=BAND_ALPHA)
    image.paste(color, (0, 0), mask)


def _draw_names(pen: ImageDraw.ImageDraw, axes: _Axes, bands: Mapping[str, Band], colors: Mapping[str, Color]) -> None:
    """Each agent's name and last mean where its curve ends, moved apart where curves end close together."""
    ends = {agent: axes.y(float(_decades(b.mean)[-1])) / SCALE for agent, b in bands.items()}
    at = -math.inf
    placed: dict[str, float] = {}
    for agent in sorted(ends, key=ends.__getitem__):
        at = max(ends[agent], at + LEADING)
        placed[agent] = at
    above = max(0.0, at - (HEIGHT - BOTTOM + 8))
    for agent, y in placed.items():
        _text(pen, WIDTH - RIGHT + 12, y - above, f"{agent}  {100 * bands[agent].mean[-1]:.2g} %", 14, colors[agent])


def _text(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, color: Color = INK, anchor: str = "lm"
) -> None:
    pen.text((x * SCALE, y * SCALE), text, font=font(size * SCALE), fill=color, anchor=anchor)

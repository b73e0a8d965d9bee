"""Any design as two tables: its parameters, each with its place in the grid, and its metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from .canvas import AMBER, BLUE, GREEN, INK, LINE, MUTED, RED, Canvas
from .text import number, plain
from .view import View

WIDTH, MOST_HEIGHT = 960, 1600
TOP, FOOT, LEADING = 104, 24, 26


def draw_generic(view: View) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw the picture, (H, W, 3), uint8; one size per problem, whatever the design, so that frames make a film."""
    rows = max(len(view.design), len(view.metric_units), 4)
    sheet = Canvas(WIDTH, min(TOP + 28 + rows * LEADING + FOOT, MOST_HEIGHT))
    draw_title(sheet, view)
    half = WIDTH // 2
    sheet.text(28, TOP, "design", 16, MUTED)
    sheet.text(half + 20, TOP, "metrics", 16, MUTED)
    sheet.line(half, TOP - 10, half, sheet.height - FOOT)
    most = (sheet.height - TOP - 28 - FOOT) // LEADING
    for i, (name, value) in enumerate(view.design.items()):
        y = TOP + 36 + i * LEADING
        if i == most - 1 and len(view.design) > most:
            sheet.text(28, y, f"… and {len(view.design) - i} more", 15, MUTED)
            break
        sheet.text(28, y, name, 15, room=180)
        sheet.text(326, y, f"{plain(value)} {view.design_units.get(name, '')}".strip(), 15, INK, "right", room=110)
        _place(sheet, 344, y, 112, *view.positions.get(name, (0, 1)))
    for i, (name, figure) in enumerate(view.metrics.items()):
        y = TOP + 36 + i * LEADING
        if i == most - 1 and len(view.metrics) > most:
            sheet.text(half + 20, y, f"… and {len(view.metrics) - i} more", 15, MUTED)
            break
        sheet.text(half + 20, y, name, 15, BLUE if name in view.objectives else INK, room=270)
        sheet.text(WIDTH - 28, y, number(figure, view.metric_units.get(name, "")), 15, INK, "right", room=150)
    if not view.metrics:
        sheet.text(half + 20, TOP + 36, "none: the design cannot be built", 15, RED)
    return sheet.array()


def draw_title(sheet: Canvas, view: View) -> None:
    """Draw simulator and workload at the left, the verdict at the right, and a rule below."""
    sheet.text(28, 34, f"{view.simulator} on {view.workload}", 24, room=sheet.width - 340)
    sheet.text(28, 66, f"minimise {', '.join(view.objectives)}", 15, MUTED, room=sheet.width - 340)
    reward = "default design" if view.reward is None else f"reward {view.reward:+.3f}"
    sheet.text(sheet.width - 28, 34, reward, 24, INK, "right")
    word = "feasible" if view.feasible else f"infeasible, violation {view.violation:.3g}"
    sheet.text(sheet.width - 28, 66, word, 15, GREEN if view.feasible else RED, "right")
    sheet.line(28, 84, sheet.width - 28, 84)


def _place(sheet: Canvas, x: float, y: float, w: float, index: int, size: int) -> None:
    """Draw a scale with a mark per grid value, and a dot at the one that the design takes."""
    sheet.line(x, y, x + w, y, LINE, 2)
    if size <= 1:
        sheet.dot(x + w / 2, y, 5, MUTED)
        return
    if size <= 24:
        for i in range(size):
            at = x + w * i / (size - 1)
            sheet.line(at, y - 3, at, y + 3, LINE)
    sheet.dot(x + w * index / (size - 1), y, 5, AMBER)

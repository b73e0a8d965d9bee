"""A memory controller: arbiter, the scheduler's buffer and how full it is, banks, and where time and energy go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .canvas import AMBER, BLUE, GREEN, GREY, INK, MUTED, PAPER, RED, TEAL, Canvas, Color, blend
from .generic import draw_title
from .text import number, plain
from .view import View

WIDTH, HEIGHT = 1080, 600
TOP, MACHINE_H = 108, 250
SLOTS = 128  # of the largest buffer on the grid, drawn in columns of SLOT_ROWS
SLOT_ROWS, SLOT = 16, 13
BUFFER_X, BANK_X, SIDE_X = 330, 560, 836
PANEL_Y = 400
ROWS: Mapping[str, Color] = {"row_hits": GREEN, "row_misses": AMBER, "row_conflicts": RED}
FIGURES = ("latency_s", "read_latency_s", "bandwidth_gbps", "energy_j", "power_w", "queue_occupancy")


def draw_memory(view: View) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw the picture, (H, W, 3), uint8. Metrics that a view lacks are left out."""
    sheet = Canvas(WIDTH, HEIGHT)
    draw_title(sheet, view)
    _draw_arbiter(sheet, view)
    _draw_buffer(sheet, view)
    _draw_banks(sheet, view)
    _draw_figures(sheet, view)
    _draw_panels(sheet, view)
    return sheet.array()


def _draw_arbiter(sheet: Canvas, view: View) -> None:
    middle = TOP + MACHINE_H / 2
    sheet.box(28, middle - 40, 96, 80, GREY, MUTED, 6)
    sheet.text(76, middle, "requestor", 15, INK, "middle")
    sheet.arrow(126, 168, middle - 14, BLUE, 4)
    sheet.arrow(168, 126, middle + 14, AMBER, 4)
    sheet.box(170, middle - 60, 112, 120, blend(PAPER, BLUE, 0.15), BLUE, 6)
    sheet.text(226, middle - 24, "arbiter", 13, BLUE, "middle")
    sheet.text(226, middle, _value(view, "arbiter"), 17, INK, "middle", room=104)
    if _value(view, "arbiter") != "simple":
        sheet.text(226, middle + 26, f"{_value(view, 'max_active_transactions')} in flight", 13, MUTED, "middle")
    sheet.arrow(284, BUFFER_X - 6, middle - 14, BLUE, 4)
    sheet.arrow(BUFFER_X - 6, 284, middle + 14, AMBER, 4)
    sheet.text((284 + BUFFER_X) / 2, middle + 36, f"{_value(view, 'resp_queue')}", 11, MUTED, "middle")


def _draw_buffer(sheet: Canvas, view: View) -> None:
    """Draw a slot for each entry of the buffer, up to the grid's largest; filled to its mean over time."""
    size = min(int(view.design.get("request_buffer_size", 0)), SLOTS)
    kind = _value(view, "scheduler_buffer")
    # A bankwise buffer's entries are per bank, and a read_write one's per direction: the mean is of all of them.
    filled = min(view.metrics.get("queue_occupancy", 0.0), float(size))
    columns = max(math.ceil(size / SLOT_ROWS), 1)
    left = BUFFER_X + (SLOTS // SLOT_ROWS - columns) * SLOT / 2
    sheet.text(BUFFER_X + 52, TOP + 2, f"{kind} buffer", 13, TEAL, "middle", room=150)
    for i in range(size):
        x, y = left + i // SLOT_ROWS * SLOT, TOP + 18 + i % SLOT_ROWS * SLOT
        share = min(max(filled - i, 0.0), 1.0)
        sheet.box(x, y, SLOT - 2, SLOT - 2, blend(PAPER, TEAL, share), TEAL)
    sheet.text(BUFFER_X + 52, TOP + MACHINE_H - 10, f"{_value(view, 'scheduler')}, {size}", 14, INK, "middle", room=150)
    sheet.arrow(BUFFER_X + 112, BANK_X - 8, TOP + MACHINE_H / 2, BLUE, 4)


def _draw_banks(sheet: Canvas, view: View) -> None:
    """Draw banks as bars in the colours of their requests' luck: hits, misses, conflicts."""
    counts = {name: view.metrics.get(name, 0.0) for name in ROWS}
    total = sum(counts.values())
    for i in range(8):
        x, y = BANK_X + i * 30, TOP + 18
        height = MACHINE_H - 60
        sheet.box(x, y, 24, height, GREY, None)
        at: float = y + height
        for name, color in ROWS.items():
            part = height * counts[name] / total if total else 0.0
            at -= part
            sheet.box(x, at, 24, part, color, None)
        sheet.box(x, y, 24, height, None, INK)
    middle = BANK_X + 117
    refresh = _value(view, "refresh_policy")
    if refresh == "all_bank":
        refresh += f" -{_value(view, 'refresh_max_pulledin')}/+{_value(view, 'refresh_max_postponed')}"
    sheet.text(middle, TOP + 2, "banks", 13, MUTED, "middle")
    sheet.text(middle, TOP + MACHINE_H - 28, f"{_value(view, 'page_policy')} pages", 15, INK, "middle", room=240)
    sheet.text(middle, TOP + MACHINE_H - 8, refresh.replace("_", " "), 13, MUTED, "middle", room=240)


def _draw_figures(sheet: Canvas, view: View) -> None:
    y: float = TOP + 8
    for name in FIGURES:
        if name in view.metrics:
            sheet.text(SIDE_X, y, name, 13, MUTED, room=130)
            unit = "" if name == "queue_occupancy" else view.metric_units.get(name, "")
            sheet.text(WIDTH - 28, y, number(view.metrics[name], unit), 16, INK, "right")
            y += 30


def _draw_panels(sheet: Canvas, view: View) -> None:
    """Draw requests by luck, read latencies, energy by component, each to the scale of its largest."""
    sheet.line(28, PANEL_Y - 16, WIDTH - 28, PANEL_Y - 16)
    m = view.metrics
    latencies = {q: m[f"read_latency_{q}_s"] for q in ("p50", "p95", "p99") if f"read_latency_{q}_s" in m}
    energy = {k.removesuffix("_energy_j"): m[k] for k in m if k.endswith("_energy_j")}
    luck = {name.removeprefix("row_"): m[name] for name in ROWS if name in m}
    colors = dict(zip(luck, ROWS.values(), strict=False))
    panels = (("requests", "", luck), ("read latency", "s", latencies), ("energy", "J", energy))
    each = (WIDTH - 56 + 32) / 3
    for i, (title, unit, parts) in enumerate(panels):
        x, w = 28 + i * each, each - 32
        sheet.text(x, PANEL_Y + 4, title, 14, MUTED)
        most = max([*parts.values(), 1e-300])
        for j, (name, value) in enumerate(parts.items()):
            y = PANEL_Y + 30 + j * 26
            sheet.text(x, y, name, 13, INK, room=86)
            sheet.box(x + 92, y - 7, max((w - 184) * max(value, 0.0) / most, 1.0), 14, colors.get(name, BLUE), None)
            sheet.text(x + w, y, number(value, unit), 13, INK, "right")


def _value(view: View, name: str) -> str:
    return plain(view.design[name]) if name in view.design else ""

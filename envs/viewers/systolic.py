"""A systolic accelerator to scale: DRAM, the three SRAMs, the array of processing elements, and where the words go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .canvas import AMBER, BLUE, GREY, INK, LINE, MUTED, PAPER, RED, TEAL, Canvas, Color, blend
from .generic import draw_title
from .text import number, plain
from .view import View

WIDTH, HEIGHT = 1080, 640

# Operand, its SRAM's parameter, its traffic at DRAM and at the SRAM, whether it flows back, its colour.
OPERANDS: tuple[tuple[str, str, str, str, bool, Color], ...] = (
    ("ifmap", "ifmap_sram_kb", "dram_ifmap_reads", "sram_ifmap_reads", False, BLUE),
    ("filter", "filter_sram_kb", "dram_filter_reads", "sram_filter_reads", False, TEAL),
    ("ofmap", "ofmap_sram_kb", "dram_ofmap_writes", "sram_ofmap_writes", True, AMBER),
)
DATAFLOWS = {"os": "output stationary", "ws": "weight stationary", "is": "input stationary"}
FIGURES = ("latency_s", "cycles", "energy_j", "power_w", "area_mm2")

DRAM_X, DRAM_W = 28, 104
SRAM_X, SRAM_MOST = 252, 104
ARRAY_X, ARRAY_MOST = 504, 300
TOP, MACHINE_H = 104, 360
PANEL_Y, PANEL_H = 492, 124
SIDE_X = 836


def draw_systolic(view: View) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw the picture, (H, W, 3), uint8. Metrics that an infeasible design lacks are left out."""
    sheet = Canvas(WIDTH, HEIGHT)
    draw_title(sheet, view)
    _draw_dram(sheet, view)
    _draw_srams(sheet, view)
    _draw_array(sheet, view)
    _draw_figures(sheet, view)
    _draw_bars(sheet, view)
    return sheet.array()


def _draw_dram(sheet: Canvas, view: View) -> None:
    sheet.box(DRAM_X, TOP, DRAM_W, MACHINE_H, GREY, MUTED, 6)
    middle = DRAM_X + DRAM_W / 2
    sheet.text(middle, TOP + 150, "DRAM", 20, INK, "middle")
    bandwidth = view.design.get("dram_bandwidth")
    if bandwidth is not None:
        sheet.text(middle, TOP + 182, plain(bandwidth), 18, INK, "middle", room=DRAM_W - 8)
        sheet.text(middle, TOP + 202, "words/cycle", 12, MUTED, "middle")


def _draw_srams(sheet: Canvas, view: View) -> None:
    """Draw boxes whose area is their capacity on a scale that fits the largest; arrows as wide as their traffic."""
    busiest = max([view.metrics.get(key, 0.0) for o in OPERANDS for key in (o[2], o[3])] + [1.0])
    lane = MACHINE_H / len(OPERANDS)
    for i, (name, knob, outer, inner, back, color) in enumerate(OPERANDS):
        y = TOP + lane * (i + 0.5)
        side = _sram_side(float(view.design.get(knob, 0)))
        x = SRAM_X + (SRAM_MOST - side) / 2
        sheet.box(x, y - side / 2, side, side, blend(PAPER, color, 0.25), color, 4)
        sheet.text(SRAM_X + SRAM_MOST / 2, y - side / 2 - 9, name, 13, color, "middle")
        label = f"{plain(view.design[knob])} KB" if knob in view.design else ""
        inside = sheet.length(label, 14) < side - 8
        below = y + side / 2 + 9
        sheet.text(SRAM_X + SRAM_MOST / 2, y if inside else below, label, 14 if inside else 13, INK, "middle")
        ports = ((outer, DRAM_X + DRAM_W + 2, x - 4), (inner, x + side + 4, ARRAY_X - 16))
        for key, left, right in ports:
            words = view.metrics.get(key)
            width = 1 if words is None else 2 + round(6 * math.log1p(words) / math.log1p(busiest))
            start, end = (right, left) if back else (left, right)
            sheet.arrow(start, end, y, LINE if words is None else color, width)
            if words is not None:
                at = (DRAM_X + DRAM_W + SRAM_X) / 2 if key == outer else (SRAM_X + SRAM_MOST + ARRAY_X) / 2
                sheet.text(at, y - 16, number(words), 14, INK, "middle")
                sheet.text(at, y + 16, "words", 11, MUTED, "middle")


def _sram_side(kb: float) -> float:
    """Return the side of an SRAM's box in pixels: every doubling of capacity from 1 KB adds the same, up to 16 MB."""
    return 20 + (SRAM_MOST - 30) * min(math.log2(1 + max(kb, 0.0)) / 14, 1.0)


def _draw_array(sheet: Canvas, view: View) -> None:
    rows, cols = int(view.design.get("rows", 1)), int(view.design.get("cols", 1))
    arrays = int(view.design.get("num_arrays", 1))
    width, height = _array_size(rows, cols)
    x, y = ARRAY_X + (ARRAY_MOST - width) / 2, TOP + (MACHINE_H - 44 - height) / 2 + 4
    # The bus that the SRAMs feed, and its way into the array.
    level = y + height / 2
    sheet.line(ARRAY_X - 10, level, x, level, MUTED, 2)
    sheet.box(ARRAY_X - 14, TOP + MACHINE_H / 6 - 12, 6, MACHINE_H * 2 / 3 + 24, MUTED, None, 2)
    for behind in range(min(arrays, 4) - 1, 0, -1):
        sheet.box(x + 6 * behind, y - 6 * behind, width, height, GREY, MUTED)
    mapped, busy = view.metrics.get("mapping_efficiency"), view.metrics.get("utilization")
    _draw_cells(sheet, x, y, width, height, rows, cols, mapped, busy)
    middle, below = ARRAY_X + ARRAY_MOST / 2, TOP + MACHINE_H - 30
    flow = DATAFLOWS.get(str(view.design.get("dataflow")), str(view.design.get("dataflow", "")))
    count = f"{arrays} arrays of " if arrays > 1 else ""
    sheet.text(middle, below, f"{count}{rows} x {cols} PEs, {flow}", 16, INK, "middle", room=ARRAY_MOST + 60)
    facts = [f"{word} {value:.0%}" for word, value in (("mapped", mapped), ("utilized", busy)) if value is not None]
    sheet.text(middle, below + 22, ", ".join(facts), 14, MUTED, "middle")


def _array_size(rows: int, cols: int) -> tuple[float, float]:
    """Return the array's pixels: sides in proportion, the longer one growing with every doubling from 4 to 256."""
    longest = max(rows, cols)
    size = 84 + (ARRAY_MOST - 84) * min(max(math.log2(longest / 4), 0.0) / 6, 1.0)
    return max(size * cols / longest, 6.0), max(size * rows / longest, 6.0)


def _draw_cells(
    sheet: Canvas,
    x: float,
    y: float,
    w: float,
    h: float,
    rows: int,
    cols: int,
    mapped: float | None,
    busy: float | None,
) -> None:
    """Draw the share of processing elements that hold work, in the colour of how busy they are; the rest grey."""
    sheet.box(x, y, w, h, GREY, None)
    share = min(mapped or 0.0, 1.0)
    # The share of mapped elements as a corner block of the same proportions: the square root on either side.
    held = math.sqrt(share)
    sheet.box(x, y, w * held, h * held, blend(blend(PAPER, BLUE, 0.25), BLUE, busy or 0.0), None)
    pitch = w / cols
    # Lines closer than 4 pixels would be a grey blur: draw every second, fourth, … then.
    step = 1
    while pitch * step < 4:
        step *= 2
    for j in range(step, cols, step):
        sheet.line(x + pitch * j, y, x + pitch * j, y + h - 1, PAPER)
    for i in range(step, rows, step):
        sheet.line(x, y + h / rows * i, x + w - 1, y + h / rows * i, PAPER)
    sheet.box(x, y, w, h, None, INK)


def _draw_figures(sheet: Canvas, view: View) -> None:
    """Draw what the design costs, and the parameters that the picture does not show."""
    y: float = TOP + 8
    for name in FIGURES:
        if name in view.metrics:
            sheet.text(SIDE_X, y, name, 13, MUTED)
            sheet.text(WIDTH - 28, y, number(view.metrics[name], view.metric_units.get(name, "")), 17, INK, "right")
            y += 28
    if not any(name in view.metrics for name in FIGURES):
        sheet.text(SIDE_X, y, "cannot be built or run", 15, RED)
        y += 28
    shown = {"rows", "cols", "num_arrays", "dataflow", "dram_bandwidth", *(o[1] for o in OPERANDS)}
    rest = [(k, v) for k, v in view.design.items() if k not in shown]
    room = int((TOP + MACHINE_H - y - 12) // 22)
    y += 12
    for name, value in rest[:room]:
        sheet.text(SIDE_X, y, name, 13, MUTED, room=130)
        sheet.text(WIDTH - 28, y, f"{plain(value)} {view.design_units.get(name, '')}".strip(), 14, INK, "right")
        y += 22


def _draw_bars(sheet: Canvas, view: View) -> None:
    """Draw where the cycles, the words and, where the simulator says so, the joules go."""
    sheet.line(28, PANEL_Y - 14, WIDTH - 28, PANEL_Y - 14)
    m = view.metrics
    traffic = {}
    for level in ("DRAM", "SRAM"):
        words = [v for k, v in m.items() if k.startswith(f"{level.lower()}_") and k.endswith(("_reads", "_writes"))]
        if words:
            traffic[level] = sum(words)
    stall = m.get("stall_cycles")
    cycles = {"compute": m["cycles"] - stall, "stall": stall} if stall is not None and "cycles" in m else {}
    spent = [k for k in m if k.endswith("_energy_j")][:5]
    energy = {k.removesuffix("_energy_j"): m[k] for k in spent}
    panels = [p for p in (("cycles", "", cycles), ("words moved", "", traffic), ("energy", "J", energy)) if p[2]]
    each = (WIDTH - 56 + 32) / max(len(panels), 1)
    for i, (title, unit, parts) in enumerate(panels):
        _draw_panel(sheet, 28 + i * each, each - 32, title, unit, parts)


def _draw_panel(sheet: Canvas, x: float, w: float, title: str, unit: str, parts: Mapping[str, float]) -> None:
    """Draw a bar per part, to the scale of the largest."""
    sheet.text(x, PANEL_Y + 4, title, 14, MUTED)
    most = max([*parts.values(), 1e-300])
    label, figure = 84, 84
    for i, (name, value) in enumerate(parts.items()):
        y = PANEL_Y + 28 + i * 22
        sheet.text(x, y, name, 13, INK, room=label - 6)
        length = (w - label - figure) * max(value, 0.0) / most
        sheet.box(x + label, y - 7, max(length, 1.0), 14, (BLUE, RED)[name == "stall"], None)
        sheet.text(x + w, y, number(value, unit), 13, INK, "right")

"""Any design as text, and numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

from .view import View

_PREFIXES = tuple(zip((1e12, 1e9, 1e6, 1e3, 1, 1e-3, 1e-6, 1e-9, 1e-12), "TGMk munp", strict=True))
# Units that take a prefix; an area or a fraction is written as it is.
_SCALED = ("s", "J", "W", "B", "Hz", "B/s", "words", "cycles")


def number(value: float, unit: str = "") -> str:
    """Write a number in four figures, with a prefix on units that take one: `1.234 ms`; large counts as `12.3 M`."""
    if not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    if value and (unit in _SCALED or (not unit and abs(value) >= 1e4)):
        size, prefix = next(((s, p) for s, p in _PREFIXES if abs(value) >= s), _PREFIXES[-1])
        return f"{value / size:.4g} {prefix.strip()}{unit}".strip()
    return f"{value:.4g} {unit}".strip()


def plain(value: Any) -> str:
    """Write a parameter's value as it would be typed."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def text_view(view: View) -> str:
    """Write title, design and metrics, one fact per line."""
    design = {k: f"{plain(v)} {view.design_units.get(k, '')}".strip() for k, v in view.design.items()}
    metrics = {k: number(v, view.metric_units.get(k, "")) for k, v in view.metrics.items()}
    width = max((len(k) for k in (*design, *metrics)), default=0)
    lines = [f"{view.simulator} on {view.workload} ({', '.join(view.objectives)}): {view.verdict}", "design"]
    lines += [f"  {k:<{width}}  {v}" for k, v in design.items()]
    lines += ["metrics", *(f"  {k:<{width}}  {v}" for k, v in metrics.items())]
    return "\n".join(lines) + "\n"

"""Why a design costs what it does: limits, bottlenecks, the parts of the workload, and the roofline, as JSON data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..jsonable import plain
from ..search import EvaluatedDesign
from ..simulators import Breakdown, Problem, Remedy, Roofline, Simulator, SuiteSimulator
from .answers import answer, design_data
from .session import Session

# How simulators break one design down, and what its parts are called; the first that a simulator has.
BREAKDOWNS = {"layers": "evaluate_layers", "loops": "evaluate_loops"}
# What parts are ordered by: the first that a breakdown has.
COSTS = ("latency_s", "cycles", "energy_j")


def explained(session: Session, number: int, top: int) -> dict[str, Any]:
    """Explain an evaluation.

    Args:
        session: that has it.
        number: of the evaluation.
        top: parts of the workload to tell of, those that cost most first.

    Raises:
        ChipgymError: as the simulator's own breakdown does.
    """
    problem, found = session.problem, session.result.table.row(number)
    space = problem.space
    inactive = [p.name for p in space.parameters if p.condition and not p.condition.holds(found.design)]
    out = {**design_data(session, found), "inactive_knobs": inactive}
    if not found.reason:
        about = {"bottlenecks": bottlenecks(problem, found)[:top], **parts(problem.simulator, found, top)}
        out |= _short(plain(about))
    return answer(session, out)


def bottlenecks(problem: Problem, found: EvaluatedDesign) -> list[dict[str, Any]]:
    """Return what binds a design in its problem, heaviest first, and the knobs that loosen each."""
    out = []
    for b in problem.bottlenecks(found.design):
        remedies = [_remedy(problem, remedy, found.design) for remedy in b.remedies]
        out.append({**b.to_json(), "remedies": remedies, "text": str(b)})
    return out


def _remedy(problem: Problem, remedy: Remedy, design: Mapping[str, Any]) -> dict[str, Any]:
    """Return a remedy with what the knob is now and what the grid has next; no next where it is at the end."""
    p = problem.space[remedy.knob]
    now = design[remedy.knob]
    ahead: list[Any] = list(remedy.values)
    if remedy.change == "raise":
        ahead = [value for value in p.values if value > now]
    elif remedy.change == "lower":
        ahead = [value for value in reversed(p.values) if value < now]
    ahead = [value for value in ahead if value in p.values and value != now]
    about = {"knob": p.name, "change": remedy.change, "why": remedy.why, "now": now, "unit": p.unit}
    return {**about, "next": ahead[0] if ahead else None, "strength": remedy.strength}


def _short(value: Any) -> Any:
    """Round numbers in JSON data to six digits, which say as much to a reader in half the room."""
    if isinstance(value, Mapping):
        return {name: _short(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_short(entry) for entry in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def parts(simulator: Simulator, found: EvaluatedDesign, top: int) -> dict[str, Any]:
    """Return a feasible design's parts that cost most, and its roofline; why there are none where there are none."""
    kind = next((kind for kind, name in BREAKDOWNS.items() if hasattr(simulator, name)), None)
    if kind is None:
        why = f"the {simulator.name} simulator does not tell the parts of a workload apart"
        if isinstance(simulator, SuiteSimulator):
            why = "there are several workloads; a problem on one of them has its parts"
        return {"parts": None, "missing": why}
    if "feasible" in found.metrics or not found.metrics:
        return {"parts": None, "missing": "a design that cannot be built has no parts that cost anything"}
    table: Breakdown = getattr(simulator, BREAKDOWNS[kind])(found.design)
    roofline: Roofline | None = simulator.roofline(found.design) if hasattr(simulator, "roofline") else None
    return {"parts": _top_parts(kind, table, top), "roofline": _roofline(roofline, top)}


def _top_parts(kind: str, table: Breakdown, top: int) -> dict[str, Any]:
    cost = next(name for name in COSTS if name in table.metrics)
    costs = np.nan_to_num(table[cost])
    order = np.argsort(-costs, kind="stable")[:top]
    # A loop's cycles have those of the loops inside it in them.
    whole = costs.max(initial=0.0) if kind == "loops" else costs.sum()
    rows = [
        {
            "name": table.names[i],
            "kind": table.kinds[i],
            f"share_of_{cost}": float(costs[i] / whole) if whole > 0 else None,
            **{name: value for name, value in table.metrics.row(i).items() if value and value == value},
        }
        for i in order.tolist()
    ]
    shown = float(costs[order].sum() / whole) if whole > 0 and kind != "loops" else None
    return {
        "of": kind,
        "total": len(table),
        "shown": len(rows),
        "share_shown": shown,
        "rows": rows,
        "units": table.metrics.units,
    }


def _roofline(roofline: Roofline | None, top: int) -> dict[str, Any] | None:
    """Return both ceilings, and which of them each of the longest parts is under."""
    if roofline is None or not len(roofline):
        return None
    intensity, throughput = roofline.intensity, roofline.throughput
    ceiling = roofline.ceiling(intensity)
    memory = intensity < roofline.ridge
    whole = roofline.latency_s.sum()
    order = np.argsort(-roofline.latency_s, kind="stable")[:top]
    rows = [
        {
            "name": roofline.names[i],
            "macs_per_byte": float(intensity[i]),
            "macs_per_s": float(throughput[i]),
            "share_of_ceiling": float(throughput[i] / ceiling[i]),
            "bound_by": "memory" if memory[i] else "compute",
        }
        for i in order.tolist()
    ]
    bandwidth = np.broadcast_to(roofline.bandwidth_bytes_per_s, len(roofline))
    out: dict[str, Any] = plain(
        {
            "peak_macs_per_s": roofline.peak_macs_per_s,
            "bandwidth_bytes_per_s": float(bandwidth[0])
            if len(set(bandwidth.tolist())) == 1
            else "of each part's memory",
            "share_of_time_below_the_memory_ceiling": float(roofline.latency_s[memory].sum() / whole)
            if whole
            else None,
            "mean_share_of_peak": float(roofline.macs.sum() / whole / roofline.peak_macs_per_s) if whole else None,
            "parts": rows,
        }
    )
    return out

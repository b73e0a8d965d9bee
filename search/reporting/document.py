"""Everything that a report shows, as JSON data: the page only draws it."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import __version__
from ...jsonable import plain
from ...simulators import Indices, Problem
from ...simulators.core.metrics import row_dict
from ...simulators.core.parameter import Column
from ..ranking import best_number
from . import reproduce
from .front import candidates, knee, spread
from .history import REFERENCE, best_so_far, hypervolume_curve
from .importance import permutation_importance
from .layers import layer_tables
from .parallel import parallel_lines
from .runs import Runs
from .sections import layer_section
from .wording import plain_name, prefix, quantity_of, quantity_unit, rounded, titled, unit_text

# Designs that are drawn beside those to choose from: enough to see where a search looked.
OTHERS = 1500
BROKEN = 300
# The largest value over the least from which a linear axis would show the largest alone.
LOG_FROM = 10

Document = dict[str, Any]


def document(runs: Runs, workloads: Sequence[str]) -> Document:
    """Build the whole report.

    Args:
        runs: what it is about.
        workloads: where their workload is; empty where the runs say it, or its own name does.

    Raises:
        ChipgymError: see `reproduce.rebuilt`.
    """
    first = runs.results[0]
    problems = [reproduce.rebuilt(result, workloads) for result in runs.results]
    known = next((p for p in problems if isinstance(p, Problem)), problems[0])
    problem = known if isinstance(known, Problem) else None
    if isinstance(known, str):  # the page says so too, but who writes it can still do something about it
        warnings.warn(f"the report has no layers and no roofline: {known}", stacklevel=3)
    places = reproduce.places(first, problem, workloads)
    rng = np.random.default_rng(0)
    out: Document = {
        "title": f"{first.identity['simulator']} running {first.identity['workload']}",
        "objectives": list(first.table.objective_names),
        "constraints": list(first.identity["constraints"]),
        "evaluations": len(runs.pool),
        "feasible": int((runs.pool.violation <= 0).sum()),
        "knobs": _knobs(runs, problem),
        "runs": [
            {
                "label": label,
                "agent": result.agent,
                "seed": str(result.seed),
                "evaluations": result.evaluations,
                "feasible": int((result.table.violation <= 0).sum()),
                "store": result.store,
                "started": result.provenance.started_at,
                "command": reproduce.command(result, problem, places),
                "versions": dict(result.provenance.versions),
            }
            for label, result in zip(runs.labels, runs.results, strict=True)
        ],
        "written_with": {"chipgym": __version__, "python": platform.python_version()},
        "simulator_version": first.identity["version"],
        "workload_digest": first.identity["workload_digest"],
        "simulate": reproduce.simulate_command(first, problem, places),
    }
    good = runs.pool.feasible
    if not len(good):
        return out | {"nearest": _nearest(runs, problem)}
    chosen = good[candidates(runs.pool.objectives[good])]
    others = np.setdiff1d(good, chosen)
    others = np.sort(rng.permutation(others)[:OTHERS])
    axes = _axes(runs, good)
    picks = _picks(runs, chosen)
    return out | {
        "axes": [{"name": a.name, "title": a.title, "unit": a.unit, "log": a.log, "varies": a.varies} for a in axes],
        **_points(runs, axes, chosen, others, _broken(runs, rng)),
        "picks": picks,
        "history": _history(runs, axes, chosen),
        "parallel": parallel_lines(runs, chosen, others, [a.title for a in axes[: runs.pool.objectives.shape[1]]]),
        "importance": _importance(runs, good, rng),
        "layers": _layers(runs, known, chosen, picks),
    }


class _Axis:
    """A quantity that charts may show: its values in a readable unit."""

    def __init__(self, name: str, label: str, unit: str, values: Column, good: Indices) -> None:
        self.name = name
        self.factor, self.unit = prefix(values[good], unit)
        self.title = titled(label, self.unit)
        self.values = values * self.factor
        known = values[np.isfinite(values)]
        self.varies = bool(len(known)) and bool(np.ptp(known) > 0)
        self.log = self.varies and bool(known.min() > 0) and bool(known.max() >= LOG_FROM * known.min())


def _axes(runs: Runs, good: Indices) -> list[_Axis]:
    """List the objectives first, then the metrics that none of them is."""
    table, pool = runs.results[0].table, runs.pool
    texts = runs.results[0].identity["objectives"]
    out = []
    alone = set()
    for j, (name, text) in enumerate(zip(table.objective_names, texts, strict=True)):
        quantity = quantity_of(text, table.units)
        unit = quantity_unit(quantity, table.units)
        if quantity is not None and quantity.text in table.units:
            alone.add(quantity.text)
            unit = table.units[quantity.text]
        label = plain_name(name, table.units.get(name, ""))
        out.append(_Axis(name, label, unit, pool.objectives[:, j], good))
    for name, values in pool.metrics.items():
        if name not in alone:
            unit = table.units.get(name, "")
            out.append(_Axis(name, plain_name(name, unit), unit, values, good))
    return out


def _knobs(runs: Runs, problem: Problem | None) -> list[Document]:
    about = {p.name: p for p in problem.space.parameters} if problem else {}
    return [
        {
            "name": name,
            "unit": unit_text(about[name].unit) if name in about else "",
            "about": about[name].doc if name in about else "",
        }
        for name in runs.pool.designs
    ]


def _points(runs: Runs, axes: Sequence[_Axis], chosen: Indices, others: Indices, broken: Indices) -> Document:
    """Return columns of the designs drawn: those to choose from, other feasible ones, those that break a constraint."""
    pool = runs.pool
    drawn = np.concatenate([chosen, others, broken])
    return {
        "points": {
            "columns": [rounded(a.values[drawn]) for a in axes],
            "run": pool.run[drawn].tolist(),
            "number": (pool.number[drawn] + 1).tolist(),
        },
        "counts": {"chosen": len(chosen), "others": len(others), "broken": len(broken)},
        "designs": [plain([*row_dict(pool.designs, int(i)).values()]) for i in chosen],
    }


def _broken(runs: Runs, rng: np.random.Generator) -> Indices:
    """Choose a part of the designs that can be built and break a constraint, whose metrics are therefore known."""
    pool = runs.pool
    known = np.flatnonzero((pool.violation > 0) & np.isfinite(pool.objectives).all(axis=1))
    return np.sort(rng.permutation(known)[:BROKEN])


def _picks(runs: Runs, chosen: Indices) -> list[Document]:
    """List designs that have a name, by their place among those to choose from; a report begins with the first."""
    objectives = runs.pool.objectives[chosen]
    table = runs.results[0].table
    if objectives.shape[1] == 1:
        return [{"text": f"least {table.objective_names[0]}", "place": 0}]
    middle = {"text": "knee: nearest to the least of every objective", "place": knee(objectives)}
    least = [
        {"text": f"least {plain_name(name, table.units.get(name, ''))}", "place": int(np.argmin(objectives[:, j]))}
        for j, name in enumerate(table.objective_names)
    ]
    return [middle, *least]


def _history(runs: Runs, axes: Sequence[_Axis], chosen: Indices) -> Document:
    front = runs.pool.objectives[chosen]
    several = front.shape[1] > 1
    curves: list[list[Document]] = []
    shares = []
    for result in runs.results:
        table = result.table
        feasible = table.violation <= 0
        mine = []
        for j in range(front.shape[1]):
            at, least = best_so_far(table.objectives[:, j], feasible)
            mine.append({"at": at.tolist(), "least": rounded(least * axes[j].factor)})
        curves.append(mine)
        if several:
            at, share = hypervolume_curve(table.objectives, feasible, front)
            shares.append({"at": at.tolist(), "share": rounded(100 * share)})
    return {"curves": curves, "shares": shares, "reference": REFERENCE}


def _importance(runs: Runs, good: Indices, rng: np.random.Generator) -> list[Document | None]:
    """Measure importance for each objective, None where there is too little to learn from."""
    pool, names = runs.pool, tuple(runs.pool.designs)
    grids = runs.results[0].identity["space"]
    places = [_grid_positions(pool.designs[name][good], grids[name]) for name in names]
    positions = np.stack(places, axis=1)
    out: list[Document | None] = []
    for j in range(pool.objectives.shape[1]):
        found = permutation_importance(positions, names, pool.objectives[good, j], rng)
        out.append(
            None
            if found is None
            else {
                "knobs": list(found.knobs),
                "drop": rounded(found.drop),
                "spread": rounded(found.spread),
                "r2": rounded(np.array([found.r2]))[0],
                "designs": found.designs,
            }
        )
    return out


def _grid_positions(values: Column, grid: Sequence[Any]) -> Indices:
    """Return the places of values on their knob's grid, which is in the order that the knob has; (n,)."""
    place = {_grid_key(v): i for i, v in enumerate(grid)}
    return np.array([place[_grid_key(v)] for v in values.tolist()], dtype=np.int64)


def _grid_key(value: Any) -> Any:
    """Make a whole number and the float that equals it one value."""
    return value if isinstance(value, str) else float(value)


def _layers(runs: Runs, known: Problem | str, chosen: Indices, picks: Sequence[Mapping[str, Any]]) -> Document:
    simulator = known.simulator if isinstance(known, Problem) else known
    named = dict.fromkeys(int(p["place"]) for p in picks)
    order = list(dict.fromkeys([*named, *_outside_in(len(chosen))]))
    designs = {place: row_dict(runs.pool.designs, int(chosen[place])) for place in order}
    return layer_section(layer_tables(simulator, designs))


def _outside_in(n: int) -> list[int]:
    """Order n places so that any first part of them is spread over all."""
    out: dict[int, None] = {}
    most = 2
    while len(out) < n:
        out |= dict.fromkeys(spread(n, most))
        most = min(2 * most, n) if most < n else n
    return list(out)


def _nearest(runs: Runs, problem: Problem | None) -> Document:
    """Find the design that misses by the least, where none is feasible, and what it breaks."""
    pool = runs.pool
    at = best_number(pool.objectives, pool.violation, np.zeros(len(pool)))
    design = row_dict(pool.designs, at)
    reason = runs.results[int(pool.run[at])].table.reasons.get(int(pool.number[at]))
    broken = problem.broken_limits(design) if problem and reason is None else ()
    return {
        "design": plain([*design.values()]),
        "violation": rounded(pool.violation[at : at + 1])[0],
        "limits": [str(limit) for limit in broken] if reason is None else [reason],
        "run": int(pool.run[at]),
        "number": int(pool.number[at]) + 1,
    }

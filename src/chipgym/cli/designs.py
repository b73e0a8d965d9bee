"""The designs that a search found, as a table on the screen and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..durable import durable_file, writing
from . import output

if TYPE_CHECKING:
    from ..search import EvaluatedDesign, SearchResult
    from ..simulators import DesignSpace, Problem, Value

# Designs of a front that the screen shows; the file has all.
SHOWN = 20
# How a text begins that spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Inactive knobs that are all named; of more the first and the last.
NAMED = 6


def found_designs(result: SearchResult) -> Sequence[EvaluatedDesign]:
    """Return the Pareto-optimal designs, or the nearest miss where nothing is feasible."""
    return result.pareto or (result.best,)


def design_columns(problem: Problem) -> list[str]:
    """List the metrics that objectives and constraints are about, in the simulator's order."""
    named = {name for o in problem.objectives for name in o.quantity.names}
    named |= {name for c in problem.constraints for name in c.quantity.names}
    return [m.name for m in problem.simulator.metrics if m.name in named]


def print_designs(result: SearchResult, problem: Problem) -> None:
    """Print the designs found: knobs, and the metrics that objectives and constraints are about."""
    designs = found_designs(result)
    metrics = design_columns(problem)
    products = [(i, o.name) for i, o in enumerate(problem.objectives) if not o.quantity.single]
    if len(designs) == 1:
        _print_one(designs[0], problem, metrics, products)
        return
    knobs = list(designs[0].design)
    same = [k for k in knobs if len({d.design[k] for d in designs}) == 1]
    differing = [k for k in knobs if k not in same]
    points = list({d.objectives: d for d in reversed(designs)}.values())[::-1]  # the first of those that are equal
    shown = _spread(points)
    rows: list[list[object]] = [
        [
            *(d.design[k] for k in differing),
            *(d.metrics.get(m) for m in metrics),
            *(d.objectives[i] for i, _ in products),
        ]
        for d in shown
    ]
    output.table([*differing, *metrics, *(name for _, name in products)], rows, "Pareto-optimal designs")
    if same:
        output.line("the same in all of them: " + ", ".join(f"{k}={output.text(designs[0].design[k])}" for k in same))
    if len(points) < len(designs):
        output.line(f"{len(designs) - len(points)} more are equal to one of these in every objective")
    if len(shown) < len(points):
        output.line(f"{len(shown)} of {len(points)} shown, spread along {problem.objectives[0].name}")


def _print_one(
    found: EvaluatedDesign, problem: Problem, metrics: Sequence[str], products: Sequence[tuple[int, str]]
) -> None:
    """Print one design, a line for each knob and metric."""
    units = {p.name: p.unit for p in problem.space.parameters} | {m.name: m.unit for m in problem.simulator.metrics}
    active, inactive = tell_active(problem.space, found.design)
    rows: list[list[object]] = [[name, found.design[name], units[name]] for name in active]
    rows += [[name, found.metrics.get(name), units[name]] for name in metrics]
    rows += [[name, found.objectives[i], problem.objectives[i].unit] for i, name in products]
    title = "best design"
    if not found.feasible:
        # What raised once is not asked again.
        why = output.why(() if found.reason else problem.broken_limits(found.design), found.reason)
        title = f"no feasible design; the nearest miss has violation {found.violation:.3g}{why}"
    output.table(("", "value", "unit"), rows, title)
    for line in inactive:
        output.line(line)


def tell_active(space: DesignSpace, design: Mapping[str, Value]) -> tuple[list[str], list[str]]:
    """Return the knobs of a complete design that change anything, and a line about the others for each condition."""
    inactive: dict[str, list[str]] = {}
    for p in space.parameters:
        if p.condition and not p.condition.holds(design):
            inactive.setdefault(str(p.condition), []).append(p.name)
    hidden = {name for names in inactive.values() for name in names}
    lines = [
        f"inactive, as {'it means' if len(names) == 1 else 'they mean'} something only where {condition}: "
        + (", ".join(names) if len(names) <= NAMED else f"{names[0]} … {names[-1]}, {len(names)} knobs")
        for condition, names in inactive.items()
    ]
    return [p.name for p in space.parameters if p.name not in hidden], lines


def _spread(designs: Sequence[EvaluatedDesign]) -> list[EvaluatedDesign]:
    """Choose at most SHOWN designs, evenly spaced in the order of the first objective, both ends among them."""
    if len(designs) <= SHOWN:
        return list(designs)
    return [designs[round(i * (len(designs) - 1) / (SHOWN - 1))] for i in range(SHOWN)]


def write_designs(path: Path, result: SearchResult) -> None:
    """Write the designs found: a row each, with the knobs, every metric and whether it is feasible.

    A reader never sees half a table: it is written beside its place and moved there.

    Raises:
        ChipgymError: naming the file and why it cannot be written.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_plain_text(cell) for cell in row] for row in _rows(result))
    with writing(path, "--csv", f"; every evaluation is in {result.store}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with durable_file(path) as file:
            file.write(text.getvalue().encode(errors="replace"))


def _plain_text(cell: object) -> object:
    """Write a cell that a spreadsheet takes for text where it is one, rather than for a formula to run.

    An apostrophe before it is what spreadsheets themselves write for that (OWASP, "CSV Injection").
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _rows(result: SearchResult) -> Iterator[list[object]]:
    knobs, metrics = list(result.table.designs), list(result.table.metrics)
    yield ["number", *knobs, *metrics, "feasible", "violation"]
    for d in found_designs(result):
        values = [d.metrics.get(m, "") for m in metrics]
        yield [d.number, *(d.design[k] for k in knobs), *values, d.feasible, d.violation]

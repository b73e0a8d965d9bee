"""The designs that a search found, as a table on the screen and as a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ChipgymError
from . import output

if TYPE_CHECKING:
    from ..search import EvaluatedDesign, SearchResult
    from ..simulators import Problem

# Designs of a front that the screen shows; the file has all.
SHOWN = 20


def found_designs(result: SearchResult) -> Sequence[EvaluatedDesign]:
    """The Pareto-optimal designs, or the nearest miss where nothing is feasible."""
    return result.pareto or (result.best,)


def design_columns(problem: Problem) -> list[str]:
    """The metrics that objectives and constraints are about, in the simulator's order."""
    named = {name for o in problem.objectives for name, _ in o.product.terms}
    named |= {name for c in problem.constraints for name, _ in c.product.terms}
    return [m.name for m in problem.simulator.metrics if m.name in named]


def print_designs(result: SearchResult, metrics: Sequence[str]) -> None:
    """Prints the designs found: the knobs in which they differ, and these metrics."""
    designs = found_designs(result)
    if not result.best.feasible:
        output.line(f"no feasible design; the nearest miss is {result.best.violation:.3g} of a limit beyond it:")
    knobs = list(designs[0].design)
    same = [k for k in knobs if len(designs) > 1 and len({d.design[k] for d in designs}) == 1]
    products = [
        (i, name)
        for i, name in enumerate(result.table.objective_names)
        if name not in metrics and _is_product(result, i)
    ]
    shown = _spread(designs)
    headings = [*(k for k in knobs if k not in same), *metrics, *(name for _, name in products)]
    rows: list[list[object]] = [
        [
            *(d.design[k] for k in knobs if k not in same),
            *(d.metrics.get(m) for m in metrics),
            *(d.objectives[i] for i, _ in products),
        ]
        for d in shown
    ]
    output.table(headings, rows, "Pareto-optimal designs" if len(designs) > 1 else "best design")
    if same:
        output.line("the same in all of them: " + ", ".join(f"{k}={output.text(designs[0].design[k])}" for k in same))
    if len(shown) < len(designs):
        output.line(f"{len(shown)} of {len(designs)} shown, spread along {result.table.objective_names[0]}")


def _is_product(result: SearchResult, i: int) -> bool:
    """Whether an objective is more than one metric under another name."""
    assert result.problem is not None
    return len(result.problem.objectives[i].product.terms) > 1


def _spread(designs: Sequence[EvaluatedDesign]) -> list[EvaluatedDesign]:
    """At most SHOWN designs, evenly spaced in the order of the first objective, both ends among them."""
    if len(designs) <= SHOWN:
        return list(designs)
    return [designs[round(i * (len(designs) - 1) / (SHOWN - 1))] for i in range(SHOWN)]


def write_designs(path: Path, result: SearchResult) -> None:
    """Writes the designs found: a row each, with the knobs, every metric and whether it is feasible.

    A reader never sees half a table: it is written beside its place and moved there.

    Raises:
        ChipgymError: naming the file and why it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(_rows(result))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ChipgymError(
            f"--csv: {path} cannot be written ({reason}); every evaluation is in {result.store}"
        ) from None


def _rows(result: SearchResult) -> Iterator[list[object]]:
    knobs, metrics = list(result.table.designs), list(result.table.metrics)
    yield ["number", *knobs, *metrics, "feasible", "violation"]
    for d in found_designs(result):
        values = [d.metrics.get(m, "") for m in metrics]
        yield [d.number, *(d.design[k] for k in knobs), *values, d.feasible, d.violation]

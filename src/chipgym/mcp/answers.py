"""What was evaluated, as JSON data: one design, the best of them, the front, and all in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import unknown
from ..jsonable import plain
from ..search import EvaluatedDesign
from .session import Session


def evaluated(session: Session, designs: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None) -> dict[str, Any]:
    """Evaluate designs and return what the simulator says of each, in their order.

    Raises:
        ChipgymError: as `Session.encode` and `Session.evaluate`; nothing has been evaluated then.
    """
    known = [m.name for m in session.problem.simulator.metrics]
    for name in metrics or ():
        if name not in known:
            raise unknown("metric", name, known)
    numbers, new = session.evaluate(session.encode(designs))
    table = session.result.table
    results = []
    for number in numbers.tolist():
        found = table.row(number)
        about = design_data(session, found, with_design=False, metrics=metrics)
        results.append({**about, "repeated": number not in new, "reward": float(table.reward[number])})
        new.discard(number)
    return answer(session, {"results": results, "best": best(session)}, metrics)


def design_data(
    session: Session, found: EvaluatedDesign, with_design: bool = True, metrics: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return one evaluated design, with the limits that it breaks and by how much."""
    data = found.to_dict(session.result.table.objective_names)
    if not with_design:
        del data["design"]
    if metrics is not None:
        data["metrics"] = {name: value for name, value in data["metrics"].items() if name in metrics}
    if not found.feasible:
        data["broken_limits"] = session.broken_limits(found)
    return data


def best(session: Session) -> dict[str, Any] | None:
    """Return the best design so far in short, None before the first."""
    result = session.result
    if not result.evaluations:
        return None
    found = result.best
    reward = float(result.table.reward[found.number])
    about = found.to_dict(result.table.objective_names)
    return {name: about[name] for name in ("number", "design", "objectives", "feasible")} | {"reward": reward}


def front(session: Session) -> dict[str, Any]:
    """Return the designs that none dominates: of one objective the best; the nearest miss where nothing is feasible."""
    result = session.result
    found = [design_data(session, design) for design in result.pareto]
    out = {"pareto": found, "best": best(session), "evaluated": result.evaluations}
    if not found and result.evaluations:
        out["nearest_miss"] = design_data(session, result.best)
    return answer(session, out)


def history(session: Session, start: int, limit: int, metrics: bool) -> dict[str, Any]:
    """Return evaluations from number `start` on in order: their designs, put into `evaluate`, give the same again."""
    table, n = session.result.table, session.log.n
    stop = min(start + limit, n)
    rows = []
    for number in range(start, stop):
        about = table.row(number).to_dict(table.objective_names)
        if not metrics:
            del about["metrics"]
        rows.append({**about, "call": int(table.asks[number]), "reward": float(table.reward[number])})
    return answer(
        session,
        {
            "problem": session.problem.identity(),
            "evaluated": n,
            "evaluations": rows,
            "next": stop if stop < n else None,
        },
    )


def searched(session: Session, agent: str, n: int, seed: int, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Run an agent and return what it found.

    Raises:
        ChipgymError: as `Session.search`.
    """
    before = best(session)
    numbers, searcher = session.search(agent, n, seed, options)
    said = list(searcher.explanation())
    out = {"agent": agent, "evaluated": len(numbers), "first_number": numbers[0] if numbers else None}
    return answer(session, {**out, "explanation": said, "best_before": before, "best": best(session)})


def answer(session: Session, data: Mapping[str, Any], metrics: Iterable[str] | None = None) -> dict[str, Any]:
    """Add units to an answer, and make it JSON data."""
    specs = session.problem.simulator.metrics
    units = {m.name: m.unit for m in specs if metrics is None or m.name in set(metrics)}
    out: dict[str, Any] = plain({**data, "units": units, "objective_units": session.objective_units()})
    return out

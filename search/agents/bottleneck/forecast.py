"""What designs near the best one are foretold to be: by its breakdown, corrected by what was measured."""

from __future__ import annotations

import numpy as np

from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.objective import limited_values
from ....simulators.core.parameter import Column
from ..history import History
from ..knobs import Knobs
from ..outcomes import share_of_violation
from .measured import corrections
from .parts import PartModel, sides_of

# Designs nearest the best whose measurements correct the model.
MEASURED = 160
# Decades that being beyond a limit by once the limit costs.
PENALTY = 10.0
# Excess beyond which nothing is told apart, and largest of what `side` makes of one.
MOST_EXCESS, MOST_SIDE = 1e6, 20.0


class Forecast:
    """Scores of designs around one: decades of the objective, and a penalty beyond limits; less is better.

    Args:
        parts: what the design's breakdown says of others.
        history: what was told.
        sides: `measured_sides` of the designs told, shape (n, s).
        at: which of the designs told it is.
    """

    def __init__(self, parts: PartModel, history: History, sides: Column, at: int) -> None:
        space = history.problem.space
        centre, logs = history.rows[at], history.values[:, 0]
        self._parts = parts
        self._base = float(logs[at]) if np.isfinite(logs[at]) else 0.0
        self._sides_here = np.nan_to_num(sides[at])
        nearest = np.argsort(Knobs.of(space).steps(history.rows, centre).sum(axis=1), kind="stable")[:MEASURED]
        rows = history.rows[nearest]
        errors = np.column_stack([
            logs[nearest] - self._base - parts.objective(rows), sides[nearest] - self._sides(rows)
        ])  # fmt: skip
        known = np.isfinite(errors)
        objective, *limits = (
            corrections(space, centre, rows[k], column[k]) for column, k in zip(errors.T, known.T, strict=True)
        )
        self._objective, self._limits = objective, limits

    def scores(self, rows: Indices) -> tuple[Column, Column]:
        """Return the scores of rows (n, p), and how unsure they are, each (n,)."""
        objective, sides = self._objective.outlook(rows), self._sides(rows)
        beyond = np.zeros(len(rows))
        for c, limit in enumerate(self._limits):
            beyond += np.sinh((sides[:, c] + limit.outlook(rows).mean).clip(0.0, MOST_SIDE)) / 2
        return score(self._base + self._parts.objective(rows) + objective.mean, beyond), objective.deviation

    def _sides(self, rows: Indices) -> Column:
        """Return what the parts say of each side, (n, sides); that of the best where they say nothing."""
        sides = np.concatenate([self._parts.beyond(rows)[:, None], self._parts.excess(rows)], axis=1)
        out: Column = np.where(np.isfinite(sides), side(sides), self._sides_here)
        return out


def score(logs: Column, violation: Column) -> Column:
    """Return what n designs are compared by, shape (n,), of their objective in decades, 0 where unknown, and violation.

    It is continuous across a limit, as what is foretold near one has to be; what was told is ordered by `losses`.
    """
    decades: Column = np.where(np.isfinite(logs), logs, 0.0)
    return decades + PENALTY * share_of_violation(violation)


def side(excess: Column) -> Column:
    """Return how far beyond a limit a design is on a scale that errors are alike on, 0 at the limit.

    Unlike the logarithm of value over limit, that models of whole searches see, it has no end below the limit.
    """
    out: Column = np.arcsinh(2.0 * np.minimum(excess, MOST_EXCESS))
    return out


def measured_sides(problem: Problem, designs: Indices, evaluation: Evaluation) -> Column:
    """Return how far designs are beyond the simulator's other limits, and each of `sides_of`, shape (n, 1 + sides)."""
    metrics, limits = evaluation.metrics, sides_of(problem)
    values = limited_values(limits, metrics, problem.space.values(designs))
    sides = np.stack([metrics["violation"], *(c.excess(values) for c in limits)], axis=1)
    # What capacities account for is foretold by them.
    known = np.nan_to_num(np.maximum(sides[:, 1 + len(problem.constraints) :], 0.0), nan=0.0).sum(axis=1)
    sides[:, 0] = np.maximum(sides[:, 0] - known, 0.0)
    return side(sides)

"""What evaluations say in numbers that a model or a ranking takes: finite where known, on one scale, in one order."""

from __future__ import annotations

import numpy as np

from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.objective import limited_values
from ...simulators.core.parameter import Column

# Objectives are taken as decades over the problem's reference, within this many.
DECADES = 30.0
# Excess of a design that is feasible by limits that do not say how far within it is.
WITHIN = -0.5


def log_objectives(problem: Problem, evaluation: Evaluation) -> Column:
    """Return log10(objective / reference), shape (n, k): the objectives' order on the scale of the reward.

    A value that an infeasible design lacks is NaN; others are within `DECADES`, as that of 0 is.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log10(np.maximum(evaluation.objectives, 0.0) / problem.reference)
    return values.clip(-DECADES, DECADES)


def share_of_violation(violation: Column) -> Column:
    """Return v / (1 + v), shape (n,): the order of violations, from 0 where feasible to 1 where infinite or unknown."""
    return np.where(np.isfinite(violation), violation / (1 + np.nan_to_num(violation)), 1.0)


def signed_excess(problem: Problem, designs: Indices, evaluation: Evaluation) -> Column:
    """Return how far designs are beyond the limits, shape (n,), in -1 to 1: ≤ 0 for the feasible, above for others.

    A model of the violation alone would see nothing but zeros on one side of the limit. Within it is therefore the
    excess of the constraint that is nearest to its limit. An excess e is given as e / (1 + |e|).
    """
    constraints = problem.constraints
    inside = np.full(len(designs), WITHIN)
    if constraints and len(designs):
        values = limited_values(constraints, evaluation.metrics, problem.space.values(designs))
        excess = np.stack([c.excess(values) for c in constraints])
        nearest = np.max(np.where(np.isnan(excess), -np.inf, excess), axis=0)
        nearest = np.where(np.isfinite(nearest), np.minimum(nearest, 0.0), -1.0)
        inside = nearest / (1 - nearest)
    return np.where(evaluation.violation > 0, share_of_violation(evaluation.violation), inside)


def deb_keys(values: Column, violation: Column) -> tuple[Column, Column]:
    """Return what n designs are ordered by, first by the one and then by the other; both of shape (n,), less is better.

    Feasible designs come before others and are ordered by their value, others by their violation (Deb, Computer
    Methods in Applied Mechanics and Engineering 186, 2000).

    Args:
        values: of one objective, minimised, shape (n,).
        violation: shape (n,), 0 where feasible.
    """
    excess = share_of_violation(violation)
    return excess, np.where((excess <= 0) & np.isfinite(values), values, np.inf)


def ranked(values: Column, violation: Column) -> Indices:
    """Return the order of n designs by `deb_keys`, best first, shape (n,); equals as they come."""
    excess, cost = deb_keys(values, violation)
    return np.lexsort((cost, excess))

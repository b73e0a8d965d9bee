"""What evaluations say in numbers that a model or a ranking takes: finite where known, on one scale, in one order."""

from __future__ import annotations

import numpy as np

from ...simulators import Evaluation, Indices, Problem
from ...simulators.core.objective import limited_values
from ...simulators.core.parameter import Column

# Objectives are taken as decades over the problem's reference, within this many.
DECADES = 30.0
#: Least loss of an infeasible design: beyond what any feasible one has.
INFEASIBLE = 1000.0
# Decades of a violation beyond which nothing is told apart: that of the largest number is 308.
MOST_BEYOND = 400.0
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


def losses(problem: Problem, evaluation: Evaluation) -> Column:
    """Return the loss of n designs, shape (n,), in decades, always finite: the order of `ranked` as one number.

    A local search compares designs of different asks by it. A feasible design's loss is log10(objective / reference),
    the mean of several objectives; an infeasible one's is `INFEASIBLE` + log10(1 + v), v its violation.
    """
    decades = log_objectives(problem, evaluation)
    worth = decades[:, 0] if decades.shape[1] == 1 else decades.mean(axis=1)
    worth = np.where(np.isnan(worth), DECADES, worth)
    feasible = evaluation.violation <= 0
    if feasible.all():
        return worth
    with np.errstate(invalid="ignore"):
        beyond = np.log10(1.0 + evaluation.violation)
    beyond = np.where(np.isnan(beyond), np.inf, beyond).clip(0.0, MOST_BEYOND)
    return np.where(feasible, worth, INFEASIBLE + beyond)

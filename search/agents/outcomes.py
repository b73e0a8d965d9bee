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
# Limits are exceeded by at most this much.
MOST_EXCESS = 2.0


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


def limit_excess(problem: Problem, designs: Indices, evaluation: Evaluation) -> Column:
    """Return by limit how far designs are beyond it, shape (n, limits), at most 0 within and NaN where unknown.

    The limits are the problem's constraints in their order, and last the simulator's own, which are 0 within. An
    excess is the natural logarithm of value over limit, on which scale models are smooth, within `MOST_EXCESS`.
    """
    values = limited_values(problem.constraints, evaluation.metrics, problem.space.values(designs))
    columns = []
    for constraint in problem.constraints:
        beyond = constraint.excess(values)  # value / limit - 1, or 1 - value / limit for one from below
        ratio = np.log1p(np.maximum(beyond, -0.99)) if constraint.upper else -np.log1p(-np.minimum(beyond, 0.99))
        columns.append(ratio.clip(-MOST_EXCESS, MOST_EXCESS))
    own = np.log1p(np.nan_to_num(evaluation.metrics["violation"], nan=np.inf, posinf=1e9)).clip(0.0, MOST_EXCESS)
    return np.stack([*columns, own], axis=1)


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

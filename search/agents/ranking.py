"""One number by which designs are compared: less is better, and every feasible design comes before every other one."""

from __future__ import annotations

import numpy as np

from ...simulators import Evaluation, Problem
from ...simulators.core.parameter import Column

#: Least loss of an infeasible design: beyond what any feasible one has.
INFEASIBLE = 1000.0
# Decades beyond which nothing is told apart, where an objective is 0 or infinite.
FARTHEST = 400.0


def losses(problem: Problem, evaluation: Evaluation) -> Column:
    """Return the loss of n designs, shape (n,), in decades, always finite.

    It orders them by the feasibility rule of Deb (Computer Methods in Applied Mechanics and Engineering 186, 2000,
    section 3): any feasible design before any infeasible one, of two infeasible ones that with less violation v, of
    two feasible ones that with the lesser objective. A feasible design's loss is log10(objective / reference), the
    mean of several objectives; an infeasible one's is 1000 + log10(1 + v).
    """
    violation = evaluation.violation
    with np.errstate(all="ignore"):
        decades = np.log10(np.maximum(evaluation.objectives, 0.0) / problem.reference)
    worth = decades[:, 0] if decades.shape[1] == 1 else decades.mean(axis=1)
    worth = _bounded(worth, -FARTHEST)
    infeasible = ~(violation <= 0)
    if not infeasible.any():
        return worth
    with np.errstate(all="ignore"):
        miss = INFEASIBLE + _bounded(np.log10(1.0 + violation), 0.0)
    return np.where(infeasible, miss, worth)


def _bounded(decades: Column, least: float) -> Column:
    """Return decades from `least` to `FARTHEST`, which is also what stands for one that is not a number."""
    return np.minimum(np.maximum(np.where(np.isnan(decades), FARTHEST, decades), least), FARTHEST)

"""Which of many designs is better: the feasibility rule, as results and agents apply it."""

from __future__ import annotations

import numpy as np

from ..simulators import Indices
from ..simulators.core.parameter import Column


def ranked(values: Column, violation: Column) -> Indices:
    """Return the order of n designs, best first, shape (n,); equals as they come.

    Any feasible design comes before any infeasible one. Feasible ones are ordered by their value, others by their
    violation (Deb, Computer Methods in Applied Mechanics and Engineering 186, 2000, section 3).

    Args:
        values: one per design, minimised, shape (n,); one that is not finite comes after all that are.
        violation: shape (n,), 0 where feasible; NaN, which is unknown, comes last.
    """
    feasible = violation <= 0
    value = np.where(feasible & np.isfinite(values), values, np.inf)
    beyond = np.where(feasible, 0.0, np.where(np.isnan(violation), np.inf, violation))
    return np.lexsort((value, beyond))


def best_number(objectives: Column, violation: Column, reward: Column) -> int:
    """Return the number of the best of n ≥ 1 evaluated designs, the first of equals.

    The feasible one with the least objective, or with several the greatest reward; where none is feasible the one
    with the least violation.
    """
    return int(ranked(objectives[:, 0] if objectives.shape[1] == 1 else -reward, violation)[0])

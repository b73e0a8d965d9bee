"""Average ranks over problems: whether agents differ at all, and which cannot be told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...errors import ChipgymError
from ...simulators.core.parameter import Column

#: Share of comparisons of equal agents that may come out as different.
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class RankTest:
    """Ranks of k agents over N problems.

    Attributes:
        ranks: average rank of each, 1 is the best, shape (k,).
        p_value: of Friedman's test, that agents which are all equal differ as much.
        critical_difference: of two average ranks, from which on Nemenyi's test tells two agents apart at 5 %.
        groups: sets of agents, as their numbers by rank, of which none is told apart from another; the largest such
            sets of two or more.
    """

    ranks: Column
    p_value: float
    critical_difference: float
    groups: tuple[tuple[int, ...], ...]


def rank_test(costs: Column) -> RankTest:
    """Compare k agents over N problems by their ranks on each; equals share the mean of their ranks.

    Friedman's test in Iman and Davenport's form, which is less conservative than the chi-square one, and Nemenyi's
    critical difference q √(k (k + 1) / 6N) (Demšar, Statistical comparisons of classifiers over multiple data sets,
    JMLR 7, 2006, section 3.2.2).

    Args:
        costs: of each agent on each problem, less being better, shape (N, k).

    Raises:
        ChipgymError: for fewer than two problems or three agents.
    """
    from scipy.stats import f, friedmanchisquare, rankdata, studentized_range

    n, k = costs.shape
    if n < 2 or k < 3:
        raise ChipgymError(f"ranks: {k} agents on {n} problems, expected three agents and two problems at least")
    ranks = rankdata(costs, axis=1).mean(axis=0)
    # Where agents are equal on every problem there is no variance of ranks, and the statistic is no number.
    alike = bool((costs == costs[:, :1]).all())
    square = 0.0 if alike else float(friedmanchisquare(*costs.T).statistic)
    most = n * (k - 1)
    ratio = math.inf if square >= most * (1 - 1e-12) else (n - 1) * square / (most - square)
    p_value = float(f.sf(ratio, k - 1, (k - 1) * (n - 1)))
    quantile = float(studentized_range.ppf(1 - ALPHA, k, math.inf)) / math.sqrt(2)
    difference = quantile * math.sqrt(k * (k + 1) / (6 * n))
    return RankTest(ranks, p_value, difference, _groups(ranks, difference))


def _groups(ranks: Column, difference: float) -> tuple[tuple[int, ...], ...]:
    """Return the largest runs of agents, in the order of their ranks, whose ends are nearer than the difference."""
    order = np.argsort(ranks, kind="stable")
    out: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        stop = start + int((ranks[order[start:]] - ranks[order[start]] < difference).sum())
        if stop - start > 1 and stop > reached:
            out.append(tuple(order[start:stop].tolist()))
            reached = stop
    return tuple(out)

"""How much of the difference between runs is the agent, its hyperparameters, the problem, the budget, the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...errors import ChipgymError
from ...simulators.core.parameter import Column


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the variance.

    Attributes:
        name: the factor, or the factors whose interaction it is, such as "agent × problem".
        variance: estimated by the method of moments; negative where there is none to speak of.
        share: of the sum of all components, negative ones being taken for 0.
    """

    name: str
    variance: float
    share: float


class _Term(NamedTuple):
    """A sum of squares and its component: which factors it has.

    `within` is 0 without agent, 1 for the agent, 2 for hyperparameters, which are nested in agents. Seeds are nested in
    problem and hyperparameters: a seed of one configuration has nothing to do with the same seed of another.
    """

    within: int
    problem: bool
    budget: bool
    seed: bool

    @property
    def name(self) -> str:
        if self.seed:
            return "seed × budget" if self.budget else "seed"
        names = [("", "agent", "hyperparameters")[self.within], "problem" * self.problem, "budget" * self.budget]
        return " × ".join(name for name in names if name)


_TERMS = (
    *(_Term(c, p, b, False) for b in (False, True) for p in (False, True) for c in (0, 1, 2) if c or p or b),
    _Term(2, True, False, True),
    _Term(2, True, True, True),
)


def variance_components(values: Column, agents: Sequence[str]) -> tuple[Component, ...]:
    """Split the variance of runs into components, all factors taken as random.

    Analysis of variance with hyperparameters nested in agents and seeds in problem and hyperparameters, both crossed
    with budgets. Components solve (expected sums of squares = observed ones), which is unbiased also where agents have
    unequal numbers of option sets (Searle, Casella and McCulloch, Variance Components, 1992, sections 4.2 and 5.3). A
    factor of one level has no component.

    Args:
        values: one number per run, shape (problems, configurations, seeds, budgets).
        agents: the agent of each configuration.

    Returns:
        The components, the largest first.

    Raises:
        ChipgymError: for values that are not finite.
    """
    if not np.isfinite(values).all():
        raise ChipgymError("values: the variance of runs that are missing, or infinite, cannot be split")
    groups = np.unique(np.asarray(agents), return_inverse=True)[1]
    sizes = np.bincount(groups)
    problems, _, seeds, budgets = values.shape
    traces = _Traces(problems, sizes, seeds, budgets)
    terms = [term for term in _TERMS if traces.of(term, _Term(2, True, True, True)) > 0.5]  # degrees of freedom
    squares = np.array([(_effect(values, groups, term) ** 2).sum() for term in terms])
    expected = np.array([[traces.of(term, part) for part in terms] for term in terms])
    found = np.linalg.solve(expected, squares) if terms else np.empty(0)
    whole = np.maximum(found, 0.0).sum()
    parts = [
        Component(term.name, float(value), float(max(value, 0.0) / whole) if whole > 0 else 0.0)
        for term, value in zip(terms, found, strict=True)
    ]
    return tuple(sorted(parts, key=lambda part: -part.variance))


def _effect(values: Column, groups: Column, term: _Term) -> Column:
    """Project values on a term: shape (problems, configurations, seeds, budgets)."""
    out = values - values.mean(axis=2, keepdims=True) if term.seed else _spread(values, 2)
    out = out - out.mean(axis=3, keepdims=True) if term.budget else _spread(out, 3)
    if term.seed:  # nested in every problem and configuration
        return out
    out = out - out.mean(axis=0, keepdims=True) if term.problem else _spread(out, 0)
    of_agent = np.empty_like(out)
    for group in np.unique(groups):
        of_agent[:, groups == group] = out[:, groups == group].mean(axis=1, keepdims=True)
    if term.within == 2:
        return out - of_agent
    whole = _spread(out, 1)
    return of_agent - whole if term.within else whole


def _spread(values: Column, axis: int) -> Column:
    """Replace values by their mean along an axis."""
    return np.broadcast_to(values.mean(axis=axis, keepdims=True), values.shape)


class _Traces:
    """What a component of variance 1 adds to the expectation of a sum of squares.

    Both are products over the axes, and so is the trace of projection times covariance.
    """

    def __init__(self, problems: int, sizes: Column, seeds: int, budgets: int) -> None:
        self._axes = (problems, seeds, budgets)
        sets, squares = int(sizes.sum()), float((sizes**2).sum())
        agents = len(sizes)
        # Rows: projection on the mean, on agents, within agents. Columns: what all share, agents', option sets' own.
        self._sets = np.array(
            [
                [sets, squares / sets, 1],
                [0, sets - squares / sets, agents - 1],
                [0, 0, sets - agents],
            ]
        )

    def of(self, square: _Term, component: _Term) -> float:
        """Return it for a sum of squares and a component."""
        problems, seeds, budgets = self._axes
        if square.seed:
            of_sets = self._sets[:, component.within].sum()
            of_problems = float(problems)
        else:
            of_sets = self._sets[square.within, component.within]
            of_problems = _plain(problems, square.problem, component.problem)
        of_seeds = _plain(seeds, square.seed, component.seed)
        return float(of_sets * of_problems * of_seeds * _plain(budgets, square.budget, component.budget))


def _plain(levels: int, centred: bool, own: bool) -> float:
    """Trace along an axis: of a mean or of what is centred, with an effect of each level or one that all share."""
    if centred:
        return levels - 1 if own else 0
    return 1 if own else levels


def log_regret(gaps: Column, floor: float = 1e-4) -> Column:
    """Return log10 of relative regret, of gaps in decades; what is below the floor is taken to be there."""
    return np.asarray(np.log10(np.maximum(10.0**gaps - 1.0, floor)))


def ranks_within(gaps: Column) -> Column:
    """Return the rank of each run among those of its problem and budget, as a share from 0 (best) to 1.

    Args:
        gaps: shape (problems, configurations, seeds, budgets).
    """
    from scipy.stats import rankdata

    problems, sets, seeds, budgets = gaps.shape
    ranks = rankdata(gaps.reshape(problems, sets * seeds, budgets), axis=1)
    return np.asarray((ranks - 1) / max(sets * seeds - 1, 1)).reshape(gaps.shape)

"""Index rows, assessed: the one place where every environment, scalar or vector, calls the batch kernel."""

from __future__ import annotations

from dataclasses import dataclass

from ..simulators import Evaluation, Indices, Problem
from ..simulators.core.parameter import Column


@dataclass(frozen=True, slots=True)
class Assessment:
    """A batch of n evaluated designs and their rewards.

    Attributes:
        rows: canonical index rows, shape (n, p).
        evaluation: metrics, objectives and violation of each.
        rewards: float64, shape (n,), finite.
    """

    rows: Indices
    evaluation: Evaluation
    rewards: Column


def assess(problem: Problem, rows: Indices) -> Assessment:
    """Evaluates index rows of a problem's space in one call of the simulator's kernel.

    Args:
        problem: what to evaluate on.
        rows: integers, shape (n, p).

    Raises:
        ChipgymError: for an index that is no whole number or out of range.
    """
    evaluation = problem.evaluate(rows)
    return Assessment(problem.space.canonicalize(rows), evaluation, problem.reward(evaluation))

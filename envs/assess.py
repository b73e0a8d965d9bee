"""Index rows, assessed: the one place where every environment, scalar or vector, calls the batch kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..simulators import Evaluation, Indices, Metrics, Problem
from ..simulators.core.parameter import Column

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A batch of n evaluated designs and their rewards.

    Attributes:
        rows: canonical index rows, shape (n, p).
        evaluation: metrics, objectives and violation of each.
        rewards: float64, finite, shape (n,), or (n, m) where there is one per objective.
    """

    rows: Indices
    evaluation: Evaluation
    rewards: Column

    def take(self, which: Any) -> Assessment:
        """Select some of the designs: `which` is a bool array (n,), positions, or a slice."""
        e = self.evaluation
        columns = {spec.name: e.metrics[spec.name][which] for spec in e.metrics.specs}
        metrics = Metrics(e.metrics.specs, columns, e.metrics["violation"][which], _reasons(e.metrics, which))
        evaluation = Evaluation(metrics, e.objectives[which], e.violation[which])
        return Assessment(self.rows[which], evaluation, self.rewards[which])

    @staticmethod
    def join(parts: Sequence[Assessment]) -> Assessment:
        """Join several batches into one."""
        if len(parts) == 1:
            return parts[0]
        evaluation = Evaluation(
            Metrics.concatenate([p.evaluation.metrics for p in parts]),
            np.concatenate([p.evaluation.objectives for p in parts]),
            np.concatenate([p.evaluation.violation for p in parts]),
        )
        return Assessment(
            np.concatenate([p.rows for p in parts]), evaluation, np.concatenate([p.rewards for p in parts])
        )

    def replaced(self, which: Flags, other: Assessment) -> Assessment:
        """Return a batch in which the designs marked, k of them, are the k of `other`."""
        if which.all():
            return other
        if not which.any():
            return self
        order = np.concatenate([np.flatnonzero(~which), np.flatnonzero(which)])
        return Assessment.join([self.take(~which), other]).take(np.argsort(order))


def _reasons(metrics: Metrics, which: Any) -> Mapping[int, str]:
    """Select the reasons of some designs, by their new positions."""
    if not metrics.reasons:
        return metrics.reasons
    taken = np.arange(metrics.n)[which].tolist()
    return {i: metrics.reasons[old] for i, old in enumerate(taken) if old in metrics.reasons}


def assess(problem: Problem, rows: Indices, each_objective: bool = False) -> Assessment:
    """Evaluate index rows of a problem's space in one call of the simulator's kernel.

    Args:
        problem: what to evaluate on.
        rows: integers, shape (n, p).
        each_objective: whether rewards are one per objective.

    Raises:
        ChipgymError: for an index that is no whole number or out of range.
    """
    rows = problem.space.rows(rows)
    evaluation = problem.evaluate_columns(problem.space.values(rows), len(rows))
    rewards = problem.reward_vector(evaluation) if each_objective else problem.reward(evaluation)
    return Assessment(rows, evaluation, rewards)

"""Designs as vectors of numbers, and evaluations as numbers that are all finite: what other libraries compute with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import ChipgymError, shorten
from ...simulators import Designs, Evaluation, Indices, Problem, Value
from ...simulators.core.objective import limited_values
from ...simulators.core.parameter import Column, Parameter
from ..run import checked_problem

# Decades worse than the reference that a missing objective counts as: where the range of rewards ends.
MISSING_DECADES = 5.0
# What a larger excess is cut to, so that sums of a few stay finite in single precision.
MOST_EXCESS = 1e6


@dataclass(frozen=True)
class Vectors:
    """A problem's designs as vectors of shape (d,): grid positions of the d knobs that have a choice, from 0."""

    problem: Problem

    def __post_init__(self) -> None:
        checked_problem(self.problem)
        if not self.free:
            raise ChipgymError("problem: its space has a single design, which leaves nothing to search")

    @cached_property
    def free(self) -> list[int]:
        """Places among the space's parameters of those that have a choice."""
        return [j for j, p in enumerate(self.problem.space.parameters) if p.size > 1]

    @cached_property
    def knobs(self) -> list[Parameter]:
        """The parameters that have a choice, in order."""
        return [self.problem.space.parameters[j] for j in self.free]

    @cached_property
    def highest(self) -> Indices:
        """Greatest position of each, shape (d,)."""
        return self.problem.space.sizes[self.free] - 1

    def rows(self, vectors: Any) -> Indices:
        """Return canonical index rows, shape (n, p), of vectors (n, d) or (d,), each number rounded to the nearest.

        Raises:
            ChipgymError: for another shape, for what is no number, and for a position outside the grid.
        """
        try:
            given = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ChipgymError(f"vectors: {shorten(vectors)} are not numbers") from error
        if given.ndim != 2 or given.shape[1] != len(self.free):
            raise ChipgymError(f"vectors: an array of shape {given.shape}, expected (n, {len(self.free)})")
        positions = np.rint(given)
        wrong = ~((positions >= 0) & (positions <= self.highest))
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            near = 0 if not given[i, j] > 0 else int(self.highest[j])
            raise ChipgymError(
                f"{self.knobs[j].name}: position {given[i, j]:g} is not from 0 to {self.highest[j]}; nearest is {near}"
            )
        rows = np.repeat(self.problem.space.default_indices[None, :], len(given), axis=0)
        rows[:, self.free] = positions.astype(np.int64)
        return self.problem.space.canonicalize(rows)

    def of_rows(self, rows: Indices) -> Indices:
        """Return vectors, shape (n, d), of index rows of shape (n, p)."""
        return rows[:, self.free]

    def encode(self, designs: Designs) -> Indices:
        """Return vectors, shape (n, d), of designs in any form that `problem.evaluate` takes, all on the grid.

        Raises:
            ChipgymError: naming the first value that is not on the grid, and the nearest that is.
        """
        return self.of_rows(self.problem.encode(designs))

    def designs(self, vectors: Any) -> list[dict[str, Value]]:
        """Return the designs of vectors (n, d) or (d,) as dicts of values, as `rows` reads them."""
        return [self.problem.space.design(row) for row in self.rows(vectors)]

    def evaluate(self, vectors: Any) -> tuple[Column, Column]:
        """Evaluate vectors of shape (n, d).

        Returns:
            Minimised objectives (n, m) and excesses (n, 1 + constraints), all finite: see `finite_objectives` and
            `excesses`.
        """
        columns, n = self.problem.space.columns(self.rows(vectors))
        evaluation = self.problem.evaluate_columns(columns, n)
        return finite_objectives(self.problem, evaluation), excesses(self.problem, evaluation, columns)


def finite_objectives(problem: Problem, evaluation: Evaluation) -> Column:
    """Return minimised objectives, shape (n, m), with a number for each that a design lacks.

    That number is reference · 10 ** (5 + v / (1 + v)), with v the violation and the reference that of the reward: the
    default design's value. It is the reward of such a design read backwards. So it is worse than whatever the reward
    tells apart, and a nearer miss is better.
    """
    values = evaluation.objectives
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    v = np.maximum(evaluation.violation, 0.0)
    share = 1.0 - 1.0 / (1.0 + v)  # v / (1 + v), and 1 where v is infinite
    filled: Column = problem.reference[None, :] * 10.0 ** (MISSING_DECADES + share)[:, None]
    return np.where(missing, filled, values)


def excesses(problem: Problem, evaluation: Evaluation, columns: Mapping[str, Column]) -> Column:
    """Return how far each limit is exceeded, shape (n, 1 + constraints), all finite.

    The first column is the simulator's own violation, 0 where the design can be built. Each further one is the signed
    distance beyond a constraint as a fraction of its limit: ≤ 0 where it is met, 0 where the design lacks the metric.
    The positive parts add up to the evaluation's violation.
    """
    metrics = evaluation.metrics
    values = limited_values(problem.constraints, metrics, columns)
    out = np.stack([metrics["violation"], *(c.excess(values) for c in problem.constraints)], axis=1)
    finite: Column = np.nan_to_num(out, nan=0.0).clip(-MOST_EXCESS, MOST_EXCESS)
    return finite

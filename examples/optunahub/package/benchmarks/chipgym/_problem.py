"""A simulator of chipgym on a workload, and what to minimise on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optuna
import optunahub

import chipgym


class Problem(optunahub.benchmarks.ConstrainedMixin, optunahub.benchmarks.BaseProblem):
    """What `chipgym.make_problem` makes of the same arguments, minimised.

    A knob with an order is a whole number, its position in the grid from 0; another one is a category. Constraints are
    met at 0 or less: first the machine's own limits, then each of `constraints` as a fraction of its limit. What a
    design that cannot be built lacks is `inf`. A trial finds its constraint, design and metrics set by the call.

    Attributes:
        problem: chipgym's.
    """

    def __init__(self, simulator: str = "systolic", workload: str | None = None, **settings: Any) -> None:
        """Take a simulator and a workload by name, and `objective`, `constraints`, `space` and further options."""
        self.problem = chipgym.make_problem(simulator, workload=workload, **settings)
        self._objective = chipgym.search.optuna_objective(self.problem)

    def __call__(self, trial: optuna.trial.BaseTrial) -> float | Sequence[float]:
        """Evaluate what a trial suggests; it is not asked for knobs that its others make inactive."""
        return self._objective(trial)

    @property
    def search_space(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """The distribution by knob, of those that have a choice."""
        return self._objective.search_space

    @property
    def directions(self) -> list[optuna.study.StudyDirection]:
        """Everything is minimised."""
        return [optuna.study.StudyDirection.MINIMIZE] * len(self.problem.objectives)

    def evaluate(self, params: dict[str, Any]) -> float | Sequence[float]:
        """Return the objective, or a value for each; a knob that is left out has its default."""
        return self._objective.values(self._objective.design(params))

    def evaluate_constraints(self, params: dict[str, Any]) -> Sequence[float]:
        """Return how far each limit is exceeded, 0 or less where it is met."""
        return self._objective.constraints(self._objective.design(params))

"""A problem as an objective for Optuna, for those who bring their own study, sampler, storage or dashboard."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...simulators import Problem, Value
from ..run import checked_problem

if TYPE_CHECKING:
    import optuna


class OptunaObjective:
    """What `study.optimize` calls: suggests a design, evaluates it, and reports it.

    Every knob is a categorical parameter under its own name with the grid's values; one that is inactive for what was
    suggested before it is not suggested. The violation is reported through `trial.set_constraint` (met at ≤ 0), and a
    value that an infeasible design lacks is `inf`. The canonical design and its metrics are the trial's user
    attributes `design` and `metrics`.

        objective = chipgym.search.optuna_objective(problem)
        study = optuna.create_study(directions=objective.directions)
        study.optimize(objective, n_trials=100)
    """

    def __init__(self, problem: Problem) -> None:
        """Takes what `chipgym.make_problem` returns.

        Raises:
            ChipgymError: for anything else.
        """
        self.problem = checked_problem(problem)

    @property
    def directions(self) -> list[str]:
        """What `optuna.create_study` takes: everything is minimised."""
        return ["minimize"] * len(self.problem.objectives)

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Value]:
        """The design that a trial suggests, canonical."""
        design: dict[str, Value] = {}
        for p in self.problem.space.parameters:
            clauses = p.condition.clauses if p.condition else ()
            if all(design[name] in values for name, values in clauses):
                value = trial.suggest_categorical(p.name, p.values)
                assert value is not None  # no grid holds one
                design[p.name] = value
            else:
                design[p.name] = self.problem.space.default[p.name]
        return design

    def __call__(self, trial: optuna.trial.BaseTrial) -> float | tuple[float, ...]:
        """Minimised value, or values for several objectives."""
        design = self.suggest(trial)
        evaluation = self.problem.evaluate(design)
        trial.set_user_attr("design", design)
        trial.set_user_attr("metrics", evaluation.metrics.row(0))
        trial.set_constraint("violation", float(evaluation.violation[0]))
        values = tuple(math.inf if math.isnan(v) else v for v in evaluation.objectives[0].tolist())
        return values if len(values) > 1 else values[0]

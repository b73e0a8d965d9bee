"""A problem as an objective for Optuna, for those who bring their own study, sampler, storage or dashboard."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...errors import ChipgymError, shorten, unknown
from ...simulators import Evaluation, Indices, Problem, Value
from ...simulators.core.parameter import Parameter
from ..run import checked_problem
from .vectors import excesses

if TYPE_CHECKING:
    from collections.abc import Mapping

    import optuna
    from optuna.distributions import BaseDistribution

# Where Optuna before 5.0 kept constraints, as a list, and where optuna-dashboard (0.21) looks for them.
DASHBOARD_KEY = "constraints"


class OptunaObjective:
    """What `study.optimize` calls: suggests a design, evaluates it, and reports it.

    Every knob with a choice is a parameter under its own name. An ordered one is an integer, its position in the grid
    from 0, so that samplers know which values are near each other. Another one is a category. A knob that is inactive
    for what was suggested before it is not suggested, and neither is one with a single value.

    The canonical design and its metrics are the trial's user attributes `design` and `metrics`. The violation is a
    constraint of the trial (met at ≤ 0), where samplers and optuna-dashboard find it. A value that an infeasible
    design lacks is `inf`.

        objective = chipgym.search.optuna_objective(problem)
        study = optuna.create_study(directions=objective.directions)
        study.enqueue_trial(objective.params(problem.space.default))
        study.optimize(objective, n_trials=100)
    """

    def __init__(self, problem: Problem) -> None:
        """Take what `chipgym.make_problem` returns.

        Raises:
            ChipgymError: for anything else.
        """
        self.problem = checked_problem(problem)

    @property
    def directions(self) -> list[str]:
        """What `optuna.create_study` takes: everything is minimised."""
        return ["minimize"] * len(self.problem.objectives)

    @property
    def search_space(self) -> dict[str, BaseDistribution]:
        """The distribution by knob of those that have a choice, whether or not others make them inactive."""
        from ..optuna_knobs import distribution

        return {knob.name: distribution(knob) for knob in self.problem.space.parameters if knob.size > 1}

    def design(self, params: Mapping[str, Any]) -> dict[str, Value]:
        """Return the design, canonical, of parameters by which a trial suggests it: the way back from `params`.

        Args:
            params: as in `trial.params`. A knob that is left out has its default; one that is inactive is ignored.

        Raises:
            ChipgymError: for a name that is no knob, and a position or category that its grid has not.
        """
        space = self.problem.space
        design: dict[str, Value] = {}
        for name, given in params.items():
            if name not in space.default:
                raise unknown("knob", name, space.names)
            knob = space[name]
            if knob.ordinal and (isinstance(given, bool) or given not in range(knob.size)):
                raise ChipgymError(f"{name}: {shorten(given)} is no position from 0 to {knob.size - 1} in its grid")
            design[name] = knob.values[int(given)] if knob.ordinal else given
        return space.design(self.problem.encode(design)[0])

    def params_of_row(self, row: Indices) -> dict[str, Any]:
        """Return the parameters of an index row, shape (p,): all knobs that have a choice, also inactive ones."""
        from ..optuna_knobs import drawn

        pairs = zip(self.problem.space.parameters, row.tolist(), strict=True)
        return {knob.name: drawn(knob, position) for knob, position in pairs if knob.size > 1}

    def suggest(self, trial: optuna.trial.BaseTrial) -> dict[str, Value]:
        """Return the design that a trial suggests, canonical."""
        design: dict[str, Value] = {}
        for knob in self.problem.space.parameters:
            design[knob.name] = self._suggested(trial, knob) if _chosen(knob, design) else _default(knob)
        return design

    def params(self, design: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters by which a trial suggests a design: for `study.enqueue_trial` and `FixedTrial`.

        Args:
            design: values by knob, all on the grid, of which those left out are the default's, or a row of results.

        Raises:
            ChipgymError: naming the first value that is not on the grid, and for several designs.
        """
        from ..optuna_knobs import drawn

        space = self.problem.space
        rows = self.problem.encode(design)
        if len(rows) != 1:
            raise ChipgymError(f"design: {shorten(design)} is {len(rows)} designs, expected one")
        values = space.design(rows[0])
        pairs = zip(space.parameters, rows[0].tolist(), strict=True)
        return {knob.name: drawn(knob, position) for knob, position in pairs if _chosen(knob, values)}

    def values(self, design: Mapping[str, Any]) -> float | tuple[float, ...]:
        """Return what a trial of a design reports: its minimised value, or one for each objective.

        Raises:
            ChipgymError: as `Problem.evaluate`.
        """
        return _values(self.problem.evaluate(design))

    def constraints(self, design: Mapping[str, Any]) -> tuple[float, ...]:
        """Return how far a design exceeds each limit, ≤ 0 where it is met: the simulator's own, then each constraint.

        The positive ones add up to the violation, which is the constraint of a trial.

        Raises:
            ChipgymError: as `Problem.evaluate`.
        """
        columns, n = self.problem.space.columns(design, self.problem.simulator.beside)
        evaluation = self.problem.evaluate_columns(columns, n)
        return tuple(excesses(self.problem, evaluation, columns)[0].tolist())

    def _suggested(self, trial: optuna.trial.BaseTrial, knob: Parameter) -> Value:
        if knob.ordinal:
            return knob.values[trial.suggest_int(knob.name, 0, knob.size - 1)]
        value = trial.suggest_categorical(knob.name, knob.values)
        assert value is not None  # no grid holds one
        return value

    def _check_directions(self, trial: optuna.trial.BaseTrial) -> None:
        study = getattr(trial, "study", None)  # a FixedTrial has none
        given = self.directions if study is None else [d.name.lower() for d in study.directions]
        if given != self.directions:
            raise ChipgymError(
                f"study: its directions are {shorten(given)}, expected {shorten(self.directions)}; "
                "optuna.create_study(directions=objective.directions) has them"
            )

    def __call__(self, trial: optuna.trial.BaseTrial) -> float | tuple[float, ...]:
        """Evaluate the design that a trial suggests: its minimised value, or values for several objectives.

        Raises:
            ChipgymError: in a study of other directions, which would look for the worst designs.
        """
        self._check_directions(trial)
        design = self.suggest(trial)
        evaluation = self.problem.evaluate(design)
        trial.set_user_attr("design", design)
        trial.set_user_attr("metrics", evaluation.metrics.row(0))
        _constrain(trial, float(evaluation.violation[0]))
        return _values(evaluation)


def _values(evaluation: Evaluation) -> float | tuple[float, ...]:
    values = tuple(math.inf if math.isnan(v) else v for v in evaluation.objectives[0].tolist())
    return values if len(values) > 1 else values[0]


def _chosen(knob: Parameter, design: Mapping[str, Value]) -> bool:
    """Tell whether a knob has a choice, given the values of those before it."""
    clauses = knob.condition.clauses if knob.condition else ()
    return knob.size > 1 and all(design[name] in values for name, values in clauses)


def _default(knob: Parameter) -> Value:
    assert knob.default is not None
    return knob.default


def _constrain(trial: optuna.trial.BaseTrial, violation: float) -> None:
    """Report a constraint to a trial, and keep it where optuna-dashboard looks for it."""
    import optuna

    trial.set_constraint("violation", violation)
    if isinstance(trial, optuna.trial.Trial):  # a trial of a study, as which it has a storage
        trial.storage.set_trial_system_attr(trial._trial_id, DASHBOARD_KEY, [violation])

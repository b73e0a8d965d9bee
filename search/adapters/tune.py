"""A problem as Ray Tune takes it: a search space, and a trainable that evaluates one design."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import ray.tune

from ...errors import ChipgymError, shorten, unknown
from ...simulators import Problem
from ...simulators.core.parameter import Parameter, Value
from .vectors import Vectors, finite_objectives


def tune_space(problem: Problem) -> dict[str, Any]:
    """Return what `param_space` of a `ray.tune.Tuner` takes: a domain by knob, of knobs that have a choice.

    A knob with an order is `tune.randint`, its position in the grid from 0, so that search algorithms know which values
    are near each other. Another one is `tune.choice` of its values.

    Raises:
        ChipgymError: for anything that is no problem, and for a space of a single design.
    """
    return {
        knob.name: ray.tune.randint(0, knob.size) if knob.ordinal else ray.tune.choice(list(knob.values))
        for knob in Vectors(problem).knobs
    }


def tune_trainable(problem: Problem) -> Callable[[dict[str, Any]], None]:
    """Return what a `ray.tune.Tuner` runs: a function that evaluates the design of a config and reports it.

    It reports each objective under its name, minimised, and `reward`, `feasible` and `violation`. The design in values
    is `design`, and the simulator's answer is `metrics`. What an unbuildable design lacks is a large number under the
    objective's name, and not among `metrics`. Tune knows no constraints; `reward` (mode "max") heeds them.

    A config is one of `tune_space`; a knob that it leaves out has its default. The function may be pickled.

    Raises:
        ChipgymError: for anything that is no problem, and for a space of a single design. In a trial, for a config with
            a name that is no knob or a value that is not on its grid.
    """
    Vectors(problem)
    trainable = functools.partial(_trial, problem=problem)
    trainable.__name__ = f"{problem.simulator.name}-{problem.simulator.workload.name}"  # type: ignore[attr-defined]
    return trainable


def _trial(config: dict[str, Any], *, problem: Problem) -> None:
    ray.tune.report(answer(problem, config))


def answer(problem: Problem, config: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate the design of a config of `tune_space`, and return what a trial reports, as plain numbers and text.

    Raises:
        ChipgymError: for a name that is no knob, and a value that is not on its grid.
    """
    design: dict[str, Value] = {}
    for name, value in config.items():
        if name not in problem.space.default:
            raise unknown("knob", name, problem.space.names)
        design[name] = _value(problem.space[name], value)
    row = problem.encode(design)
    evaluation = problem.evaluate(row)
    objectives = finite_objectives(problem, evaluation)[0].tolist()
    return {
        **dict(zip((o.name for o in problem.objectives), objectives, strict=True)),
        "reward": float(problem.reward(evaluation)[0]),
        "feasible": bool(evaluation.feasible[0]),
        "violation": float(evaluation.violation[0]),
        "design": problem.space.design(row[0]),
        "metrics": evaluation.metrics.row(0),
    }


def _value(knob: Parameter, given: Any) -> Value:
    """Return the value of a knob that a config has chosen."""
    if not knob.ordinal:
        return given  # type: ignore[no-any-return]  # encoding checks it
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not whole or not 0 <= given < knob.size:
        raise ChipgymError(f"{knob.name}: {shorten(given)} is no position from 0 to {knob.size - 1} in its grid")
    return knob.values[int(given)]

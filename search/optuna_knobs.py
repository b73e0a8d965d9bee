"""Knobs as Optuna's parameters, for the agents and the objective alike."""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from ..simulators.core.parameter import Parameter


def distribution(knob: Parameter) -> BaseDistribution:
    """Return what Optuna draws a knob from.

    An ordered knob is the whole numbers from 0, positions in its grid. Samplers thus know which values are near each
    other, and a grid of powers of two has even steps. Another one is a category by its values.
    """
    return IntDistribution(0, knob.size - 1) if knob.ordinal else CategoricalDistribution(knob.values)


def drawn(knob: Parameter, position: int) -> Any:
    """Return what Optuna draws for a position in a knob's grid."""
    return position if knob.ordinal else knob.values[position]


def position_of(knob: Parameter, value: Any) -> int:
    """Return the position in a knob's grid of what Optuna drew."""
    return int(value) if knob.ordinal else knob.values.index(value)

"""What a viewer is given to draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """One design, what the simulator says of it, and what it brought.

    Attributes:
        simulator: registered name, which picks the viewer.
        workload: its name.
        design: every parameter's value.
        design_units: unit by parameter, empty for a plain number.
        positions: by parameter, the value's place in its grid and how many places there are.
        metrics: by name, without the cost metrics of a design that cannot be built.
        metric_units: unit by metric.
        objectives: names of what is minimised.
        feasible: buildable and within every constraint.
        violation: how far beyond the limits.
        reward: None before the first step of an episode.
    """

    simulator: str
    workload: str
    design: Mapping[str, Any]
    design_units: Mapping[str, str]
    positions: Mapping[str, tuple[int, int]]
    metrics: Mapping[str, float]
    metric_units: Mapping[str, str]
    objectives: tuple[str, ...]
    feasible: bool
    violation: float
    reward: float | None

    @property
    def verdict(self) -> str:
        """Reward and feasibility in a few words."""
        reward = "default design" if self.reward is None else f"reward {self.reward:+.3f}"
        return f"{reward}, feasible" if self.feasible else f"{reward}, infeasible (violation {self.violation:.3g})"

"""How far a search is, for progress bars and logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..simulators import Value


@dataclass(frozen=True, slots=True)
class Progress:
    """A search after a batch.

    Attributes:
        evaluations: designs evaluated in the whole run, earlier processes included.
        budget: designs to evaluate in the whole run.
        ask: number of the ask that was just evaluated, from 0.
        feasible: how many of the designs are feasible.
        best_objectives: minimised values of the best design so far; NaN where the simulator finds it infeasible.
        best_design: the best design so far as plain values.
        best_feasible: whether the best design is feasible.
        elapsed_s: seconds that this process has searched.
        rate: designs evaluated per second by this process.
        left_s: estimated seconds to the end of the budget; None before the first new design.
        resumed: designs that were read from the store rather than evaluated by this process.
    """

    evaluations: int
    budget: int
    ask: int
    feasible: int
    best_objectives: tuple[float, ...]
    best_design: Mapping[str, Value]
    best_feasible: bool
    elapsed_s: float
    rate: float
    left_s: float | None
    resumed: int

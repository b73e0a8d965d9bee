"""NSGA-II, the genetic search that most design-space explorations use (Deb et al., IEEE TEC 6(2), 2002)."""

from __future__ import annotations

from typing import Any

import optuna

from ....simulators import Problem
from .genetic import GenerationSampler, GeneticAgent


class _NSGA2Sampler(GenerationSampler, optuna.samplers.NSGAIISampler):
    """Optuna's, told the generation."""


class NSGA2Agent(GeneticAgent):
    """Optuna's `NSGAIISampler`: non-dominated sorting and crowding, uniform crossover, constrained domination.

    Trials told together are one generation, or a part of one where `batch` is less than the population.

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        population_size: designs per generation, and of the default batch.
        mutation_prob: of redrawing each knob of a child; 1 / knobs where None.
        crossover_prob: of a child having two parents.
        swapping_prob: of taking each knob from the second parent.
    """

    kind = _NSGA2Sampler

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        population_size: int = 50,
        mutation_prob: float | None = None,
        crossover_prob: float = 0.9,
        swapping_prob: float = 0.5,
    ) -> None:
        super().__init__(problem, seed, population_size, mutation_prob, crossover_prob, swapping_prob)

    def settings(self) -> dict[str, Any]:
        """Return nothing: all genetic samplers take what this one does."""
        return {}

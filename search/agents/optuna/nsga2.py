"""NSGA-II, the genetic search that most design-space explorations use (Deb et al., IEEE TEC 6(2), 2002)."""

from __future__ import annotations

import optuna

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

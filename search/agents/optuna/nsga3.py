"""NSGA-III, for three objectives and more (Deb and Jain, IEEE TEC 18(4), 2014)."""

from __future__ import annotations

import math
from typing import Any

import optuna

from ....errors import count
from ....simulators import Problem
from .genetic import GenerationSampler, GeneticAgent

# Reference points are an array that the sampler builds anew for each generation.
MOST_DIVISIONS = 1000


class _NSGA3Sampler(GenerationSampler, optuna.samplers.NSGAIIISampler):
    """Optuna's, told the generation."""


class NSGA3Agent(GeneticAgent):
    """Optuna's `NSGAIIISampler`: non-dominated sorting, and reference points in place of NSGA-II's crowding distance.

    Reference points are spread evenly over the normalised objectives. Of designs that none dominates, those near
    points with few others survive, which keeps a front of many objectives even. Where objectives are few it finds
    what `nsga2` does.

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        population_size: designs per generation, and of the default batch.
        mutation_prob: of redrawing each knob of a child; 1 / knobs where None.
        crossover_prob: of a child having two parents.
        swapping_prob: of taking each knob from the second parent.
        dividing_parameter: steps between reference points along an edge; None for the most that give at most
            `population_size` points, as the paper has it.
    """

    kind = _NSGA3Sampler

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        population_size: int = 50,
        mutation_prob: float | None = None,
        crossover_prob: float = 0.9,
        swapping_prob: float = 0.5,
        dividing_parameter: int | None = None,
    ) -> None:
        super().__init__(
            problem,
            seed,
            population_size=population_size,
            mutation_prob=mutation_prob,
            crossover_prob=crossover_prob,
            swapping_prob=swapping_prob,
        )
        self._divisions = (
            most_divisions(len(problem.objectives), self._population)
            if dividing_parameter is None
            else count("dividing_parameter", dividing_parameter, high=MOST_DIVISIONS)
        )

    def settings(self) -> dict[str, Any]:
        """Return how the reference points are spread."""
        return {"dividing_parameter": self._divisions}


def most_divisions(objectives: int, population: int) -> int:
    """Return into how many steps an edge is divided for as many reference points as there are designs at most.

    There are C(objectives + steps - 1, steps) points (section IV.A of the paper).
    """
    steps = 1
    while objectives > 1 and steps < MOST_DIVISIONS and math.comb(objectives + steps, steps + 1) <= population:
        steps += 1
    return steps

"""NSGA-II, the genetic search that most design-space explorations use (Deb et al., IEEE TEC 6(2), 2002)."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.distributions import BaseDistribution

from ....errors import count
from ....simulators import Problem
from ..base import MOST_AT_ONCE, fraction
from .agent import OptunaAgent


class NSGA2Agent(OptunaAgent):
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
        super().__init__(problem, seed)
        self.batch = self._population = count("population_size", population_size, 2, MOST_AT_ONCE)
        self._mutation = None if mutation_prob is None else fraction("mutation_prob", mutation_prob)
        self._crossover = fraction("crossover_prob", crossover_prob)
        self._swapping = fraction("swapping_prob", swapping_prob)
        self._generation = 0  # of the trials told last
        self._told = 0  # trials told of that generation
        self._chosen = 0  # the last generation whose parents are chosen

    def sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Make a sampler for the generation that the told history has reached."""
        sampler = _GenerationSampler(
            self._current(),
            self._distributions,
            population_size=self._population,
            mutation_prob=self._mutation,
            crossover_prob=self._crossover,
            swapping_prob=self._swapping,
            seed=seed,
        )
        # Parents are kept in the study and come in another order the first time than later, so all are chosen before
        # any child is made, generation by generation: a replayed history then gives the same children.
        for generation in range(self._chosen + 1, self._current() + 1):
            sampler.get_parent_population(self._study, generation)
            self._chosen = generation
        return sampler

    def attributes(self, n: int) -> dict[str, Any]:
        """Return the generation that the trials belong to, which is where `NSGAIISampler` looks for it."""
        current = self._current()
        self._told = n if current > self._generation else self._told + n
        self._generation = current
        return {_GenerationSampler._get_generation_key(): current}

    def _current(self) -> int:
        """Return the generation of the next trials: a new one once the last has as many trials as the population."""
        return self._generation + (self._told >= self._population)


class _GenerationSampler(optuna.samplers.NSGAIISampler):
    """`NSGAIISampler` that is told the generation and the space rather than working them out from every trial."""

    def __init__(self, generation: int, space: dict[str, BaseDistribution], **settings: Any) -> None:
        super().__init__(**settings)
        self._current = generation
        self._static_space = space
        self._parents: list[optuna.trial.FrozenTrial] | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._static_space

    def get_trial_generation(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> int:
        return self._current

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        if generation != self._current:
            return super().get_parent_population(study, generation)
        if self._parents is None:
            super().get_parent_population(study, generation)  # chooses
            self._parents = super().get_parent_population(study, generation)  # in the order of their trials
        return self._parents

"""What the genetic agents built on Optuna's samplers share: generations that a replayed history gives again."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers._ga import BaseGASampler

from ....errors import count
from ....simulators import Problem
from ..base import MOST_AT_ONCE
from ..settings import number
from .agent import OptunaAgent


class GenerationSampler(BaseGASampler):
    """A genetic sampler that is told the generation and the space rather than working them out from every trial."""

    def __init__(self, *, generation: int, space: dict[str, BaseDistribution], **settings: Any) -> None:
        super().__init__(**settings)
        self._current = generation
        self._static_space = space
        self._parents: list[optuna.trial.FrozenTrial] | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the whole space."""
        return self._static_space

    def get_trial_generation(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> int:
        """Return the generation that this sampler was made for."""
        return self._current

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        """Return a generation's parents, in the order of their trials."""
        if generation != self._current:
            return super().get_parent_population(study, generation)
        if self._parents is None:
            super().get_parent_population(study, generation)  # chooses
            self._parents = super().get_parent_population(study, generation)  # in the order of their trials
        return self._parents


class GeneticAgent(OptunaAgent):
    """Proposes children of the best designs told: uniform crossover, mutation, constrained domination.

    Trials told together are one generation, or a part of one where `batch` is less than the population.

    Attributes:
        kind: the sampler, which also selects the parents.
    """

    kind: ClassVar[type[GenerationSampler]]

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
        self._settings: dict[str, Any] = {
            "population_size": self._population,
            "mutation_prob": None if mutation_prob is None else number("mutation_prob", mutation_prob, high=1.0),
            "crossover_prob": number("crossover_prob", crossover_prob, high=1.0),
            "swapping_prob": number("swapping_prob", swapping_prob, high=1.0),
        }
        self._generation = 0  # of the trials told last
        self._told = 0  # trials told of that generation
        self._chosen = 0  # the last generation whose parents are chosen

    def settings(self) -> dict[str, Any]:
        """Return what the sampler takes beyond what all genetic ones do."""
        return {}

    def sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Make a sampler for the generation that the told history has reached."""
        # Parents are kept in the study and come in another order the first time than later, so all are chosen before
        # any child is made, generation by generation: a replayed history then gives the same children. Where a choice
        # is drawn, it is drawn by the generation's number, and not by that of the ask that happens to need it first.
        for generation in range(self._chosen + 1, self._current() + 1):
            self._made(_seed_of_choice(self.seed, generation)).get_parent_population(self._study, generation)
            self._chosen = generation
        return self._made(seed)

    def attributes(self, n: int) -> dict[str, Any]:
        """Return the generation that the trials belong to, which is where the sampler looks for it."""
        current = self._current()
        self._told = n if current > self._generation else self._told + n
        self._generation = current
        return {self.kind._get_generation_key(): current}

    def _made(self, seed: int) -> GenerationSampler:
        return self.kind(
            generation=self._current(), space=self._distributions, seed=seed, **self._settings, **self.settings()
        )

    def _current(self) -> int:
        """Return the generation of the next trials: a new one once the last has as many trials as the population."""
        return self._generation + (self._told >= self._population)


def _seed_of_choice(seed: int, generation: int) -> int:
    """Return the seed by which a generation's parents are chosen; no ask has it, whose sequences are of two numbers."""
    return int(np.random.SeedSequence((seed, generation, 1)).generate_state(1)[0])

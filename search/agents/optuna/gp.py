"""Bayesian optimisation with a Gaussian process: the fewest evaluations, the most arithmetic between them."""

from __future__ import annotations

import numpy as np
import optuna

# Optuna imports scipy and torch only when the first model is fitted; here they are missed before a search begins.
import scipy  # noqa: F401
import torch  # noqa: F401
from optuna.distributions import BaseDistribution
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ....errors import count
from ....simulators import Indices, Problem
from .agent import OptunaAgent


class GPAgent(OptunaAgent):
    """Optuna's `GPSampler`: expected improvement, with the probability of meeting the constraint.

    For several objectives the improvement is that of the hypervolume. The model takes time that grows with the cube of
    the designs told: meant for some hundreds.

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        n_startup_trials: random designs before the first model.
    """

    batch = 1

    def __init__(self, problem: Problem, seed: int = 0, *, n_startup_trials: int = 10) -> None:
        super().__init__(problem, seed)
        self._startup = count("n_startup_trials", n_startup_trials)

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Propose as `OptunaAgent.propose` does, on one thread.

        The arithmetic is thousands of small products. Several threads wait for each other in them, up to eight times
        slower where cores are shared. The order of a sum, and so its last bit, would depend on them too.
        """
        with threadpool_limits(limits=1):
            return super().propose(n, rng)

    def sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Make a fresh `GPSampler` for an objective without noise, as every simulator is."""
        return _StaticGPSampler(
            self._distributions, n_startup_trials=self._startup, deterministic_objective=True, seed=seed
        )


class _StaticGPSampler(optuna.samplers.GPSampler):
    """`GPSampler` that is told the space rather than working it out from every trial."""

    def __init__(self, space: dict[str, BaseDistribution], **settings: object) -> None:
        super().__init__(**settings, warn_independent_sampling=False)  # type: ignore[arg-type]
        self._static_space = space

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._static_space

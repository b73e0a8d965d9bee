"""Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011; several objectives: Ozaki et al., JAIR 73, 2022)."""

from __future__ import annotations

import optuna
from optuna.distributions import BaseDistribution

from ....errors import count
from ....simulators import Problem
from ..base import MOST_AT_ONCE
from ..settings import flag
from .agent import OptunaAgent


class TPEAgent(OptunaAgent):
    """Optuna's `TPESampler`, with the constant liar within a batch.

    Args:
        problem: what is searched.
        seed: a whole number ≥ 0.
        n_startup_trials: random designs before the first model.
        n_ei_candidates: candidates drawn for each proposal.
        multivariate: whether knobs are modelled together; None for Optuna's choice (together for one objective).
    """

    batch = 8

    def __init__(
        self,
        problem: Problem,
        seed: int = 0,
        *,
        n_startup_trials: int = 10,
        n_ei_candidates: int = 24,
        multivariate: bool | None = None,
    ) -> None:
        super().__init__(problem, seed)
        self._startup = count("n_startup_trials", n_startup_trials, 0)
        self._candidates = count("n_ei_candidates", n_ei_candidates, high=MOST_AT_ONCE)
        self._multivariate = None if multivariate is None else flag("multivariate", multivariate)

    def sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Make a fresh `TPESampler`."""
        return _StaticTPESampler(
            self._distributions,
            n_startup_trials=self._startup,
            n_ei_candidates=self._candidates,
            multivariate=self._multivariate,
            seed=seed,
        )


class _StaticTPESampler(optuna.samplers.TPESampler):
    """`TPESampler` that is told the space rather than working it out from every trial."""

    def __init__(self, space: dict[str, BaseDistribution], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._static_space = space

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._static_space if self._is_multivariate(study) else {}

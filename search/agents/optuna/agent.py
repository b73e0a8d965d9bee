"""What the agents built on Optuna's samplers share: an in-memory study that holds exactly what was told."""

from __future__ import annotations

import logging
import threading
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers._ga import BaseGASampler

from ....simulators import Evaluation, Indices, Problem
from ....simulators.core.parameter import Column
from ...keys import row_keys
from ...optuna_knobs import distribution, drawn, position_of
from ..base import Agent
from ..outcomes import log_objectives, share_of_violation

# Rounds in which proposals that were evaluated already are mutated before they are proposed all the same.
MUTATIONS = 10


class OptunaAgent(Agent):
    """Proposes what one of Optuna's samplers would.

    Each ask makes a fresh sampler, seeded from the ask's own generator. It is over a study whose complete trials are
    the told history in its order. Trials that an ask opens are closed as failed, which samplers leave out. Nothing
    else carries over, so that a replayed history gives the same proposals.

    The samplers see every knob that has a choice as `optuna_knobs` has it: grid positions of an ordinal knob,
    categories otherwise. Inactive knobs are folded to their default before a design is proposed. They minimise
    log10(objective / reference): the same order as the objective, on the scale of the reward. A value that an
    infeasible design lacks is the worst one told so far. The violation v is the one constraint, as v / (1 + v).

    A proposal that was told already would cost no budget and teach nothing, and is mutated.
    """

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        space = problem.space
        self._free = [j for j, p in enumerate(space.parameters) if p.size > 1]
        self._distributions: dict[str, BaseDistribution] = {
            space.names[j]: _uncopied(distribution(space.parameters[j])) for j in self._free
        }
        self._knobs = [space.parameters[j] for j in self._free]
        self._worst = np.full(len(problem.objectives), -np.inf)
        self._seen: set[bytes] = set()
        with _quiet():
            self._study = optuna.create_study(directions=["minimize"] * len(problem.objectives))

    @abstractmethod
    def sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Make a fresh sampler with this seed."""

    def attributes(self, n: int) -> dict[str, Any]:
        """Return system attributes of the `n` trials that are being told, where a sampler needs any."""
        return {}

    def propose(self, n: int, rng: np.random.Generator) -> Indices:
        """Return what the sampler suggests, canonical, with repeats mutated."""
        seed = int(rng.integers(2**32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = self.sampler(seed)
        space = self.problem.space
        rows = np.repeat(space.default_indices[None, :], n, axis=0)
        if not self._free:
            return rows[:1]
        # Genetic samplers look at nothing but complete trials.
        alone = isinstance(self._study.sampler, BaseGASampler)
        for i, params in enumerate(self._children(n) if alone else self._trials(n)):
            rows[i, self._free] = [position_of(knob, params[knob.name]) for knob in self._knobs]
        return self._renewed(space.canonicalize(rows), rng)

    def _trials(self, n: int) -> list[dict[str, Any]]:
        """Return what the sampler suggests for `n` trials that run at the same time and are then given up."""
        trials = [self._study.ask(self._distributions) for _ in range(n)]
        suggested = [trial.params for trial in trials]  # a deep copy each time
        for trial in trials:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return suggested

    def _children(self, n: int) -> list[dict[str, Any]]:
        """Return what the sampler suggests for `n` trials of which the study hears of one.

        With tens of knobs opening a trial, asking it for each knob and closing it takes most of a genetic sampler's
        time. Opening one is what makes a study look at its trials anew.
        """
        sampler, suggested = self._study.sampler, []
        self._study.tell(self._study.ask(), state=optuna.trial.TrialState.FAIL)
        trial = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
        for _ in range(n):
            sampler.before_trial(self._study, trial)
            known = sampler.sample_relative(self._study, trial, self._distributions)
            suggested.append({
                name: known[name] if name in known else sampler.sample_independent(self._study, trial, name, kind)
                for name, kind in self._distributions.items()
            })  # fmt: skip
        return suggested

    def tell(self, designs: Indices, evaluation: Evaluation) -> None:
        """Add complete trials to the study."""
        values, violation = self._finite(evaluation)
        attributes = self.attributes(len(designs))
        columns = zip(designs[:, self._free].tolist(), values.tolist(), violation.tolist(), strict=True)
        for positions, objectives, excess in columns:
            trial = optuna.trial.create_trial(
                values=objectives,
                params={k.name: drawn(k, at) for k, at in zip(self._knobs, positions, strict=True)},
                distributions=self._distributions,
                system_attrs=dict(attributes),  # the trial keeps it, and its constraint in it
                constraints={"violation": excess},
            )
            self._study.add_trial(trial)
        self._seen.update(row_keys(designs))

    def _finite(self, evaluation: Evaluation) -> tuple[Column, Column]:
        """Return minimised values (n, k) and the constraint (n,), all finite."""
        values = log_objectives(self.problem, evaluation)
        known = np.where(np.isnan(values), -np.inf, values)
        self._worst = np.maximum(self._worst, known.max(axis=0, initial=-np.inf))
        worst = np.where(np.isfinite(self._worst), self._worst, 0.0)
        return np.where(np.isnan(values), worst, values), share_of_violation(evaluation.violation)

    def _renewed(self, rows: Indices, rng: np.random.Generator) -> Indices:
        """Mutate those rows that were told, or that came before in the same batch."""
        for _ in range(MUTATIONS):
            keys = row_keys(rows)
            first = {key: i for i, key in reversed(list(enumerate(keys)))}
            old = [i for i, key in enumerate(keys) if key in self._seen or first[key] != i]
            if not old:
                break
            rows[old] = self.problem.space.mutate(rows[old], rng)
        return rows


class _Steps(IntDistribution):
    """An `IntDistribution` that is not copied with every trial that has it: nobody changes one."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Steps:
        return self


class _Choices(CategoricalDistribution):
    """A `CategoricalDistribution` that is not copied with every trial that has it: nobody changes one."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Choices:
        return self


def _uncopied(kind: BaseDistribution) -> BaseDistribution:
    if isinstance(kind, IntDistribution):
        return _Steps(kind.low, kind.high)
    assert isinstance(kind, CategoricalDistribution)
    return _Choices(kind.choices)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's message that a study was made, of this thread, for this while, changing no setting."""
    me = threading.get_ident()

    def other_thread(record: logging.LogRecord) -> bool:
        return record.thread != me

    logger = logging.getLogger("optuna.storages._in_memory")
    logger.addFilter(other_thread)
    try:
        yield
    finally:
        logger.removeFilter(other_thread)

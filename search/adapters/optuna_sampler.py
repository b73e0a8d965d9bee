"""One of chipgym's agents as an Optuna sampler, for studies with their own storage, dashboard or objective."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.search_space import intersection_search_space
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ...errors import ChipgymError, count
from ...simulators import Evaluation, Indices, Metrics, Problem
from ...simulators.core.parameter import Column
from ..agents import Agent, make_agent
from ..agents.base import LARGEST_SEED, MOST_AT_ONCE
from ..keys import row_keys
from ..optuna_knobs import position_of
from ..run import checked_problem
from .optuna import OptunaObjective
from .optuna_space import Scale, StudySpace

if TYPE_CHECKING:
    from optuna.study import Study

# Asks in a row of which every design was evaluated before, until the study's further trials are uniform draws.
MOST_IDLE = 50


class AgentSampler(optuna.samplers.BaseSampler):
    """Proposes what one of chipgym's agents would.

    The trials of a study are the agent's asks, a batch at a time: when all trials of a batch are finished, the agent is
    told and asked again. What it knows follows from the study's trials alone. So a study that goes on from its storage
    gets the trials of one that was never cut, and processes that share a storage and a seed share the batches.

    - A design that was evaluated in this study is not tried again: the agent is told what it was then.
    - Constraints are the trials' own (`trial.set_constraint`). A trial that failed, was pruned or has no finite value
      counts as a design that cannot be built.
    - Trials that were finished when the first was sampled are told to the agent as designs that it begins with. Later
      ones that it did not propose (enqueued, for one) are not.
    - While the last trials of a batch run elsewhere, further ones are uniform draws, of which the agent is not told.

    With `problem`, the study is one of `optuna_objective(problem)`, and the agent sees the problem as it is. Otherwise
    the space is that which all trials so far have in common, as other samplers have it, so that the first trial is
    drawn by chance; or it is `search_space`. Values of any sign are brought to one scale (`Scale`).
    """

    def __init__(
        self,
        problem: Problem | None = None,
        agent: str = "nsga2",
        seed: int = 0,
        *,
        agent_options: Mapping[str, Any] | None = None,
        batch: int | None = None,
        search_space: Mapping[str, BaseDistribution] | None = None,
        levels: int = 256,
    ) -> None:
        """Take an agent by its registered name; see `optuna_sampler`."""
        self.agent, self.problem = agent, None if problem is None else checked_problem(problem)
        self.seed = count("seed", seed, 0, LARGEST_SEED)
        self.options = dict(agent_options or {})
        self.levels = count("levels", levels, 2, MOST_AT_ONCE)
        if problem is not None and search_space is not None:
            raise ChipgymError("search_space: a problem has its own; leave out one of the two")
        self.search_space = None if search_space is None else dict(search_space)
        if problem is not None:
            self.search_space = OptunaObjective(problem).search_space
        known = self.search_space or {"x": optuna.distributions.IntDistribution(0, 1)}
        # Says at once what is wrong with the agent, its options or the space.
        made = make_agent(agent, problem or StudySpace(known, self.levels).problem(1), self.seed, agent_options)
        self.batch = made.batch if batch is None else count("batch", batch, 1, MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._course: _Course | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_lock": None, "_course": None}  # what the trials tell is told again

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def reseed_rng(self) -> None:
        """Do nothing: what is drawn follows from the seed and the trial's number."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return what the agent chooses: the given space, or what all complete trials share."""
        if self.search_space is not None:
            return dict(self.search_space)
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return {name: d for name, d in intersection_search_space(trials).items() if not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameters of the next design that the agent proposed."""
        if not search_space or "fixed_params" in trial.system_attrs:
            return {}
        if self.problem is not None and search_space != self.search_space:
            return {}  # some are fixed from outside, which makes it another problem
        with self._lock:
            if self._course is None or not self._course.is_of(study, search_space):
                self._course = _Course(self, study, search_space)
            return self._course.next(trial)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that the agent does not choose, uniformly."""
        words = hashlib.sha256(json.dumps([self.seed, trial.number, param_name]).encode()).digest()[:4]
        draws = optuna.samplers.RandomSampler(seed=int.from_bytes(words, "big"))
        return draws.sample_independent(study, trial, param_name, param_distribution)


@dataclass
class _Told:
    """What the trial of a design came to: values (m,), the violation, and the metrics where it reported them."""

    values: Column
    violation: float
    metrics: Mapping[str, float]


class _Course:
    """An agent's way through one study."""

    def __init__(self, sampler: AgentSampler, study: Study, space: dict[str, BaseDistribution]) -> None:
        self._sampler, self._study, self._space = sampler, study, space
        maximised = np.array([d == StudyDirection.MAXIMIZE for d in study.directions])
        if sampler.problem is not None:
            self._grid, self.problem = None, sampler.problem
            if maximised.any() or len(maximised) != len(self.problem.objectives):
                directions = OptunaObjective(self.problem).directions
                raise ChipgymError(f"study: its directions differ from {directions}, those of the sampler's problem")
        else:
            self._grid = StudySpace(space, sampler.levels)
            self.problem = self._grid.problem(len(maximised))
        self._scale = None if sampler.problem is not None else Scale(maximised)
        self._agent: Agent = make_agent(sampler.agent, self.problem, sampler.seed, sampler.options)
        told = [sampler.agent, sampler.options, sampler.seed, sampler.batch, sampler.levels]
        described = {name: optuna.distributions.distribution_to_json(d) for name, d in sorted(space.items())}
        words = json.dumps([told, described], sort_keys=True, default=repr)
        self._key = "chipgym:" + hashlib.sha256(words.encode()).hexdigest()[:16]
        # Trials that another process runs, or that one which is gone left behind.
        self._foreign = {t.number for t in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))}
        self._known: dict[bytes, _Told] = {}
        self._ask = 0
        self._rows: Indices | None = None
        self._idle = 0

    def is_of(self, study: Study, space: dict[str, BaseDistribution]) -> bool:
        """Tell whether it is the way through this study, in this space."""
        mine = self._study
        same = study is mine or (study._storage is mine._storage and study._study_id == mine._study_id)
        return same and space == self._space

    def next(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return the parameters of a trial: the next design of the batch, of a new batch, or a uniform draw."""
        self._foreign.discard(trial.number)
        trials = self._study.get_trials(deepcopy=False)
        if self._ask == 0 and self._rows is None:
            self._begin(trials, trial.number)
        claims = self._claims(trials)
        while self._idle < MOST_IDLE:
            if self._rows is None:
                self._rows = self._agent.ask(self._sampler.batch)
                if not len(self._rows):  # nothing is left to propose
                    self._idle = MOST_IDLE
                    break
            new = self._new_positions(self._rows)
            claimed = claims.get(self._ask, {})
            if free := [i for i in new if i not in claimed]:
                at = [self._ask, free[0]]
                self._study._storage.set_trial_system_attr(trial._trial_id, self._key, at)
                return self._params(self._rows[free[0]])
            if any(not claimed[i].state.is_finished() for i in new):
                break
            self._learn(self._rows, {i: claimed[i] for i in new})
            self._idle = 0 if new else self._idle + 1
            self._ask, self._rows = self._ask + 1, None
        rng = np.random.default_rng(np.random.SeedSequence((self._sampler.seed, trial.number, 1)))
        return self._params(self.problem.space.sample(1, rng)[0])

    def _claims(self, trials: Sequence[FrozenTrial]) -> dict[int, dict[int, FrozenTrial]]:
        """Return by ask and position the trial that has it: the first, without those that seem to be left behind."""
        claims: dict[int, dict[int, FrozenTrial]] = {}
        for trial in trials:
            at = trial.system_attrs.get(self._key)
            if at is not None and (trial.state.is_finished() or trial.number not in self._foreign):
                claims.setdefault(at[0], {}).setdefault(at[1], trial)
        return claims

    def _new_positions(self, rows: Indices) -> list[int]:
        """List the positions in a batch of designs that were not evaluated before it, each once."""
        first: dict[bytes, int] = {}
        for i, key in enumerate(row_keys(rows)):
            if key not in self._known:
                first.setdefault(key, i)
        return list(first.values())

    def _begin(self, trials: Sequence[FrozenTrial], before: int) -> None:
        """Tell the agent the trials that were there before its first; which they were is kept with the study."""
        attributes = self._study._storage.get_study_system_attrs(self._study._study_id)
        key = f"{self._key}:start"
        numbers = attributes.get(key)
        if numbers is None:
            numbers = [t.number for t in trials if t.number < before and t.state == TrialState.COMPLETE]
            self._study._storage.set_study_system_attr(self._study._study_id, key, numbers)
        rows: dict[bytes, Indices] = {}
        found: dict[bytes, FrozenTrial] = {}
        for number in numbers:
            row = self._row(trials[number])
            if row is not None:
                name = row_keys(row[None, :])[0]
                rows.setdefault(name, row)
                found.setdefault(name, trials[number])
        if rows:
            batch = np.stack(list(rows.values()))
            self._agent.begin(batch, self._evaluation(batch, found))
            self._ask = 1

    def _learn(self, rows: Indices, trials: Mapping[int, FrozenTrial]) -> None:
        """Tell the agent what became of a batch, of which those at some positions have been tried.

        What was tried is what the trial says: under another version of a library the agent may propose other designs
        than it did when the study was begun.
        """
        keys = row_keys(rows)
        tried = {keys[i]: self._row(t) if t.state == TrialState.COMPLETE else None for i, t in trials.items()}
        mine = [row if (own := tried.get(key)) is None else own for key, row in zip(keys, rows, strict=True)]
        told = np.stack(mine)
        new = row_keys(told)
        self._agent.tell(told, self._evaluation(told, {new[i]: t for i, t in trials.items()}))

    def _evaluation(self, rows: Indices, found: Mapping[bytes, FrozenTrial]) -> Evaluation:
        """Return what the trials of rows (n, p) came to, by the rows' keys or as it is known."""
        m = len(self.problem.objectives)
        new = {key: _outcome(trial, m) for key, trial in found.items()}
        if new:
            values = np.stack([told.values for told in new.values()])
            scaled = np.where(np.isfinite(values), values, np.nan) if self._scale is None else self._scale(values)
            for told, objectives in zip(new.values(), scaled, strict=True):
                told.values = objectives
                if np.isnan(objectives).any() and not told.violation > 0:
                    told.violation = np.inf
            self._known |= new
        each = [self._known[key] for key in row_keys(rows)]
        objectives, violation = np.stack([t.values for t in each]), np.array([t.violation for t in each])
        return Evaluation(self._metrics(each, objectives, violation), objectives, violation)

    def _metrics(self, each: Sequence[_Told], objectives: Column, violation: Column) -> Metrics:
        """Return metrics as trials reported them, NaN where they did not."""
        specs = self.problem.simulator.metrics
        if self._grid is not None:
            columns = {spec.name: objectives[:, j] for j, spec in enumerate(specs)}
        else:
            columns = {s.name: np.array([t.metrics.get(s.name, np.nan) for t in each], dtype=np.float64) for s in specs}
        return Metrics(specs, columns, np.where(np.isnan(objectives).any(axis=1), violation, 0.0))

    def _params(self, row: Indices) -> dict[str, Any]:
        if self._grid is not None:
            return self._grid.params(row)
        return OptunaObjective(self.problem).params_of_row(row)

    def _row(self, trial: FrozenTrial) -> Indices | None:
        """Return the row of a trial that the agent did not propose, None where it is none of this space."""
        if self._grid is not None:
            return self._grid.row(trial.params)
        out = self.problem.space.default_indices.copy()
        for j, knob in enumerate(self.problem.space.parameters):
            if knob.name in trial.params:
                if trial.distributions[knob.name] != self._space.get(knob.name):
                    return None
                out[j] = position_of(knob, trial.params[knob.name])
        row: Indices = self.problem.space.canonicalize(out[None, :])[0]
        return row


def _outcome(trial: FrozenTrial, m: int) -> _Told:
    """Return what a finished trial came to, in the study's own values."""
    if trial.state != TrialState.COMPLETE:
        return _Told(np.full(m, np.nan), np.inf, {})
    limits = trial.constraints
    # `OptunaObjective` reports its one under a second name, for optuna-dashboard.
    beyond = [limits["violation"]] if "violation" in limits else limits.values()
    violation = sum(max(excess, 0.0) for excess in beyond)
    metrics = trial.user_attrs.get("metrics")
    values = np.array(trial.values, dtype=np.float64)
    return _Told(values, float(violation), metrics if isinstance(metrics, Mapping) else {})

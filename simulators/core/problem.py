"""A problem: a simulator and what to minimise on it. What every environment, agent, study and data set takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ChipgymError, shorten, unknown
from .bottleneck import Bottleneck, expanded, powers_of
from .limit import Limit
from .metrics import Metrics, row_dict
from .objective import Constraint, Objective, limited_values, parse_constraints, parse_objectives, total_excess
from .parameter import Column, Value, is_column
from .reward import REWARD_RANGES, REWARDS, RewardFunction, checked_rewards, name_of_reward
from .simulator import Simulator
from .space import Columns, Designs, DesignSpace, Indices

# Seeded draws looked at for a reference where the default design cannot be built for a workload.
REFERENCE_DRAWS = 4096


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A batch of n evaluated designs.

    Attributes:
        metrics: the simulator's answer.
        objectives: minimised values, shape (n, m), NaN where the simulator finds the design infeasible.
        violation: the simulator's violation plus the constraints' excess, shape (n,); 0 where feasible.
    """

    metrics: Metrics
    objectives: Column
    violation: Column

    @property
    def feasible(self) -> Column:
        """Buildable and within every constraint, shape (n,), bool."""
        return self.violation <= 0


@dataclass(frozen=True)
class Problem:
    """A simulator, the objectives to minimise on it, the constraints to meet, and the part of its space to search.

    Attributes:
        simulator: the machine bound to its workload.
        space: the simulator's space, narrowed where the user said so.
        objectives: one for single-objective search, several for Pareto search.
        constraints: beyond the simulator's own feasibility.
        reward_name: one of `REWARDS`, or what stands for a reward of one's own.
        targets: the reference per objective for the reward; the default design's own values where None, which only
            `log_ratio` allows: at a distance from the default, the default itself would be the best design.
        own_reward: a reward of one's own, in place of one of `REWARDS`.
    """

    simulator: Simulator
    space: DesignSpace
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()
    reward_name: str = "log_ratio"
    targets: tuple[float, ...] | None = None
    own_reward: RewardFunction | None = None
    reference: Column = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = self.own_reward is not None or (isinstance(self.reward_name, str) and self.reward_name in REWARDS)
        if not known:
            raise unknown("reward", self.reward_name, REWARDS)
        if self.targets is not None:
            try:
                reference = np.array(self.targets, dtype=np.float64)
            except (TypeError, ValueError, OverflowError):
                reference = np.array(np.nan)
            if reference.shape != (len(self.objectives),) or not (np.isfinite(reference) & (reference > 0)).all():
                names = ", ".join(o.name for o in self.objectives)
                raise ChipgymError(f"targets: {shorten(self.targets)}, expected a positive number for each of {names}")
        elif self.reward_name == "target_distance":
            names = ", ".join(f"{o.name!r}: …" for o in self.objectives)
            raise ChipgymError(f"targets: the reward 'target_distance' needs one per objective, as in {{{names}}}")
        else:
            reference = self._default_objectives()
        object.__setattr__(self, "reference", reference)

    def _default_objectives(self) -> Column:
        """Return objectives of the default design, or of the first positive ones of a fixed sequence of draws."""
        try:
            values = self.evaluate(self.space.default_indices).objectives
        except ChipgymError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())
            raise ChipgymError(
                f"simulator {self.simulator.name}: simulate raised {type(error).__name__}: {said} for its default "
                "design, which rewards compare others with; give targets, or another default"
            ) from error
        if not _comparable(values).all():
            values = self.evaluate(self.space.sample(REFERENCE_DRAWS, np.random.default_rng(0))).objectives
        good = _comparable(values)
        if good.all(axis=1).any():
            reference: Column = values[int(np.argmax(good.all(axis=1)))]
            return reference
        if np.isnan(values).any(axis=1).all():
            raise ChipgymError(
                f"no design that can be built for {self.simulator.workload.name} among {REFERENCE_DRAWS} tried; "
                "widen the space or give targets"
            )
        name = self.objectives[int(np.argmin(good.sum(axis=0)))].name
        raise ChipgymError(
            f"objective: {name!r} has no positive, finite value among {REFERENCE_DRAWS} designs tried, and the reward "
            "compares with one; give targets or another objective"
        )

    def evaluate(self, designs: Designs) -> Evaluation:
        """Evaluate designs given as index rows of this problem's space, dicts, or columns.

        Returns:
            n evaluated designs.

        Raises:
            ChipgymError: as `Simulator.evaluate`.
        """
        return self.evaluate_columns(*self.space.columns(designs, self.simulator.beside))

    def evaluate_columns(self, columns: Columns, n: int) -> Evaluation:
        """Evaluate complete columns that the space has made, as `evaluate` does."""
        return self.judge(columns, self.simulator.evaluate_columns(columns, n))

    def encode(self, designs: Designs) -> Indices:
        """Return index rows of this problem's space, shape (n, p), of designs whose values are all on its grid.

        Raises:
            ChipgymError: naming the first value that is not, and the nearest that is.
        """
        return self.space.positions(*self.space.columns(designs, self.simulator.beside))

    def judge(self, columns: Columns, metrics: Metrics) -> Evaluation:
        """Return the evaluation of n designs, complete columns of values, that the simulator answered `metrics` for."""
        values = [o(metrics) for o in self.objectives]
        objectives = np.stack(values, axis=1) if len(values) > 1 else values[0][:, None]
        violation = metrics["violation"]
        if self.constraints:
            violation = violation + total_excess(self.constraints, metrics, columns)
        return Evaluation(metrics, objectives, violation)

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Tell why one design is infeasible: the simulator's limits and the constraints that it breaks, in this order.

        Empty for a feasible design, and for one whose simulator does not say why it cannot be built.

        Raises:
            ChipgymError: as `Simulator.evaluate`, and for several designs.
        """
        columns = self.space.one_design(design, "broken_limits:", self.simulator.beside)
        metrics = self.simulator.evaluate_columns(columns, 1)
        values = limited_values(self.constraints, metrics, columns)
        limits = [c.limit_of(values) for c in self.constraints]
        return (*self.simulator.broken_limits(row_dict(columns, 0)), *(limit for limit in limits if limit.broken))

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design in this problem, and which knobs loosen it, the heaviest first.

        Limits that the design breaks go first, the simulator's and the constraints. Then come the parts of what a
        broken constraint limits; of a feasible design those of the objectives' metrics, by share times the power that
        the metric has in the objective. Nothing where the simulator does not break its answers down.

        Raises:
            ChipgymError: as `Simulator.evaluate`, and for several designs.
        """
        columns = self.space.one_design(design, "bottlenecks:", self.simulator.beside)
        found = self.simulator.bottlenecks(row_dict(columns, 0))
        metrics = self.simulator.evaluate_columns(columns, 1)
        values = limited_values(self.constraints, metrics, columns)
        one = {name: float(column[0]) for name, column in values.items()}
        broken = [c for c in self.constraints if c.limit_of(values).broken]
        limited = [
            Bottleneck(c.quantity.text, c.quantity.text, float(c.excess(values)[0]), broken=True) for c in broken
        ]
        sought = [(c.quantity, 1 if c.upper else -1) for c in broken] or [(o.quantity, 1) for o in self.objectives]
        weights: dict[str, float] = {}
        for quantity, sign in sought:
            for name, power in expanded(powers_of(quantity, one), self.simulator.made_of).items():
                weights[name] = max(weights.get(name, 0.0), sign * power)
        parts = [b for b in found if not b.broken and weights.get(b.metric, 0.0) > 0]
        parts.sort(key=lambda b: -b.share * weights[b.metric])
        return (*(b for b in found if b.broken), *limited, *parts)

    def reward(self, evaluation: Evaluation) -> Column:
        """Return the maximised reward per design, shape (n,), always finite.

        Raises:
            ChipgymError: where a reward of one's own answers anything else.
        """
        if self.own_reward is not None:
            return checked_rewards(self.own_reward(evaluation, self), (evaluation.violation.shape,), self.reward_name)
        return REWARDS[self.reward_name](evaluation.objectives, self.reference, evaluation.violation)

    def reward_vector(self, evaluation: Evaluation) -> Column:
        """Return the maximised reward per design and objective, (n, m), always finite; `reward` where there is but one.

        Raises:
            ChipgymError: where a reward of one's own answers anything else, such as one number per design.
        """
        if self.own_reward is not None:
            return checked_rewards(self.own_reward(evaluation, self), (evaluation.objectives.shape,), self.reward_name)
        score = REWARDS[self.reward_name]
        each = [
            score(evaluation.objectives[:, j : j + 1], self.reference[j : j + 1], evaluation.violation)
            for j in range(len(self.objectives))
        ]
        return np.stack(each, axis=1)

    @property
    def reward_range(self) -> tuple[float, float]:
        """Least and largest value of a reward, or of one entry of `reward_vector`; infinite for one's own."""
        return (-np.inf, np.inf) if self.own_reward is not None else REWARD_RANGES[self.reward_name]

    def __repr__(self) -> str:
        within = f" within {', '.join(c.text for c in self.constraints)}" if self.constraints else ""
        return f"Problem(least {', '.join(o.name for o in self.objectives)} of {self.simulator!r}{within})"

    def identity(self) -> dict[str, Any]:
        """Return everything that makes two problems the same, as JSON-able data."""
        return {
            **self.simulator.identity(),
            "objectives": [o.quantity.text for o in self.objectives],
            "constraints": [c.text for c in self.constraints],
            "space": {p.name: list(p.values) for p in self.space.parameters},
        }

    @property
    def digest(self) -> str:
        """A hash of `identity`, hex."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()


def _comparable(objectives: Column) -> Column:
    """Tell which objectives a reward can compare others with."""
    return np.isfinite(objectives) & (objectives > 0)


def bind_problem(
    simulator: Simulator,
    *,
    objective: str | Sequence[str] | None = None,
    constraints: str | Sequence[str] = (),
    space: Mapping[str, Value | Sequence[Value]] | None = None,
    reward: str | RewardFunction = "log_ratio",
    targets: Sequence[float] | Mapping[str, float] | None = None,
) -> Problem:
    """Make a problem on a simulator that exists; `make_problem` is the same by the simulator's name.

    Raises:
        ChipgymError: naming the first argument that is wrong, and the nearest right one.
    """
    wanted = simulator.default_objective if objective is None else objective
    objectives = parse_objectives(wanted, simulator.metrics, simulator.objectives)
    own = reward if callable(reward) else None
    texts = [o.quantity.text for o in objectives]
    if targets is None and reward == "target_distance" and all(text in simulator.targets for text in texts):
        targets = [simulator.targets[text] for text in texts]
    if isinstance(targets, Mapping):
        for name in targets:
            if name not in {o.name for o in objectives}:
                raise unknown("objective in targets", name, [o.name for o in objectives])
        missing = [o.name for o in objectives if o.name not in targets]
        if missing:
            raise ChipgymError(f"targets: no value for {missing[0]}; expected one for each objective")
        targets = [targets[o.name] for o in objectives]
    if targets is not None and not is_column(targets):
        raise ChipgymError(f"targets: {shorten(targets)} is not a list of numbers or a dict of them by objective")
    narrowed = simulator.space.narrow(space)
    return Problem(
        simulator,
        narrowed,
        objectives,
        parse_constraints(constraints, simulator.metrics, simulator.objectives, narrowed.parameters),
        name_of_reward(own) if own is not None else reward,  # type: ignore[arg-type]  # the problem checks it
        tuple(targets) if targets is not None else None,
        own,
    )

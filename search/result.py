"""What a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ChipgymError
from ..jsonable import plain
from ..simulators import Problem, Value
from ..simulators.core.parameter import Column
from .pareto import non_dominated
from .ranking import best_number
from .run import Provenance

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class EvaluatedDesign:
    """One evaluated design.

    Attributes:
        number: its place in the run's order of evaluation, from 0.
        design: value by knob.
        metrics: the simulator's metrics, without those that mean nothing for an infeasible design.
        objectives: minimised values, NaN where the simulator finds the design infeasible.
        feasible: buildable and within every constraint.
        violation: how far beyond the limits, 0 where feasible.
        reason: why it is infeasible where no limit says so: what its simulation raised, or what is not a number.
    """

    number: int
    design: dict[str, Value]
    metrics: dict[str, float]
    objectives: tuple[float, ...]
    feasible: bool
    violation: float
    reason: str = ""

    def to_dict(self, objective_names: Sequence[str]) -> dict[str, Any]:
        """Return the same as JSON-able data: null for what is no number, "inf" for infinity."""
        data = {
            "number": self.number,
            "design": self.design,
            "metrics": self.metrics,
            "objectives": dict(zip(objective_names, self.objectives, strict=True)),
            "feasible": self.feasible,
            "violation": self.violation,
        }
        out: dict[str, Any] = plain({**data, "reason": self.reason} if self.reason else data)
        return out


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Every evaluated design of a run as columns, each of length n, in the order of evaluation.

    Attributes:
        designs: values by knob, each (n,).
        metrics: by name, each (n,) float64, NaN where they mean nothing.
        objectives: minimised values, shape (n, k).
        objective_names: k names.
        violation: shape (n,), constraints included.
        reward: maximised reward, shape (n,).
        asks: the ask that proposed each, shape (n,).
        units: unit by metric.
        reasons: by number, why a design is infeasible where no limit says so.
    """

    designs: Mapping[str, Column]
    metrics: Mapping[str, Column]
    objectives: Column
    objective_names: tuple[str, ...]
    violation: Column
    reward: Column
    asks: Column
    units: Mapping[str, str]
    reasons: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.violation)

    def __repr__(self) -> str:
        return f"Evaluations({len(self):,} designs, {int((self.violation <= 0).sum()):,} feasible)"

    def row(self, number: int) -> EvaluatedDesign:
        """Return one of them as plain Python values."""
        metrics = {name: float(column[number]) for name, column in self.metrics.items()}
        return EvaluatedDesign(
            number=number,
            design={name: column[number].item() for name, column in self.designs.items()},
            metrics={name: value for name, value in metrics.items() if value == value},  # NaN has no meaning
            objectives=tuple(self.objectives[number].tolist()),
            feasible=bool(self.violation[number] <= 0),
            violation=float(self.violation[number]),
            reason=self.reasons.get(number, ""),
        )


@dataclass(frozen=True, eq=False)
class SearchResult:
    """A finished search, or one read from a store.

    Attributes:
        table: every evaluation as columns.
        agent: the agent's name.
        seed: its seed.
        identity: what was searched, as `Problem.identity` gives it.
        store: where the evaluations are, None where only in memory.
        stopped: "budget", "space exhausted", "agent repeats itself", "timeout" or "callback"; "error" for what a
            search has that a simulation's exception ended, "stored" for a run read from a store.
        provenance: the settings and versions that it follows from.
        problem: what was searched; None for a run read from a store.
        explanation: what the agent says of its choices, in sentences; empty for most agents, and for a run read from a
            store.
    """

    table: Evaluations
    agent: str
    seed: int
    identity: Mapping[str, Any]
    store: str | None
    stopped: str
    provenance: Provenance
    problem: Problem | None = None
    explanation: tuple[str, ...] = ()

    def __repr__(self) -> str:
        what = f"{self.agent}, seed {self.seed}, on {self.identity['simulator']} running {self.identity['workload']}"
        return f"SearchResult({what}: {self.table!r}, stopped: {self.stopped}, store: {self.store})"

    @property
    def evaluations(self) -> int:
        """How many designs were evaluated."""
        return len(self.table)

    @cached_property
    def best(self) -> EvaluatedDesign:
        """The best design.

        The feasible one with the least objective, or with several objectives the greatest reward. Where none is
        feasible it is the one with the least violation, and its `feasible` is False.

        Raises:
            ChipgymError: where nothing was evaluated.
        """
        if not len(self.table):
            raise ChipgymError("the run has no evaluations yet")
        return self.table.row(best_number(self.table.objectives, self.table.violation, self.table.reward))

    @cached_property
    def pareto(self) -> tuple[EvaluatedDesign, ...]:
        """The feasible designs that none dominates, by the first objective; for one objective the single best.

        Empty where nothing is feasible.
        """
        objectives = self.table.objectives
        feasible = np.flatnonzero(self.table.violation <= 0)
        if not len(feasible):
            return ()
        if objectives.shape[1] == 1:
            return (self.best,)
        front = feasible[non_dominated(objectives[feasible])]
        front = front[np.lexsort(objectives[front].T[::-1])]
        return tuple(self.table.row(int(i)) for i in front)

    @cached_property
    def failed(self) -> tuple[EvaluatedDesign, ...]:
        """The designs whose simulation raised or gave no number, each with its `reason`."""
        return tuple(self.table.row(number) for number in sorted(self.table.reasons))

    def to_dict(self) -> dict[str, Any]:
        """Return what was searched and found as JSON-able data: the best design, the front, designs without metrics."""
        names = self.table.objective_names
        problem = self.problem
        units = {o.name: o.unit for o in problem.objectives} if problem else {}
        out: dict[str, Any] = plain(
            {
                **self.identity,
                "agent": self.agent,
                "seed": self.seed,
                "evaluations": self.evaluations,
                "stopped": self.stopped,
                "store": self.store,
                "explanation": list(self.explanation),
                "objective_units": units,
                "best": self.best.to_dict(names) if self.evaluations else None,
                "pareto": [design.to_dict(names) for design in self.pareto],
                "failed": [design.to_dict(names) for design in self.failed],
            }
        )
        return out

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row per evaluation, in order.

        Columns: number, ask, the knobs, the metrics, feasible, violation, reason, reward, and the objectives under
        their names with the prefix "objective:".
        """
        import pandas as pd

        table = self.table
        objectives = zip(table.objective_names, table.objectives.T, strict=True)
        return pd.DataFrame(
            {
                "number": np.arange(len(table)),
                "ask": table.asks,
                **table.designs,
                **table.metrics,
                "feasible": table.violation <= 0,
                "violation": table.violation,
                "reason": [table.reasons.get(number, "") for number in range(len(table))],
                "reward": table.reward,
                **{f"objective:{name}": column for name, column in objectives},
            }
        )

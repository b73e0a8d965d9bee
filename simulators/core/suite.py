"""One machine for several workloads: what a design is worth on all of them together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...datasets import Workload
from ...errors import ChipgymError, shorten
from .bottleneck import Bottleneck, merged
from .limit import Limit
from .metrics import Metrics, MetricSpec
from .parameter import Column
from .simulator import Simulator
from .space import Columns, Designs


def workload_names(workloads: Sequence[Workload]) -> tuple[str, ...]:
    """Name each workload; a further one of the same name, such as another batch, has its number behind it.

    Raises:
        ChipgymError: where two are the same.
    """
    names: list[str] = []
    for i, workload in enumerate(workloads):
        if workload.digest in [w.digest for w in workloads[:i]]:
            raise ChipgymError(f"workload: {shorten(workload.name)} is given twice")
        same = [w.name for w in workloads[:i]].count(workload.name)
        names.append(f"{workload.name} #{same + 1}" if same else workload.name)
    return tuple(names)


class WorkloadSuite:
    """Several workloads as one; its features are the means of theirs."""

    def __init__(self, members: Sequence[Workload]) -> None:
        """Join different workloads.

        Raises:
            ChipgymError: where two are the same.
        """
        self.members = tuple(members)
        self.name = "+".join(workload_names(members))
        self.digest = hashlib.sha256("\0".join(w.digest for w in members).encode()).hexdigest()

    def features(self) -> dict[str, float]:
        """Return the mean of every feature."""
        each = [w.features() for w in self.members]
        return {name: float(np.mean([f[name] for f in each])) for name in each[0]}


class SuiteSimulator(Simulator):
    """A simulator on several workloads: each metric is its geometric mean over them.

    So every workload counts alike, however long it runs, and designs rank the same whatever they are compared with
    (Fleming and Wallace, "How not to lie with statistics", CACM 29(3), 1986). A design is as infeasible as on the
    workload on which it is furthest from feasible.

    Attributes:
        members: the simulator on each workload, in order.
    """

    name: str  # type: ignore[misc]
    version: str  # type: ignore[misc]
    metrics: tuple[MetricSpec, ...]  # type: ignore[misc]
    objectives: Mapping[str, str | tuple[str, ...]]  # type: ignore[misc]
    default_objective: str  # type: ignore[misc]
    targets: Mapping[str, float]  # type: ignore[misc]
    chunk: int  # type: ignore[misc]
    made_of: Mapping[str, Mapping[str, float]]  # type: ignore[misc]

    def __init__(self, members: Sequence[Simulator]) -> None:
        """Join simulators of one machine.

        Raises:
            ChipgymError: where two have the same workload, or another design space.
        """
        first = members[0]
        for member in members:
            if type(member) is not type(first) or member.space != first.space:
                raise ChipgymError(
                    f"workload: {shorten(member.workload.name)} has another design space than "
                    f"{shorten(first.workload.name)}; a list of workloads is of one space"
                )
        self.members = tuple(members)
        self.workload = WorkloadSuite([m.workload for m in members])
        self.space, self.options = first.space, first.options
        if all(member.workload_source for member in members):
            self.workload_source = tuple(text for member in members for text in member.workload_source)
        self.name, self.version, self.chunk = first.name, first.version, first.chunk
        self.metrics, self.objectives, self.targets = first.metrics, first.objectives, first.targets
        self.default_objective, self.made_of = first.default_objective, first.made_of

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Return the members' metrics, each its geometric mean over them, and their largest violation."""
        found = self._simulated(columns, n)
        return {m.name: found[m.name] for m in self.metrics}, found["violation"]

    def _simulated(self, columns: Columns, n: int) -> Metrics:
        """Return the members' answers as one, each checked as its own."""
        logs: dict[str, Column] = {m.name: np.zeros(n) for m in self.metrics}
        worst = np.zeros(n)
        reasons: dict[int, str] = {}
        with np.errstate(divide="ignore", invalid="ignore"):
            for member in self.members:
                found = member.evaluate_columns(columns, n)
                worst = np.maximum(worst, found["violation"])
                for i, reason in found.reasons.items():
                    reasons.setdefault(i, f"{reason} on {member.workload.name}")
                for name, total in logs.items():
                    total += np.log(found[name])
            means = {name: np.exp(total / len(self.members)) for name, total in logs.items()}
        return Metrics(self.metrics, means, worst, reasons)

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Return what any of them breaks, the most broken first where several break the same."""
        found: dict[str, Limit] = {}
        for member in self.members:
            for limit in member.broken_limits(design):
                known = found.setdefault(limit.name, limit)
                if abs(limit.value - limit.limit) > abs(known.value - known.limit):
                    found[limit.name] = limit
        return tuple(found.values())

    @property
    def capacities(self) -> Mapping[str, float]:
        """None: a mean over workloads says nothing of the one that needs the most."""
        return {}

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Return the members' bottlenecks as one: the mean of their shares, and the worst of their broken limits."""
        return merged(member.bottlenecks(design) for member in self.members)

    def __repr__(self) -> str:
        return " with ".join(map(repr, self.members))

    def identity(self) -> dict[str, Any]:
        """Return the first member's identity with the name and the digest of all workloads together."""
        return {**self.members[0].identity(), "workload": self.workload.name, "workload_digest": self.workload.digest}

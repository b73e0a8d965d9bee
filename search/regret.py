"""How far a search is from the true optimum, where every design has been evaluated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ChipgymError, count, shorten
from ..simulators import Indices, Problem, Value
from ..simulators.core.parameter import Column
from ..simulators.tabular import TabularSimulator
from .evaluating import Catch, Trial, exceptions, joined
from .result import SearchResult

# Designs whose objectives are kept; more are a matter for sampling.
MOST_DESIGNS = 2**27
# Designs that a simulator evaluates for an optimum without being told that it may: seconds to minutes.
MOST_SIMULATED = 1_000_000
# Seconds between two calls of a callback.
TELL_EVERY_S = 1.0


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The objective of every design of a problem, and what follows from it.

    Attributes:
        problem: one objective, with or without constraints.
        designs: how many canonical designs there are.
        values: the feasible ones' objective, ascending, shape (m,).
        best: a design that has the least.
        exact: whether every design was evaluated. Otherwise `values` are those that searches found, each once,
            `optimum` is the best of them, ranks are among them, and `best` is empty.
    """

    problem: Problem
    designs: int = field(repr=False)
    values: Column = field(repr=False)
    best: dict[str, Value]
    exact: bool = True

    @property
    def optimum(self) -> float:
        """The least objective of any feasible design."""
        return float(self.values[0])

    @property
    def worst(self) -> float:
        """The greatest objective of any feasible design."""
        return float(self.values[-1])

    def incumbent(self, found: SearchResult | Sequence[float] | Column) -> Column:
        """Return the least feasible objective after each evaluation, shape (n,); `inf` before the first feasible one.

        Args:
            found: a search of this problem (on the table or on the simulator that it was collected from), or objectives
                in the order of evaluation, in which an infeasible design is NaN or `inf`.

        Raises:
            ChipgymError: for a search of another problem, and values that are no numbers.
        """
        values: Column = np.minimum.accumulate(self._values_of(found))
        return values

    def regret(self, found: SearchResult | Sequence[float] | Column) -> Column:
        """Return simple regret after each evaluation: the incumbent minus the optimum, shape (n,).

        Takes and raises what `incumbent` does.
        """
        return self.incumbent(found) - self.optimum

    def rank(self, found: SearchResult | Sequence[float] | Column) -> Indices:
        """Rank of the incumbent among all feasible designs after each evaluation, shape (n,); equals share a rank.

        1 is the optimum; before the first feasible design it is their number plus 1. Takes and raises what `incumbent`
        does.
        """
        return self.rank_of(self.incumbent(found))

    def rank_of(self, objectives: Column) -> Indices:
        """Rank each of n feasible objectives among all feasible designs, shape (n,); `inf` is behind all of them."""
        return np.searchsorted(self.values, objectives, side="left").astype(np.int64) + 1

    def _values_of(self, found: SearchResult | Sequence[float] | Column) -> Column:
        if isinstance(found, SearchResult):
            self._check(found)
            values = np.where(found.table.violation <= 0, found.table.objectives[:, 0], np.inf)
        else:
            try:
                values = np.array(found, dtype=np.float64)
            except (TypeError, ValueError):
                values = np.empty((0, 0))
            if values.ndim != 1:
                raise ChipgymError(f"found: {shorten(found)} is neither a search's result nor a list of objectives")
        return np.where(np.isnan(values), np.inf, values)

    def _check(self, found: SearchResult) -> None:
        """Check that a search was one of this problem."""
        ours = self.problem.identity()
        theirs: dict[str, Any] = dict(found.identity)
        simulator = self.problem.simulator
        sources = [simulator.identity()] + ([simulator.source] if isinstance(simulator, TabularSimulator) else [])
        if {name: theirs.get(name) for name in sources[0]} not in sources:
            what = f"{theirs.get('simulator')} on {theirs.get('workload')}"
            raise ChipgymError(f"found: is a search of {what}, expected {simulator.name} on {simulator.workload.name}")
        for name in ("objectives", "constraints", "space"):
            if theirs.get(name) != ours[name]:
                has, expected = shorten(theirs.get(name), 100), shorten(ours[name], 100)
                raise ChipgymError(f"found: is a search with {name} {has}, expected {expected}")


def ground_truth(
    problem: Problem,
    most_designs: int | None = None,
    callback: Callable[[int, int], None] | None = None,
    catch: Catch = (),
) -> GroundTruth:
    """Evaluate every canonical design of a problem: milliseconds on a table, as long as it takes on a simulator.

    Args:
        problem: one objective.
        most_designs: how many designs a simulator may evaluate; 1,000,000 where None. A table is looked up whatever it
            has.
        callback: called about every second with how many designs were evaluated, and how many there are.
        catch: exceptions of `simulate` that make a design infeasible, as for `optimize`.

    Raises:
        ChipgymError: for several objectives, a space with too many designs, and where no design is feasible.
    """
    most = MOST_SIMULATED if most_designs is None else count("most_designs", most_designs)
    if len(problem.objectives) != 1:
        names = ", ".join(o.name for o in problem.objectives)
        raise ChipgymError(f"objective: regret is defined for one objective, not for {names}")
    space = problem.space
    if space.size > MOST_DESIGNS:
        raise ChipgymError(f"space: {space.size:.3g} rows are too many to evaluate them all; at most {MOST_DESIGNS}")
    if not isinstance(problem.simulator, TabularSimulator) and space.canonical_size > most:
        raise ChipgymError(
            f"most_designs: the optimum takes {space.canonical_size:,} designs of {problem.simulator.name} to know, "
            f"more than {most:,}; narrow the space, collect a table, or give most_designs={space.canonical_size}"
        )
    trial = Trial(problem, exceptions(catch))
    values: list[Column] = []
    best, least, designs = space.default_indices, np.inf, 0
    told = time.monotonic()
    for rows in space.canonical_rows():
        if callback and time.monotonic() - told >= TELL_EVERY_S:
            told = time.monotonic()
            callback(designs, space.canonical_size)
        done, failure = trial(rows)
        if failure:
            design = space.design(rows[sum(len(part.violation) for part in done)])
            said = failure.of_design(problem.simulator.name, design)
            raise ChipgymError(f"{said}; catch={failure.kind} takes it to be infeasible") from failure.error
        found = joined(done)
        designs += len(rows)
        objective = np.where(found.feasible, found.objectives[:, 0], np.inf)
        if objective.min() < least:
            best, least = rows[int(np.argmin(objective))], float(objective.min())
        values.append(objective[np.isfinite(objective)])
    ascending = np.sort(np.concatenate(values))
    if not len(ascending):
        raise ChipgymError(f"no design of {problem.simulator.workload.name} meets the constraints; relax them")
    return GroundTruth(problem, designs, ascending, space.design(best))

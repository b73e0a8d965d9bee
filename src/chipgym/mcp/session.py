"""One problem that a client searches: what was evaluated of it, in order, and where that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ChipgymError, nearest, shorten
from ..jsonable import plain
from ..search import EvaluatedDesign, SearchResult, make_agent
from ..search.agents.base import Agent
from ..search.evaluating import Trial, joined
from ..search.log import Log
from ..search.loop import PATIENCE, evaluations
from ..search.run import CLIENT, InMemoryRun, Provenance, Run, RunKey, library_versions
from ..simulators import Evaluation, Indices, Limit, Problem, Value
from .budget import Budget

#: Designs that one call may evaluate, which bounds what it takes and how long its answer is.
MOST_DESIGNS = 256
# Legal values that an error lists; of more the ends are told.
SHOWN = 40


class Session:
    """The evaluations of one problem, each call that brought new ones an ask of a run, as the search loop keeps them.

    Attributes:
        problem: what is searched.
        log: what was evaluated.
    """

    def __init__(self, problem: Problem, budget: Budget, store: str | None = None) -> None:
        """Begin, or go on with what the store has.

        Args:
            problem: what is searched.
            budget: shared with other sessions; what a store has is spent already.
            store: where evaluations are kept, None for memory.

        Raises:
            ChipgymError: naming what is wrong with the store.
        """
        self.problem, self.log, self._budget = problem, Log(problem), budget
        self._key = RunKey.of(problem, CLIENT, {}, 0, MOST_DESIGNS)
        self._run = self._open(store)
        self._run.__enter__()
        self._result: SearchResult | None = None
        self._asks = sum(1 for _ in self._run.asked())
        budget.spent += self.log.n

    def _open(self, store: str | None) -> Run:
        if store is None:
            return InMemoryRun()
        from ..search.store.writer import StoredRun

        return StoredRun(store, self._key, self.log, self._budget.limit or 0)

    def close(self) -> None:
        """Close the store."""
        self._run.__exit__(None, None, None)

    # --- evaluating ----------------------------------------------------------------------------------------------

    def encode(self, designs: Sequence[Mapping[str, Any]], field: str = "designs") -> Indices:
        """Return canonical rows of the grid, shape (n, p).

        Raises:
            ChipgymError: naming the first design and knob that is wrong, what was expected and the nearest legal value.
        """
        try:
            return self.problem.space.encode(list(designs))
        except ChipgymError as error:
            for i, design in enumerate(designs):
                try:
                    self.problem.space.encode([design])
                except ChipgymError as fault:
                    raise self._placed(fault, f"{field}[{i}]" if field == "designs" else field) from None
            raise error

    def _placed(self, fault: ChipgymError, where: str) -> ChipgymError:
        """Say of which design a fault is, and what the grid has rather than what the simulator would take."""
        knob = fault.field if fault.field in self.problem.space.names else None
        if knob is None:
            return ChipgymError(
                f"{where}: {fault}", field=f"{where}.{fault.value}" if fault.field == "knob" else where,
                value=fault.value, expected=fault.expected, nearest=fault.nearest, code=fault.code,
            )  # fmt: skip
        p = self.problem.space[knob]
        near = _nearest_value(p.values, fault.value)
        grid: object = list(p.values)
        if p.size > SHOWN:
            grid = f"one of {p.size} values from {p.values[0]} to {p.values[-1]}, which `describe` lists"
        hint = "" if near is None else f"; nearest is {near}"
        legal = f"one of {grid}" if isinstance(grid, list) else grid
        return ChipgymError(
            f"{where}.{knob}: {shorten(fault.value)} is not {legal}{hint}",
            field=f"{where}.{knob}", value=fault.value, expected=grid, nearest=near, code="bad_value",
        )  # fmt: skip

    def evaluate(self, rows: Indices) -> tuple[Indices, set[int]]:
        """Evaluate rows of the grid; those that were evaluated already cost nothing.

        Returns:
            The number of each row's evaluation, shape (n,), and the numbers that are new.

        Raises:
            ChipgymError: where the budget has fewer left, a simulation raises, or the store cannot be written; nothing
                of the call is kept then.
        """
        _, fresh = self.log.find(rows)
        self._budget.check(len(fresh))
        start = self.log.n
        if len(fresh):
            self._append(rows[fresh], fresh, rows)
        numbers, _ = self.log.find(rows)
        return numbers, set(range(start, self.log.n))

    def _append(self, new: Indices, positions: Indices, asked: Indices) -> None:
        """Evaluate new rows and write them down, as one ask."""
        done, failure = Trial(self.problem)(new)
        if failure is not None:
            design = self.problem.space.design(new[sum(len(part.violation) for part in done)])
            raise ChipgymError(
                f"{failure.of_design(self.problem.simulator.name, design)}; nothing of this call was kept",
                field="designs", value=design, code="simulation_failed",
            ) from failure.error  # fmt: skip
        start = self.log.n
        self.log.append(new, joined(done), self._asks, positions)
        try:
            self._run.write(self._asks, start, self.log.find(asked)[0])
        except BaseException:
            self.log.forget(start)
            raise
        self._asks += 1
        self._budget.spent += len(new)

    def search(self, agent: str, n: int, seed: int, options: Mapping[str, Any] | None) -> tuple[list[int], Agent]:
        """Have an agent that is told of everything so far evaluate `n` new designs, fewer where it has no more.

        Returns:
            The numbers of the new evaluations, and the agent.

        Raises:
            ChipgymError: as `make_agent` and `evaluate`.
        """
        self._budget.check(n)
        searcher = make_agent(agent, self.problem, seed, options)
        if self.log.n:
            known = np.arange(self.log.n)
            searcher.begin(self.log.rows.copy(), self.log.take(known))
        start, idle = self.log.n, 0
        while self.log.n - start < n and idle < PATIENCE:
            rows = self.problem.space.canonicalize(searcher.ask(min(searcher.batch, n)))
            if not len(rows):
                break
            _, fresh = self.log.find(rows)
            left = n - (self.log.n - start)
            if len(fresh) > left:  # the last ask, as far as there is room for it; the agent need not hear of it
                self.evaluate(rows[: fresh[left]])
                break
            numbers, new = self.evaluate(rows)
            searcher.tell(rows, self.log.take(numbers))
            idle = 0 if new else idle + 1
        return list(range(start, self.log.n)), searcher

    # --- reading -------------------------------------------------------------------------------------------------

    @property
    def result(self) -> SearchResult:
        """Everything so far, as a search's result."""
        if self._result is None or self._result.evaluations != self.log.n:
            self._result = self._made_result()
        return self._result

    def _made_result(self) -> SearchResult:
        source = self.problem.simulator.workload_source
        provenance = Provenance({}, MOST_DESIGNS, self._key.reward(), library_versions(), workloads=source)
        label = self._run.label
        return SearchResult(
            evaluations(self.log), CLIENT, 0, self.problem.identity(), label, "session", provenance, self.problem
        )

    def take(self, number: int) -> Evaluation:
        """Return one evaluation."""
        return self.log.take(np.array([number]))

    def broken_limits(self, found: EvaluatedDesign) -> list[dict[str, Any]]:
        """Return why a design is infeasible, each limit with the amount that it is beyond it."""
        if found.feasible or found.reason:
            return []
        return [limit_data(limit) for limit in self.problem.broken_limits(found.design)]

    def objective_units(self) -> dict[str, str]:
        """Return the unit by objective."""
        return {o.name: o.unit for o in self.problem.objectives}


def limit_data(limit: Limit) -> dict[str, Any]:
    """Return a broken limit as JSON data."""
    beyond = limit.value - limit.limit if limit.upper else limit.limit - limit.value
    kind = "at most" if limit.upper else "at least"
    data = {"name": limit.name, "value": limit.value, "limit": limit.limit, "kind": kind, "beyond": beyond}
    out: dict[str, Any] = plain({**data, "unit": limit.unit, "text": str(limit)})
    return out


def _nearest_value(values: Sequence[Value], wanted: object) -> Value | None:
    """Return the legal value that is most like what was given, None where nothing is."""
    if isinstance(wanted, str) and isinstance(values[0], str):
        return nearest(wanted, [str(value) for value in values])
    if isinstance(wanted, bool) or isinstance(values[0], str):
        return None
    try:
        number = float(wanted)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        return None
    if number != number:
        return None
    within = min(max(number, min(map(float, values))), max(map(float, values)))
    return min(values, key=lambda value: abs(float(value) - within))

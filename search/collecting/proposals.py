"""Designs that agents propose, for tables that know good designs better than uniform draws do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import ChipgymError, count, shorten, unknown
from ...simulators import DesignSpace, Indices, Problem, Simulator, bind_problem
from ...simulators.core.parameter import Column
from ...simulators.tabular import header_of
from ..agents.base import LARGEST_SEED
from ..agents.registry import agent_names, make_agent
from ..loop import optimize
from ..progress import Progress
from ..workers import Say
from .plan import Plan, checked_samples, draw


@dataclass(frozen=True, eq=False)
class Found:
    """What one agent has evaluated.

    Attributes:
        rows: the designs in the order of their evaluation, (n, p).
        known: metrics and violation of each in this order, (n, m + 1).
        evaluated: how many of them this call has evaluated, rather than an earlier one.
    """

    rows: Indices
    known: Column
    evaluated: int


@dataclass(frozen=True, eq=False)
class AgentSearch:
    """One agent's share of a table: it is all that another process needs to know of it.

    Attributes:
        problem: what is searched.
        agent: by name.
        share: how many designs to evaluate.
        seed: of the search.
        store: the file in which a search that was interrupted goes on.
    """

    problem: Problem
    agent: str
    share: int
    seed: int
    store: Path

    def __call__(self, say: Say) -> Found:
        """Search to the end, saying how many designs are evaluated, and how many of them by earlier processes."""
        evaluated = 0

        def tell(progress: Progress) -> None:
            nonlocal evaluated
            evaluated = progress.evaluations - progress.resumed
            say((progress.evaluations, progress.resumed))

        found = optimize(self.problem, self.agent, self.share, self.seed, self.store, callback=tell).table
        columns = [*(found.metrics[m.name] for m in self.problem.simulator.metrics), found.violation]
        return Found(self.problem.space.encode(found.designs), np.stack(columns, axis=1), evaluated)


@dataclass(frozen=True, eq=False)
class Proposing:
    """A table whose designs agents have yet to propose.

    Attributes:
        plan: of the table; its samples are placeholders.
        problem: what the agents search.
        agents: by name.
    """

    plan: Plan
    problem: Problem
    agents: tuple[str, ...]

    def searches(self, folder: Path) -> list[AgentSearch]:
        """Give each agent an equal share of the designs, with its store in a folder."""
        n, k, seed = self.plan.designs, len(self.agents), self.plan.header.seed or 0
        shares = [n // k + (i < n % k) for i in range(k)]
        return [
            AgentSearch(self.problem, agent, share, seed, folder / f"{agent}.db")
            for agent, share in zip(self.agents, shares, strict=True)
            if share
        ]

    def planned(self, found: Sequence[Found]) -> Plan:
        """Return the plan with what agents have found.

        Designs that several propose count once; the default design, and uniform draws for what is missing, are added.
        """
        space, n = self.plan.space, self.plan.designs
        default = space.default_indices[None, :]
        unknown_yet = np.full((1, len(self.plan.header.metrics) + 1), np.nan)
        rows = np.concatenate([default, *(f.rows for f in found)])
        known = np.concatenate([unknown_yet, *(f.known for f in found)])
        rows, known = _chosen(space, rows, known, n, self.plan.header.seed or 0)
        return replace(self.plan, samples=rows, known=known)


def make_proposing(
    simulator: Simulator,
    space: DesignSpace,
    samples: int | None,
    seed: int,
    agents: Sequence[str],
    objective: str | Sequence[str] | None,
) -> Proposing:
    """Make a table of designs that agents propose: what it says of itself does not depend on what they find.

    Raises:
        ChipgymError: naming the argument that is wrong, or an agent that cannot search for these objectives.
    """
    names = _checked_agents(agents)
    if samples is None:
        raise ChipgymError("samples: agents propose a number of designs; expected samples beside agents")
    n, seed = checked_samples(space, samples), count("seed", seed, 0, LARGEST_SEED)
    usual = bind_problem(simulator).objectives
    wanted = usual if objective is None else bind_problem(simulator, objective=objective).objectives
    texts = tuple(o.quantity.text for o in wanted)
    searched = None if texts == tuple(o.quantity.text for o in usual) else texts
    problem = Problem(simulator, space, wanted)
    for name in names:
        make_agent(name, problem, seed)  # says whether it takes several objectives, before anything is written
    header = header_of(simulator, space, n, seed, names, searched)
    return Proposing(Plan(simulator, space, header, np.empty((n, len(space)), dtype=np.int64)), problem, names)


def _checked_agents(agents: Sequence[str]) -> tuple[str, ...]:
    """Check the names of agents, each once, and return them.

    Raises:
        ChipgymError: for none, one twice, or one that is not registered.
    """
    if isinstance(agents, str) or not isinstance(agents, Sequence) or not agents:
        raise ChipgymError(f"agents: {shorten(agents)} is not a list of names such as ['random', 'nsga2']")
    for name in agents:
        if name not in agent_names():
            raise unknown("agent", name, agent_names())
    if len(set(agents)) < len(agents):
        raise ChipgymError(f"agents: {shorten(list(agents))} has one twice")
    return tuple(agents)


def _chosen(space: DesignSpace, rows: Indices, known: Column, n: int, seed: int) -> tuple[Indices, Column]:
    """Choose the first n different designs, filled up with uniform draws, in grid order, and what is known of them."""
    told = ~np.isnan(known[:, -1])
    # The default comes first and may be known from a later proposal.
    order = np.argsort(~told, kind="stable")
    _, first = np.unique(rows[order], axis=0, return_index=True)
    chosen = np.sort(order[first])[:n]
    default = np.flatnonzero((rows == rows[0]).all(axis=1) & told)
    if len(default) and default[0] not in chosen:
        chosen[-1] = default[0]
    rows, known = rows[chosen], known[chosen]
    if len(rows) < n:
        missing = _others(space, rows, n - len(rows), np.random.default_rng(seed))
        rows = np.concatenate([rows, missing])
        known = np.concatenate([known, np.full((len(missing), known.shape[1]), np.nan)])
    order = np.lexsort(rows.T[::-1])
    return rows[order], known[order]


def _others(space: DesignSpace, rows: Indices, n: int, rng: np.random.Generator) -> Indices:
    """Draw n designs that are not among some, (n, p)."""
    pool = draw(space, len(rows) + n, rng)
    taken = {row.tobytes() for row in np.ascontiguousarray(rows)}
    fresh = np.array([row for row in np.ascontiguousarray(pool) if row.tobytes() not in taken]).reshape(
        -1, rows.shape[1]
    )
    chosen: Indices = fresh[np.sort(rng.permutation(len(fresh))[:n])]
    return chosen

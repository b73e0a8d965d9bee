"""Designs that agents propose, for tables that know good designs better than uniform draws do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import ChipgymError, shorten, unknown
from ...simulators import DesignSpace, Indices, Problem, Simulator, bind_problem
from ...simulators.core.parameter import Column
from ..agents.registry import agent_names
from ..loop import optimize
from ..progress import Progress
from .plan import draw

Told = Callable[[int, int, float], None]


@dataclass(frozen=True, eq=False)
class Proposals:
    """Designs and, of those that an agent had evaluated, their answers.

    Attributes:
        rows: the designs in grid order, (n, p).
        known: metrics and violation of each in this order, (n, m + 1); all NaN where they are not known.
        evaluated: how many this process has evaluated to know them.
    """

    rows: Indices
    known: Column
    evaluated: int


def checked_agents(agents: Sequence[str]) -> tuple[str, ...]:
    """Names of agents, each once.

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


def propose(
    simulator: Simulator,
    space: DesignSpace,
    agents: Sequence[str],
    n: int,
    seed: int,
    folder: Path,
    callback: Told | None,
) -> Proposals:
    """Lets each agent evaluate its share of n designs, searching for the simulator's default objective.

    Designs that several propose count once; the default design, and uniform draws for what is missing, are added. Each
    search has its store in the folder, and goes on from there.

    Args:
        simulator: what evaluates.
        space: where designs are taken from.
        agents: by name.
        n: how many designs there are to be.
        seed: of the searches and draws.
        folder: of the stores.
        callback: told how many designs are evaluated, how many of them by earlier processes, and after how many
            seconds, within each search about every second.
    """
    problem = Problem(simulator, space, bind_problem(simulator).objectives)
    begun = time.perf_counter()
    rows = [space.default_indices[None, :]]
    known = [np.full((1, len(simulator.metrics) + 1), np.nan)]
    before = evaluated = 0
    for i, agent in enumerate(agents):
        resumed, last = 0, 0

        def tell(progress: Progress, before: int = before) -> None:
            nonlocal resumed, last
            resumed, last = progress.resumed, progress.evaluations
            if callback:
                callback(before + last, progress.resumed, time.perf_counter() - begun)

        share = n // len(agents) + (i < n % len(agents))
        if not share:
            continue
        found = optimize(problem, agent, share, seed, folder / f"{agent}.db", callback=tell).table
        rows.append(space.encode(found.designs))
        columns = [*(found.metrics[m.name] for m in simulator.metrics), found.violation]
        known.append(np.stack(columns, axis=1))
        before += len(found)
        evaluated += last - resumed if last else 0
    return _chosen(space, np.concatenate(rows), np.concatenate(known), n, seed, evaluated)


def _chosen(space: DesignSpace, rows: Indices, known: Column, n: int, seed: int, evaluated: int) -> Proposals:
    """The first n different designs, filled up with uniform draws, in grid order."""
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
    return Proposals(rows[order], known[order], evaluated)


def _others(space: DesignSpace, rows: Indices, n: int, rng: np.random.Generator) -> Indices:
    """n designs that are not among some, (n, p)."""
    pool = draw(space, len(rows) + n, rng)
    taken = {row.tobytes() for row in np.ascontiguousarray(rows)}
    fresh = np.array([row for row in np.ascontiguousarray(pool) if row.tobytes() not in taken]).reshape(
        -1, rows.shape[1]
    )
    chosen: Indices = fresh[np.sort(rng.permutation(len(fresh))[:n])]
    return chosen

"""Reading a store without the simulator that filled it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from ...errors import ChipgymError, shorten
from ...simulators import REWARDS
from ...simulators.core.parameter import Column
from ..result import Evaluations, SearchResult
from ..run import Provenance
from . import codec, connect, schema
from .rows import intact, read_rows, read_runs, warn_unsealed


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run of a store.

    Attributes:
        id: what `load_result` takes.
        agent: registered name.
        options: the agent's settings.
        seed: the agent's seed.
        batch: designs per ask.
        evaluations: how many designs were evaluated so far.
        feasible: how many of them are feasible.
        budget: of the process that began the run.
        problem: what was searched, as `Problem.identity` gives it.
        objectives: names of what was minimised.
        versions: of chipgym and the libraries that agents are built on, when the run began.
        started_at: ISO 8601, UTC.
    """

    id: int
    agent: str
    options: Mapping[str, Any]
    seed: int
    batch: int
    evaluations: int
    feasible: int
    budget: int
    problem: Mapping[str, Any]
    objectives: tuple[str, ...]
    versions: Mapping[str, str]
    started_at: str


class Store:
    """A store to read from; also while a search writes to it."""

    def __init__(self, store: str | os.PathLike[str]) -> None:
        """Check that it is a store.

        Args:
            store: a path or an SQLAlchemy URL.

        Raises:
            ChipgymError: naming what is wrong with it.
        """
        self.label, where = connect.place(store)
        self._engine = connect.engine(where, self.label, create=False)
        with self._connected():
            pass

    def runs(self) -> tuple[RunSummary, ...]:
        """List every run, in the order in which they began."""
        table = schema.evaluations
        with self._connected() as (connection, sealed):
            counts = connection.execute(
                sa.select(table.c.run, sa.func.count(), sa.func.sum(sa.cast(table.c.feasible, sa.Integer))).group_by(
                    table.c.run
                )
            ).all()
            with intact(self.label):
                found = read_runs(connection, sealed)
        with intact(self.label):
            numbers = {run: (int(n), int(feasible or 0)) for run, n, feasible in counts}
            return tuple(
                RunSummary(
                    id=r.id,
                    agent=r.agent,
                    options=json.loads(r.options),
                    seed=int(r.seed),
                    batch=r.batch,
                    evaluations=numbers.get(r.id, (0, 0))[0],
                    feasible=numbers.get(r.id, (0, 0))[1],
                    budget=r.budget,
                    problem=json.loads(r.problem),
                    objectives=tuple(json.loads(r.objectives)),
                    versions=json.loads(r.versions),
                    started_at=r.started_at,
                )
                for r in found
            )

    def result(self, run: int | None = None) -> SearchResult:
        """Read a run's evaluations; those of the latest run where `run` is None.

        Raises:
            ChipgymError: where there is no such run, naming those that there are, or rows of it are missing or are not
                what was written.
        """
        with self._connected() as (connection, sealed):
            ids = list(connection.execute(sa.select(schema.runs.c.id).order_by(schema.runs.c.id)).scalars())
            if not ids:
                raise ChipgymError(f"store: {self.label} has no runs yet")
            wanted = ids[-1] if run is None else run
            if wanted not in ids:
                raise ChipgymError(f"run: {shorten(run)} is not in {self.label}, which has {shorten(ids)}")
            about = connection.execute(sa.select(schema.runs).where(schema.runs.c.id == wanted)).one()
            key = schema.meta.c.key == schema.WORKLOAD
            source = connection.execute(sa.select(schema.meta.c.value).where(key)).scalar()
            with intact(self.label):
                stored = read_rows(connection, about, sealed)
        rows, reasons, start = stored.evaluations, stored.reasons, stored.start
        if not sealed:
            warn_unsealed(self.label)
        with intact(self.label):
            names = tuple(json.loads(about.objectives))
            metrics, designs = codec.parse_all(r.metrics for r in rows), codec.parse_all(r.design for r in rows)
            objectives = codec.parse_arrays(codec.parse_all(r.objectives for r in rows), len(rows), len(names))
            violation = np.array([r.violation for r in rows], dtype=np.float64)
            reward = json.loads(about.reward)
            identity = json.loads(about.problem)
            units = json.loads(about.units)
            evaluations = Evaluations(
                designs={k: codec.parse_values([d[k] for d in designs], grid) for k, grid in identity["space"].items()},
                metrics=dict(zip(units, codec.parse_matrix(metrics, tuple(units)).T, strict=True)),
                objectives=objectives,
                objective_names=names,
                violation=violation,
                reward=_rewards(reward, objectives, violation),
                asks=np.array([r.ask for r in rows], dtype=np.int64),
                units=units,
                reasons=reasons,
            )
            provenance = Provenance(
                options=json.loads(about.options),
                batch=about.batch,
                reward=reward,
                versions=json.loads(about.versions),
                run=wanted,
                started_at=about.started_at,
                workloads=() if source is None else tuple(map(str, json.loads(source))),
                start=tuple(start),
            )
            return SearchResult(evaluations, about.agent, int(about.seed), identity, self.label, "stored", provenance)

    @contextmanager
    def _connected(self) -> Iterator[tuple[sa.Connection, bool]]:
        """Begin a transaction that reads, and tell whether the store has checksums."""
        with connect.readable(self.label), self._engine.connect() as connection, connection.begin():
            found = connect.prepare(connection, self.label, create=False)
            if found is None:
                raise ChipgymError(f"store: {self.label} is empty: it has no runs yet")
            yield connection, found != schema.UNSEALED


def _rewards(reward: Mapping[str, Any], objectives: Column, violation: Column) -> Column:
    """Compute rewards of stored evaluations, (n,).

    They are NaN where the run had a reward of its user's own: no store holds a function.
    """
    if reward.get("own"):
        return np.full(len(violation), np.nan)
    return REWARDS[reward["name"]](objectives, np.array(reward["reference"]), violation)

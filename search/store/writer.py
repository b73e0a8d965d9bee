"""Writing one run: each batch in one transaction, before the agent is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ...errors import ChipgymError, shorten
from ...simulators import Indices
from ..difference import first_difference
from ..log import Log
from ..run import RunKey, library_versions
from . import codec, connect, schema
from .rows import read_reasons, read_rows


class StoredRun:
    """One run in a store, continued where it is there already.

    As a context manager it holds the connection. A second process that writes the same run meets the first one's
    rows under the same primary keys, so that one of the two stops with an error and no batch is written twice.
    """

    def __init__(self, store: str | os.PathLike[str], key: RunKey, log: Log, budget: int) -> None:
        """Nothing is opened yet.

        Args:
            store: path or URL.
            key: which run.
            log: takes what the store has, and holds what is to be written.
            budget: kept with a run that is new.
        """
        self.label: str | None
        self._name, self._where = connect.place(store)
        self.label = self._name
        self._key = key
        self._log = log
        self._budget = budget
        self._asked: list[Indices] = []

    def __enter__(self) -> Self:
        """Opens the store, finds or makes the run, and fills the log.

        Raises:
            ChipgymError: naming what is wrong with the store, or how its problem differs.
        """
        engine = connect.engine(self._where, self._name, create=True)
        with connect.readable(self._name, "opened"):
            self._connection = engine.connect()
        try:
            with connect.writable(self._name):
                self._run = self._find_or_make()
            with connect.readable(self._name), self._connection.begin():
                self._load()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Closes the store; an open transaction is rolled back."""
        self._connection.close()

    def asked(self) -> Iterator[Indices]:
        """As `Run.asked`."""
        return iter(self._asked)

    def write(self, ask: int, start: int, numbers: Indices | None) -> None:
        """As `Run.write`.

        Raises:
            ChipgymError: where the database refuses; nothing of the batch is written then.
        """
        with connect.writable(self._name, start), self._connection.begin():
            if start < self._log.n:
                self._connection.execute(schema.evaluations.insert(), self._records(start))
                self._write_reasons(start)
            if numbers is not None:
                record = {"run": self._run, "ask": ask, "numbers": json.dumps(numbers.tolist())}
                self._connection.execute(schema.asks.insert(), record)

    # --- the run's own row ---------------------------------------------------------------------------------------

    def _find_or_make(self) -> int:
        connection, table = self._connection, schema.runs
        mine = sa.select(table.c.id).where(table.c.digest == self._key.digest())
        try:
            with connection.begin():
                connect.prepare(connection, self._name, create=True)
                self._check_problem()
                self._keep_source()
                found = connection.execute(mine).scalar()
                if found is None:
                    inserted = connection.execute(table.insert().values(self._run_record())).inserted_primary_key
                    assert inserted is not None
                    found = inserted[0]
                    self._keep_start(int(found))
                return int(found)
        except IntegrityError:  # another process has just made it
            with connection.begin():
                return int(connection.execute(mine).scalar_one())

    def _keep_start(self, run: int) -> None:
        """The designs that the run begins with, for reports; its digest tells it from a run without them."""
        if self._key.start:
            text = json.dumps(list(self._key.start))
            self._connection.execute(schema.starts.insert().values(run=run, designs=text))

    def _run_record(self) -> dict[str, Any]:
        problem = self._key.problem
        return {
            "digest": self._key.digest(),
            "agent": self._key.agent,
            "options": json.dumps(self._key.options, sort_keys=True),
            "seed": str(self._key.seed),
            "batch": self._key.batch,
            "reward": json.dumps(self._key.reward()),
            "problem": json.dumps(problem.identity()),
            "problem_digest": problem.digest,
            "objectives": json.dumps([o.name for o in problem.objectives]),
            "units": json.dumps({s.name: s.unit for s in problem.simulator.metrics}),
            "versions": json.dumps(library_versions()),
            "budget": self._budget,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _check_problem(self) -> None:
        """A store holds one problem, so that its designs can be compared."""
        query = sa.select(schema.runs.c.problem).order_by(schema.runs.c.id).limit(1)
        stored = self._connection.execute(query).scalar()
        if stored is None:
            return
        # Through JSON, so that tuples compare with the lists that they are stored as.
        theirs, ours = json.loads(stored), json.loads(json.dumps(self._key.problem.identity()))
        if theirs != ours:
            where, has, this = first_difference("", theirs, ours)
            raise ChipgymError(f"{where}: store {self._name} has {has}, this is {this}; choose another store")

    def _keep_source(self) -> None:
        """Where the workload came from, for reports; what the store has already stays."""
        table, source = schema.meta, self._key.problem.simulator.workload_source
        known = sa.select(table.c.value).where(table.c.key == schema.WORKLOAD)
        if source and self._connection.execute(known).scalar() is None:
            self._connection.execute(table.insert().values(key=schema.WORKLOAD, value=json.dumps(source)))

    def _write_reasons(self, start: int) -> None:
        reasons = [(number, reason) for number, reason in self._log.reasons.items() if number >= start]
        if reasons:
            records = [{"run": self._run, "number": number, "reason": reason} for number, reason in reasons]
            self._connection.execute(schema.reasons.insert(), records)

    # --- rows ----------------------------------------------------------------------------------------------------

    def _records(self, start: int) -> list[dict[str, Any]]:
        log = self._log
        columns = (
            log.asks[start:, 0].tolist(),
            log.asks[start:, 1].tolist(),
            codec.design_texts(log.problem.space, log.rows[start:]),
            codec.object_texts(log.metric_names, log.metrics[start:]),
            codec.array_texts(log.objectives[start:]),
            log.violation[start:].tolist(),
            log.simulator_violation[start:].tolist(),
            (log.violation[start:] <= 0).tolist(),
        )
        names = ("ask", "position", "design", "metrics", "objectives", "violation", "simulator_violation", "feasible")
        return [
            {"run": self._run, "number": number, **dict(zip(names, row, strict=True))}
            for number, row in enumerate(zip(*columns, strict=True), start)
        ]

    def _load(self) -> None:
        # Waits for a batch of this run that is being written: a server may still be at it when the process that sent it
        # is dead. SQLite locks the whole file.
        runs = schema.runs
        self._connection.execute(sa.select(runs.c.id).where(runs.c.id == self._run).with_for_update())
        log, problem = self._log, self._log.problem
        try:
            rows, self._asked = read_rows(self._connection, self._run)
            designs = codec.parse_rows(problem.space, codec.parse_all(r.design for r in rows))
            metrics = codec.parse_matrix(codec.parse_all(r.metrics for r in rows), log.metric_names)
            texts = codec.parse_all(r.objectives for r in rows)
            objectives = np.array([[codec.parse_number(v) for v in row] for row in texts], dtype=np.float64)
            objectives = objectives.reshape(len(rows), len(problem.objectives))
            violations = np.array([(r.simulator_violation, r.violation) for r in rows], dtype=np.float64).reshape(-1, 2)
            rewards = np.zeros((len(rows), 1))
            asks = np.array([(r.ask, r.position) for r in rows], dtype=np.int64).reshape(-1, 2)
            log.reasons = read_reasons(self._connection, self._run)
            log.extend(designs, np.hstack([metrics, violations, rewards, objectives]), asks)
            log.reward[:] = problem.reward(log.take(np.arange(log.n)))
        except (KeyError, TypeError, ValueError) as error:
            raise ChipgymError(
                f"store: run {self._run} of {self._name} is damaged ({shorten(str(error))}); choose another store"
            ) from error

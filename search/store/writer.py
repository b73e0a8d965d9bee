"""Writing one run: each batch in one transaction, before the agent is told."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ...errors import ChipgymError
from ...simulators import Indices
from ..difference import first_difference
from ..log import Log
from ..run import RunKey, library_versions
from . import codec, connect, schema
from .rows import intact, read_rows, read_runs, warn_unsealed
from .seals import Seal

# How far apart reference values of one problem may be, relatively: processors differ in the last bits of functions.
SAME = 1e-9


class StoredRun:
    """One run in a store, continued where it is there already.

    As a context manager it holds the connection. A second process that writes the same run meets the first one's
    rows under the same primary keys. One of the two then stops with an error, and no batch is written twice.
    """

    def __init__(self, store: str | os.PathLike[str], key: RunKey, log: Log, budget: int) -> None:
        """Keep what to open: nothing is opened yet.

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
        self._seal: Seal | None = None
        self._sealed = True
        self._begun_under: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        """Open the store, find or make the run, and fill the log.

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
            self._warn()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close the store; an open transaction is rolled back."""
        self._connection.close()

    def asked(self) -> Iterator[Indices]:
        """See `Run.asked`."""
        return iter(self._asked)

    def write(self, ask: int, start: int, numbers: Indices | None) -> None:
        """See `Run.write`.

        Raises:
            ChipgymError: where the database refuses; nothing of the batch is written then.
        """
        evaluations = self._evaluations(start) if start < self._log.n else {}
        asks: dict[str, list[Any]] = (
            {} if numbers is None else {"ask": [ask], "numbers": [json.dumps(numbers.tolist())]}
        )
        if not evaluations and not asks:
            return
        reasons = self._log.reasons
        seal = self._seal and self._seal.after([*evaluations.values()], [*asks.values()], reasons)
        with connect.writable(self._name, start), self._connection.begin():
            for table, columns in ((schema.evaluations, evaluations), (schema.asks, asks)):
                if columns:
                    self._connection.execute(table.insert(), self._records(columns))
            self._write_reasons(start)
            if seal:
                self._connection.execute(schema.seals.insert(), seal.record(self._run))
        self._seal = seal

    # --- the run's own row ---------------------------------------------------------------------------------------

    def _find_or_make(self) -> int:
        connection = self._connection
        try:
            with connection.begin():
                self._sealed = connect.prepare(connection, self._name, create=True) != schema.UNSEALED
                self._check_problem()
                self._keep_source()
                found = self._find()
                return self._make() if found is None else found
        except IntegrityError:  # another process has just made it
            with connection.begin():
                found = self._find()
                if found is None:
                    raise ChipgymError(f"store: {self._name} is damaged (a run has another's digest)") from None
                return found

    def _find(self) -> int | None:
        """Find the run of this key."""
        with intact(self._name, "; choose another store"):
            for run in read_runs(self._connection, self._sealed):
                if run.digest == self._key.digest() or (not self._sealed and self._is_mine(run)):
                    self._begun_under = {**json.loads(run.versions)}
                    return int(run.id)
        return None

    def _is_mine(self, run: sa.Row[Any]) -> bool:
        """Tell whether an older chipgym's run is of this key.

        Its digest had measured values, which processors differ in.
        """
        mine, reward = self._key.reward(), json.loads(run.reward)
        return (
            not self._key.start
            and run.agent == self._key.agent
            and json.loads(run.options) == json.loads(json.dumps(self._key.options))
            and (run.seed, run.batch) == (str(self._key.seed), self._key.batch)
            and (reward["name"], reward.get("own")) == (mine["name"], mine.get("own"))
            and len(reward["reference"]) == len(mine["reference"])
            and np.allclose(reward["reference"], mine["reference"], rtol=SAME, atol=0.0)
        )

    def _make(self) -> int:
        record = self._run_record()
        inserted = self._connection.execute(schema.runs.insert().values(record)).inserted_primary_key
        assert inserted is not None
        run = int(inserted[0])
        # For reports; the digest tells the run from one without them.
        start = json.dumps(list(self._key.start)) if self._key.start else ""
        if start:
            self._connection.execute(schema.starts.insert().values(run=run, designs=start))
        if self._sealed:
            self._connection.execute(schema.seals.insert(), Seal.of_run(record, start).record(run))
        return run

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
        """Check that the store holds this problem: it has one alone, so that its designs can be compared."""
        query = sa.select(schema.runs.c.problem).order_by(schema.runs.c.id).limit(1)
        stored = self._connection.execute(query).scalar()
        if stored is None:
            return
        # Through JSON, so that tuples compare with the lists that they are stored as.
        with intact(self._name, "; choose another store"):
            theirs = json.loads(stored)
        ours = json.loads(json.dumps(self._key.problem.identity()))
        if theirs != ours:
            where, has, this = first_difference("", theirs, ours)
            raise ChipgymError(f"{where}: store {self._name} has {has}, this is {this}; choose another store")

    def _keep_source(self) -> None:
        """Write where the workload came from, for reports; what the store has already stays."""
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

    def _evaluations(self, start: int) -> dict[str, list[Any]]:
        """Return the log's evaluations from `start` on as columns of the store, in the order of its table."""
        log = self._log
        return {
            "number": list(range(start, log.n)),
            "ask": log.asks[start:, 0].tolist(),
            "position": log.asks[start:, 1].tolist(),
            "design": codec.design_texts(log.problem.space, log.rows[start:]),
            "metrics": codec.object_texts(log.metric_names, log.metrics[start:]),
            "objectives": codec.array_texts(log.objectives[start:]),
            "violation": log.violation[start:].tolist(),
            "simulator_violation": log.simulator_violation[start:].tolist(),
            "feasible": (log.violation[start:] <= 0).tolist(),
        }

    def _records(self, columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
        """Return columns as rows of this run."""
        return [
            {"run": self._run, **dict(zip(columns, row, strict=True))} for row in zip(*columns.values(), strict=True)
        ]

    def _load(self) -> None:
        # Waits for a batch of this run that is being written: a server may still be at it when the process that sent it
        # is dead. SQLite locks the whole file.
        runs, log, problem = schema.runs, self._log, self._log.problem
        about = self._connection.execute(sa.select(runs).where(runs.c.id == self._run).with_for_update()).one()
        with intact(f"run {self._run} of {self._name}", "; choose another store"):
            stored = read_rows(self._connection, about, self._sealed)
            rows, self._asked, self._seal = stored.evaluations, stored.asked, stored.seal
            designs = codec.parse_rows(problem.space, codec.parse_all(r.design for r in rows))
            metrics = codec.parse_matrix(codec.parse_all(r.metrics for r in rows), log.metric_names)
            texts = codec.parse_all(r.objectives for r in rows)
            objectives = codec.parse_arrays(texts, len(rows), len(problem.objectives))
            violations = np.array([(r.simulator_violation, r.violation) for r in rows], dtype=np.float64).reshape(-1, 2)
            rewards = np.zeros((len(rows), 1))
            asks = np.array([(r.ask, r.position) for r in rows], dtype=np.int64).reshape(-1, 2)
            log.reasons = stored.reasons
            log.extend(designs, np.hstack([metrics, violations, rewards, objectives]), asks)
            log.reward[:] = problem.reward(log.take(np.arange(log.n)))

    def _warn(self) -> None:
        """Say what a run that goes on is not protected from, and what it began under."""
        if not self._sealed:
            warn_unsealed(self._name)
        now, then = library_versions(), self._begun_under
        other = [f"{name} {then[name]} (now {now[name]})" for name in now if then.get(name, now[name]) != now[name]]
        if other and self._log.n < self._budget:
            warnings.warn(
                f"store: run {self._run} of {self._name} was begun under {', '.join(other)}; "
                "what it proposes from here on may differ from a run of one version",
                stacklevel=3,
            )

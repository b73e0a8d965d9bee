"""Tables of a store. Everything in them is a number or JSON text; nothing is ever unpickled."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Integer, MetaData, String, Table, Text

# Changes whenever a table does.
FORMAT = "2"
# The format before there were checksums; read, and gone on with, as it is.
UNSEALED = "1"
# The key of `meta` under which a store keeps what its runs' workload was made from, where that is known.
WORKLOAD = "workload"

# A budget may say "all of them"; SQLite's integers have 64 bits anyway.
_LARGE = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

# "format" and its value; `WORKLOAD` and JSON, a list of names or paths.
meta = Table(
    "chipgym_meta",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # of agent, options, seed, batch and reward
    Column("agent", Text, nullable=False),
    Column("options", Text, nullable=False),  # JSON: the agent's settings
    Column("seed", Text, nullable=False),  # text, since a seed may have more than 64 bits
    Column("batch", _LARGE, nullable=False),
    Column("reward", Text, nullable=False),  # JSON: name and reference values
    Column("problem", Text, nullable=False),  # JSON: Problem.identity()
    Column("problem_digest", String(64), nullable=False),
    Column("objectives", Text, nullable=False),  # JSON: names
    Column("units", Text, nullable=False),  # JSON: unit by metric
    Column("versions", Text, nullable=False),  # JSON: of chipgym and the libraries that agents are built on
    Column("budget", _LARGE, nullable=False),  # of the process that began the run
    Column("started_at", Text, nullable=False),  # ISO 8601, UTC
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("run", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # order of evaluation, from 0
    Column("ask", Integer, nullable=False),  # the ask that proposed it
    Column("position", Integer, nullable=False),  # within the ask
    Column("design", Text, nullable=False),  # JSON: value by knob
    Column("metrics", Text, nullable=False),  # JSON: number by metric, null for NaN, "inf" for infinity
    Column("objectives", Text, nullable=False),  # JSON: minimised values, as above
    Column("violation", Double),  # constraints included; SQLite keeps a NaN as NULL
    Column("simulator_violation", Double),
    Column("feasible", Boolean(create_constraint=False), nullable=False),
)

# Why a design is infeasible where no limit says so. A store from before there were any has no such table.
reasons = Table(
    "reasons",
    metadata,
    Column("run", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
)

# Designs that a run evaluates before its agent's first ask, where it has any. Likewise.
starts = Table(
    "starts",
    metadata,
    Column("run", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("designs", Text, nullable=False),  # JSON: a list of values by knob
)

# What each ask proposed, repeats included, so that it can be told again in order. An ask that the budget cut has
# evaluations but no row here.
asks = Table(
    "asks",
    metadata,
    Column("run", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("ask", Integer, primary_key=True, autoincrement=False),
    Column("numbers", Text, nullable=False),  # JSON: the evaluation of each of its designs
)

# A checksum of each transaction that added to a run, the first of the run's own row; see `seals`.
seals = Table(
    "seals",
    metadata,
    Column("run", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the transaction
    Column("evaluations", Integer, nullable=False),  # that the run has after it
    Column("asks", Integer, nullable=False),  # likewise
    Column("checksum", String(64), nullable=False),
)

# Tables that stores of every format have.
FIRST = frozenset(table.name for table in (meta, runs, evaluations, asks))

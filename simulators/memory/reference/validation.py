"""The memory simulator against DRAMSys 5.0, row by row of its reference tables.

DRAMSys is deterministic and this simulator keeps its rules, so that total times must agree exactly. One thing is left
open: with the simple arbiter DRAMSys decides by the order of its event heap whether a request that arrives in the cycle
of a command is seen by it, and this simulator always answers no. On sparse traces that moves a few activations and
latencies, not the total time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....datasets import Trace, load_workload
from ....errors import ChipgymError, shorten
from ...core.validation import Finding, read_reference
from ..simulator import MemorySimulator

FOLDER = Path("memory")
REFERENCE = "DRAMSys 5.0"

_DEVICES = {"DDR3_1600": "DDR3-1600", "DDR4_2400": "DDR4-2400", "LPDDR4_3200": "LPDDR4-3200", "HBM2": "HBM2"}
_KNOBS = {
    "PagePolicy": "page_policy", "Scheduler": "scheduler", "SchedulerBuffer": "scheduler_buffer",
    "RequestBufferSize": "request_buffer_size", "RespQueue": "resp_queue", "RefreshPolicy": "refresh_policy",
    "RefreshMaxPostponed": "refresh_max_postponed", "RefreshMaxPulledin": "refresh_max_pulledin", "Arbiter": "arbiter",
    "MaxActiveTransactions": "max_active_transactions",
}  # fmt: skip
_NAMES = {
    "Open": "open", "OpenAdaptive": "open_adaptive", "Closed": "closed", "ClosedAdaptive": "closed_adaptive",
    "Fifo": "fifo", "FrFcfs": "fr_fcfs", "FrFcfsGrp": "fr_fcfs_grp", "Bankwise": "bankwise", "ReadWrite": "read_write",
    "Shared": "shared", "Reorder": "reorder", "NoRefresh": "no_refresh", "AllBank": "all_bank", "Simple": "simple",
}  # fmt: skip
# What is compared: our metric, its unit in units of the table's, and the table's columns that add up to it.
_COMPARED = {
    "latency_s": (1e-12, ("total_time_ps",)),
    "energy_j": (1e-12, ("total_energy_pJ",)),
    "read_latency_s": (1e-12, ("read_lat_req_to_resp_ps",)),
    "n_act": (1.0, ("n_ACT",)),
    "n_rd": (1.0, ("n_RD", "n_RDA")),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A reference table: its file, what it is, and the prefix of its traces' files."""

    file: str
    title: str
    prefix: str = ""


TABLES = (
    Table("dramsys_archgym_space.csv", "ArchGym's space", "ag_"),
    Table("dramsys_archgym_latency.csv", "latencies and counts"),
    Table("dramsys_matrix.csv", "devices"),
)

Row = Mapping[str, str]
Columns = dict[str, np.ndarray[Any, np.dtype[np.float64]]]


def validate(reference: Path) -> Sequence[Finding]:
    """Measure how far the simulator is from DRAMSys's rows in `reference`/memory whose trace is there too.

    Raises:
        ChipgymError: where a table is missing or malformed, or none of its traces is there.
    """
    findings: list[Finding] = []
    for table in TABLES:
        rows = read_rows(reference, table)
        theirs, ours = expected(rows), simulate_rows(reference, table, rows)
        device = np.array([row.get("device", "DDR3_1600") for row in rows])
        for key, name in _DEVICES.items():
            part = device == key
            if part.any():
                findings += _compare(f"{name}, {table.title}", part, theirs, ours)
    return findings


def read_rows(reference: Path, table: Table) -> list[Row]:
    """Read the rows of a table that this simulator models and whose trace is there, as text by column.

    Rows with power-down or another command multiplexer are left out.

    Raises:
        ChipgymError: naming the file, and the row and column that are wrong.
    """
    path = reference / FOLDER / table.file
    rows = read_reference(path, ("trace", *_KNOBS, "total_time_ps"))
    kept: list[Row] = []
    for number, row in enumerate(rows, start=2):
        if None in row.values() or None in row:
            raise ChipgymError(f"reference: {path}, line {number}: has not as many cells as the header")
        if row.get("CmdMux", "Oldest") != "Oldest" or row.get("PowerDownPolicy", "NoPowerDown") != "NoPowerDown":
            continue
        if row["Scheduler"] in _NAMES and trace_path(reference, table, row["trace"]) is not None:
            _check(path, number, row)
            kept.append(row)
    if not kept:
        raise ChipgymError(f"reference: {path} has no rows with a trace in {path.parent / 'traces'}")
    return kept


def _check(path: Path, number: int, row: Row) -> None:
    where = f"reference: {path}, line {number}"
    if row.get("device", "DDR3_1600") not in _DEVICES:
        raise ChipgymError(f"{where}: device {shorten(row['device'])} is not one of {', '.join(_DEVICES)}")
    for name in ("RequestBufferSize", "RefreshMaxPostponed", "RefreshMaxPulledin", "MaxActiveTransactions"):
        if not row[name].isdecimal():
            raise ChipgymError(f"{where}: {name} {shorten(row[name])} is no whole number")
    for name in _KNOBS:
        if not row[name].isdecimal() and row[name] not in _NAMES:
            raise ChipgymError(f"{where}: {name} {shorten(row[name])} is not one of {', '.join(_NAMES)}")
    for _, columns in _COMPARED.values():
        for name in columns:
            try:
                float(row.get(name) or 0)
            except ValueError:
                raise ChipgymError(f"{where}: {name} {shorten(row[name])} is no number") from None


def trace_path(reference: Path, table: Table, name: str) -> Path | None:
    """Return the file of a table's trace, or None where there is none."""
    for extension in (".stl", ".stl.gz"):
        path = reference / FOLDER / "traces" / f"{table.prefix}{name}{extension}"
        if path.exists():
            return path
    return None


def expected(rows: Sequence[Row]) -> Columns:
    """Return DRAMSys's figures by our metric, each of shape (n,), NaN where a row has none."""
    out = {}
    for metric, (unit, names) in _COMPARED.items():
        given = np.array([[float(row.get(name) or "nan") for name in names] for row in rows])
        out[metric] = np.where(np.isnan(given).all(axis=1), np.nan, np.nansum(given, axis=1)) * unit
    out["energy_j"][out["energy_j"] == 0] = np.nan  # DRAMSys has no energy model of LPDDR4 and HBM2
    return out


def simulate_rows(reference: Path, table: Table, rows: Sequence[Row]) -> Columns:
    """Return our figures for the same rows, each of shape (n,)."""
    out = {name: np.full(len(rows), np.nan) for name in _COMPARED}
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault((row.get("device", "DDR3_1600"), row.get("mapping", "rbc"), row["trace"]), []).append(i)
    traces: dict[str, Trace] = {}
    for (device, mapping, name), positions in groups.items():
        path = trace_path(reference, table, name)
        assert path is not None
        traces.setdefault(name, load_workload(path))  # type: ignore[arg-type]
        simulator = MemorySimulator(traces[name], device=_DEVICES[device], address_mapping=mapping)
        answer = simulator.evaluate([design_of(rows[i]) for i in positions])
        for metric in _COMPARED:
            out[metric][positions] = answer[metric]
    return out


def design_of(row: Row) -> dict[str, int | str]:
    """Return a row's knobs by our names."""
    return {
        ours: int(row[theirs]) if row[theirs].isdecimal() else _NAMES[row[theirs]] for theirs, ours in _KNOBS.items()
    }


def _compare(title: str, part: np.ndarray[Any, Any], theirs: Columns, ours: Columns) -> list[Finding]:
    found = []
    for metric in _COMPARED:
        rows = part & ~np.isnan(theirs[metric])
        if not rows.any():
            continue
        error = np.abs(ours[metric][rows] / theirs[metric][rows] - 1) * 100
        off = int((error > 1e-3).sum())  # tables round energies to picojoules, latencies to femtoseconds
        note = f"largest error {error.max():.2g} %; {off} of {len(error)} rows differ by more than 0.001 %"
        if off:
            note += ": ties between an arriving request and a command, see docs/memory.md"
        found.append(
            Finding(f"{metric}, {title}", float(off / len(error) * 100), "% of rows", len(error), REFERENCE, note)
        )
    return found

"""Reads DRAMSys's phase files: when every request and command of a run began."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from chipgym.simulators.memory.reference.validation import _DEVICES, _KNOBS, design_of

COMMANDS = ("ACT", "PREPB", "PREAB", "REFAB", "RD", "RDA", "WR", "WRA")


def modelled(path: Path) -> bool:
    """Whether a file is of a run without power-down and with the multiplexer that is modelled."""
    return "_Oldest_" in path.name and "_NoPowerDown_" in path.name


def read_setting(path: Path) -> tuple[str, str, dict]:
    """Device, address mapping and design that a file's name says."""
    fields = path.name.removeprefix("dramsys_").removesuffix("_ch0.phases.csv.gz").split("_")
    mapping, page, scheduler, buffer, size, _, responses, refresh, postponed, pulled, arbiter, active, _ = fields[-13:]
    values = (page, scheduler, buffer, size, responses, refresh, postponed, pulled, arbiter, active)
    return _DEVICES["_".join(fields[:-13])], mapping, design_of(dict(zip(_KNOBS, values, strict=True)))


def read_phases(path: Path, cycle_ps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Commands (cycle, command, request; -1 for refreshes) and requests (stands, stored, answered), in cycles.

    A request's number is the rank of its running number among those that have a REQ phase: refreshes take some too.
    """
    rows = pd.read_csv(path)
    asked = rows[rows.phase == "REQ"].sort_values("transact")
    number = pd.Series(np.arange(len(asked)), index=asked.transact)
    rows["cycle"] = (rows.begin_ps / cycle_ps).round().astype(int)
    commands = rows[rows.phase.isin(COMMANDS)]
    commands = pd.DataFrame({
        "cycle": commands.cycle,
        "command": commands.phase,
        "request": commands.transact.map(number).fillna(-1).astype(int),
    }).sort_values(["cycle", "command"])  # fmt: skip
    answered = rows[rows.phase == "RESP"].set_index("transact").cycle
    requests = pd.DataFrame({
        "stands": (asked.begin_ps / cycle_ps).round().astype(int).to_numpy(),
        "stored": (asked.end_ps / cycle_ps).round().astype(int).to_numpy(),
        "answered": answered.loc[asked.transact].to_numpy(),
    })  # fmt: skip
    return commands.reset_index(drop=True), requests

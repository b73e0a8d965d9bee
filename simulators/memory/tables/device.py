"""DRAM devices as declarative tables: geometry, timings in clock cycles, constraints between commands, currents.

`devices.json` has one entry per device, and one per family for the constraints that its devices share, written as sums
of timings. Adding a device, or a family such as DDR5, is adding data.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from ....errors import ChipgymError, shorten, unknown
from ..model.commands import COMMANDS, N_COMMANDS, SCOPES

#: A distance that never delays: far below zero, yet safe to add any time to.
NEVER = -(2**60)

Table = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Rail:
    """One supply of a DRAM device: volts, and mA per device in the states that DRAMPower distinguishes."""

    volts: float
    idd0: float
    idd2n: float
    idd3n: float
    idd4r: float
    idd4w: float
    idd5: float


@dataclass(frozen=True, eq=False)
class Device:
    """One channel of a memory of this kind.

    Attributes:
        name: such as "DDR3-1600".
        cycle_s: the clock cycle as simulated (whole picoseconds, as DRAMSys rounds it).
        energy_cycle_s: the clock cycle as energy is counted (not rounded).
        timings: clock cycles by name, `B` (a burst on the data bus) included.
        distances: cycles from a command to a later one, int64 (scope, previous, next); `NEVER` where there is no rule.
        command_cycles: cycles of the command bus that each command takes, int64 (commands,).
        column_bus: whether column commands have a bus of their own.
        ready: cycles from RD and WR to the last of the data.
        open_after: cycles from RDA and WRA to their precharge, which RAS may put off.
        several_ranks: whether a channel can have more ranks than `ranks` (pseudo channels count as ranks).
        validated: whether the energy has been compared with a reference.
    """

    name: str
    cycle_s: float
    energy_cycle_s: float
    burst_bytes: int
    ranks: int
    groups: int
    banks_per_group: int
    rows: int
    columns: int
    column_bytes: int
    devices: int
    mappings: Mapping[str, tuple[str, ...]]
    timings: Mapping[str, int]
    distances: Table
    command_cycles: Table
    column_bus: bool
    ready: tuple[int, int]
    open_after: tuple[int, int]
    energy_timings: Mapping[str, int]
    rails: tuple[Rail, ...]
    several_ranks: bool
    validated: bool

    def __reduce__(self) -> tuple[Any, ...]:
        return load_device, (self.name,)  # its tables are read where it goes

    @property
    def banks(self) -> int:
        """Banks of a rank."""
        return self.groups * self.banks_per_group


@functools.cache
def _tables() -> Any:
    return json.loads(resources.files(__package__).joinpath("devices.json").read_text(encoding="utf-8"))


def device_names() -> tuple[str, ...]:
    """List the names that `load_device` takes."""
    return tuple(_tables()["devices"])


def load_device(name: str) -> Device:
    """Load the device called `name`.

    Raises:
        ChipgymError: there is none; the message has the nearest.
    """
    if not isinstance(name, str) or name not in _tables()["devices"]:
        raise unknown("device", name, device_names())
    return _load(name)


@functools.cache
def _load(name: str) -> Device:
    entry = _tables()["devices"][name]
    family = _tables()["families"][entry["family"]]
    geometry, energy = entry["geometry"], entry["energy"]
    timings = dict(entry["timings"]) | {"B": geometry["burst_length"] // geometry["data_rate"]}
    for derived, text in family["derived"].items():
        timings[derived] = cycles(text, timings)
    lengths = [family["command_cycles"].get(command, 1) for command in COMMANDS]
    bus_bytes = geometry["width_bits"] * geometry["devices"] // 8
    return Device(
        name=name,
        cycle_s=entry["cycle_ps"] * 1e-12,
        energy_cycle_s=1e-6 / entry["clock_mhz"],
        burst_bytes=geometry["burst_length"] * bus_bytes,
        ranks=geometry["ranks"],
        groups=geometry["groups"],
        banks_per_group=geometry["banks_per_group"],
        rows=geometry["rows"],
        columns=geometry["columns"],
        column_bytes=bus_bytes,
        devices=geometry["devices"],
        mappings=MappingProxyType({key: tuple(fields) for key, fields in entry["address_mappings"].items()}),
        timings=MappingProxyType(timings),
        distances=distance_table(family["rules"], timings),
        command_cycles=np.array(lengths, dtype=np.int64),
        column_bus=family["separate_column_bus"],
        ready=(cycles(family["bursts_ready"]["read"], timings), cycles(family["bursts_ready"]["write"], timings)),
        open_after=(cycles(family["open_after"]["RDA"], timings), cycles(family["open_after"]["WRA"], timings)),
        energy_timings=MappingProxyType(
            {key: timings[energy[key]] for key in ("refresh", "row_cycle", "precharge", "activate")}
        ),
        rails=tuple(Rail(**rail) for rail in energy["rails"]),
        several_ranks=family["several_ranks"],
        validated=energy["validated"],
    )


def distance_table(rules: list[list[str]], timings: Mapping[str, int]) -> Table:
    """Return rules (next commands, previous commands, scope, cycles) as an int64 array (scope, previous, next)."""
    table = np.full((len(SCOPES), N_COMMANDS, N_COMMANDS), NEVER, dtype=np.int64)
    for later, earlier, scope, text in rules:
        for a in earlier.split():
            for b in later.split():
                place = SCOPES.index(scope), COMMANDS.index(a), COMMANDS.index(b)
                table[place] = max(table[place], cycles(text, timings))
    return table


def cycles(text: str, timings: Mapping[str, int]) -> int:
    """Return the value of a sum such as "RL + B + 2 - WL", in which "max(RTP, 4)" may be a term.

    Raises:
        ChipgymError: a term is neither a number nor a timing.
    """
    total = 0
    for sign, term in re.findall(r"([+-]?)\s*(max\([^)]*\)|\w+)", text):
        parts = [part.strip() for part in term.removeprefix("max(").rstrip(")").split(",")]
        for part in parts:
            if not part.isdecimal() and part not in timings:
                raise ChipgymError(f"device table: {shorten(part)} in {shorten(text)} is no timing")
        value = max(int(part) if part.isdecimal() else timings[part] for part in parts)
        total += -value if sign == "-" else value
    return total

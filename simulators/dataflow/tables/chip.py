"""The chips as a declarative table: every number with its source, and every number a knob of the chip space."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from ....errors import unknown
from ...core.parameter import Domain, Integers, Reals
from .constants import load_calibration


@dataclass(frozen=True, slots=True)
class ChipKnob:
    """One number of a chip.

    Attributes:
        unit: of the number; empty for a count.
        domain: what `evaluate` accepts.
        steps: multiples of a chip's own number that make the grid of a hardware search.
        subsystem: the part of the machine.
        doc: one line.
    """

    unit: str
    domain: Domain
    steps: tuple[float, ...]
    subsystem: str
    doc: str


_HALVES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
#: A clock is bounded by what the voltage can follow (see technology.json).
_CLOCKS = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25)

#: Every number of a chip, in the order of the design matrix.
CHIP_KNOBS: Mapping[str, ChipKnob] = MappingProxyType({
    "pcus": ChipKnob("", Integers(1, 65536), _HALVES, "compute", "pattern compute units"),
    "lanes": ChipKnob("", Integers(1, 256), (0.25, 0.5, 1.0, 2.0), "compute", "SIMD lanes of a PCU"),
    "stages": ChipKnob("", Integers(1, 64), (0.5, 1.0, 1.5, 2.0), "compute", "pipeline stages of a PCU"),
    "clock_ghz": ChipKnob("GHz", Reals(0.05, 5.0), _CLOCKS, "compute", "clock; voltage and energy follow it"),
    "pmus": ChipKnob("", Integers(1, 65536), _HALVES, "sram", "pattern memory units"),
    "pmu_kb": ChipKnob("KB", Integers(1, 65536), (0.25, 0.5, 1.0, 2.0), "sram", "SRAM of a PMU"),
    "pmu_banks": ChipKnob("", Integers(1, 256), (0.25, 0.5, 1.0, 2.0), "sram", "4-byte banks of a PMU"),
    "noc_link_gbps": ChipKnob("GB/s", Reals(0.1, 1e5), (0.25, 0.5, 1.0, 2.0), "noc", "one link of the mesh"),
    "noc_hop_ns": ChipKnob("ns", Reals(0.0, 1e3), (1.0,), "noc", "one hop on the mesh"),
    "hbm_gbps": ChipKnob("GB/s", Reals(1.0, 1e6), _HALVES, "off_chip", "HBM bandwidth of a socket"),
    "hbm_gb": ChipKnob("GB", Reals(0.1, 1e5), _HALVES, "off_chip", "HBM of a socket"),
    "ddr_gbps": ChipKnob("GB/s", Reals(0.1, 1e6), _HALVES, "off_chip", "DDR bandwidth of a socket"),
    "ddr_gb": ChipKnob("GB", Reals(0.1, 1e6), _HALVES, "off_chip", "DDR of a socket"),
    "link_gbps": ChipKnob("GB/s", Reals(0.1, 1e6), _HALVES, "links", "a socket to its neighbour, each way"),
    "link_latency_us": ChipKnob("us", Reals(0.0, 1e3), (1.0,), "links", "one hop between sockets"),
    "sync_us": ChipKnob("us", Reals(0.0, 1e4), (1.0,), "control", "starting a section"),
    "reconfigure_us": ChipKnob("us", Reals(0.0, 1e5), (1.0,), "control", "loading another section's configuration"),
})  # fmt: skip

#: Numbers that a chip without HBM does not have.
HBM_KNOBS = ("hbm_gbps", "hbm_gb")


@dataclass(frozen=True)
class Chip:
    """One chip: its process node, its numbers by name as in `CHIP_KNOBS`, and where each comes from."""

    name: str
    node: str
    values: Mapping[str, float]
    sources: Mapping[str, str]

    @property
    def has_hbm(self) -> bool:
        """Whether there is a tier between the SRAM and the DDR."""
        return self.values["hbm_gb"] > 0


@functools.cache
def _table() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("chips.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def chip_names() -> tuple[str, ...]:
    """List the chips that there are a table of."""
    return tuple(sorted(_table()))


def load_chip(name: str) -> Chip:
    """Load the chip of that name.

    Raises:
        ChipgymError: there is none; the message has the nearest.
    """
    if not isinstance(name, str) or name not in _table():
        raise unknown("chip", name, chip_names())
    row = _table()[name]
    values = {knob: row[knob]["value"] for knob in CHIP_KNOBS} | {"sync_us": load_calibration().sync_us}
    return Chip(name, row["node"], values, {knob: row[knob]["source"] for knob in CHIP_KNOBS})

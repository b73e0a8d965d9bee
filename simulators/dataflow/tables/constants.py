"""The constants that are calibrated on measurements, and the energy and area tables, each with its source."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

#: The calibrated constants: starting a section, each further sequence of a batch whose cache a section reads, and the
#: share of a PCU's peak that its pipelines keep.
CALIBRATED = ("sync_us", "sequence_us", "compute_efficiency")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants that no source publishes; see calibration.json for the rows they were fitted on."""

    sync_us: float
    sequence_us: float
    compute_efficiency: float


@functools.cache
def _json(name: str) -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    table: Mapping[str, Any] = MappingProxyType(json.loads(text))
    return table


@functools.cache
def load_calibration() -> Calibration:
    """Load the constants that ship."""
    constants = _json("calibration.json")["constants"]
    return Calibration(*(float(constants[name]["value"]) for name in CALIBRATED))


@functools.cache
def load_technology(node: str) -> Mapping[str, float]:
    """Load the energy and area constants of one process node by name; technology.json has units and sources."""
    table = _json("technology.json")
    return MappingProxyType({k: float(v["value"]) for k, v in {**table["common"], **table["nodes"][node]}.items()})

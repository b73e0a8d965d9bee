"""Reads the tables in this folder into `Technology` objects, and refuses a constant without a unit or a source."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

from ....errors import ChipgymError, unknown
from .dram import DramInterface
from .logic import LogicModel, WidthLaw
from .sram import PowerLaw, SramModel
from .technology import Technology
from .voltage import VoltageTable

PJ, UM2, MM2, MW, NS, GHZ = 1e-12, 1e-6, 1.0, 1e-3, 1e-9, 1e9
_UNITS = {
    "pJ": PJ, "pJ/bit": PJ, "um2": UM2, "um2/bit": UM2, "mm2": MM2, "mW": MW, "ns": NS, "V": 1.0, "1": 1.0,
    "decades/V": 1.0, "W/mm2": 1.0, "mW/(GB/s)": MW, "mm2/(GB/s)": 1.0, "nm": 1.0,
}  # fmt: skip
_SRAM_FIELDS = {
    "read_j": ("read_pj", PJ),
    "write_j": ("write_pj", PJ),
    "leakage_w": ("leakage_mw", MW),
    "area_mm2": ("area_mm2", MM2),
    "cycle_s": ("cycle_ns", NS),
    "access_s": ("access_ns", NS),
}


@functools.cache
def _table(name: str) -> Any:
    return json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


class _Constants:
    """Named constants of one table section: converts to SI, checks the unit, remembers the source."""

    def __init__(self, where: str, entries: Mapping[str, Any], sources: dict[str, str]) -> None:
        self._where, self._entries, self._sources = where, entries, sources

    def __getitem__(self, key: str) -> float:
        label = f"{self._where}.{key}"
        entry = self._entries.get(key)
        if not isinstance(entry, dict):
            raise ChipgymError(f"technology table: {label} is missing")
        value, unit, source = entry.get("value"), entry.get("unit"), str(entry.get("source", "")).strip()
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise ChipgymError(f"technology table: {label} must be a finite number >= 0, got {value!r}")
        if unit not in _UNITS:
            raise ChipgymError(f"technology table: {label} has unknown unit {unit!r}")
        if not source:
            raise ChipgymError(f"technology table: {label} names no source")
        self._sources[label] = source
        return float(value) * _UNITS[unit]


def technology_names() -> tuple[str, ...]:
    """List the names that `load_technology` takes, smallest node first."""
    nodes = _table("nodes.json")["nodes"]
    return tuple(sorted(nodes, key=lambda name: float(nodes[name]["node_nm"]["value"])))


@functools.cache
def load_technology(name: str = "45nm") -> Technology:
    """Load the technology called `name`. Raises ChipgymError for an unknown name or a damaged table."""
    table = _table("nodes.json")
    if name not in table["nodes"]:
        raise unknown("technology", name, table["nodes"])
    sources: dict[str, str] = {}
    node = _Constants(name, table["nodes"][name], sources)
    base = _Constants("logic", table["logic"], sources)
    dram_table = _table("dram.json")
    interfaces = {key: _interface(key, dram_table["interfaces"][key], sources) for key in dram_table["interfaces"]}
    return Technology(
        name=name,
        node_nm=node["node_nm"],
        logic=_logic(base, node),
        sram=_sram(name, sources),
        supply=_supply(name, table["nodes"][name]["clock_table"], node["nominal_v"], base, sources),
        dram=interfaces,
        default_dram=str(dram_table["default"]),
        sram_layout_factor=base["sram_layout_factor"],
        clock_share=base["clock_share"],
        sources=sources,
    )


def _logic(base: _Constants, node: _Constants) -> LogicModel:
    energy, area = node["logic_energy_scale"], node["logic_area_scale"]
    return LogicModel(
        multiply_j=WidthLaw.through(base["multiply_8b_energy"], base["multiply_32b_energy"]).scaled(energy),
        add_j=WidthLaw.through(base["add_8b_energy"], base["add_32b_energy"]).scaled(energy),
        register_j_per_bit=base["register_energy"] * energy,
        multiply_mm2=WidthLaw(base["multiply_32b_area"] / 16.0, 2.0).scaled(area),
        add_mm2=WidthLaw(base["add_32b_area"] / 4.0, 1.0).scaled(area),
        register_mm2_per_bit=base["register_area"] * area,
        leakage_w_per_mm2=base["leakage_density"] * node["leakage_density_scale"],
        layout_factor=base["pe_layout_factor"],
    )


def _sram(name: str, sources: dict[str, str]) -> SramModel:
    fits = _table("sram_fit.json")
    laws = {}
    for field, (column, unit) in _SRAM_FIELDS.items():
        fit = fits["nodes"][name][column]
        laws[field] = PowerLaw(fit["a"] * unit, fit["b"] * unit, fit["p"], fit["max_error"], fit["median_error"])
        sources[f"{name}.sram.{column}"] = str(fits["source"])
    return SramModel(**laws)


def _supply(
    name: str, points: Mapping[str, Any], nominal_v: float, base: _Constants, sources: dict[str, str]
) -> VoltageTable:
    sources[f"{name}.clock_table"] = str(points["source"])
    return VoltageTable(
        clock_hz=tuple(float(mhz) * 1e6 for mhz in points["mhz"]),
        volts=tuple(float(v) for v in points["v"]),
        nominal_v=nominal_v,
        leakage_decades_per_volt=base["leakage_decades_per_volt"],
    )


def _interface(key: str, entries: Mapping[str, Any], sources: dict[str, str]) -> DramInterface:
    constants = _Constants(f"dram.{key}", entries, sources)
    return DramInterface(
        name=key,
        energy_j_per_bit=constants["energy"],
        phy_energy_j_per_bit=constants["phy_energy"],
        phy_area_mm2_per_gbps=constants["phy_area"],
        phy_static_w_per_gbps=constants["phy_static"],
        background_w_per_gbps=constants["background"],
    )

"""The layers of a report's designs as JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...simulators import Breakdown, Roofline
from ...simulators.core.parameter import Column
from .layers import ENERGY, MACS, TIME, LayerTables, energy_parts, time_parts
from .wording import prefix, rounded


def layer_section(found: LayerTables) -> dict[str, Any]:
    """Return names, kinds and units once, and each design's layers and roofline.

    A layer stands there as the parts of its time and of its energy.

    A design that cuts the workload otherwise than the first has names and kinds of its own.

    One unit for all designs, so that charts of two can be compared.
    """
    tables = found.tables
    scales = {name: prefix(_all(list(tables.values()), name), unit) for name, unit in ((TIME, "s"), (ENERGY, "J"))}
    units = (scales[TIME][0], scales[ENERGY][0])
    return {
        "missing": found.missing,
        "names": list(found.names),
        "kinds": list(found.kinds),
        "units": {"time": scales[TIME][1], "energy": scales[ENERGY][1]},
        "tables": {str(place): _table(table, found, *units) for place, table in tables.items()},
        "rooflines": {str(place): _roofline(roofline) for place, roofline in found.rooflines.items()},
    }


def _all(tables: Sequence[Breakdown], name: str) -> Column:
    columns = [table[name] for table in tables if name in table.metrics]
    return np.concatenate(columns) if columns else np.empty(0)


def _table(table: Breakdown, found: LayerTables, second: float, joule: float) -> dict[str, Any]:
    out: dict[str, Any] = {"time": {}, "energy": {}, "macs": []}
    if (table.names, table.kinds) != (found.names, found.kinds):
        out |= {"names": list(table.names), "kinds": list(table.kinds)}
    if TIME in table.metrics:
        out["time"] = _kept(time_parts(table) or {"time": table[TIME]}, second)
    if ENERGY in table.metrics:
        out["energy"] = _kept(energy_parts(table) or {"energy": table[ENERGY]}, joule)
    if MACS in table.metrics:
        out["macs"] = rounded(table[MACS])
    return out


def _kept(parts: dict[str, Column], factor: float) -> dict[str, list[float | None]]:
    """Return parts that are anything at all, in a readable unit."""
    return {name: rounded(column * factor) for name, column in parts.items() if column.any()}


def _roofline(roofline: Roofline) -> dict[str, Any]:
    """Return a roofline in giga multiply-accumulates per second and multiply-accumulates per byte.

    A memory for each bandwidth, the fastest first, none where it never stalls. What moves no bytes is left out.
    """
    intensity, ridge = roofline.intensity, np.broadcast_to(roofline.ridge, len(roofline))
    moving = np.flatnonzero(np.isfinite(intensity))
    memories = np.unique(roofline.bandwidth_bytes_per_s)[::-1]
    memories = memories[np.isfinite(memories)]
    return {
        "names": [roofline.names[i] for i in moving],
        "intensity": rounded(intensity[moving]),
        "throughput": rounded(roofline.throughput[moving] / 1e9),
        "ceiling": rounded(roofline.ceiling(intensity)[moving] / 1e9),
        "under": (intensity < ridge)[moving].tolist(),
        "peak": rounded(np.array([roofline.peak_macs_per_s / 1e9]))[0],
        "bandwidths": rounded(memories / 1e9),
        "ridges": rounded(roofline.peak_macs_per_s / memories),
    }

"""What the designs of a report do layer by layer, where their simulator tells layers apart."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...simulators import Breakdown, Roofline, Simulator
from ...simulators.core.parameter import Column
from .wording import plain_name

# Rows, a design's layer each, that a report keeps: some bytes each in a file that is to stay small beside its charts.
MOST_ROWS = 12_000
# Seconds after which no further design is taken apart, for a simulator that runs another one inside it.
MOST_SECONDS = 10.0
# What is shown of a layer, where the simulator has it.
TIME, ENERGY, MACS = "latency_s", "energy_j", "macs"


@dataclass(frozen=True, eq=False)
class LayerTables:
    """Layer by layer figures of some designs.

    Attributes:
        names: of the first design's layers, in order.
        kinds: what each of those is.
        tables: by design, in the order in which they were asked for.
        rooflines: by design, empty where the simulator has none.
        missing: why there is no table, or none of some designs; empty where all are there.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    tables: Mapping[int, Breakdown]
    rooflines: Mapping[int, Roofline]
    missing: str = ""


def layer_tables(simulator: Simulator | str, designs: Mapping[int, Mapping[str, Any]]) -> LayerTables:
    """Tabulate the layers of designs, as many as `MOST_ROWS` and `MOST_SECONDS` leave room for, one in any case.

    Args:
        simulator: or a sentence that says why there is none.
        designs: feasible ones by their place in the report; the first come first.
    """
    if isinstance(simulator, str):
        return LayerTables((), (), {}, {}, simulator)
    tell_apart = getattr(simulator, "evaluate_layers", None)
    if tell_apart is None:
        return LayerTables(
            (), (), {}, {}, f"The {simulator.name} simulator does not tell the parts of a workload apart."
        )
    roofline = getattr(simulator, "roofline", None)
    tables: dict[int, Breakdown] = {}
    rooflines: dict[int, Roofline] = {}
    begun = time.perf_counter()
    for place, design in designs.items():
        rows = sum(map(len, tables.values()))
        if tables and (rows >= MOST_ROWS or time.perf_counter() - begun > MOST_SECONDS):
            break
        tables[place] = tell_apart(design)
        if roofline is not None:
            rooflines[place] = roofline(design)
    first = next(iter(tables.values()), None)
    names, kinds = ((), ()) if first is None else (first.names, first.kinds)
    missing = ""
    if len(tables) < len(designs):
        missing = f"Layers are kept for {len(tables):,} of the {len(designs):,} designs to choose from."
    return LayerTables(names, kinds, tables, rooflines, missing)


def energy_parts(table: Breakdown) -> dict[str, Column]:
    """Split a layer's energy by name into metrics such as `sram_energy_j`; none where they do not add up."""
    if ENERGY not in table.metrics:
        return {}
    parts = {
        plain_name(s.name, s.unit).removesuffix(" energy"): table[s.name]
        for s in table.metrics.specs
        if s.unit == "J" and s.name != ENERGY and s.name.endswith("_energy_j")
    }
    return parts if adds_up(list(parts.values()), table[ENERGY]) else {}


def time_parts(table: Breakdown) -> dict[str, Column]:
    """Split a layer's time into computing and stalls, in s; none where the simulator does not say."""
    names = ("compute_cycles", "stall_cycles")
    if TIME not in table.metrics or not all(name in table.metrics for name in (*names, "cycles")):
        return {}
    cycles = table["cycles"]
    if not adds_up([table[name] for name in names], cycles):
        return {}
    with np.errstate(divide="ignore", invalid="ignore"):
        second = np.where(cycles > 0, table[TIME] / cycles, 0.0)
    return {"computing": table[names[0]] * second, "waiting for DRAM": table[names[1]] * second}


def adds_up(parts: Sequence[Column], whole: Column) -> bool:
    """Tell whether some columns are all that another is made of."""
    return bool(parts) and np.allclose(np.sum(parts, axis=0), whole, rtol=1e-6, atol=0.0)

"""Energy of DRAM devices from what they did, by the method of DRAMPower 4 (Chandrasekar et al., DSD 2011)."""

from __future__ import annotations

import numpy as np

from ..core import Column
from . import kernel as k
from .commands import ACT, RD, RDA, REFAB, WR, WRA
from .device import Device

#: mA × V × s in joules.
_MILLI = 1e-3


def energy_columns(device: Device, ranks: int, counts: Column) -> dict[str, Column]:
    """Joules by component, and watts, of kernel counts (n, FIELDS).

    Every current is that of one device; all devices of all ranks (`ranks`, over all channels) draw alike. A command
    costs its current above standby for as long as it takes; standby costs the precharge current while no bank of a rank
    is open, else the active one. No input, output or termination power. The time span runs to the end of the last
    command.
    """
    t, e = device.timings, device.energy_timings
    ras, precharge, refresh = t["RAS"], e["row_cycle"] - t["RAS"], e["refresh"]
    acts, closes = counts[:, ACT], counts[:, k.CLOSED]
    reads, writes = counts[:, RD] + counts[:, RDA], counts[:, WR] + counts[:, WRA]
    window, opened = counts[:, k.WINDOW], counts[:, k.ACTIVE_CYCLES]
    out = {name: np.zeros(len(counts)) for name in ("activate", "read", "write", "refresh", "background")}
    for rail in device.rails:
        scale = device.energy_cycle_s * device.devices * rail.volts * _MILLI
        opening, closing = ras * (rail.idd0 - rail.idd3n), precharge * (rail.idd0 - rail.idd2n)
        out["activate"] += scale * (acts * opening + closes * closing)
        out["read"] += scale * reads * t["B"] * (rail.idd4r - rail.idd3n)
        out["write"] += scale * writes * t["B"] * (rail.idd4w - rail.idd3n)
        out["refresh"] += scale * counts[:, REFAB] * refresh * (rail.idd5 - rail.idd3n)
        out["background"] += scale * (opened * rail.idd3n + (ranks * window - opened) * rail.idd2n)
    total: Column = sum(out.values(), np.zeros(len(counts)))
    named = {f"{name}_energy_j": column for name, column in out.items()}
    return named | {"energy_j": total, "power_w": total / (window * device.energy_cycle_s)}

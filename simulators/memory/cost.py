"""Energy of DRAM devices, and what a controller has to store.

Energy follows from what the devices did, by the method of DRAMPower 4 (Chandrasekar et al., DSD 2011). A controller
stores bits, which take area: without it, buffers would be had for nothing.
"""

from __future__ import annotations

import numpy as np

from ..core import Column
from .lowering.mapping import AddressMap
from .model import channel as k
from .model.arbiter import ARBITERS, BUFFERS
from .model.commands import ACT, RD, RDA, REFAB, WR, WRA
from .tables.device import Device

#: mA × V × s in joules.
_MILLI = 1e-3
#: mm² of a stored bit: DFF_X1, the smallest flip-flop of the NanGate 45 nm Open Cell Library (4.522 µm²). Requests are
#: all looked at in one cycle, which takes flip-flops and not an SRAM. Comparators, wires and clock come on top.
MM2_PER_BIT = 4.522e-6


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


def storage_columns(device: Device, where: AddressMap, channels: int, ranks: int, designs: Column) -> dict[str, Column]:
    """Bits that the controllers of all channels store, and their area, of a design matrix (n, KNOBS).

    An entry for a request is its address in bursts, its direction, and whether it is valid; one that may write has a
    burst of data too. The scheduler's buffer has `request_buffer_size` entries in all, as many for reads and for writes
    each, or one more than that for every bank (see `has_space`). An arbiter that queues has `max_active_transactions`
    entries with data, in which one that sorts keeps responses. A rank's refresh machine counts from the refreshes that
    it may be ahead to those that it may owe.

    Args:
        ranks: of a channel.
    """
    data = 8 * device.burst_bytes
    entry = (where.size // channels // device.burst_bytes).bit_length() - 1 + 2
    size, active = designs[:, k.BUFFER_SIZE], designs[:, k.ACTIVE]
    by_kind = {
        "bankwise": (size + 1) * ranks * device.banks * (entry + data),
        "read_write": size * (2 * entry + data),
        "shared": size * (entry + data),
    }
    buffer = np.choose(designs[:, k.BUFFER], [by_kind[name] for name in BUFFERS])
    arbiter = np.where(designs[:, k.ARBITER] == ARBITERS.index("simple"), 0, active * (entry + data))
    states = 1 + designs[:, k.POSTPONED] + designs[:, k.PULLED_IN]
    refresh = np.where(designs[:, k.REFRESH] == 1, ranks * np.ceil(np.log2(states)), 0)
    bits = channels * (buffer + arbiter + refresh)
    return {"buffer_bits": bits, "area_mm2": bits * MM2_PER_BIT}

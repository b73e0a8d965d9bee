"""What a controller has to store: bits, and their area. Without it, buffers would be had for nothing."""

from __future__ import annotations

import numpy as np

from ..core import Column
from . import kernel as k
from .device import Device
from .intake import ARBITERS, BUFFERS
from .mapping import AddressMap

#: mm² of a stored bit: DFF_X1, the smallest flip-flop of the NanGate 45 nm Open Cell Library (4.522 µm²). Requests are
#: all looked at in one cycle, which takes flip-flops and not an SRAM. Comparators, wires and clock come on top.
MM2_PER_BIT = 4.522e-6


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

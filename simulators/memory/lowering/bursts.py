"""A trace as one memory meets it: requests in bursts of the device, times in cycles of its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....datasets import Trace
from ....datasets.trace.trace import MAX_REQUESTS
from ....datasets.trace.vectors import unpack
from ....errors import ChipgymError, shorten
from ..tables.device import Device
from .mapping import AddressMap, nowhere

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

#: Clocks of traces, MHz. Above, a period of whole picoseconds is more than half a percent off.
LOWEST_MHZ, HIGHEST_MHZ = 1.0, 10_000.0
#: Latest arrival in memory-clock cycles, 86 s of a DDR3-1600: its refreshes take a design two seconds, 0.2 µs each.
LAST_CYCLE = 2**36


@dataclass(frozen=True, eq=False)
class Bursts:
    """Bursts in the order of their requests, n in all, int64 or bool (n,) each.

    Attributes:
        cycle: arrival in memory-clock cycles, or, where `relative`, what it would be if no request were held up.
        is_write, address: of the burst; addresses are bytes.
        request: position in the trace.
        relative: as in `Trace`.
    """

    cycle: Ints
    is_write: Flags
    address: Ints
    request: Ints
    relative: bool

    def __len__(self) -> int:
        return len(self.cycle)


def make_bursts(trace: Trace, device: Device, where: AddressMap, clk_mhz: float | None) -> Bursts:
    """Cut the requests of a trace into bursts of a device, at its boundaries, and take times into its clock.

    Args:
        trace: the requests.
        device: whose bursts and clock they are taken into.
        where: the memory's map, by which vectors become addresses.
        clk_mhz: of the trace; None for the device's.

    Raises:
        ChipgymError: the trace has more bursts than `MAX_REQUESTS`, ends after `LAST_CYCLE`, or has an address that
            is a vector of no place in this memory.
    """
    mine = round(device.cycle_s * 1e12)
    cycle = _in_clock(trace, mine, mine if clk_mhz is None else round(1e6 / clk_mhz), device.name)
    address = _byte_addresses(trace, device, where) if trace.levels else trace.address
    request = np.arange(len(trace))
    if trace.size is None:
        return Bursts(cycle, trace.is_write, address, request, trace.relative)
    burst = device.burst_bytes
    count = np.where(trace.size > 0, (address % burst + trace.size - 1) // burst + 1, 1)
    total = int(count.sum())
    if total > MAX_REQUESTS:
        many = f"{total} bursts of {burst} bytes on {device.name}"
        raise ChipgymError(f"workload: {many}, expected at most {MAX_REQUESTS}")
    request = np.repeat(request, count)
    nth = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    address = np.where(nth == 0, address[request], address[request] // burst * burst + nth * burst)
    return Bursts(cycle[request], trace.is_write[request], address, request, trace.relative)


def check_clock(clk_mhz: object) -> None:
    """Refuse what is no clock of a trace.

    Raises:
        ChipgymError: it is neither None nor a number from `LOWEST_MHZ` to `HIGHEST_MHZ`.
    """
    number = isinstance(clk_mhz, int | float) and not isinstance(clk_mhz, bool)
    if clk_mhz is not None and not (number and LOWEST_MHZ <= clk_mhz <= HIGHEST_MHZ):  # type: ignore[operator]
        raise ChipgymError(
            f"clk_mhz: {shorten(clk_mhz)} is not a number of MHz from {LOWEST_MHZ:g} to {HIGHEST_MHZ:g}, "
            "or None for the memory's own clock"
        )


def _in_clock(trace: Trace, mine: int, theirs: int, device: str) -> Ints:
    """Return arrivals in memory cycles, rounded up; of a relative trace each wait is.

    The periods of the memory's clock and of the trace's are whole picoseconds, as in DRAMSys, whose arbiter takes
    requests in at its next clock edge.
    """
    last = int(trace.cycle[-1]) * theirs // mine
    if last > LAST_CYCLE:
        raise ChipgymError(
            f"workload: the last request arrives in cycle {last} of {device}, expected at most {LAST_CYCLE}: "
            "cut the trace, or name its clock with clk_mhz"
        )
    given = np.diff(trace.cycle, prepend=0) if trace.relative else trace.cycle
    cycle = -(-(given * theirs) // mine)  # below 2**36 * 1250 but for the rounding
    return np.cumsum(cycle) if trace.relative else cycle


def _byte_addresses(trace: Trace, device: Device, where: AddressMap) -> Ints:
    """Return the byte addresses of vectors. A vector shorter than the memory's lacks its first levels, which are 0."""
    names = ["column", "row", "bank", *(["group"] if device.groups > 1 else []), "rank", "channel"]
    if trace.levels > len(names):
        levels = ", ".join(reversed(names))
        raise ChipgymError(
            f"workload: addresses of {trace.levels} numbers, expected at most {len(names)} on {device.name}: {levels}"
        )
    places = dict(zip(names, unpack(trace.address, trace.levels), strict=False))
    column = places.pop("column")
    if (column >= device.columns).any():
        i = int(np.argmax(column >= device.columns))
        raise nowhere("column", int(column[i]), i, device.columns - 1)
    places["byte"] = column * device.column_bytes
    return where.encode({"channel": np.zeros(len(trace), np.int64)} | places)

"""From byte addresses to channel, bank and row: a permutation of address bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import ChipgymError, unknown
from ..tables.device import Device

Ints = np.ndarray[Any, np.dtype[np.int64]]


#: Bits of a cache line of 64 bytes, which stays on one channel even where a burst is shorter.
LINE_BITS = 6


@dataclass(frozen=True, slots=True)
class AddressMap:
    """Fields of an address within its channel from the lowest bit up, each with its width in bits.

    Bits above them all are left aside, so that addresses beyond the memory wrap around.

    Attributes:
        channel_bits: how many select the channel; they stand above the bits of a burst, or of a line if that is longer.
    """

    fields: tuple[tuple[str, int], ...]
    channel_bits: int
    banks_per_group: int
    groups: int

    @property
    def size(self) -> int:
        """Bytes of the memory."""
        return 1 << sum(width for _, width in self.fields) + self.channel_bits

    def decode(self, address: Ints) -> dict[str, Ints]:
        """Return columns `channel`, `bank` (within the channel) and `row`, each int64 (n,), of byte addresses (n,)."""
        line = max(LINE_BITS, self.fields[0][1])
        channel = (address >> line) & ((1 << self.channel_bits) - 1)
        rest = (address >> (line + self.channel_bits) << line) | (address & ((1 << line) - 1))
        out: dict[str, Ints] = {name: np.zeros(len(address), np.int64) for name in ("rank", "group")}
        for name, width in self.fields:
            out[name] = rest & ((1 << width) - 1)
            rest = rest >> width
        bank = out["bank"] + self.banks_per_group * (out["group"] + self.groups * out["rank"])
        return {"channel": channel, "bank": bank, "row": out["row"]}

    def encode(self, places: dict[str, Ints]) -> Ints:
        """Return the byte addresses (n,) of places, int64 (n,) for each level.

        Args:
            places: `channel`, `row`, `byte` within the row, and of `rank`, `group` and `bank` within it those that
                are not 0 everywhere; int64 (n,) each.

        Raises:
            ChipgymError: the memory has no such channel, rank, group, bank or row.
        """
        line = max(LINE_BITS, self.fields[0][1])
        shift = 0
        widths = dict(self.fields) | {"channel": self.channel_bits}
        rest: Ints = np.zeros(len(places["row"]), np.int64)
        parts = dict(places) | {"byte": places["byte"] & ((1 << widths["byte"]) - 1)}
        parts["column"] = places["byte"] >> widths["byte"]
        for name, values in parts.items():
            most = (1 << widths.get(name, 0)) - 1
            if (values > most).any():
                i = int(np.argmax(values > most))
                raise nowhere(name, int(values[i]), i, most)
        for name, width in self.fields:
            if name in parts:
                rest |= parts[name] << shift
            shift += width
        high: Ints = rest >> line << (line + self.channel_bits)
        low: Ints = rest & ((1 << line) - 1)
        low |= parts["channel"] << line
        return high | low


def nowhere(level: str, value: int, request: int, most: int) -> ChipgymError:
    """Make the error for a vector that names a channel, rank, group, bank, row or column that the memory has not."""
    return ChipgymError(
        f"workload: {level} {value} in the address of request {request}, expected at most {most} of this memory"
    )


def address_map(device: Device, mapping: str, channels: int, ranks: int) -> AddressMap:
    """Make the map of a memory of `channels` × `ranks` (powers of two) of a device.

    Neighbouring lines go to neighbouring channels; ranks are the highest field unless the mapping places them.

    Raises:
        ChipgymError: the device has no such mapping; the message has those that it has.
    """
    if not isinstance(mapping, str) or mapping not in device.mappings:
        raise unknown(f"address_mapping of {device.name}:", mapping, device.mappings)
    burst = _bits(device.burst_bytes)
    widths = {
        "byte": burst,
        "column": _bits(device.columns) + _bits(device.column_bytes) - burst,
        "group": _bits(device.groups),
        "bank": _bits(device.banks_per_group),
        "row": _bits(device.rows),
        "rank": _bits(ranks),
    }
    placed = device.mappings[mapping]
    order = ("byte", *placed, *(() if "rank" in placed else ("rank",)))
    fields = tuple((name, widths[name]) for name in order if widths[name])
    return AddressMap(fields, _bits(channels), device.banks_per_group, device.groups)


def _bits(size: int) -> int:
    return size.bit_length() - 1

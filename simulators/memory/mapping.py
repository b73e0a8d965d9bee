"""From byte addresses to channel, bank and row: a permutation of address bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import unknown
from .device import Device

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class AddressMap:
    """Address fields from the lowest bit up, each with its width in bits.

    Bits above them all are left aside, so that addresses beyond the memory wrap around.
    """

    fields: tuple[tuple[str, int], ...]
    banks_per_group: int
    groups: int

    @property
    def size(self) -> int:
        """Bytes of the memory."""
        return 1 << sum(width for _, width in self.fields)

    def decode(self, address: Ints) -> dict[str, Ints]:
        """Columns `channel`, `bank` (within the channel) and `row`, each int64 (n,), of byte addresses (n,)."""
        out: dict[str, Ints] = {name: np.zeros(len(address), np.int64) for name in ("channel", "rank", "group")}
        at = 0
        for name, width in self.fields:
            out[name] = (address >> at) & ((1 << width) - 1)
            at += width
        bank = out["bank"] + self.banks_per_group * (out["group"] + self.groups * out["rank"])
        return {"channel": out["channel"], "bank": bank, "row": out["row"]}


def address_map(device: Device, mapping: str, channels: int, ranks: int) -> AddressMap:
    """The map of a memory of `channels` × `ranks` (powers of two) of a device.

    Neighbouring bursts go to neighbouring channels; ranks are the highest field.

    Raises:
        ChipgymError: the device has no such mapping; the message has those that it has.
    """
    if not isinstance(mapping, str) or mapping not in device.mappings:
        raise unknown(f"address_mapping of {device.name}:", mapping, device.mappings)
    burst = _bits(device.burst_bytes)
    widths = {
        "column": _bits(device.columns) + _bits(device.column_bytes) - burst,
        "group": _bits(device.groups),
        "bank": _bits(device.banks_per_group),
        "row": _bits(device.rows),
    }
    order = [(name, widths[name]) for name in device.mappings[mapping]]
    fields = [("byte", burst), ("channel", _bits(channels)), *order, ("rank", _bits(ranks))]
    return AddressMap(tuple(f for f in fields if f[1]), device.banks_per_group, device.groups)


def _bits(size: int) -> int:
    return size.bit_length() - 1

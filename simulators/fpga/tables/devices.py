"""FPGA devices by name: how much of each resource there is, from `devices.json`. Adding a device is adding an entry."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from ....errors import unknown

#: What a device has of, and a design uses: look-up tables, flip-flops, DSP slices, 18-Kb block RAMs, UltraRAMs.
RESOURCES = ("lut", "ff", "dsp", "bram18", "uram")


@dataclass(frozen=True, slots=True)
class FpgaDevice:
    """One FPGA.

    Attributes:
        name: of the die or the system on module, such as "xcu250".
        part: with package and speed grade, as tools take it.
        board: that carries it, empty where many do.
        resources: how many there are, by the names of `RESOURCES`.
        source: where the numbers are from.
    """

    name: str
    part: str
    board: str
    resources: Mapping[str, int]
    source: str

    def __reduce__(self) -> tuple[Any, ...]:
        return load_fpga_device, (self.name,)


@functools.cache
def _devices() -> Mapping[str, FpgaDevice]:
    text = resources.files(__package__).joinpath("devices.json").read_text(encoding="utf-8")
    return {
        name: FpgaDevice(
            name,
            entry["part"],
            entry["board"],
            MappingProxyType({resource: int(entry[resource]) for resource in RESOURCES}),
            entry["source"],
        )
        for name, entry in json.loads(text)["devices"].items()
    }


def fpga_device_names() -> tuple[str, ...]:
    """List the names that `load_fpga_device` takes; it takes the parts besides."""
    return tuple(_devices())


def load_fpga_device(name: str) -> FpgaDevice:
    """Load the device of a name such as "xcu250" or a part such as "xcu250-figd2104-2L-e".

    Raises:
        ChipgymError: there is none; the message has the nearest.
    """
    devices = _devices()
    if isinstance(name, str):
        for device in devices.values():
            if name.lower() in (device.name, device.part.lower()):
                return device
    raise unknown("device", name, devices)

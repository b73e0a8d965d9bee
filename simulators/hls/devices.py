"""What an FPGA holds, by part."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from ...errors import unknown


@dataclass(frozen=True, slots=True)
class Fpga:
    """A device's totals.

    Attributes:
        name: the part, such as "xcvu9p".
        board: a board that carries it.
        lut, ff, dsp: look-up tables, flip-flops, DSP slices.
        bram18: block RAMs of 18 kbit.
        uram: UltraRAMs of 288 kbit.
    """

    name: str
    board: str
    lut: int
    ff: int
    dsp: int
    bram18: int
    uram: int


@functools.cache
def _devices() -> Mapping[str, Fpga]:
    data = json.loads((resources.files(__package__) / "devices.json").read_text(encoding="utf-8"))
    return {name: Fpga(name, **totals) for name, totals in data["devices"].items()}


def device_names() -> tuple[str, ...]:
    """The parts that `load_device` knows."""
    return tuple(_devices())


def load_device(name: str) -> Fpga:
    """The device called `name`.

    Raises:
        ChipgymError: naming the nearest where there is none.
    """
    if not isinstance(name, str) or name not in _devices():
        raise unknown("device", name, _devices())
    return _devices()[name]

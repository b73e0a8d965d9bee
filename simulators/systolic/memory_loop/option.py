"""The memory that is put in the loop: a device and a controller, named together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....datasets import Trace
from ....errors import ChipgymError, shorten, unknown
from ...core import Design
from ...core.metrics import row_dict

#: The device where none is named.
DEVICE = "DDR4-2400"
OPTIONS = ("device", "address_mapping", "channels", "ranks")


@dataclass(frozen=True)
class LoopMemory:
    """A memory in the loop.

    Attributes:
        options: of the memory simulator, all of `OPTIONS`.
        controller: a design of the memory simulator, complete and canonical.
        version: of the memory simulator.
    """

    options: Mapping[str, Any]
    controller: Design
    version: str

    @property
    def settings(self) -> dict[str, Any]:
        """All of it by name, as JSON-able data: what `read_memory` makes the same memory of."""
        return {**self.options, **self.controller}


def read_memory(memory: object) -> LoopMemory:
    """Read a device's name, or a mapping of the memory simulator's options and knobs by name, as the memory meant.

    Raises:
        ChipgymError: naming the option or knob, its value and the nearest legal choice.
    """
    from ...memory import MemorySimulator

    settings = {"device": memory} if isinstance(memory, str) else memory
    if not isinstance(settings, Mapping):
        raise ChipgymError(
            f"memory: {shorten(memory)} is neither a device such as {DEVICE!r} nor a dict such as "
            f"{{'device': {DEVICE!r}, 'channels': 2, 'page_policy': 'closed'}}"
        )
    given = {"device": DEVICE, **{name: settings[name] for name in OPTIONS if name in settings}}
    nothing = Trace("nothing", np.zeros(1, np.int64), np.zeros(1, np.bool_), np.zeros(1, np.int64))
    try:
        simulator = MemorySimulator(nothing, **given)
        for name in settings:
            if name not in OPTIONS and name not in simulator.space.names:
                raise unknown("option or knob", name, [*OPTIONS, *simulator.space.names])
        columns, _ = simulator.space.columns({name: v for name, v in settings.items() if name not in OPTIONS})
    except ChipgymError as error:
        raise ChipgymError(f"memory: {error}") from None
    return LoopMemory(simulator.options, row_dict(columns, 0), simulator.version)

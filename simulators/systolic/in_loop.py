"""A systolic design with a modelled memory in the loop, in place of a constant bandwidth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Trace
from ...errors import ChipgymError
from ..core import Design, Metrics
from ..memory import MemorySimulator
from ..memory.device import load_device
from .lowering import WORDS_IN, WORDS_OUT
from .tiling import CHANNELS, FILTERS, GROUPS, IMAGES, OUT_H, OUT_W, TAPS_H, TAPS_W, plan
from .traffic import Plan, make_trace, product_transfers, vector_transfers

if TYPE_CHECKING:
    from .simulator import SystolicSimulator


@dataclass(frozen=True, eq=False)
class DramLimited:
    """A network's time with a memory controller and its devices in the loop.

    Attributes:
        compute_latency_s: an array that never waits.
        constant_bandwidth_latency_s: the systolic simulator's answer, with the design's `dram_bandwidth`.
        dram_limited_latency_s: the later of the last computation and the memory's last response to the traffic.
        trace: the traffic.
        memory: what the memory simulator says of it.
    """

    compute_latency_s: float
    constant_bandwidth_latency_s: float
    dram_limited_latency_s: float
    trace: Trace
    memory: Metrics


def dram_limited(
    simulator: SystolicSimulator, design: Design, controller: Design, memory: dict[str, Any]
) -> DramLimited:
    """One design's latency with a memory in the loop; `memory` are options of the memory simulator."""
    device = str(memory.get("device", "DDR4-2400"))
    trace, compute_s = dram_trace(simulator, design, device)
    out = MemorySimulator(trace, **{"device": device, **memory}).evaluate(controller)
    constant = float(simulator.evaluate(design)["latency_s"][0])
    return DramLimited(compute_s, constant, max(compute_s, float(out["latency_s"][0])), trace, out)


def dram_trace(simulator: SystolicSimulator, design: Design, device: str) -> tuple[Trace, float]:
    """The requests that a design makes to a memory of `device`, and the seconds that it computes.

    Raises:
        ChipgymError: the design cannot be built, or there are more requests than a trace holds.
    """
    dram = load_device(device)
    columns, _ = simulator.space.columns(design)
    layers = simulator.evaluate_layers(design)
    if not layers["feasible"].all():
        raise ChipgymError("dram_trace: the design cannot be built, and has no traffic")
    clock_hz = float(columns["clock_mhz"][0]) * 1e6
    word_bytes = simulator.cost.operand_bits / 8
    arguments = [float(a) if np.ndim(a) == 0 else int(a[0]) for a in simulator.tiling_columns(columns)]
    now, transfers = 0.0, []
    for i, layer in enumerate(simulator.network.layers):
        row = simulator.network.position[i]
        busy = float(layers["compute_cycles"][i]) / clock_hz
        if layer.unit == "array":
            transfers.append(list(product_transfers(_plan(simulator, arguments, row), now, busy)))
        else:
            vector = simulator.network.vector[row]
            read, written = float(vector[WORDS_IN]) * word_bytes, float(vector[WORDS_OUT]) * word_bytes
            if read or written:
                transfers.append(list(vector_transfers(read, written, now, busy)))
        now += busy
    return make_trace(f"{simulator.workload.name} traffic", transfers, dram.burst_bytes, dram.cycle_s), now


def _plan(simulator: SystolicSimulator, arguments: list[Any], row: int) -> Plan:
    layer = simulator.network.matrix[row]
    order, a, b, c, _, _, _, one_pass, ri, rf, ro = plan(layer, *arguments)
    word_bytes = simulator.cost.operand_bits / 8
    k = int(layer[TAPS_H] * layer[TAPS_W] * layer[CHANNELS])
    m, n = int(layer[IMAGES] * layer[OUT_H] * layer[OUT_W]), int(layer[FILTERS])
    return Plan(
        order, a, b, c, int(layer[GROUPS]), one_pass, float(k) * n, float(m) * n, (ri, rf, ro), word_bytes,
        simulator.cost.sum_bits / 8,
    )  # fmt: skip

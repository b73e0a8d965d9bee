"""The model: how long one pass over a network's weights takes through a scratchpad, and what that costs."""

from __future__ import annotations

import numpy as np

from chipgym import ChipgymError
from chipgym.datasets import Network, load_workload
from chipgym.simulators import DesignSpace, MetricSpec, Parameter, Simulator, relative_excess, when

# Constants of an invented process: a model of one's own says where each is from.
BYTES_PER_WEIGHT = 2
SRAM_J_PER_BYTE = 1e-12
DRAM_J_PER_BYTE = 40e-12
MM2_PER_KB = 0.003
MM2_PER_BANK = 0.05


class ScratchpadSimulator(Simulator):
    """Streams weights through a scratchpad, with double buffering or without."""

    name, version, default_objective = "scratchpad", "1", "latency_s * energy_j"
    metrics = (
        MetricSpec("latency_s", "s", "time of one pass over the weights"),
        MetricSpec("energy_j", "J", "energy of that pass"),
        MetricSpec("area_mm2", "mm2", "area of the scratchpad"),
    )

    def __init__(self, workload="mlp:784-256-10", budget_mm2: float = 4.0) -> None:
        found = load_workload(workload)
        if not isinstance(found, Network):
            raise ChipgymError(f"workload: {found.name} is not a network")
        self.workload = found
        self.options = {"budget_mm2": budget_mm2}
        self.space = DesignSpace(
            (
                Parameter("size_kb", (16, 32, 64, 128, 256, 512), default=64, unit="KB", doc="size of the scratchpad"),
                Parameter("banks", (1, 2, 4, 8), doc="banks that work at the same time"),
                Parameter("buffering", ("single", "double"), doc="whether loading and use overlap"),
                Parameter("split", (0.25, 0.5, 0.75), default=0.5, condition=when(buffering="double"),
                          doc="share of the scratchpad that is loaded while the rest is used"),
            )
        )  # fmt: skip

    def simulate(self, columns, n):
        """Compute latency, energy and area of n designs, and how far each is beyond the area budget."""
        total = float(self.workload.parameters) * BYTES_PER_WEIGHT
        double = columns["buffering"] == "double"
        tile = 1024.0 * columns["size_kb"] * np.where(double, np.minimum(columns["split"], 1 - columns["split"]), 1.0)
        tiles = np.ceil(total / tile)
        load, use = total / 25.6e9 + tiles * 50e-9, total / (columns["banks"] * 6.4e9)
        latency = np.where(double, np.maximum(load, use), load + use)
        area = MM2_PER_KB * columns["size_kb"] + MM2_PER_BANK * columns["banks"]
        energy = total * (DRAM_J_PER_BYTE + SRAM_J_PER_BYTE * (1 + 0.1 * columns["banks"]))
        return (
            {"latency_s": latency, "energy_j": energy, "area_mm2": area},
            relative_excess(area, self.options["budget_mm2"]),
        )

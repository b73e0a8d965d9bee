"""A simulator of a dozen lines: whatever works for it works for any simulator that is registered."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from chipgym.datasets import Workload, load_workload
from chipgym.simulators import DesignSpace, MetricSpec, Parameter, Simulator, SimulatorEntry, relative_excess, when


class ToySimulator(Simulator):
    """Units that share a workload's work; a cache that helps only where it is switched on."""

    name, version, default_objective = "toy", "1", "edp"
    metrics = (
        MetricSpec("latency_s", "s", "time of the work"),
        MetricSpec("energy_j", "J", "energy of the work"),
        MetricSpec("area_mm2", "mm2", "area of units and cache"),
    )
    objectives: ClassVar = {"all": ("latency_s", "energy_j", "area_mm2")}

    def __init__(self, workload: str | Workload = "mlp:16-64-5", budget_mm2: float = 40.0) -> None:
        self.workload = load_workload(workload)
        self.options = {"budget_mm2": budget_mm2}
        self.space = DesignSpace(
            (
                Parameter("units", (1, 2, 4, 8, 16, 32), default=4, subsystem="compute", doc="sharers of the work"),
                Parameter("cache", ("off", "on"), subsystem="cache", doc="whether there is a cache"),
                Parameter("cache_kb", (4, 8, 16, 32), condition=when(cache="on"), subsystem="cache", doc="its size"),
                Parameter("clock_mhz", (100, 200, 400), unit="MHz", subsystem="compute", doc="clock"),
            )
        )

    def simulate(self, columns, n):
        kb = np.where(columns["cache"] == "on", columns["cache_kb"], 0.0)
        clock = columns["clock_mhz"] / 100.0
        latency = 1e-3 / (columns["units"] * clock) + 1e-4 / (1.0 + kb)
        energy = 1e-3 * (1.0 + 0.1 * kb + clock**2)
        area = columns["units"] + 0.5 * kb
        violation = relative_excess(area, self.options["budget_mm2"])
        return {"latency_s": latency, "energy_j": energy, "area_mm2": area}, violation


TOY = SimulatorEntry(name="toy", title="Toy", target=ToySimulator, doc="A toy that tests run through the whole stack")

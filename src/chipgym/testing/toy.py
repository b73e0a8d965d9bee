"""A simulator of a dozen lines that suites of agents and surrogates run on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..datasets import Workload, load_workload
from ..simulators import Column, Columns, DesignSpace, MetricSpec, Parameter, Simulator, SimulatorEntry

from ..simulators import relative_excess, when  # isort: skip


class ToySimulator(Simulator):
    """Units that share a workload's work; a cache that helps only where it is switched on."""

    name, version, default_objective = "toy", "1", "edp"
    metrics = (
        MetricSpec("latency_s", "s", "time of one run"),
        MetricSpec("energy_j", "J", "energy of one run"),
        MetricSpec("area_mm2", "mm2", "of units and cache"),
    )
    objectives: Mapping[str, str | tuple[str, ...]] = {"all": ("latency_s", "energy_j", "area_mm2")}  # type: ignore[misc]

    def __init__(self, workload: str | Workload = "mlp:16-64-5", budget_mm2: float = 40.0) -> None:
        self.workload = load_workload(workload)
        self.options = {"budget_mm2": budget_mm2}
        self.space = DesignSpace(
            (
                Parameter("units", (1, 2, 4, 8, 16, 32), default=4, subsystem="compute", doc="units that work at once"),
                Parameter("cache", ("off", "on"), subsystem="cache", doc="whether there is a cache"),
                Parameter(
                    "cache_kb", (4, 8, 16, 32), condition=when(cache="on"), subsystem="cache", doc="size of the cache"
                ),
                Parameter("clock_mhz", (100, 200, 400), unit="MHz", subsystem="compute", doc="clock of the units"),
            )
        )

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Compute closed forms, whatever the workload."""
        kb = np.where(columns["cache"] == "on", columns["cache_kb"], 0.0)
        clock = columns["clock_mhz"] / 100.0
        latency = 1e-3 / (columns["units"] * clock) + 1e-4 / (1.0 + kb)
        energy = 1e-3 * (1.0 + 0.1 * kb + clock**2)
        area = columns["units"] + 0.5 * kb
        violation = relative_excess(area, self.options["budget_mm2"])
        return {"latency_s": latency, "energy_j": energy, "area_mm2": area}, violation


TOY = SimulatorEntry(name="toy", title="Toy", target=ToySimulator, doc="A toy that tests run through the whole stack")

"""A simulator of one's own that crashes on some designs, as tools do."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np

from chipgym.datasets import Workload, load_workload
from chipgym.simulators import DesignSpace, MetricSpec, Parameter, Simulator


class CrashError(Exception):
    """What a tool that is run for each design ends with."""

    def __init__(self, units: int, ways: int) -> None:  # of two arguments: cannot be pickled as it is
        super().__init__(f"tool crashed\nwith {units} units and {ways} ways")


class FragileSimulator(Simulator):
    """Raises on two designs, has no number for a third, and counts how many it evaluated."""

    name, version, default_objective = "fragile", "1", "latency_s"
    metrics = (MetricSpec("latency_s", "s"), MetricSpec("area_mm2", "mm2"))
    crashing: ClassVar[set[tuple[int, int]]] = {(5, 2), (7, 4)}

    def __init__(self, workload: str | Workload = "mlp:16-64-5", sleep_s: float = 0.0) -> None:
        self.workload = load_workload(workload)
        self.options = {"sleep_s": sleep_s}
        self.space = DesignSpace((Parameter("units", tuple(range(1, 11))), Parameter("ways", (1, 2, 4, 8))))
        self.calls: list[int] = []

    def simulate(self, columns, n):
        self.calls.append(n)
        for units, ways in zip(columns["units"].tolist(), columns["ways"].tolist(), strict=True):
            if (units, ways) in self.crashing:
                raise CrashError(units, ways)
        time.sleep(self.options["sleep_s"] * n)
        latency = 1.0 / columns["units"] + 0.1 / columns["ways"]
        latency = np.where((columns["units"] == 10) & (columns["ways"] == 8), np.nan, latency)
        return {"latency_s": latency, "area_mm2": columns["units"] + 0.5 * columns["ways"]}, np.zeros(n)

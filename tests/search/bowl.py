"""A large space whose best design is known: too large to enumerate, easy for anything that learns."""

from __future__ import annotations

import numpy as np

from chipgym.datasets import Workload, load_workload
from chipgym.simulators import DesignSpace, MetricSpec, Parameter, Simulator, relative_excess


class BowlSimulator(Simulator):
    """Squared distances from two points of an eight-by-ten grid; a design with large knobs is infeasible."""

    name, version, default_objective = "bowl", "1", "latency_s"
    metrics = (MetricSpec("latency_s", "s"), MetricSpec("energy_j", "J"), MetricSpec("area_mm2", "mm2"))

    def __init__(self, workload: str | Workload = "mlp:16-64-5") -> None:
        self.workload = load_workload(workload)
        self.options = {}
        self.space = DesignSpace(tuple(Parameter(f"k{i}", tuple(range(1, 9))) for i in range(10)))

    def simulate(self, columns, n):
        x = np.stack([columns[f"k{i}"] for i in range(10)], axis=1).astype(np.float64)
        area = x.sum(axis=1)
        metrics = {
            "latency_s": 1.0 + ((x - 5) ** 2).sum(axis=1),
            "energy_j": 1.0 + ((x - 2) ** 2).sum(axis=1),
            "area_mm2": area,
        }
        return metrics, relative_excess(area, 60.0)

"""Loop kernels through Merlin and Vitis HLS, bound to a tool and a device."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Kernel, Workload, load_workload
from ...errors import ChipgymError, shorten
from ..core import Breakdown, Column, Columns, Designs, Limit, Metrics, Simulator, relative_excess
from ..fpga import fpga_device_names, load_fpga_device
from .latency import schedule
from .metrics import LOOP_METRICS, METRICS, RESOURCES
from .nest import make_nest
from .resources import use
from .space import PIPES, kernel_space
from .tools import Tool, load_tool, tool_names

#: Seconds of a clock cycle: the reference tables' 250 MHz.
CYCLE_S = 4e-9


class HlsSimulator(Simulator):
    """Cycles and resources of a loop kernel under Merlin's pragmas, as the synthesis report would give them.

    Args:
        workload: a kernel by name, a JSON file, or a `Kernel`.
        tool: "vitis-2020.2", "sdx-2018.3" or "vitis-2021.1", each with Merlin in front.
        device: an FPGA by name or part, such as "xcvu9p".
        budget: the share of each resource that a design may take up, above 0 and up to 1.

    Raises:
        ChipgymError: for an unknown workload, tool or device, or a budget that is no such share.
    """

    name = "hls"
    version = "3"
    metrics = METRICS
    default_objective = "latency_s"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({
        "latency": "latency_s", "latency_dsp": ("latency_s", "dsp"), "latency_lut": ("latency_s", "lut"),
        "latency_resources": ("latency_s", "lut", "ff", "dsp", "bram18"),
    })  # fmt: skip
    option_values: ClassVar[Mapping[str, Any]] = MappingProxyType({
        "tool": tool_names(), "device": fpga_device_names(), "budget": "a share above 0 and up to 1",
    })  # fmt: skip

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "gemm-ncubed",
        *,
        tool: str = "vitis-2020.2",
        device: str = "xcvu9p",
        budget: float = 0.8,
    ) -> None:
        self.workload: Kernel = _kernel(workload)
        if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0 < budget <= 1:
            raise ChipgymError(f"budget: {shorten(budget)} is not a share above 0 and up to 1")
        load_tool(tool)  # the error for one that is not known
        self.device = load_fpga_device(device)
        self.options = {"tool": tool, "device": self.device.name, "budget": float(budget)}
        self.space = kernel_space(self.workload)
        self.nest = make_nest(self.workload)

    @property
    def tool(self) -> Tool:
        """The tool's constants."""
        return load_tool(self.options["tool"])

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        done = schedule(self.nest, self._knobs(columns), n, self.tool)
        used = use(self.nest, done, n, self.tool)
        shares = {name: used[name] / self.device.resources[name] for name in RESOURCES}
        violation = np.zeros(n)
        for share in shares.values():
            violation = np.maximum(violation, relative_excess(share, self.options["budget"]))
        values = {"latency_s": done.cycles * CYCLE_S, "cycles": done.cycles, **used}
        return values | {f"{name}_utilization": share for name, share in shares.items()}, violation

    def evaluate_loops(self, design: Designs) -> Breakdown:
        """One design loop by loop, outermost first: a row of `LOOP_METRICS` each, its kind what became of the loop.

        Raises:
            ChipgymError: as `evaluate`, and for more than one design.
        """
        columns, n = self.space.columns(design)
        if n != 1:
            raise ChipgymError(f"evaluate_loops takes one design, not {n}")
        done = schedule(self.nest, self._knobs(columns), 1, self.tool)
        u, loops = done.unrolled, self.nest.nodes[1:]
        copies = [u.factor[x.at] if u.innermost[x.at][0] else u.running[x.at] for x in loops]
        rows = {
            "cycles": [x.runs * done.once[x.at] for x in loops],
            "runs": [np.full(1, x.runs) for x in loops],
            "iterations": [np.ceil(x.loop.trip / many) for x, many in zip(loops, copies, strict=True)],
            "interval": [done.ii[x.at] for x in loops],
            "copies": copies,
        }
        kinds = ["unrolled" if u.full[x.at] else "pipelined" if u.piped[x.at] else "loop" for x in loops]
        values = {name: np.concatenate(row).astype(np.float64) for name, row in rows.items()}
        metrics = Metrics(LOOP_METRICS, values, np.zeros(len(loops)))
        return Breakdown(tuple(x.loop.label for x in loops), tuple(kinds), metrics)

    def _knobs(self, columns: Columns) -> dict[str, Column]:
        """Columns as the schedule reads them."""
        return {name: _code(column) if name.startswith("pipe_") else column for name, column in columns.items()}

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        out = self.evaluate(design)
        limits = [Limit(f"{r}_utilization", out[f"{r}_utilization"][0], self.options["budget"]) for r in RESOURCES]
        return tuple(limit for limit in limits if limit.broken)


def _kernel(workload: str | os.PathLike[str] | Workload) -> Kernel:
    loaded = load_workload(workload)
    if not isinstance(loaded, Kernel):
        raise ChipgymError(f"workload: the hls simulator runs loop kernels, not {shorten(loaded)}")
    return loaded


def _code(column: Column) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Pipeline pragmas as their places in `PIPES`."""
    codes = np.zeros(len(column), np.int64)
    for code, name in enumerate(PIPES):
        codes[column == name] = code
    return codes

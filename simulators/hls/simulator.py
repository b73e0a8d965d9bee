"""Loop kernels through Merlin and Vitis HLS, bound to a tool and a device."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ...datasets import Kernel, Workload, load_workload
from ...errors import ChipgymError, shorten
from ..core import Bottleneck, Breakdown, Column, Columns, Designs, Limit, Metrics, Simulator
from ..fpga import fpga_device_names, load_fpga_device
from ..fpga.formulas.program import Program, make_program
from ..fpga.formulas.terms import Term, ceil, maximum, select
from .bottlenecks import hls_bottlenecks
from .lowering.nest import make_nest
from .metrics import LOOP_METRICS, METRICS, RESOURCES
from .model.latency import schedule
from .model.resources import use
from .space import kernel_space, pipe_codes
from .tables.tools import Tool, load_tool, tool_names

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
    made_of: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({
        "cycles": {"latency_s": 1.0}, **{f"{name}_utilization": {name: 1.0} for name in RESOURCES},
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
        """Run the program of formulas on columns of n designs."""
        out = self._program.run(self._knobs(columns), n)
        violation = out.pop("violation")
        return out, violation

    @cached_property
    def _program(self) -> Program:
        """The metrics and the violation of a design."""

        def make(knobs: Mapping[str, Term]) -> dict[str, Term]:
            done = schedule(self.nest, knobs, self.tool)
            used = use(self.nest, done, self.tool)
            shares = {name: used[name] / self.device.resources[name] for name in RESOURCES}
            budget = self.options["budget"]
            violation: Term = 0.0
            for share in shares.values():
                violation = maximum(violation, select(share <= budget, 0.0, share / budget - 1.0))
            values = {"latency_s": done.cycles * CYCLE_S, "cycles": done.cycles, **used}
            return values | {f"{name}_utilization": share for name, share in shares.items()} | {"violation": violation}

        return make_program(self.space.names, make)

    @cached_property
    def _loops_program(self) -> Program:
        """`LOOP_METRICS` of each loop, and what became of it, by "<number of the loop> <name>"."""

        def make(knobs: Mapping[str, Term]) -> dict[str, Term]:
            done = schedule(self.nest, knobs, self.tool)
            u, out = done.unrolled, dict[str, Term]()
            for x in self.nest.nodes[1:]:
                copies = select(u.innermost[x.at], u.factor[x.at], u.running[x.at])
                rows: dict[str, Term] = {
                    "cycles": x.runs * done.once[x.at],
                    "runs": x.runs,
                    "iterations": ceil(x.loop.trip / copies),
                    "interval": done.ii[x.at],
                    "copies": copies,
                    "unrolled": u.full[x.at],
                    "pipelined": u.piped[x.at],
                }
                out |= {f"{x.at} {name}": row for name, row in rows.items()}
            return out

        return make_program(self.space.names, make)

    def evaluate_loops(self, design: Designs) -> Breakdown:
        """Break down one design by loop, outermost first: rows of `LOOP_METRICS`, their kind what became of the loop.

        Raises:
            ChipgymError: as `evaluate`, and for more than one design.
        """
        columns = self.space.one_design(design, "evaluate_loops")
        out, loops = self._loops_program.run(self._knobs(columns), 1), self.nest.nodes[1:]
        kinds = [
            "unrolled" if out[f"{x.at} unrolled"][0] else "pipelined" if out[f"{x.at} pipelined"][0] else "loop"
            for x in loops
        ]
        values = {spec.name: np.concatenate([out[f"{x.at} {spec.name}"] for x in loops]) for spec in LOOP_METRICS}
        metrics = Metrics(LOOP_METRICS, values, np.zeros(len(loops)))
        return Breakdown(tuple(x.loop.label for x in loops), tuple(kinds), metrics)

    @property
    def capacities(self) -> Mapping[str, float]:
        """The budget, of every utilisation."""
        return {f"{name}_utilization": self.options["budget"] for name in RESOURCES}

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design: the loops that take its cycles, what takes up the device, and broken limits.

        Raises:
            ChipgymError: as `evaluate`, and for several designs.
        """
        loops = self.evaluate_loops(design)
        columns, _ = self.space.columns(design)
        total = {name: float(column[0]) for name, column in self.simulate(columns, 1)[0].items()}
        nodes = self.nest.nodes[1:]
        around: list[list[int]] = [[] for _ in nodes]
        for x in reversed(nodes):  # the innermost come last
            for inner in self.nest.below[x.at]:
                if inner.at != x.at:
                    around[inner.at - 1].append(x.at - 1)
        return hls_bottlenecks(columns, total, loops, around, self.broken_limits(design))

    def _knobs(self, columns: Columns) -> dict[str, Column]:
        """Return columns as the schedule reads them."""
        return {name: pipe_codes(column) if name.startswith("pipe_") else column for name, column in columns.items()}

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """See `Simulator.broken_limits`."""
        out = self.evaluate(design)
        limits = [Limit(f"{r}_utilization", out[f"{r}_utilization"][0], self.options["budget"]) for r in RESOURCES]
        return tuple(limit for limit in limits if limit.broken)


def _kernel(workload: str | os.PathLike[str] | Workload) -> Kernel:
    loaded = load_workload(workload)
    if not isinstance(loaded, Kernel):
        raise ChipgymError(f"workload: the hls simulator runs loop kernels, not {shorten(loaded)}")
    return loaded

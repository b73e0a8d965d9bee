"""Fits the constants of `tools.json` to reference rows, and cross-validates them by kernel family.

The structure is not fitted: `Fitted` has the few constants of each tool that coordinate descent finds for cycles, and
`prices` are non-negative least squares over `resources.quantities`. `calibrate` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from ....datasets import build_kernel
from ...core import Column
from ...fpga.formulas.program import make_program
from ...fpga.formulas.terms import Term
from ..lowering.nest import Nest, make_nest
from ..model.latency import Schedule, schedule
from ..model.memories import VECTORS
from ..model.resources import quantities
from ..tables.tools import Fitted, Tool
from .reports import RESOURCES, UNCOUNTED, Reports

#: Bounds of fitted constants, in cycles or factors; a tree's level is at least an addition's stage.
BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType({
    "access": (1, 25), "pipeline": (0.5, 30), "iteration": (0.5, 30), "forward": (0.3, 30), "tree": (3, 30),
    "ii_sum": (1, 30), "ii_sum_unrolled": (1, 30), "ii_element": (1, 30), "ii_element_unrolled": (1, 30),
    "ii_outer": (1, 30), "ii_serial": (2, 30), "ii_memory": (3, 40), "tile_top": (0, 2000), "tile_inner": (0, 2000),
    "tile_repeat": (0, 3), "tile_pipelined": (0, 2), "uneven": (0.1, 1),
})  # fmt: skip
#: Where every fit starts, by tool: round numbers from an addition's latency, 13 cycles in SDx and 4 to 5 in Vitis.
_VITIS = Fitted(
    access=8, pipeline=4, iteration=2, forward=2, tree=5, ii_sum=4, ii_sum_unrolled=2, ii_element=4,
    ii_element_unrolled=2, ii_outer=4, ii_serial=5, ii_memory=12, tile_top=400, tile_inner=200, tile_repeat=0.5,
    tile_pipelined=0.5, uneven=0.3,
)  # fmt: skip
START: Mapping[str, Fitted] = MappingProxyType({
    "sdx-2018.3": replace(
        _VITIS, access=12, tree=12, ii_sum=13, ii_sum_unrolled=13, ii_element=13, ii_element_unrolled=13, ii_outer=13,
        ii_serial=14, ii_memory=28,
    ),
    "vitis-2020.2": _VITIS,
    "vitis-2021.1": _VITIS,
})  # fmt: skip
#: Quantities that each resource is priced by.
PRICED: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "lut": ("one", "dadd", "dmul", "ddiv", "logic", "shared", *VECTORS, "banks", "arguments"),
    "ff": ("one", "dadd", "dmul", "ddiv", "shared", *VECTORS, "banks", "arguments"),
    "bram18": ("one", "buffers", "row_banks", "banks", "ports"),
})  # fmt: skip
#: A utilisation of 0 is one below about 1 % of the device: half of that stands for it, and it counts so often.
CENSORED, CENSORED_WEIGHT = 0.005, 8.0
#: Rows beyond a device are the only ones that tell which designs are: they count half, and to this share of it.
BEYOND_WEIGHT, BEYOND = 0.5, 1.3
#: Where the loss of cycles turns from squares to distances, in halves of a doubling; and how a kernel's rows count.
HUBER, ROWS_POWER, PRICES_POWER = 0.12, -0.3, -0.2
#: Where the loss of prices does, in shares of the device; and turns of solving and weighting anew.
PRICES_HUBER, _TURNS = 0.25, 8
#: Kernels left out of the fit besides those that are not counted: bytes and branches, which the model does not know.
UNFITTED = (*UNCOUNTED, "aes")
_STEP = 1.4
_ROUNDS = 3


#: Terms of a schedule by name.
Answers: TypeAlias = Callable[[Nest, Schedule, Tool], Mapping[str, Term]]


@dataclass(frozen=True)
class Sample:
    """The rows of one kernel and tool, ready to be scheduled; cycles are compared on valid ones alone."""

    reports: Reports
    nest: Nest
    knobs: Mapping[str, Column]
    n: int
    cycles: Column
    utilization: Mapping[str, Column]
    valid: Column

    def answers(self, tool: Tool, make: Answers) -> dict[str, Column]:
        """Return what `make` makes of the rows' schedule under a tool, (n,) by name."""
        program = make_program(tuple(self.knobs), lambda knobs: make(self.nest, schedule(self.nest, knobs, tool), tool))
        return program.run(self.knobs, self.n)

    def scheduled_cycles(self, tool: Tool) -> Column:
        """Count the cycles of the rows under a tool, (n,)."""
        return self.answers(tool, lambda _, done, __: {"cycles": done.cycles})["cycles"]


def samples(reports: Sequence[Reports], tool: str) -> list[Sample]:
    """Return the rows of one tool, without those that say nothing."""
    out = []
    for r in reports:
        if r.tool != tool or r.kernel in UNFITTED or not r.valid.any():
            continue
        nest = make_nest(build_kernel(r.kernel))
        out.append(Sample(r, nest, r.numbers(), r.n, r.cycles, r.utilization, r.valid))
    return out


def loss(group: Sequence[Sample], tool: Tool) -> float:
    """Return the pseudo-Huber loss of log2(cycles)/2, large kernels weighted down."""
    total = weight = 0.0
    for s in group:
        gap = 0.5 * np.log2(s.scheduled_cycles(tool) / s.cycles)[s.valid]
        each = len(gap) ** ROWS_POWER
        total += each * float((HUBER**2 * (np.sqrt(1 + (gap / HUBER) ** 2) - 1)).sum())
        weight += each * len(gap)
    return 2 * total / weight


def fit_schedule(group: Sequence[Sample], tool: Tool, step: Callable[[str, float], None] | None = None) -> Tool:
    """Return the tool with `Fitted` constants that coordinate descent finds from `START`.

    Args:
        group: the rows that it is fitted to.
        tool: whose other constants stay.
        step: is told the name of each constant that moved, and the loss.
    """
    tool = replace(tool, fitted=START[tool.name])
    best = loss(group, tool)
    steps = {f.name: _STEP for f in fields(Fitted)}
    for _ in range(_ROUNDS):
        for name in steps:
            low, high = BOUNDS[name]
            moved = False
            for sign in (1, -1):
                while True:
                    value = min(high, max(low, max(getattr(tool.fitted, name), 0.01) * steps[name] ** sign))
                    trial = replace(tool, fitted=replace(tool.fitted, **{name: round(value, 4)}))
                    found = loss(group, trial)
                    if found >= best - 1e-6:
                        break
                    best, tool, moved = found, trial, True
                    if step:
                        step(name, best)
                if moved:
                    break
            if not moved:
                steps[name] = 1 + (steps[name] - 1) * 0.6
    return tool


def fit_prices(group: Sequence[Sample], tool: Tool) -> Tool:
    """Fit a tool's prices by non-negative least squares; a small ridge keeps those of alike quantities together.

    Rows far off count by their distance rather than its square; rows beyond the device say no more than that.
    """
    from scipy.optimize import nnls

    found = [s.answers(tool, quantities) for s in group]
    valid = np.concatenate([s.valid for s in group])
    often = np.concatenate([np.full(s.n, s.valid.sum() ** PRICES_POWER) for s in group])
    prices = {}
    for resource, names in PRICED.items():
        total = RESOURCES[resource][1]
        x = np.concatenate([np.stack([q[name] for name in names], 1) for q in found])
        share = np.concatenate([s.utilization[resource] for s in group])
        y = total * np.where(share > 0, np.minimum(share, BEYOND), CENSORED)
        weight = often * np.where(valid, np.where(share > 0, 1.0, CENSORED_WEIGHT), BEYOND_WEIGHT)
        size = np.sqrt((np.minimum(x, np.quantile(x, 0.99, axis=0)) ** 2).mean(0)) + 1e-9
        ridge = 0.5 * np.eye(len(names))
        w = np.where(y < BEYOND * total, weight, 0.0)
        for _ in range(_TURNS):
            solved, _ = nnls(np.vstack([x / size * w[:, None], ridge]), np.append(y * w, np.zeros(len(names))))
            off = x @ (solved / size) - y
            far = np.sqrt(np.minimum(1.0, PRICES_HUBER * total / np.maximum(np.abs(off), 1e-9)))
            w = np.where((y >= BEYOND * total) & (off > 0), 0.0, weight * far)
        prices[resource] = {name: float(f"{v:.4g}") for name, v in zip(names, solved / size, strict=True) if v > 0}
    return replace(tool, prices=MappingProxyType(prices))


def calibrate(group: Sequence[Sample], tool: Tool) -> Tool:
    """Return the tool with both fitted to the rows."""
    return fit_prices(group, fit_schedule(group, tool))


def cross_validate(group: Sequence[Sample], tool: Tool) -> dict[str, Tool]:
    """Return, by family, the tool fitted to the rows of all others."""
    families = sorted({s.reports.family for s in group})
    return {f: calibrate([s for s in group if s.reports.family != f], tool) for f in families}

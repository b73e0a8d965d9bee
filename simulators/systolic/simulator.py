"""A systolic-array accelerator bound to a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...datasets import Network, Trace, Workload, load_workload
from ...errors import ChipgymError, nearest_number, shorten
from ..core import (
    Bottleneck,
    Breakdown,
    Column,
    Columns,
    Design,
    Designs,
    Limit,
    Metrics,
    MetricSpec,
    Roofline,
    Simulator,
    relative_excess,
)
from .bottlenecks import systolic_bottlenecks
from .cost import CostModel
from .lowering.network import LoweredNetwork, lower
from .memory_loop.option import DEVICE, LoopMemory, read_memory
from .metrics import IN_LOOP, METRICS
from .model import batch as k
from .model.columns import IN_H, IN_W, TAPS_H, TAPS_W
from .model.tiling import BEST_ORDER, INPUT_STATIONARY, ORDERS, OUTPUT_STATIONARY, WEIGHT_STATIONARY
from .roofline import systolic_roofline
from .space import systolic_space
from .tables import load_technology, technology_names

if TYPE_CHECKING:
    from .memory_loop.loop import DesignRun, DramLimited

# Codes that the kernel takes for the values of the two named knobs.
_FLOW_CODES = {"os": OUTPUT_STATIONARY, "ws": WEIGHT_STATIONARY, "is": INPUT_STATIONARY}
_ORDER_CODES = {"best": BEST_ORDER} | {name: i for i, name in enumerate(ORDERS)}

# Bits that an operand or a partial sum may have.
WIDTHS = (4, 8, 16, 32, 64)

# Kernel counts that are metrics as they are.
_COUNTED = {
    "cycles": k.CYCLES,
    "vector_cycles": k.VECTOR,
    "macs": k.MACS,
    "dram_ifmap_reads": k.DRAM_I,
    "dram_filter_reads": k.DRAM_F,
    "dram_ofmap_writes": k.DRAM_O,
    "dram_ofmap_reads": k.DRAM_P,
    "sram_ifmap_reads": k.SRAM_I,
    "sram_filter_reads": k.SRAM_F,
    "sram_ofmap_writes": k.SRAM_O,
    "sram_ofmap_reads": k.SRAM_P,
}


class SystolicSimulator(Simulator):
    """Cycles, traffic, energy and area of a network on systolic arrays.

    Args:
        workload: a network by name, an ONNX model, a SCALE-Sim topology CSV, the shorthand `mlp:16-64-5`, or a
            `Network`.
        batch: samples run together; the network's own where None.
        operand_bits: bits of a word of inputs, filters and outputs. Bandwidth counts words, so that wider ones come in
            at more bytes per second: scale `dram_bandwidth` to compare widths at one interface.
        accumulator_bits: bits of a partial sum kept in SRAM or DRAM, at least an operand's: 8 as SCALE-Sim counts, 32
            to study energy.
        technology: process node of the energy and area tables.
        dram: DRAM family of the interface, for its energy and area; the technology's default where None.
        memory: a modelled memory in the loop, which adds the metric `dram_limited_latency_s`: a device of the memory
            simulator such as "DDR4-2400", or a mapping of its options (`device`, `channels`, …) and of its knobs
            (`page_policy`, …) by name. Designs are then evaluated one by one, in milliseconds to seconds each.

    Raises:
        ChipgymError: for an unknown workload, technology, DRAM or memory, and widths out of range.
    """

    name = "systolic"
    version: str = "2"  # type: ignore[misc]
    metrics: tuple[MetricSpec, ...] = METRICS  # type: ignore[misc]  # with a memory in the loop there is one more
    default_objective = "edp"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType(
        {"latency": "latency_s", "energy": "energy_j", "area": "area_mm2", "ppa": ("latency_s", "energy_j", "area_mm2")}
    )
    option_values: ClassVar[Mapping[str, Any]] = MappingProxyType({
        "batch": "a whole number from 1", "operand_bits": WIDTHS, "accumulator_bits": WIDTHS,
        "technology": technology_names(), "dram": "an interface of the technology, such as LPDDR4",
        "memory": "a device of the memory simulator, such as DDR4-2400",
    })  # fmt: skip
    chunk = 32768
    made_of: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({
        "power_w": {"energy_j": 1.0, "latency_s": -1.0}, "cycles": {"latency_s": 1.0},
        "utilization": {"latency_s": -1.0},
    })  # fmt: skip

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "resnet18",
        *,
        batch: int | None = None,
        operand_bits: int = 8,
        accumulator_bits: int = 8,
        technology: str = "45nm",
        dram: str | None = None,
        memory: str | Mapping[str, Any] | None = None,
    ) -> None:
        self.workload = load_workload(workload, batch=batch)
        if not isinstance(self.workload, Network):
            raise ChipgymError(f"workload: the systolic simulator runs networks, not {shorten(self.workload)}")
        for field, bits in (("operand_bits", operand_bits), ("accumulator_bits", accumulator_bits)):
            if bits not in WIDTHS:
                raise ChipgymError(f"{field}: {shorten(bits)} is not one of {WIDTHS}{nearest_number(bits, WIDTHS)}")
        tables = load_technology(technology)
        self.space = systolic_space(tables)
        self.cost = CostModel(tables, tables.dram_interface(dram), operand_bits, accumulator_bits, self.space)
        self.options = {
            "operand_bits": operand_bits,
            "accumulator_bits": accumulator_bits,
            "technology": technology,
            "dram": self.cost.dram.name,
        }
        if self.workload.batch != 1:  # a stored run is made again by the network's name, which does not tell it
            self.options |= {"batch": self.workload.batch}
        self.memory: LoopMemory | None = None
        if memory is not None:
            self.memory = read_memory(memory)
            self.options |= {"memory": self.memory.settings}
            self.metrics = (*METRICS, IN_LOOP)
            self.version = f"{self.version} with memory {self.memory.version}"
        self.network: LoweredNetwork = lower(self.workload)
        self._totals = (
            self.network.matrix, self.network.matrix_counts, np.zeros(len(self.network.matrix), np.int64),
            self.network.vector, self.network.vector_counts, np.zeros(len(self.network.vector), np.int64), 1,
        )  # fmt: skip

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        """Count what n designs do on the whole network, and price it."""
        values, violation = self._price(columns, self._count(columns, self._totals).reshape(n, k.FIELDS))
        if self.memory is not None:
            values[IN_LOOP.name] = self._in_loop(columns, violation, self.memory)
        return values, violation

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """Report a clock beyond the technology's table, and SRAMs whose halves do not hold one window of a layer."""
        columns, _ = self.space.columns(design)
        layers, kb_per_word = self.network.matrix, 2 * self.cost.operand_bits / (8 * 1024)
        held = np.minimum(layers[:, (TAPS_H, TAPS_W)], layers[:, (IN_H, IN_W)])  # a window may be wider than the input
        limits = (
            Limit("clock_mhz", columns["clock_mhz"][0], self.cost.technology.max_clock_hz / 1e6, unit="MHz"),
            *(
                Limit(sram, columns[sram][0], sides.prod(axis=1).max(initial=0) * kb_per_word, False, "KB")
                for sram, sides in (("ifmap_sram_kb", held), ("filter_sram_kb", layers[:, (TAPS_H, TAPS_W)]))
            ),
        )
        return tuple(limit for limit in limits if limit.broken)

    def bottlenecks(self, design: Designs) -> tuple[Bottleneck, ...]:
        """Tell what binds one design: parts of its time, energy and area, and where they are most.

        A memory in the loop plays no part.

        Raises:
            ChipgymError: as `evaluate`, and for several designs.
        """
        columns = self.space.one_design(design, "bottlenecks")
        limits = self.broken_limits(design)
        values, violation = self.layer_costs(columns)
        layers = Breakdown(
            tuple(layer.name for layer in self.network.layers), tuple(layer.kind for layer in self.network.layers),
            Metrics(METRICS, values, violation),
        )  # fmt: skip
        totals, _ = self._price(columns, self._count(columns, self._totals).reshape(1, k.FIELDS))
        return systolic_bottlenecks(
            self.cost, columns, {name: float(column[0]) for name, column in totals.items()}, layers, limits
        )

    def evaluate_layers(self, design: Design) -> Breakdown:
        """Return the metrics of one design, layer by layer: a row for every operator that costs something.

        Areas are the whole chip's in every row; the other cost metrics add up to `evaluate`'s.

        Raises:
            ChipgymError: as `evaluate`.
        """
        columns = self.space.one_design(design, "evaluate_layers")
        values, violation = self.layer_costs(columns)
        if self.memory is not None:
            values[IN_LOOP.name] = np.full(len(violation), np.nan)
            if not violation.any():
                values[IN_LOOP.name] = self.dram_limited(design).layers[IN_LOOP.name]
        layers = self.network.layers
        metrics = Metrics(self.metrics, values, violation)
        return Breakdown(tuple(layer.name for layer in layers), tuple(layer.kind for layer in layers), metrics)

    def roofline(self, design: Design) -> Roofline:
        """Place the matrix products of one design under the ceilings of its PEs and its DRAM interfaces.

        Raises:
            ChipgymError: as `evaluate`, and for a design that cannot be built.
        """
        columns, layers = self.space.one_design(design, "roofline"), self.evaluate_layers(design)
        if not layers["feasible"].all():
            limits = " and ".join(map(str, self.broken_limits(design)))
            raise ChipgymError(f"design: has no roofline, since it cannot be built: {limits}")
        return systolic_roofline(columns, layers, self.cost.operand_bits)

    def layer_costs(self, columns: Columns) -> tuple[Columns, Column]:
        """Return the metrics of `METRICS` and the violation of the one design of `columns`, a row for every layer."""
        net = self.network
        rows = (
            net.matrix, np.ones(len(net.matrix)), np.arange(len(net.matrix)),
            net.vector, np.ones(len(net.vector)), len(net.matrix) + np.arange(len(net.vector)),
            len(net.matrix) + len(net.vector),
        )  # fmt: skip
        distinct = self._count(columns, rows)[0]
        on_array = np.array([layer.unit == "array" for layer in net.layers])
        counts = distinct[np.where(on_array, net.position, len(net.matrix) + net.position)]
        return self._price({name: np.repeat(column, len(counts)) for name, column in columns.items()}, counts)

    def dram_trace(self, design: Design, device: str = DEVICE) -> Trace:
        """Return the requests of one design while it runs the network, to a memory of `device` that answers at once.

        Whole bursts, at the pace of an array that never waits: a workload for the memory simulator.

        Raises:
            ChipgymError: as `evaluate`; for a design that cannot be built, and for more requests than a trace holds.
        """
        from .memory_loop.loop import dram_trace

        return dram_trace(self.design_run(self.space.one_design(design, "dram_trace")), device)

    def dram_limited(self, design: Design, controller: Design | None = None, **memory: Any) -> DramLimited:
        """Return the latency of one design with a modelled memory in the loop, in place of `dram_bandwidth`.

        Args:
            design: of the accelerator; its `dram_bandwidth` plays no part but in the latency that is compared with.
            controller: a design of the memory simulator, its default where None.
            memory: the memory simulator's options, `device` ("DDR4-2400" by default), `channels` and the like. Where
                neither is given, the memory is the one that the simulator was made with, if any.

        Raises:
            ChipgymError: as `evaluate` and as the memory simulator does; for a design that cannot be built, and for
                layers of more tiles or requests than fit.
        """
        from .memory_loop.loop import dram_limited

        named = self.memory if controller is None and not memory else None
        return dram_limited(
            self.design_run(self.space.one_design(design, "dram_limited")),
            named or read_memory({**memory, **(controller or {})}),
        )

    def design_run(self, columns: Columns) -> DesignRun:
        """Return the one design of `columns` on the network, as a memory in the loop sees it."""
        from .memory_loop.loop import DesignRun

        return DesignRun(
            self.workload.name, self.network, columns, self.tiling_columns(columns),
            Metrics(METRICS, *self.layer_costs(columns)), self.cost.operand_bits / 8, self.cost.sum_bits / 8,
        )  # fmt: skip

    def _in_loop(self, columns: Columns, violation: Column, memory: LoopMemory) -> Column:
        """Return the latency with a memory in the loop, (n,); NaN for what cannot be built."""
        from .memory_loop.loop import dram_limited

        out = np.full(len(violation), np.nan)
        for i in np.flatnonzero(violation <= 0):
            one = {name: column[i : i + 1] for name, column in columns.items()}
            out[i] = dram_limited(self.design_run(one), memory).dram_limited_latency_s
        return out

    def tiling_columns(self, columns: Columns) -> tuple[Any, ...]:
        """Return what `tiling.plan` takes after the layer, columns of shape (n,) but for the words per partial sum."""
        half = [columns[name] * (1024 * 8 // 2) for name in ("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb")]
        bits, sum_bits = self.cost.operand_bits, self.cost.sum_bits
        return (
            _codes(columns["dataflow"], _FLOW_CODES), columns["rows"], columns["cols"],
            half[0] // bits, half[1] // bits, half[2] // sum_bits, sum_bits / bits,
            _codes(columns["loop_order"], _ORDER_CODES),
        )  # fmt: skip

    def _count(self, columns: Columns, tables: tuple[Any, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return kernel counts (n, output rows, FIELDS) of design columns."""
        matrix, matrix_counts, matrix_rows, vector, vector_counts, vector_rows, n_rows = tables
        flow, rows, cols, cap_i, cap_f, cap_o, psum_words, order = self.tiling_columns(columns)
        fine, coarse = self.network.cuts.fine, self.network.cuts.coarse
        return k.count(
            matrix, fine.rungs, fine.heights, coarse.rungs, coarse.heights, matrix_counts, matrix_rows,
            vector, vector_counts, vector_rows, n_rows,
            rows, cols, flow, cap_i, cap_f, cap_o, columns["dram_bandwidth"], columns["num_arrays"], order, psum_words,
        )  # fmt: skip

    def _price(self, columns: Columns, counts: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[Columns, Column]:
        """Return metric columns and violation of kernel counts (n, FIELDS)."""
        out: Columns = {name: counts[:, field] for name, field in _COUNTED.items()}
        out |= self.cost.evaluate(columns, counts)
        top = self.cost.technology.max_clock_hz / 1e6
        return out, counts[:, k.EXCESS] + relative_excess(columns["clock_mhz"], top)


def _codes(names: Column, codes: Mapping[str, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return integer codes of a text column."""
    if len(names) == 1:  # one design at a time, as a scalar environment asks, should not pay for masks
        return np.array([codes[names[0]]], dtype=np.int64)
    out = np.empty(len(names), dtype=np.int64)
    for name, code in codes.items():
        out[names == name] = code
    return out

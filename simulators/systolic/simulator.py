"""A systolic-array accelerator bound to a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...datasets import Network, Trace, Workload, load_workload
from ...errors import ChipgymError, nearest_number, shorten
from ..core import Breakdown, Column, Columns, Design, Designs, Limit, Metrics, Simulator, relative_excess
from . import kernel as k
from .cost import CostModel
from .lowering import LoweredNetwork, lower
from .metrics import METRICS
from .space import DATAFLOWS, systolic_space
from .technology import load_technology
from .tiling import IN_H, IN_W, ORDERS, TAPS_H, TAPS_W

if TYPE_CHECKING:
    from .in_loop import DramLimited

# Codes that the kernel takes for the values of the two named knobs.
_FLOW_CODES = {name: i for i, name in enumerate(DATAFLOWS)}
_ORDER_CODES = {"best": -1} | {name: i for i, name in enumerate(ORDERS)}

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
        workload: a network by name, a SCALE-Sim topology CSV, the shorthand `mlp:16-64-5`, or a `Network`.
        batch: samples run together; the network's own where None.
        operand_bits: bits of a word of inputs, filters and outputs. Bandwidth counts words, so that wider ones come in
            at more bytes per second: scale `dram_bandwidth` to compare widths at one interface.
        accumulator_bits: bits of a partial sum kept in SRAM or DRAM, at least an operand's: 8 as SCALE-Sim counts, 32
            to study energy.
        technology: process node of the energy and area tables.
        dram: DRAM family of the interface; the technology's default where None.

    Raises:
        ChipgymError: for an unknown workload, technology or DRAM, and widths out of range.
    """

    name = "systolic"
    version = "1"
    metrics = METRICS
    default_objective = "edp"
    objectives: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType(
        {"latency": "latency_s", "energy": "energy_j", "area": "area_mm2", "ppa": ("latency_s", "energy_j", "area_mm2")}
    )
    chunk = 32768

    def __init__(
        self,
        workload: str | os.PathLike[str] | Workload = "resnet18",
        *,
        batch: int | None = None,
        operand_bits: int = 8,
        accumulator_bits: int = 8,
        technology: str = "45nm",
        dram: str | None = None,
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
        self.network: LoweredNetwork = lower(self.workload)
        self._totals = (
            self.network.matrix, self.network.matrix_counts, np.zeros(len(self.network.matrix), np.int64),
            self.network.vector, self.network.vector_counts, np.zeros(len(self.network.vector), np.int64), 1,
        )  # fmt: skip

    def simulate(self, columns: Columns, n: int) -> tuple[Mapping[str, Column], Column]:
        return self._price(columns, self._count(columns, self._totals).reshape(n, k.FIELDS))

    def broken_limits(self, design: Designs) -> tuple[Limit, ...]:
        """A clock beyond the technology's table, and SRAMs whose halves do not hold one window of a layer."""
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

    def evaluate_layers(self, design: Design) -> Breakdown:
        """The metrics of one design, layer by layer: a row for every operator that costs something.

        Areas are the whole chip's in every row; the other cost metrics add up to `evaluate`'s.

        Raises:
            ChipgymError: as `evaluate`.
        """
        columns, n = self.space.columns(design)
        if n != 1:
            raise ChipgymError(f"evaluate_layers takes one design, not {n}")
        net = self.network
        rows = (
            net.matrix, np.ones(len(net.matrix)), np.arange(len(net.matrix)),
            net.vector, np.ones(len(net.vector)), len(net.matrix) + np.arange(len(net.vector)),
            len(net.matrix) + len(net.vector),
        )  # fmt: skip
        distinct = self._count(columns, rows)[0]
        on_array = np.array([layer.unit == "array" for layer in net.layers])
        counts = distinct[np.where(on_array, net.position, len(net.matrix) + net.position)]
        repeated = {name: np.repeat(column, len(counts)) for name, column in columns.items()}
        metrics = Metrics(METRICS, *self._price(repeated, counts))
        return Breakdown(tuple(layer.name for layer in net.layers), tuple(layer.kind for layer in net.layers), metrics)

    def dram_trace(self, design: Design, device: str = "DDR4-2400") -> Trace:
        """The requests that one design makes to a memory of `device` while it runs the network, in whole bursts.

        Raises:
            ChipgymError: as `evaluate`; for a design that cannot be built, and for more requests than a trace holds.
        """
        from .in_loop import dram_trace

        return dram_trace(self, design, device)[0]

    def dram_limited(self, design: Design, controller: Design | None = None, **memory: Any) -> DramLimited:
        """The latency of one design with a modelled memory in the loop, in place of `dram_bandwidth`.

        Args:
            design: of the accelerator; its `dram_bandwidth` plays no part but in the latency that is compared with.
            controller: a design of the memory simulator, its default where None.
            memory: the memory simulator's options, `device` ("DDR4-2400" by default), `channels` and the like.

        Raises:
            ChipgymError: as `dram_trace`, and as the memory simulator does.
        """
        from .in_loop import dram_limited

        return dram_limited(self, design, controller or {}, memory)

    def tiling_columns(self, columns: Columns) -> tuple[Any, ...]:
        """What `tiling.plan` takes after the layer, columns of shape (n,) but for the words per partial sum."""
        half = [columns[name] * (1024 * 8 // 2) for name in ("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb")]
        bits, sum_bits = self.cost.operand_bits, self.cost.sum_bits
        return (
            _codes(columns["dataflow"], _FLOW_CODES), columns["rows"], columns["cols"],
            half[0] // bits, half[1] // bits, half[2] // sum_bits, sum_bits / bits,
            _codes(columns["loop_order"], _ORDER_CODES),
        )  # fmt: skip

    def _count(self, columns: Columns, tables: tuple[Any, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Kernel counts (n, output rows, FIELDS) of design columns."""
        matrix, matrix_counts, matrix_rows, vector, vector_counts, vector_rows, n_rows = tables
        flow, rows, cols, cap_i, cap_f, cap_o, psum_words, order = self.tiling_columns(columns)
        return k.count(
            matrix, matrix_counts, matrix_rows, vector, vector_counts, vector_rows, n_rows,
            rows, cols, flow, cap_i, cap_f, cap_o, columns["dram_bandwidth"], columns["num_arrays"], order, psum_words,
        )  # fmt: skip

    def _price(self, columns: Columns, counts: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[Columns, Column]:
        """Metric columns and violation of kernel counts (n, FIELDS)."""
        out: Columns = {name: counts[:, field] for name, field in _COUNTED.items()}
        out |= self.cost.evaluate(columns, counts)
        top = self.cost.technology.max_clock_hz / 1e6
        return out, counts[:, k.EXCESS] + relative_excess(columns["clock_mhz"], top)


def _codes(names: Column, codes: Mapping[str, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Integer codes of a text column."""
    if len(names) == 1:  # one design at a time, as a scalar environment asks, should not pay for masks
        return np.array([codes[names[0]]], dtype=np.int64)
    out = np.empty(len(names), dtype=np.int64)
    for name, code in codes.items():
        out[names == name] = code
    return out

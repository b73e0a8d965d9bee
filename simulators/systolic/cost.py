"""Energy and area of counted work: every action and component times its entry in the technology tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from ..core import Column, Columns, DesignSpace
from ..core.compiled import compiled
from .model.batch import (
    COMPUTE,
    CYCLES,
    DRAM_F,
    DRAM_I,
    DRAM_O,
    DRAM_P,
    MACS,
    OPERATIONS,
    SLOTS,
    SRAM_F,
    SRAM_I,
    SRAM_O,
    SRAM_P,
    VECTOR,
)
from .tables import DramInterface, Technology

Array = np.ndarray[Any, np.dtype[np.float64]]

SRAMS = ("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb")
# Columns of an SRAM's prices, and of a clock's.
READ, WRITE, LEAKAGE, AREA = range(4)
ENERGY_SCALE, LEAKAGE_SCALE = range(2)

# What `price` answers, in this order.
PRICED = (
    "latency_s", "energy_j", "power_w", "area_mm2", "compute_cycles", "stall_cycles", "utilization",
    "mapping_efficiency", "array_energy_j", "vector_energy_j", "sram_energy_j", "dram_energy_j", "static_energy_j",
)  # fmt: skip


class Prices(NamedTuple):
    """What a unit of each action and component costs, J, W or mm2, at nominal voltage."""

    mac_os: float  # one multiply-accumulate, where outputs stay in the PEs
    mac: float  # where weights or inputs stay
    clock_share: float  # of an array's dynamic power
    vector_operation: float
    dram_word: float
    pe_leakage: float
    lane_leakage: float
    standing_per_gbps: float
    pe_area: float
    lane_area: float
    phy_area_per_gbps: float
    bytes_per_word: float


@dataclass(frozen=True)
class CostModel:
    """Prices of one chip family.

    Attributes:
        technology: per-action energies and per-component areas.
        dram: the off-chip interface.
        operand_bits: bits of a word.
        accumulator_bits: bits of a partial sum in the output SRAM.
        space: the knobs; prices at its grid values are looked up rather than computed again.
    """

    technology: Technology
    dram: DramInterface
    operand_bits: int
    accumulator_bits: int
    space: DesignSpace

    @property
    def sum_bits(self) -> int:
        """Bits of a word of the output SRAM: a partial sum, or a result where that is wider."""
        return max(self.accumulator_bits, self.operand_bits)

    @property
    def adder_bits(self) -> int:
        """Width of a PE's accumulator: products of b-bit operands summed without overflow, 4b (32 for 8, TPU v1)."""
        return max(self.accumulator_bits, 4 * self.operand_bits)

    @cached_property
    def prices(self) -> Prices:
        """The prices that no knob changes.

        A multiply-accumulate latches the operands that move on and its sum: both operands in an output-stationary PE;
        one of them in the others, where the sum moves instead of the second.
        """
        t, bits, adder = self.technology, self.operand_bits, self.adder_bits
        mac = float(t.mac_energy_j(bits, adder))
        latch = float(t.register_energy_j_per_bit)
        return Prices(
            mac_os=mac + (2 * bits + adder) * latch,
            mac=mac + (bits + adder) * latch,
            clock_share=float(t.clock_share),
            vector_operation=float(t.vector_op_energy_j(adder)),
            dram_word=bits * self.dram.total_energy_j_per_bit,
            pe_leakage=float(t.pe_leakage_w(bits, adder)),
            lane_leakage=float(t.vector_lane_leakage_w(adder)),
            standing_per_gbps=self.dram.static_w_per_gbps,
            pe_area=float(t.pe_area_mm2(bits, adder)),
            lane_area=float(t.vector_lane_area_mm2(adder)),
            phy_area_per_gbps=self.dram.phy_area_mm2_per_gbps,
            bytes_per_word=bits / 8.0,
        )

    def sram_prices(self, width: int, kb: Column) -> Array:
        """Read and write per word of `width` bits (J), leakage (W) and area (mm2) of SRAMs; shape (n, 4)."""
        t = self.technology
        columns = (t.sram_read_j_per_word(kb, width), t.sram_write_j_per_word(kb, width))
        return np.stack([*columns, t.sram_leakage_w(kb), t.sram_area_mm2(kb)], axis=1)

    def clock_prices(self, clock_mhz: Column) -> Array:
        """Return factors on dynamic energy and leakage at the voltage that a clock needs; shape (n, 2)."""
        hz = clock_mhz * 1e6
        return np.stack([self.technology.energy_scale(hz), self.technology.leakage_scale(hz)], axis=1)

    @cached_property
    def _lookups(self) -> dict[str, GridLookup]:
        widths = zip(SRAMS, (self.operand_bits, self.operand_bits, self.sum_bits), strict=True)
        functions: dict[str, Callable[[Column], Array]] = {n: partial(self.sram_prices, width) for n, width in widths}
        functions["clock_mhz"] = self.clock_prices
        return {name: GridLookup.over(self.space[name].column_values, f) for name, f in functions.items()}

    def evaluate(self, columns: Columns, counts: Array) -> Columns:
        """Return the metrics of PRICED, each (n,), of kernel counts (n, FIELDS) on design columns, each (n,)."""
        look = self._lookups
        (kb_i, sram_i), (kb_f, sram_f), (kb_o, sram_o) = (look[name].tables(columns[name]) for name in SRAMS)
        clocks, supply = look["clock_mhz"].tables(columns["clock_mhz"])
        out = price(
            counts, columns["rows"], columns["cols"], columns["num_arrays"], columns["dataflow"] == "os",
            columns["dram_bandwidth"], columns["ifmap_sram_kb"], columns["filter_sram_kb"], columns["ofmap_sram_kb"],
            columns["clock_mhz"], kb_i, sram_i, kb_f, sram_f, kb_o, sram_o, clocks, supply, self.prices,
        )  # fmt: skip
        return dict(zip(PRICED, out, strict=True))


@dataclass(frozen=True, eq=False)
class GridLookup:
    """A function of a knob, remembered at its grid values."""

    function: Callable[[Column], Array]
    grid: Column
    table: Array

    @staticmethod
    def over(grid: Column, function: Callable[[Column], Array]) -> GridLookup:
        """Remember `function` at the ascending values `grid`."""
        return GridLookup(function, grid, function(grid))

    def tables(self, values: Column) -> tuple[Column, Array]:
        """Return ascending values that hold all of `values`, and the function's answers for them, one row each."""
        if all_known(values, self.grid):
            return self.grid, self.table
        grid = np.unique(values)
        return grid, self.function(grid)


@compiled
def position(value: float, grid: Column) -> int:
    """Tell where `value` stands in the ascending `grid`: the first place that is not below it."""
    low, high = 0, len(grid)
    while low < high:
        middle = (low + high) // 2
        if grid[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def all_known(values: Column, grid: Column) -> bool:
    """Tell whether every one of `values` stands in the ascending `grid`."""
    for value in values:
        at = position(value, grid)
        if at == len(grid) or grid[at] != value:
            return False
    return True


@compiled
def price(
    counts: Array, rows: Column, cols: Column, arrays: Column, outputs_stay: Column, bandwidth: Column,
    ifmap_kb: Column, filter_kb: Column, ofmap_kb: Column, clock_mhz: Column,
    kb_i: Column, sram_i: Array, kb_f: Column, sram_f: Array, kb_o: Column, sram_o: Array,
    clocks: Column, supply: Array, p: Prices,
) -> Array:  # fmt: skip
    """Return metrics (len(PRICED), n) of counts (n, FIELDS) and design columns (n,).

    `kb_*` and `clocks` are the values at which `sram_*` (values, 4) and `supply` (values, 2) hold prices.
    """
    n = len(rows)
    out = np.empty((13, n))
    for d in range(n):
        c = counts[d]
        lanes = float(cols[d] * arrays[d])
        pes = lanes * rows[d]
        clock_hz = clock_mhz[d] * 1e6
        ifmap, filters = sram_i[position(ifmap_kb[d], kb_i)], sram_f[position(filter_kb[d], kb_f)]
        ofmap, volts = sram_o[position(ofmap_kb[d], kb_o)], supply[position(clock_mhz[d], clocks)]
        scale, seconds = volts[ENERGY_SCALE], c[CYCLES] / clock_hz
        # Peak of the three interfaces together; an unlimited one is an idealisation that costs nothing.
        gbps = 0.0
        if bandwidth[d] < np.inf:
            gbps = 3.0 * bandwidth[d] * p.bytes_per_word * clock_hz / 1e9

        mac = p.mac_os if outputs_stay[d] else p.mac
        # The clock tree's share of an array at work is spent on every PE in every cycle that the arrays run.
        clock = p.clock_share / (1.0 - p.clock_share) * mac
        array = scale * (c[MACS] * mac + c[COMPUTE] * pes * clock)
        vector = scale * c[OPERATIONS] * p.vector_operation
        sram = c[SRAM_I] * ifmap[READ] + c[DRAM_I] * ifmap[WRITE]
        sram += c[SRAM_F] * filters[READ] + c[DRAM_F] * filters[WRITE]
        sram += (c[SRAM_P] + c[DRAM_O]) * ofmap[READ] + (c[SRAM_O] + c[DRAM_P]) * ofmap[WRITE]
        sram *= scale
        dram = (c[DRAM_I] + c[DRAM_F] + c[DRAM_O] + c[DRAM_P]) * p.dram_word
        leakage = pes * p.pe_leakage + lanes * p.lane_leakage
        leakage += ifmap[LEAKAGE] + filters[LEAKAGE] + ofmap[LEAKAGE]
        static = (leakage * volts[LEAKAGE_SCALE] + p.standing_per_gbps * gbps) * seconds
        energy = array + vector + sram + dram + static

        area = pes * p.pe_area + lanes * p.lane_area + p.phy_area_per_gbps * gbps
        area += ifmap[AREA] + filters[AREA] + ofmap[AREA]
        busy = c[COMPUTE] + c[VECTOR]
        out[0, d] = seconds
        out[1, d] = energy
        out[2, d] = energy / seconds if seconds > 0.0 else np.nan  # work hidden behind another layer has no time
        out[3, d] = area
        out[4, d] = busy
        out[5, d] = c[CYCLES] - busy
        # A layer without multiply-accumulates uses and maps no PE.
        out[6, d] = c[MACS] / (pes * c[CYCLES]) if c[MACS] > 0.0 else 0.0
        out[7, d] = c[MACS] / c[SLOTS] if c[MACS] > 0.0 else 0.0
        out[8, d] = array
        out[9, d] = vector
        out[10, d] = sram
        out[11, d] = dram
        out[12, d] = static
    return out

"""Energy and area of counted work: every action and component times its entry in the technology tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Columns
from . import kernel as k
from .technology import DramInterface, Technology

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class CostModel:
    """Prices of one chip family.

    Attributes:
        technology: per-action energies and per-component areas.
        dram: the off-chip interface.
        operand_bits: bits of a word.
        accumulator_bits: bits of a partial sum in the output SRAM.
    """

    technology: Technology
    dram: DramInterface
    operand_bits: int
    accumulator_bits: int

    @property
    def adder_bits(self) -> int:
        """Width of a PE's accumulator: products of b-bit operands summed without overflow, 4b (32 for 8, TPU v1)."""
        return max(self.accumulator_bits, 4 * self.operand_bits)

    def gigabytes_per_s(self, columns: Columns, clock_hz: Array) -> Array:
        """Peak of the three operand interfaces together, 1e9 bytes/s; 0 where it is idealised as infinite."""
        words = np.where(np.isinf(columns["dram_bandwidth"]), 0.0, columns["dram_bandwidth"])
        return 3.0 * words * (self.operand_bits / 8.0) * clock_hz / 1e9

    def area_mm2(self, columns: Columns, clock_hz: Array) -> Array:
        """Placed area of arrays, vector lanes, the three SRAMs and the DRAM interface, shape (n,)."""
        t = self.technology
        lanes = columns["cols"] * columns["num_arrays"]
        pes = lanes * columns["rows"]
        sram = sum(t.sram_area_mm2(columns[name]) for name in SRAMS)
        phy = self.dram.phy_area_mm2_per_gbps * self.gigabytes_per_s(columns, clock_hz)
        pe = t.pe_area_mm2(self.operand_bits, self.adder_bits)
        return pes * pe + lanes * t.vector_lane_area_mm2(self.adder_bits) + sram + phy

    def energy_j(self, columns: Columns, counts: Array, clock_hz: Array) -> Mapping[str, Array]:
        """Energy by component, each of shape (n,), of the counted work.

        Args:
            columns: design columns, each (n,).
            counts: (n, FIELDS) of the kernel.
            clock_hz: (n,).
        """
        t, bits = self.technology, self.operand_bits
        scale = t.energy_scale(clock_hz)
        lanes = columns["cols"] * columns["num_arrays"]
        pes = lanes * columns["rows"]

        # Each multiply-accumulate latches the operands that move on and its sum: both operands in an output-stationary
        # PE, one of them in the others, where the sum moves instead of the second.
        moving = np.where(columns["dataflow"] == "os", 2 * bits, bits) + self.adder_bits
        per_mac = t.mac_energy_j(bits, self.adder_bits) + moving * t.register_energy_j_per_bit
        # The clock tree's share of an array at work, spent on every PE in every cycle that the arrays run.
        per_pe_cycle = t.clock_share / (1.0 - t.clock_share) * per_mac
        running = counts[:, k.COMPUTE]
        array = scale * (counts[:, k.MACS] * per_mac + running * pes * per_pe_cycle)
        vector = scale * counts[:, k.OPERATIONS] * t.vector_op_energy_j(self.adder_bits)

        sum_bits = max(self.accumulator_bits, bits)
        sram = np.zeros_like(scale)
        for name, width, reads, writes in (
            ("ifmap_sram_kb", bits, counts[:, k.SRAM_I], counts[:, k.DRAM_I]),
            ("filter_sram_kb", bits, counts[:, k.SRAM_F], counts[:, k.DRAM_F]),
            (
                "ofmap_sram_kb",
                sum_bits,
                counts[:, k.SRAM_P] + counts[:, k.DRAM_O],
                counts[:, k.SRAM_O] + counts[:, k.DRAM_P],
            ),
        ):
            size = columns[name]
            sram += reads * t.sram_read_j_per_word(size, width) + writes * t.sram_write_j_per_word(size, width)
        words = counts[:, k.DRAM_I] + counts[:, k.DRAM_F] + counts[:, k.DRAM_O] + counts[:, k.DRAM_P]
        dram = words * (bits * self.dram.total_energy_j_per_bit)

        leakage = pes * t.pe_leakage_w(bits, self.adder_bits) + lanes * t.vector_lane_leakage_w(self.adder_bits)
        leakage = leakage + sum(t.sram_leakage_w(columns[name]) for name in SRAMS)
        standing = self.dram.static_w_per_gbps * self.gigabytes_per_s(columns, clock_hz)
        static = (leakage * t.leakage_scale(clock_hz) + standing) * (counts[:, k.CYCLES] / clock_hz)
        return {
            "array_energy_j": array,
            "vector_energy_j": vector,
            "sram_energy_j": scale * sram,
            "dram_energy_j": dram,
            "static_energy_j": static,
        }


SRAMS = ("ifmap_sram_kb", "filter_sram_kb", "ofmap_sram_kb")

"""`Technology`: one process node's energies, areas, leakage, clock limits and DRAM interfaces behind one object.

Every method takes floats or numpy arrays (one element per design), is pure, and answers in SI units except areas,
which are mm^2. Dynamic energies and leakages are at the nominal voltage; multiply them by `energy_scale(clock_hz)` and
`leakage_scale(clock_hz)`. DRAM and PHY figures live on their own supply and do not scale with the core clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ....errors import unknown
from .dram import DramInterface
from .logic import LogicModel
from .sram import LINE_BITS, SramModel
from .voltage import VoltageTable

ArrayLike = float | npt.NDArray[np.float64]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Technology:
    """A process node. Build one with `load_technology`; `sources` says where every constant comes from."""

    name: str
    node_nm: float
    logic: LogicModel
    sram: SramModel
    supply: VoltageTable
    dram: Mapping[str, DramInterface]
    default_dram: str
    sram_layout_factor: float
    clock_share: float
    sources: Mapping[str, str] = field(repr=False)

    # ---- datapath -------------------------------------------------------------------------------------------------
    def mac_energy_j(self, operand_bits: ArrayLike, accumulator_bits: ArrayLike) -> Array:
        """Return the energy of a multiply at `operand_bits` and an add at `accumulator_bits`, J at nominal voltage."""
        return self.logic.multiply_j(operand_bits) + self.logic.add_j(accumulator_bits)

    @property
    def register_energy_j_per_bit(self) -> float:
        """One pipeline-register access (clocked with data), J per bit: what forwarding an operand by one PE costs."""
        return self.logic.register_j_per_bit

    def pe_area_mm2(self, operand_bits: ArrayLike, accumulator_bits: ArrayLike) -> Array:
        """Return the placed area of one PE: multiplier, adder, and registers.

        They are the input, weight, shadow-weight and partial-sum registers.
        """
        return self.logic.layout_factor * self._pe_cells_mm2(operand_bits, accumulator_bits)

    def pe_leakage_w(self, operand_bits: ArrayLike, accumulator_bits: ArrayLike) -> Array:
        """Return the leakage of one PE's cells, W at nominal voltage."""
        return self.logic.leakage_w_per_mm2 * self._pe_cells_mm2(operand_bits, accumulator_bits)

    def _pe_cells_mm2(self, operand_bits: ArrayLike, accumulator_bits: ArrayLike) -> Array:
        registers = 3.0 * np.asarray(operand_bits, dtype=np.float64) + np.asarray(accumulator_bits, dtype=np.float64)
        return self.logic.cell_area_mm2(operand_bits, accumulator_bits, registers)

    # ---- vector lane ----------------------------------------------------------------------------------------------
    def vector_op_energy_j(self, bits: ArrayLike = 32.0) -> Array:
        """Return the energy of one lane operation, J at nominal voltage.

        It is a multiply and an add at `bits`, and three register accesses.
        """
        registers = 3.0 * self.logic.register_j_per_bit * np.asarray(bits, dtype=np.float64)
        return self.logic.multiply_j(bits) + self.logic.add_j(bits) + registers

    def vector_lane_area_mm2(self, bits: ArrayLike = 32.0) -> Array:
        """Return the placed area of one lane: multiplier, adder, and a special-function unit as large as both."""
        return self.logic.layout_factor * self._lane_cells_mm2(bits)

    def vector_lane_leakage_w(self, bits: ArrayLike = 32.0) -> Array:
        """Return the leakage of one lane's cells, W at nominal voltage."""
        return self.logic.leakage_w_per_mm2 * self._lane_cells_mm2(bits)

    def _lane_cells_mm2(self, bits: ArrayLike) -> Array:
        operators = self.logic.cell_area_mm2(bits, bits, 0.0)
        registers = self.logic.register_mm2_per_bit * 3.0 * np.asarray(bits, dtype=np.float64)
        return 2.0 * operators + registers

    # ---- scratchpads ----------------------------------------------------------------------------------------------
    def sram_read_j_per_line(self, kb: ArrayLike) -> Array:
        """Return the energy of one 64-bit read of a macro of `kb` kilobytes, J at nominal voltage."""
        return self.sram.read_j(kb)

    def sram_write_j_per_line(self, kb: ArrayLike) -> Array:
        """Return the energy of one 64-bit write of a macro of `kb` kilobytes, J at nominal voltage."""
        return self.sram.write_j(kb)

    def sram_read_j_per_word(self, kb: ArrayLike, operand_bits: ArrayLike) -> Array:
        """Return the energy of a word of `operand_bits` in a sequential stream.

        A 64-bit line serves 64 / operand_bits words.
        """
        return self.sram.read_j(kb) * (np.asarray(operand_bits, dtype=np.float64) / LINE_BITS)

    def sram_write_j_per_word(self, kb: ArrayLike, operand_bits: ArrayLike) -> Array:
        """Return the energy of one word of `operand_bits` written as part of a full 64-bit line."""
        return self.sram.write_j(kb) * (np.asarray(operand_bits, dtype=np.float64) / LINE_BITS)

    def sram_area_mm2(self, kb: ArrayLike) -> Array:
        """Return the placed area of a macro of `kb` kilobytes: CACTI's area times `sram_layout_factor`."""
        return self.sram_layout_factor * self.sram.area_mm2(kb)

    def sram_leakage_w(self, kb: ArrayLike) -> Array:
        """Return the leakage (subthreshold and gate) of a macro of `kb` kilobytes, W at nominal voltage, 360 K."""
        return self.sram.leakage_w(kb)

    def sram_cycle_s(self, kb: ArrayLike) -> Array:
        """Return the random cycle time of one bank, s at nominal voltage. Large capacities are banks of 1 MB."""
        return self.sram.cycle_s(kb)

    # ---- clock and supply -----------------------------------------------------------------------------------------
    @property
    def min_clock_hz(self) -> float:
        """Lowest clock at which the supply still falls; below it the voltage stays at its floor."""
        return self.supply.clock_hz[0]

    @property
    def max_clock_hz(self) -> float:
        """Highest clock of the table; a design above it is infeasible."""
        return self.supply.clock_hz[-1]

    @property
    def nominal_v(self) -> float:
        """Supply (V) at which energies and leakages are given."""
        return self.supply.nominal_v

    def voltage(self, clock_hz: ArrayLike) -> Array:
        """Return the supply voltage (V) for `clock_hz`, within the table's bounds."""
        return self.supply.voltage(clock_hz)

    def energy_scale(self, clock_hz: ArrayLike) -> Array:
        """Return the dynamic energy at `clock_hz` relative to nominal, (V / Vnom)^2."""
        return self.supply.energy_scale(clock_hz)

    def leakage_scale(self, clock_hz: ArrayLike) -> Array:
        """Return the leakage power at `clock_hz` relative to nominal."""
        return self.supply.leakage_scale(clock_hz)

    # ---- DRAM -----------------------------------------------------------------------------------------------------
    def dram_interface(self, name: str | None = None) -> DramInterface:
        """Return the DRAM family `name`, the default one when None. Raises ChipgymError for a name not known."""
        key = self.default_dram if name is None else name
        if key not in self.dram:
            raise unknown("DRAM interface", key, self.dram)
        return self.dram[key]

    @property
    def phy_energy_j_per_bit(self) -> float:
        """Host PHY energy of the default DRAM, J per bit."""
        return self.dram_interface().phy_energy_j_per_bit

    @property
    def phy_area_mm2_per_gbps(self) -> float:
        """PHY area of the default DRAM, mm^2 per GB/s of peak bandwidth."""
        return self.dram_interface().phy_area_mm2_per_gbps

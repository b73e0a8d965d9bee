"""Datapath energy, area and leakage against bit width: multipliers, adders, registers.

Published operators come at two widths; between and beyond them a cost is the power law through both points
(log-log interpolation), so each published number is returned exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....errors import ChipgymError

ArrayLike = float | npt.NDArray[np.float64]


@dataclass(frozen=True)
class WidthLaw:
    """`value_8 * (bits / 8) ** exponent`: a cost at 8 bits and the power its width is raised to."""

    value_8: float
    exponent: float

    def __post_init__(self) -> None:
        if self.value_8 <= 0 or self.exponent <= 0:
            raise ChipgymError(f"width law needs positive value and exponent, got {self.value_8}, {self.exponent}")

    @classmethod
    def through(cls, at_8: float, at_32: float) -> WidthLaw:
        """Make the law through published values at 8 and 32 bits."""
        return cls(at_8, math.log(at_32 / at_8) / math.log(4.0))

    def __call__(self, bits: ArrayLike) -> npt.NDArray[np.float64]:
        """Return the cost at `bits` bits; shape of `bits`."""
        return self.value_8 * (np.asarray(bits, dtype=np.float64) / 8.0) ** self.exponent

    def scaled(self, factor: float) -> WidthLaw:
        """Return the same law times `factor` (another node, another unit)."""
        return WidthLaw(self.value_8 * factor, self.exponent)


@dataclass(frozen=True)
class LogicModel:
    """One node's datapath at nominal voltage. Energies in J, cell areas in mm^2, leakage in W per mm^2 of cells.

    `layout_factor` is placed-and-routed area over the sum of cell areas of the operators and registers counted here:
    it carries control, pipeline registers that are not counted, clock tree and placement density.
    """

    multiply_j: WidthLaw
    add_j: WidthLaw
    register_j_per_bit: float
    multiply_mm2: WidthLaw
    add_mm2: WidthLaw
    register_mm2_per_bit: float
    leakage_w_per_mm2: float
    layout_factor: float

    def cell_area_mm2(
        self, operand_bits: ArrayLike, accumulator_bits: ArrayLike, register_bits: ArrayLike
    ) -> npt.NDArray[np.float64]:
        """Sum the cell area of one multiplier, one adder and `register_bits` flip-flops."""
        registers = self.register_mm2_per_bit * np.asarray(register_bits, dtype=np.float64)
        return self.multiply_mm2(operand_bits) + self.add_mm2(accumulator_bits) + registers

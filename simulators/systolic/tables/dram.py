"""Off-chip memory: energy per bit, and what a provisioned gigabyte per second costs in silicon and standing power."""

from __future__ import annotations

from dataclasses import dataclass

from ....errors import ChipgymError


@dataclass(frozen=True)
class DramInterface:
    """One DRAM family. Energies in J per bit moved, standing power and area per GB/s (10^9 bytes) of peak bandwidth.

    `energy_j_per_bit` is the device (array, column path, row activation of a streaming access) and its output drivers;
    `phy_energy_j_per_bit` the host side's PHY. The standing figures do not depend on traffic.
    """

    name: str
    energy_j_per_bit: float
    phy_energy_j_per_bit: float
    phy_area_mm2_per_gbps: float
    phy_static_w_per_gbps: float
    background_w_per_gbps: float

    def __post_init__(self) -> None:
        for field in ("energy_j_per_bit", "phy_energy_j_per_bit", "phy_area_mm2_per_gbps"):
            if not getattr(self, field) > 0:
                raise ChipgymError(f"DRAM {self.name!r}: {field} must be positive, got {getattr(self, field)}")

    @property
    def total_energy_j_per_bit(self) -> float:
        """Device, I/O and host PHY together, J per bit."""
        return self.energy_j_per_bit + self.phy_energy_j_per_bit

    @property
    def static_w_per_gbps(self) -> float:
        """Standing power of PHY and devices together, W per GB/s of peak bandwidth."""
        return self.phy_static_w_per_gbps + self.background_w_per_gbps

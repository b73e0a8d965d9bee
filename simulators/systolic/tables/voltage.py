"""The bounded table that turns a clock into a supply voltage, and a voltage into energy and leakage factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....errors import ChipgymError

ArrayLike = float | npt.NDArray[np.float64]


@dataclass(frozen=True)
class VoltageTable:
    """Supply voltage against clock: (hz, volts) points, both strictly increasing, and the nominal voltage.

    `leakage_decades_per_volt` is d log10(I_leak) / dV: drain-induced barrier lowering over the subthreshold swing.
    """

    clock_hz: tuple[float, ...]
    volts: tuple[float, ...]
    nominal_v: float
    leakage_decades_per_volt: float

    def __post_init__(self) -> None:
        if len(self.clock_hz) != len(self.volts) or len(self.clock_hz) < 2:
            raise ChipgymError("voltage table needs two or more (clock, voltage) points")
        if np.any(np.diff(self.clock_hz) <= 0) or np.any(np.diff(self.volts) <= 0):
            raise ChipgymError("voltage table must be strictly increasing in clock and in voltage")
        if not self.volts[0] <= self.nominal_v <= self.volts[-1]:
            raise ChipgymError(f"nominal voltage {self.nominal_v} lies outside the table {self.volts}")

    def voltage(self, clock_hz: ArrayLike) -> npt.NDArray[np.float64]:
        """Return the lowest supply (V) that reaches `clock_hz`: linear between points, clamped at both ends.

        Below the first point the supply stays at its floor; above the last the design is infeasible, and the value
        returned is the table's highest.
        """
        return np.interp(np.asarray(clock_hz, dtype=np.float64), self.clock_hz, self.volts)

    def energy_scale(self, clock_hz: ArrayLike) -> npt.NDArray[np.float64]:
        """Return the dynamic energy relative to nominal: (V / Vnom)^2, from E = C V^2."""
        return (self.voltage(clock_hz) / self.nominal_v) ** 2

    def leakage_scale(self, clock_hz: ArrayLike) -> npt.NDArray[np.float64]:
        """Return leakage power relative to nominal: (V / Vnom) * 10^(s (V - Vnom)), s in decades of current a volt."""
        volts = self.voltage(clock_hz)
        return volts / self.nominal_v * 10.0 ** (self.leakage_decades_per_volt * (volts - self.nominal_v))

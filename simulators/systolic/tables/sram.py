"""Scratchpad energy, area, leakage and cycle time against capacity, fitted to a CACTI 7 sweep.

Each quantity y of a macro of `kb` kilobytes is `y = a + b * kb ** p` with a, b, p >= 0. Coefficients, the sweep they
were fitted to (`sram_cacti.csv`) and the configuration CACTI was run with (`sram_cacti.json`) are in this folder; the
relative error of every fit over its sweep is stored beside its coefficients. The power form is strictly increasing,
so neither an odd capacity nor one past the sweep can give a smaller cost for a larger macro.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....errors import ChipgymError

ArrayLike = float | npt.NDArray[np.float64]

MIN_KB = 1.0
"""Smallest capacity of the sweep; a smaller one is priced as this (a macro has a floor)."""
MAX_KB = 1024.0 * 1024.0
"""Largest capacity that the fits answer for, 1 GiB."""
MAX_FITTED_KB = 65536.0
"""Largest capacity of the sweep; beyond it the power law is extrapolated."""
LINE_BITS = 64
"""Width of one SRAM access. A streaming read of narrower words spreads one access over LINE_BITS / bits words."""


@dataclass(frozen=True)
class PowerLaw:
    """`a + b * kb ** p`, with the fit's relative error over the sweep (fractions, not percent)."""

    a: float
    b: float
    p: float
    max_error: float
    median_error: float

    def __post_init__(self) -> None:
        if self.a < 0 or self.b <= 0 or self.p <= 0:
            raise ChipgymError(f"SRAM fit needs a >= 0, b > 0, p > 0, got a={self.a}, b={self.b}, p={self.p}")

    def __call__(self, kb: ArrayLike) -> npt.NDArray[np.float64]:
        """Return the quantity at `kb` kilobytes (clipped to 1 KB .. 1 GiB); shape of `kb`."""
        size = np.clip(np.asarray(kb, dtype=np.float64), MIN_KB, MAX_KB)
        return self.a + self.b * size**self.p


@dataclass(frozen=True)
class SramModel:
    """One node's fits at CACTI's own supply. SI units except area, which is in mm^2 of the bare macro."""

    read_j: PowerLaw
    write_j: PowerLaw
    leakage_w: PowerLaw
    area_mm2: PowerLaw
    cycle_s: PowerLaw
    access_s: PowerLaw

"""Count in powers of two exactly, where the last bit of a processor's logarithm would move a whole step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def ceil_log2(x: Any) -> npt.NDArray[np.float64]:
    """Round log2 of `x` ≥ 1 up to a whole number: the bits that tell ⌈x⌉ things apart; of any shape."""
    fraction, exponent = np.frexp(np.asarray(x, dtype=np.float64))
    return np.asarray(exponent - (fraction == 0.5), dtype=np.float64)


def next_power_of_two(x: Any) -> npt.NDArray[np.float64]:
    """Answer the least power of two that is no less than `x` ≥ 1; of any shape."""
    return np.asarray(np.ldexp(1.0, ceil_log2(x).astype(np.int64)), dtype=np.float64)


def is_power_of_two(x: Any) -> npt.NDArray[np.bool_]:
    """Tell which of `x` > 0 are powers of two; of any shape."""
    return np.asarray(np.frexp(np.asarray(x, dtype=np.float64))[0] == 0.5)

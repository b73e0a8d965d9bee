"""How many 18-Kb block RAMs a memory of a width and a depth fills."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Width in bits and depth in words of the shapes that one RAMB18 takes (AMD UG573 and UG473, block RAM ports).
BRAM18_SHAPES = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))


def bram18_count(width: npt.ArrayLike, depth: npt.ArrayLike) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Count RAMB18s of a memory of `depth` words of `width` bits: the fewest over the shapes, all of one shape.

    ⌈width / w⌉ ⌈depth / d⌉ blocks of the shape w × d. Small memories that a tool would make of LUTs count too: whether
    they do is the caller's to say. The arguments broadcast; float64.
    """
    width, depth = np.asarray(width, np.float64), np.asarray(depth, np.float64)
    counts = [np.ceil(width / w) * np.ceil(depth / d) for w, d in BRAM18_SHAPES]
    fewest: np.ndarray[Any, np.dtype[np.float64]] = np.minimum.reduce(counts)
    return fewest

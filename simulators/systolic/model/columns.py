"""Name the columns of the tables that a network is lowered to, and that the model reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Table = np.ndarray[Any, np.dtype[Any]]

# Columns of the layer table (int64), one row per distinct layer of a network.
(
    GROUPS, IMAGES, OUT_H, OUT_W, IN_H, IN_W, TAPS_H, TAPS_W, SPAN_H, SPAN_W, STRIDE_H, STRIDE_W, CHANNELS, FILTERS,
) = range(14)  # fmt: skip
LAYER_COLUMNS = 14

# Columns of the vector table (float64): operations, words read and written, and 1 where they hide behind the array.
WORK, WORDS_IN, WORDS_OUT, HIDDEN = range(4)

# What is known of a rung, in the order of the table's second axis: tiles of the dimension; the most output pixels,
# filters or channels of a tile. Of m only: the most input words per channel of a tile; input words per channel of one
# pass over all tiles when rows that neighbours share are fetched again; 1 where they may be shared instead.
TRIPS, TILE, HELD, AGAIN, SLIDES = range(5)
RUNG_COLUMNS = 5


@dataclass(frozen=True, eq=False)
class Ladders:
    """The ladders of u distinct layers, from whole to the finest tiles.

    Attributes:
        rungs: float64 (u, 3 dimensions m n k, RUNG_COLUMNS, most rungs of any).
        heights: int64 (u, 4): rungs of m, n and k, and those of m that cut no row of outputs.
    """

    rungs: Table
    heights: Table


@dataclass(frozen=True, eq=False)
class Cuts:
    """How u distinct layers may be cut.

    Attributes:
        fine: where the fewest words are sought.
        coarse: where the least time is. It depends less on the tiles' sizes, and every choice has to be looked at.
    """

    fine: Ladders
    coarse: Ladders

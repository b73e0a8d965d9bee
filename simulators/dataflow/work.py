"""What one tile is for each kernel of one socket: products and bytes after tiling and tensor parallelism."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .columns import (
    ACTIVE,
    COLLECT,
    COLS,
    COUNT,
    EXPERTS,
    HOLD,
    INNER,
    KIND,
    OPS,
    OUT,
    PRODUCT,
    ROWS,
    SHARED,
    SPLIT_COLS,
    SPLIT_COUNT,
    SPLIT_INNER,
    SPLIT_ROWS,
    STREAM,
    WEIGHTS,
    WRITE,
)

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of the work table, float64 (kernels, WORK): per tile, on one socket.
(
    T_KIND, T_ROWS, T_COLS, T_INNER, T_COUNT, T_PART,  # T_PART: of a tile smaller than one row, the part of it
    T_OPS,  # operations per element, or 0
    T_IN,  # bytes that are read from the memory units, weights included
    T_WEIGHTS,  # bytes of weights that there must be room for
    T_LOAD,  # bytes of them that one pass over the batch reads
    T_TILE_LOAD,  # bytes of them that one tile multiplies by
    T_STREAM,  # bytes from off-chip memory
    T_WRITE,  # bytes to off-chip memory
    T_OUT,  # bytes put out
    T_HOLD,  # bytes held on chip for the samples in flight
    T_COLLECT,  # bytes that a socket sends to its neighbour
    T_MACS,  # multiply-accumulates, or operations of a vector kernel
    WORK,
) = range(18)  # fmt: skip


@compiled
def experts_touched(experts: float, active: float, tokens: float) -> float:
    """Experts that some of `tokens` tokens go to, on average, where each chooses its `active` ones evenly."""
    return float(experts * (1 - (1 - active / experts) ** max(tokens, 1.0)))


@compiled
def fill_work(
    table: Array, first: int, last: int, samples: float, batch: float, tp: float, word: float, imbalance: float,
    out: Array,
) -> None:  # fmt: skip
    """Fills `out` (last - first, WORK) from rows `first` to `last` of a kernel table.

    Args:
        samples: of the batch in one tile; less than 1 where a sample has several.
        batch: samples that share what is loaded of the weights.
        tp: sockets that share the work.
        word: bytes of an element.
        imbalance: tokens of the busiest expert, over the mean.
    """
    for i in range(last - first):
        k = table[first + i]
        per_count = min(tp, k[SPLIT_COUNT])
        per_row = max(1.0, min(tp / per_count, k[SPLIT_ROWS]))
        per_col, per_inner = min(tp, k[SPLIT_COLS]), min(tp, k[SPLIT_INNER])
        count = k[COUNT] / per_count
        rows = k[ROWS] / per_row
        if k[SHARED] > 0 or samples <= 1:
            rows *= samples
        else:
            count *= samples
        part = 1.0
        if rows < 1:
            part, rows = rows, 1.0
        cols, inner = np.ceil(k[COLS] / per_col), np.ceil(k[INNER] / per_inner)
        weights = k[WEIGHTS] / (per_col * per_inner * per_count)
        room = load = tile_load = weights
        macs_rows = rows * part
        if k[EXPERTS] > 0:
            tokens, all_tokens = macs_rows / k[ACTIVE], max(1.0, k[ROWS] * batch / k[ACTIVE])
            touched = experts_touched(k[EXPERTS], k[ACTIVE], tokens)
            tile_load *= touched / k[EXPERTS]
            load *= experts_touched(k[EXPERTS], k[ACTIVE], all_tokens) / k[EXPERTS]
            room *= min(1.0, all_tokens * k[ACTIVE] / k[EXPERTS])
            # Experts work side by side, and the tile waits for the busiest, whom a token chooses once at most.
            busiest = max(rows / touched, imbalance * rows / k[EXPERTS])
            rows, count = max(1.0, min(busiest, tokens)), touched
        per_out = 1.0 if k[COLLECT] == 1 else per_count * per_row * per_col
        stream = k[STREAM] * samples / per_count
        if k[KIND] == PRODUCT:
            second = tile_load if k[SHARED] > 0 else inner * cols * np.ceil(count) * word
            every = 1.0 if k[EXPERTS] > 0 else count  # rows of all experts are counted together
            t_in = macs_rows * inner * every * word + second
            macs = macs_rows * cols * inner * every
        else:
            t_in = rows * part * word + weights
            macs = rows * part * k[OPS]
        out[i, T_KIND] = k[KIND]
        out[i, T_ROWS], out[i, T_COLS], out[i, T_INNER] = np.ceil(rows - 1e-9), cols, inner
        out[i, T_COUNT], out[i, T_PART], out[i, T_OPS] = np.ceil(count - 1e-9), part, k[OPS]
        out[i, T_IN], out[i, T_STREAM] = t_in, stream
        out[i, T_WEIGHTS], out[i, T_LOAD], out[i, T_TILE_LOAD] = room, load, tile_load
        out[i, T_WRITE] = k[WRITE] * samples / (per_count * per_col)
        out[i, T_OUT] = k[OUT] * samples / per_out
        out[i, T_HOLD] = k[HOLD] * max(1.0, np.ceil(samples)) / per_count
        out[i, T_COLLECT] = k[COLLECT] * k[OUT] * samples * (tp - 1) / tp
        out[i, T_MACS] = macs

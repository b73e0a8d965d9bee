"""What one tile is for each kernel of one socket: products and bytes after tiling and tensor parallelism."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from . import columns as c
from .policies import ALL_GATHER

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of the matrix of work, float64 (kernels, WORK): per tile, on one socket. Where sockets share experts, what
# must be there and takes time is the busiest one's, and what adds up (IN, OUT, MACS, LOADED, SENT) is the mean.
(
    T_KIND, T_ROWS, T_COLS, T_INNER, T_COUNT, T_FRACTION,  # T_FRACTION: of a row, where a tile is less than one
    T_OPS,  # operations per element, or 0
    T_IN,  # bytes that are read from the memory units, weights included
    T_BUSY_IN,  # the same of the busiest socket
    T_WEIGHTS,  # bytes of weights that there must be room for
    T_LOAD,  # bytes of them that one pass over the batch reads
    T_LOADED,  # the mean of it
    T_TILE_LOAD,  # bytes of them that one tile multiplies by; its part of them where a row has several tiles
    T_TILE_LOADED,  # the mean of it
    T_STREAM,  # bytes from off-chip memory
    T_WRITE,  # bytes to off-chip memory
    T_OUT,  # bytes put out
    T_BUSY,  # bytes that the busiest socket puts out, over the mean
    T_HOLD,  # bytes held on chip for the samples in flight
    T_COLLECT,  # bytes that a socket sends to its neighbour
    T_SEND,  # bytes that a socket sends to all others, or gets from them
    T_SENT,  # the mean of both
    T_MACS,  # multiply-accumulates, or operations of a vector kernel
    WORK,
) = range(24)  # fmt: skip


@compiled
def experts_touched(experts: float, active: float, tokens: float) -> float:
    """Count the experts that some of `tokens` tokens go to, on average, where each chooses its `active` ones evenly."""
    return float(experts * (1 - (1 - active / experts) ** max(tokens, 1.0)))


@compiled
def busiest_expert(experts: float, active: float, tokens: float, imbalance: float) -> float:
    """Count the rows of the expert that most of `tokens` tokens go to; each token goes to it once at most."""
    rows = tokens * active
    return float(min(tokens, max(rows / experts_touched(experts, active, tokens), imbalance * rows / experts)))


@compiled
def busiest_socket(experts: float, active: float, tokens: float, imbalance: float, ep: float) -> float:
    """Count rows on the one of `ep` sockets that has the busiest expert, beside experts that share the rest evenly."""
    rows = tokens * active
    if ep == 1:
        return float(rows)
    hot = imbalance * rows / experts
    others = (experts / ep - 1) * (rows - hot) / max(experts - 1, 1.0)
    return float(max(busiest_expert(experts, active, tokens, imbalance), hot + others))


@compiled
def fill_work(
    matrix: Array, first: int, last: int, samples: float, batch: float, tp: float, ep: float, spread: float,
    word: float, imbalance: float, out: Array,
) -> None:  # fmt: skip
    """Fill `out` (last - first, WORK) from rows `first` to `last` of a kernel matrix.

    Args:
        matrix: of all kernels, (kernels of all parts, FIELDS).
        first: its first row that is read.
        last: the row after the last that is read.
        samples: of the batch in one tile; less than 1 where a sample has several.
        batch: samples that share what is loaded of the weights.
        tp: sockets that share the work.
        ep: replicas of them that share the experts, each with its own tokens.
        spread: how many of them have tokens, from 1 to `ep`: fewer than all where the batch is too small.
        word: bytes of an element.
        imbalance: tokens of the busiest expert, over the mean.
        out: (last - first, WORK), filled.
    """
    for i in range(last - first):
        k = matrix[first + i]
        per_count = min(tp, k[c.SPLIT_COUNT])
        per_row = max(1.0, min(tp / per_count, k[c.SPLIT_ROWS]))
        per_col, per_inner = min(tp, k[c.SPLIT_COLS]), min(tp, k[c.SPLIT_INNER])
        count = k[c.COUNT] / per_count
        rows = k[c.ROWS] / per_row
        if k[c.SHARED] > 0 or samples <= 1:
            rows *= samples
        else:
            count *= samples
        fraction = 1.0
        if rows < 1:
            fraction, rows = rows, 1.0
        cols, inner = np.ceil(k[c.COLS] / per_col), np.ceil(k[c.INNER] / per_inner)
        weights = k[c.WEIGHTS] / (per_col * per_inner * per_count)
        room = load = loaded = tile_load = tile_loaded = weights
        macs_rows = rows * fraction
        busy = sending = 1.0
        experts, active = k[c.EXPERTS], k[c.ACTIVE]
        if experts > 0:
            routed = k[c.ROUTED] * samples
            tokens = routed / active * spread
            sending = busiest_socket(experts, active, tokens, imbalance, ep) / routed
        if k[c.FAR] > 0:
            busy = sending
            if k[c.KIND] == c.PRODUCT:
                all_tokens = max(1.0, k[c.ROWS] * batch / active * spread)
                touched = experts_touched(experts, active, tokens)
                all_touched = experts_touched(experts, active, all_tokens)
                tile_load = weights / experts * max(touched / ep, 1.0)
                load = weights / experts * max(all_touched / ep, 1.0)
                tile_loaded, loaded = weights / experts * touched / spread, weights / experts * all_touched / spread
                room = weights / experts * min(experts / ep, all_tokens * active)
                # Experts work side by side, and the tile waits for the busiest.
                rows, count = max(1.0, busiest_expert(experts, active, tokens, imbalance)), max(touched / ep, 1.0)
            else:
                rows *= busy
        per_out = 1.0 if k[c.COLLECT] == ALL_GATHER else per_count * per_row * per_col
        stream = k[c.STREAM] * samples / per_count
        # Tiles that share a row share what it reads of the weights, as they share its cycles.
        tile_load, tile_loaded = tile_load * fraction, tile_loaded * fraction
        if k[c.KIND] == c.PRODUCT:
            every = 1.0 if k[c.FAR] > 0 else count  # rows of all experts are counted together
            operands = macs_rows * inner * every * word
            second = tile_loaded if k[c.SHARED] > 0 else inner * cols * np.ceil(count) * fraction * word
            busy_in = operands * busy + (tile_load if k[c.SHARED] > 0 else second)
            macs = macs_rows * cols * inner * every
        else:
            operands, second = macs_rows * word, weights * fraction
            busy_in = operands * busy + second
            macs = macs_rows * k[c.OPS]
        collect = k[c.COLLECT] * k[c.OUT] * samples * (tp - 1) / tp
        send = k[c.SEND] * samples * (ep - 1) / ep
        out[i, T_KIND] = k[c.KIND]
        out[i, T_ROWS], out[i, T_COLS], out[i, T_INNER] = np.ceil(rows - 1e-9), cols, inner
        out[i, T_COUNT], out[i, T_FRACTION], out[i, T_OPS] = np.ceil(count - 1e-9), fraction, k[c.OPS]
        out[i, T_IN], out[i, T_BUSY_IN], out[i, T_STREAM] = operands + second, busy_in, stream
        out[i, T_WEIGHTS], out[i, T_LOAD], out[i, T_TILE_LOAD] = room, load, tile_load
        out[i, T_LOADED], out[i, T_TILE_LOADED] = loaded, tile_loaded
        out[i, T_WRITE] = k[c.WRITE] * samples / (per_count * per_col)
        out[i, T_OUT], out[i, T_BUSY] = k[c.OUT] * samples / per_out, busy
        out[i, T_HOLD] = k[c.HOLD] * max(1.0, np.ceil(samples)) / per_count
        out[i, T_COLLECT], out[i, T_SEND], out[i, T_SENT] = collect * busy, send * max(sending, 1.0), collect + send
        out[i, T_MACS] = macs

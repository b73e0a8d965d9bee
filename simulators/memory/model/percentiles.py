"""Percentiles of latencies by counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled

Array = np.ndarray[Any, np.dtype[Any]]

#: Bits of a latency that are counted at a time.
DIGIT = 16


@compiled
def percentiles(values: Array) -> tuple[int, int, int]:
    """Return the smallest values that 50, 95 and 99 % of `values` (int64 (n,), ≥ 0) do not exceed; 0 for no values."""
    n, top = len(values), 0
    for value in values:
        top = max(top, value)
    return (
        _ranked(values, (n + 1) // 2, top), _ranked(values, (95 * n + 99) // 100, top),
        _ranked(values, (99 * n + 99) // 100, top),
    )  # fmt: skip


@compiled
def _ranked(values: Array, rank: int, top: int) -> int:
    """Return the `rank`-th smallest of `values` from 0 to `top`, found from its highest digit down; 0 for no values."""
    low, shift = 0, 0
    if len(values) == 0:
        return low
    while top >> shift >= 1 << DIGIT:
        shift += DIGIT
    count = np.empty(min(top + 1, 1 << DIGIT), np.int64)
    while shift >= 0:
        count[:] = 0
        for value in values:
            digit = (value - low) >> shift
            if 0 <= digit < len(count):
                count[digit] += 1
        digit = 0
        while rank > count[digit]:
            rank -= count[digit]
            digit += 1
        low += digit << shift
        shift -= DIGIT
    return low

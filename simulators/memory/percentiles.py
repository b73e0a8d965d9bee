"""Percentiles of latencies by counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled

Array = np.ndarray[Any, np.dtype[Any]]

#: Latencies up to here are counted, longer ones sorted.
MOST_BINS = 2**16


@compiled
def percentiles(values: Array) -> tuple[int, int, int]:
    """The smallest values that 50, 95 and 99 % of `values` (int64 (n,), ≥ 0) do not exceed; 0 for no values."""
    n = len(values)
    if n == 0:
        return 0, 0, 0
    p50, p95, p99 = (n + 1) // 2, (95 * n + 99) // 100, (99 * n + 99) // 100
    top = values.max()
    if top >= MOST_BINS:
        ordered = np.sort(values)
        return ordered[p50 - 1], ordered[p95 - 1], ordered[p99 - 1]
    count = np.zeros(top + 1, np.int64)
    for i in range(n):
        count[values[i]] += 1
    a, b, c, total = -1, -1, -1, 0
    for v in range(top + 1):
        total += count[v]
        if a < 0 and total >= p50:
            a = v
        if b < 0 and total >= p95:
            b = v
        if c < 0 and total >= p99:
            c = v
            break
    return a, b, c

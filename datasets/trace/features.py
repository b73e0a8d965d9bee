"""Numbers that describe a memory trace to an agent or a cost model, under one fixed set of keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Keys of `trace_features`, in order.
TRACE_FEATURE_NAMES = (
    "log10_requests",
    "log10_footprint",
    "write_fraction",
    "log10_mean_gap",
    "gap_variation",
    "sequential_fraction",
    "same_page_fraction",
    "log10_mean_stride",
    "reuse_fraction",
)

LINE, PAGE = 64, 8192  # bytes: a cache line, and a row of eight ×8 DDR devices
Array = np.ndarray[Any, np.dtype[Any]]


def trace_features(cycle: Array, is_write: Array, address: Array) -> dict[str, float]:
    """Features of a trace of n requests, columns of shape (n,), all finite.

    `log10_requests`; `log10_footprint`: of the distinct 64-byte lines; `write_fraction`;
    `log10_mean_gap`: log10(1 + mean cycles between arrivals); `gap_variation`: their standard deviation over their
    mean; `sequential_fraction`: requests for the line after their predecessor's; `same_page_fraction`: for the
    8-KiB page of their predecessor; `log10_mean_stride`: mean of log10(1 + bytes between neighbours);
    `reuse_fraction`: requests for a line that was asked for before.
    """
    n = len(cycle)
    gaps = np.diff(cycle)
    steps = np.abs(np.diff(address))
    lines = address // LINE
    distinct = len(np.unique(lines))
    mean_gap = float(gaps.mean()) if n > 1 else 0.0
    return {
        "log10_requests": math.log10(n),
        "log10_footprint": math.log10(distinct),
        "write_fraction": float(is_write.mean()),
        "log10_mean_gap": math.log10(1 + mean_gap),
        "gap_variation": float(gaps.std() / mean_gap) if mean_gap else 0.0,
        "sequential_fraction": float((np.diff(lines) == 1).mean()) if n > 1 else 0.0,
        "same_page_fraction": float((np.diff(address // PAGE) == 0).mean()) if n > 1 else 0.0,
        "log10_mean_stride": float(np.log10(1.0 + steps).mean()) if n > 1 else 0.0,
        "reuse_fraction": 1 - distinct / n,
    }

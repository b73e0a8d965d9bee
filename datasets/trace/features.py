"""Numbers that describe a memory trace to an agent or a cost model, under one fixed set of keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

#: Keys of `trace_features`, in order, and what each is.
TRACE_FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "log10_requests": "log10 of the number of requests",
        "log10_footprint": "log10 of the number of distinct 64-byte lines",
        "write_fraction": "fraction of requests that write",
        "log10_mean_gap": "log10(1 + mean cycles between arrivals)",
        "gap_variation": "standard deviation of these gaps over their mean",
        "sequential_fraction": "fraction of requests for the line after their predecessor's",
        "same_page_fraction": "fraction for the 8-KiB page of their predecessor",
        "log10_mean_stride": "mean of log10(1 + bytes between neighbours)",
        "reuse_fraction": "fraction for a line that was asked for before",
    }
)
TRACE_FEATURE_NAMES = tuple(TRACE_FEATURES)

LINE, PAGE = 64, 8192  # bytes: a cache line, and a row of eight ×8 DDR devices
Array = np.ndarray[Any, np.dtype[Any]]


def trace_features(cycle: Array, is_write: Array, address: Array) -> dict[str, float]:
    """Compute the features of a trace of n requests, columns of shape (n,), all finite.

    `TRACE_FEATURES` says what each is.
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

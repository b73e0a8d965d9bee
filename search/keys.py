"""Hashable keys of index rows."""

from __future__ import annotations

import numpy as np

from ..simulators import Indices


def row_keys(rows: Indices) -> list[bytes]:
    """One key per row of shape (n, p), equal for equal rows."""
    if not rows.size:
        return [b""] * len(rows)
    flat = np.ascontiguousarray(rows, dtype=np.int64)
    keys: list[bytes] = flat.view(np.dtype((np.void, flat.shape[1] * flat.itemsize))).ravel().tolist()
    return keys

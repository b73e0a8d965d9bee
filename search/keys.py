"""Hashable keys of index rows."""

from __future__ import annotations

from typing import cast

import numpy as np

from ..simulators import Indices


def row_keys(rows: Indices) -> list[bytes]:
    """Return one key per row of shape (n, p), equal for equal rows."""
    if not rows.size:
        return [b""] * len(rows)
    flat = np.ascontiguousarray(rows, dtype=np.int64)
    whole_rows = flat.view(np.dtype((np.void, flat.shape[1] * flat.itemsize)))
    return cast(list[bytes], whole_rows.ravel().tolist())

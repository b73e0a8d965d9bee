"""Data as JSON takes it, which has neither NaN nor infinities: null and the texts "inf" and "-inf" stand for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def plain(value: object) -> Any:
    """Return a value as JSON data; what JSON has no kind for is its text."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(float(value))
    if value is None or isinstance(value, str | int | float | bool):
        return value
    item = getattr(value, "item", None)  # numpy's scalars
    return plain(item()) if callable(item) else str(value)


def parse_number(value: Any) -> float:
    """Return the number of which `plain` made JSON data, to the last bit.

    Raises:
        TypeError, ValueError: for what is no number.
    """
    return math.nan if value is None else float(value)

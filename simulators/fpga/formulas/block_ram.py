"""Block RAMs as terms."""

from __future__ import annotations

from functools import reduce

from ..block_ram import BRAM18_SHAPES
from .terms import Term, ceil, minimum


def block_rams(width: Term, depth: Term) -> Term:
    """Return `bram18_count` as a term."""
    return reduce(minimum, [ceil(width / w) * ceil(depth / d) for w, d in BRAM18_SHAPES])

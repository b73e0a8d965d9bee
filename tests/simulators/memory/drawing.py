"""Strategies that draw traces and designs."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from chipgym.datasets import Trace
from chipgym.simulators.memory.space import memory_space

SPACE = memory_space()


def make_trace(rows: list[tuple[int, bool, int]], name: str = "drawn") -> Trace:
    """A trace of (gap, is_write, address) rows."""
    gaps, writes, addresses = zip(*rows, strict=True)
    return Trace(name, np.cumsum(np.array(gaps, np.int64)), np.array(writes, bool), np.array(addresses, np.int64))


def traces(most: int = 60) -> st.SearchStrategy[Trace]:
    """Requests for few rows of few banks, so that hits and conflicts are many; gaps from none to past a refresh."""
    gap = st.one_of(st.integers(0, 4), st.integers(0, 60), st.sampled_from([300, 7000, 20000]))
    # Bits that are row, bank, group, rank or column in one mapping or another.
    bits = st.lists(st.sampled_from([6, 7, 11, 13, 14, 15, 16, 17, 24, 25, 27, 28, 29]), max_size=3, unique=True)
    address = bits.map(lambda found: sum(1 << b for b in found))
    return st.lists(st.tuples(gap, st.booleans(), address), min_size=1, max_size=most).map(make_trace)


def designs() -> st.SearchStrategy[dict]:
    """Designs on and off the grid, with small sizes drawn often."""
    size = st.one_of(st.integers(1, 4), st.integers(1, 130))
    number = {
        "request_buffer_size": size,
        "max_active_transactions": size,
        "refresh_max_postponed": st.integers(0, 8),
        "refresh_max_pulledin": st.integers(0, 8),
    }
    return st.fixed_dictionaries({p.name: number.get(p.name, st.sampled_from(p.values)) for p in SPACE.parameters}).map(
        dict
    )

"""Ranges of several tables' designs, shared out among processes in parts that take about as long as may be lost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...simulators.core.parameter import Column
from .parts import Range
from .plan import Plan

# Numbers of the first part of a table; then as many as take about PART_S, which is what a kill can cost.
FIRST_PART = 64
MOST_IN_PART = 262144
PART_S = 2.0

#: A table's number, and numbers of its designs.
Share = tuple[int, Range]


@dataclass(frozen=True)
class Evaluator:
    """Evaluates a share, and says how many seconds that took."""

    plans: tuple[Plan, ...]

    def __call__(self, share: Share) -> tuple[Column, float]:
        """Evaluate a share: its values, shape (n, m + 1) float64, and the seconds that they took."""
        begun = time.perf_counter()
        table, numbers = share
        return self.plans[table](numbers), time.perf_counter() - begun


class Shares:
    """What is still to be evaluated, table after table, cut into shares that take about as long as may be lost."""

    def __init__(self, missing: Sequence[Sequence[Range]]) -> None:
        self._missing = [list(reversed(ranges)) for ranges in missing]
        self._size = [FIRST_PART] * len(missing)

    def __iter__(self) -> Iterator[Share]:
        for table, ranges in enumerate(self._missing):
            while ranges:
                start, end = ranges.pop()
                stop = min(start + self._size[table], end)
                if stop < end:
                    ranges.append((stop, end))
                yield table, (start, stop)

    def adapt(self, share: Share, seconds: float) -> None:
        """Learn how long a share took."""
        table, (start, stop) = share
        count, size = stop - start, self._size[table]
        wanted = round(count * PART_S / max(seconds, 1e-9))
        if wanted < size or count == size:  # a small rest of a range says little about larger parts
            self._size[table] = max(1, min(wanted, 4 * size, MOST_IN_PART))

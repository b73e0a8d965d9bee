"""How far a collection is, and how long the rest may take."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CollectProgress:
    """A collection after a part.

    Attributes:
        done: designs evaluated, those of earlier processes included.
        total: designs to evaluate.
        resumed: designs that earlier processes have evaluated.
        elapsed_s: seconds that this process has evaluated.
        rate: designs evaluated per second by this process, without its first part unless that is all.
        left_s: estimated seconds to the last design; None before the first.
    """

    done: int
    total: int
    resumed: int
    elapsed_s: float
    rate: float
    left_s: float | None


class Clock:
    """How fast designs are evaluated.

    The start of processes is left out, and from the second part on so is the first. Kernels are compiled in it, and it
    would make the time left look many times what it is.
    """

    def __init__(self, resumed: int, total: int) -> None:
        self._resumed = resumed
        self._total = total
        self._begun: float | None = None
        self._since, self._counted = 0.0, resumed

    def tell(self, done: int, seconds: float) -> CollectProgress:
        """Return the progress after a part that took so many seconds, with so many designs done in all."""
        now = time.perf_counter()
        first = self._begun is None
        if self._begun is None:
            self._begun = self._since = now - seconds
        rate = (done - self._counted) / max(now - self._since, 1e-9)
        if first:
            self._since, self._counted = now, done
        left = (self._total - done) / rate if rate > 0 else None
        return CollectProgress(done, self._total, self._resumed, now - self._begun, rate, left)


class SearchClock:
    """How fast several searches evaluate together; each says how many it has, and how many of them it found stored."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = time.perf_counter()
        self._heard: dict[int, tuple[int, int]] = {}

    def tell(self, search: int, evaluated: int, resumed: int) -> CollectProgress:
        """Return the progress after a batch of a search."""
        self._heard[search] = evaluated, resumed
        done, known = (sum(counts) for counts in zip(*self._heard.values(), strict=True))
        elapsed = time.perf_counter() - self._begun
        rate = (done - known) / max(elapsed, 1e-9)
        left = (self._total - done) / rate if rate > 0 else None
        return CollectProgress(done, self._total, known, elapsed, rate, left)

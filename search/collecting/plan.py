"""Which designs a collection evaluates, as ranges that processes can share out and a later one can go on with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...datasets import TableHeader
from ...errors import ChipgymError, count
from ...simulators import DesignSpace, Indices, Simulator
from ...simulators.core.parameter import Column
from ...simulators.tabular import header_of
from ..agents.base import LARGEST_SEED

# Rows drawn at a time at least, so that few draws are needed for the last of a small space.
DRAW = 4096


@dataclass(frozen=True, eq=False)
class Plan:
    """Designs in grid order, numbered from 0 to `span`; a number may stand for no design.

    All canonical designs are numbered by their row of the whole grid, so that nothing is listed beforehand; samples
    by their place among them.

    Attributes:
        simulator: what evaluates them.
        space: where they are taken from.
        header: of the table that they become.
        samples: the drawn rows, (n, p) in grid order; None for every canonical design.
        known: of samples, those answers that are known beforehand, (n, m + 1), NaN where they are not; None for none.
        span: how many numbers there are.
        designs: how many designs there are.
    """

    simulator: Simulator
    space: DesignSpace
    header: TableHeader
    samples: Indices | None = None
    known: Column | None = None
    span: int = field(init=False)
    designs: int = field(init=False)

    def __post_init__(self) -> None:
        drawn = None if self.samples is None else len(self.samples)
        object.__setattr__(self, "span", self.space.size if drawn is None else drawn)
        object.__setattr__(self, "designs", self.space.canonical_size if drawn is None else drawn)

    def rows(self, start: int, stop: int) -> Indices:
        """Return the designs with numbers from `start` to `stop`, shape (n, p)."""
        if self.samples is not None:
            return self.samples[start:stop]
        rows = self.space.enumerate(start, stop)
        canonical: Indices = rows[(self.space.canonicalize(rows) == rows).all(axis=1)]
        return canonical

    def __call__(self, numbers: tuple[int, int]) -> Column:
        """Evaluate the designs of a range: metrics and violation in this order, shape (n, m + 1) float64."""
        rows = self.rows(*numbers)
        if self.known is None:
            return self._evaluated(rows)
        values = self.known[slice(*numbers)].copy()
        missing = np.isnan(values[:, -1])  # the violation is always a number
        values[missing] = self._evaluated(rows[missing])
        return values

    def known_among(self, numbers: tuple[int, int]) -> int:
        """Count the designs of a range that are known beforehand."""
        return 0 if self.known is None else int((~np.isnan(self.known[slice(*numbers), -1])).sum())

    def _evaluated(self, rows: Indices) -> Column:
        found = self.simulator.evaluate_columns(self.space.decode(rows), len(rows))
        names = [*(m.name for m in self.simulator.metrics), "violation"]
        return np.stack([found[name] for name in names], axis=1)


def make_plan(simulator: Simulator, space: DesignSpace, samples: int | None, seed: int) -> Plan:
    """Plan for every canonical design of a space, or for some.

    Raises:
        ChipgymError: for more samples than there are designs, a seed that is none, and a space that has too many.
    """
    if samples is None:
        if space.size > np.iinfo(np.int64).max:
            raise ChipgymError(f"space: {space.size:.3g} grid rows cannot be gone through; narrow it or draw samples")
        return Plan(simulator, space, header_of(simulator, space))
    n, seed = checked_samples(space, samples), count("seed", seed, 0, LARGEST_SEED)
    rows = draw(space, n, np.random.default_rng(seed))
    return Plan(simulator, space, header_of(simulator, space, n, seed), rows)


def checked_samples(space: DesignSpace, samples: object) -> int:
    """Check that a space has a number of designs, and return it.

    Raises:
        ChipgymError: for more samples than there are designs, or none.
    """
    n, most = count("samples", samples), _count(space)
    if most is not None and n > most:
        raise ChipgymError(f"samples: {n} is more than the {most} designs that there are; nearest is {most}")
    return n


def _count(space: DesignSpace) -> int | None:
    """Count the different designs that there are; None where there are too many conditions to count them."""
    try:
        return space.canonical_size
    except ChipgymError:
        return None


def draw(space: DesignSpace, n: int, rng: np.random.Generator) -> Indices:
    """Draw `n` different canonical rows in grid order, shape (n, p): the default design, and uniform draws.

    The default is among them because rewards refer to it.
    """
    known = space.default_indices[None, :]
    while True:
        fresh = space.sample(max(n, DRAW), rng)
        together = np.concatenate([known, fresh])
        _, first = np.unique(together, axis=0, return_index=True)
        known = together[np.sort(first)[:n]]
        if len(known) == n:
            order = np.lexsort(known.T[::-1])
            rows: Indices = known[order]
            return rows

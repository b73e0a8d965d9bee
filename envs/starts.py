"""Designs that an episode is told to begin at: the option `design` of `reset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ChipgymError, shorten
from ..simulators import Indices, Problem

#: One per episode: an index row, shape (p,), or None where the episode begins as it would.
Starts = Sequence[Indices | None]


def start_row(problem: Problem, design: object) -> Indices | None:
    """Return the index row, shape (p,), of a design that an episode is told to begin at; None where it is told none.

    Args:
        problem: of the environment.
        design: a dict of values, of which those left out are the default's, an index row, or a row of results: what a
            search found best, or a row of a table.

    Raises:
        ChipgymError: for anything else, and for a value that is not on the grid.
    """
    if design is None:
        return None
    row = getattr(design, "ndim", None) == 1  # an index row, or a row of a pandas table
    if not row and not isinstance(getattr(design, "design", design), Mapping):
        raise ChipgymError(
            f"reset option design: {shorten(design)} is neither a dict such as {{{problem.space.names[0]!r}: …}} nor "
            "an index row (an array of integers)"
        )
    rows = problem.encode(design)  # type: ignore[arg-type]
    if len(rows) != 1:
        raise ChipgymError(f"reset option design: columns of {len(rows)} designs, expected one")
    found: Indices = rows[0]
    return found


def start_rows(problem: Problem, design: Any, n: int) -> Starts:
    """Return the index row of `start_row` for each of n episodes.

    Args:
        problem: of the environment.
        design: one for all, a list of n of them or None, or an index array of shape (n, p).
        n: how many episodes.

    Raises:
        ChipgymError: as `start_row`, and for another number of designs.
    """
    several = isinstance(design, list | tuple) or (isinstance(design, np.ndarray) and design.ndim == 2)
    if not several:
        return [start_row(problem, design)] * n
    if len(design) != n:
        raise ChipgymError(f"reset option design: {len(design)} designs for {n} environments")
    return [start_row(problem, one) for one in design]

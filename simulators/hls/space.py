"""A kernel's pragmas as knobs, under the names and values that Merlin's design spaces have."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...datasets.kernel import Kernel, Loop
from ..core import Choices, Column, DesignSpace, Integers, Parameter

#: What a pipeline pragma may be, and its place among them.
PIPES = ("off", "cg", "flatten")
OFF, CG, FLATTEN = range(len(PIPES))
#: Unroll factors beyond this are offered only as the whole trip (the tables' own rule).
MOST_PARTIAL = 32
TILES = (1, 2, 4, 8)
_PIPES_SORTED = np.array(sorted(PIPES))
_PIPE_CODES = np.array([PIPES.index(name) for name in sorted(PIPES)])


def pipe_codes(column: Column) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return pipeline pragmas as their places in `PIPES`, (n,)."""
    codes: np.ndarray[Any, np.dtype[np.int64]] = _PIPE_CODES[np.searchsorted(_PIPES_SORTED, column)]
    return codes


def kernel_space(kernel: Kernel) -> DesignSpace:
    """Make knobs `pipe_L0`, `para_L0`, `tile_L0`, … of every loop that offers them; the default leaves all of them off.

    Unroll factors are the divisors of the trip and the powers of two up to 32, and the trip itself; tiles 1
    (none), 2, 4 and 8. A tile of the whole trip, which the tables have too, is the same as none.
    """
    knobs = []
    for kind in ("para", "pipe", "tile"):
        for loop in kernel.walk():
            if kind in loop.knobs:
                knobs.append(_MAKERS[kind](loop))
    return DesignSpace(tuple(knobs))


def para_values(trip: int) -> tuple[int, ...]:
    """Return the unroll factors that the grid offers for a loop of `trip` iterations."""
    powers = {2**i for i in range(6)}
    partial = range(1, min(trip - 1, MOST_PARTIAL) + 1)
    return (*(u for u in partial if trip % u == 0 or u in powers), trip)


def _para(loop: Loop) -> Parameter:
    trip = max(1, int(loop.trip))
    return Parameter(
        f"para_{loop.label}", para_values(trip), Integers(1, trip), 1, "copies", subsystem=loop.label,
        doc=f"iterations of loop {loop.label} side by side, of {trip}",
    )  # fmt: skip


def _pipe(loop: Loop) -> Parameter:
    return Parameter(
        f"pipe_{loop.label}", PIPES, Choices(PIPES), subsystem=loop.label,
        doc=f"loop {loop.label}: no pragma, overlap what it holds (cg), or unroll all inside and pipeline (flatten)",
    )  # fmt: skip


def _tile(loop: Loop) -> Parameter:
    trip = max(1, int(loop.trip))
    values = tuple(t for t in TILES if t == 1 or t < trip)
    return Parameter(
        f"tile_{loop.label}", values, Integers(1, trip), 1, "iterations", subsystem=loop.label,
        doc=f"iterations of loop {loop.label} that work on data cached together; 1 and {trip} do not tile",
    )  # fmt: skip


_MAKERS = {"para": _para, "pipe": _pipe, "tile": _tile}

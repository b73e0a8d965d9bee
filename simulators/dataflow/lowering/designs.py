"""Designs as the compiled model reads them: a matrix of numbers and codes, cuts, and shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Columns
from ..model import columns as c
from ..model import policies
from ..tables.chip import CHIP_KNOBS

Array = np.ndarray[Any, np.dtype[Any]]

#: Where a knob goes, and its name.
Knobs = Sequence[tuple[int, str]]

#: The design matrix's column of each number, and of each named choice with its codes.
NUMBERS = {
    **{name: at for at, name in enumerate(CHIP_KNOBS)},
    "tile_rows": c.TILE,
    "tp": c.TP,
    "pp": c.PP,
    "ep": c.EP,
    "microbatches": c.MICROBATCHES,
}
_CHOICES = tuple(
    (at, name, {value: code for code, value in enumerate(values)})
    for name, at, values in (
        ("fusion", c.FUSION, policies.FUSIONS), ("fifo_depth", c.FIFO, policies.FIFOS),
        ("pcu_allocation", c.ALLOCATION, policies.ALLOCATIONS), ("pcu_split", c.SPLIT, policies.SPLITS),
        ("placement", c.PLACEMENT, policies.PLACEMENTS), ("weight_residency", c.RESIDENCY, policies.RESIDENCIES),
        ("weight_tier", c.TIER, policies.TIERS), ("looping", c.LOOPING, policies.LOOPINGS),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where the knobs of a space stand in the arrays.

    Attributes:
        numbers: knobs of the chip and the mapping by their column of the matrix.
        cuts, shares: knobs by the number of their edge or kernel, among those of all parts that are searched.
        edges, kernels: how many there are of these.
    """

    numbers: Knobs
    cuts: Knobs
    shares: Knobs
    edges: int
    kernels: int

    def arrays(self, columns: Columns, n: int) -> tuple[Array, Array, Array]:
        """Return numbers and codes (n, N_DESIGN), cuts int64 (n, edges), shares (n, kernels) of n designs."""
        # A chip without HBM has none of it, a network without experts one group of replicas.
        designs = np.zeros((n, c.N_DESIGN))
        designs[:, c.EP] = 1.0
        _fill(designs, columns, self.numbers)
        for at, name, codes in _CHOICES:
            designs[:, at] = [codes[value] for value in columns[name].tolist()]
        cuts, shares = np.zeros((n, self.edges), np.int64), np.ones((n, self.kernels))
        _fill(cuts, columns, self.cuts)
        _fill(shares, columns, self.shares)
        return designs, cuts, shares


def _fill(out: Array, columns: Columns, knobs: Knobs) -> None:
    """Fill columns of `out` (n, …) by their number, all at once: one by one takes longer than running one design."""
    if knobs:
        table = np.concatenate([columns[name] for _, name in knobs]).reshape(len(knobs), len(out))
        out[:, [at for at, _ in knobs]] = table.T

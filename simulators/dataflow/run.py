"""A network's run on a machine before any design is chosen: all that answers, limits and breakdowns are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..core import Columns
from .lowering.designs import NUMBERS, Layout
from .lowering.passes import Part, Pass
from .lowering.rows import Row, flatten, rows_of
from .model import answers as a
from .model.batch import run_batch
from .model.prices import Prices
from .model.program import Fixed, Program
from .space import cut_knobs, share_knobs
from .tables.chip import HBM_KNOBS, Chip

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Run:
    """A network on a machine; every design of the space is evaluated on it.

    Attributes:
        chip: of each socket.
        tokens: that a sequence reads, and writes; (0, 0) of a network that writes none.
        batch, sockets: sequences or samples, and chips.
        passes: over the batch.
        rows: the parts of all passes, each once.
        blocks: the parts that knobs for cuts and shares are of; those of decoding are mapped as prefill's.
        program: the same as arrays.
        prices: of the chip's parts, and of what a run does.
        layout: of designs as arrays.
        fixed: what no design changes.
    """

    chip: Chip
    tokens: tuple[int, int]
    batch: int
    sockets: int
    passes: tuple[Pass, ...]
    rows: tuple[Row, ...]
    blocks: tuple[Part, ...]
    program: Program
    prices: Prices
    layout: Layout
    fixed: Fixed

    @cached_property
    def macs(self) -> float:
        """Multiply-accumulates of the network, of all passes and the whole batch."""
        return sum(
            one.times * self.batch * row.part.repeats * row.part.graph.macs
            for one in self.passes
            for row in self.rows
            if any(one is member for member in row.passes)
        )

    def answers(self, columns: Columns, n: int, record: a.Record | None = None) -> a.Answers:
        """Return what the compiled model answers of n designs; `record` is filled with the last one's."""
        found = a.Answers(
            np.empty((n, len(self.rows), a.PART)), np.empty((n, a.TOTALS)), np.empty((n, a.NEEDS)),
            np.empty((n, a.NEEDS)), np.empty(n),
        )  # fmt: skip
        part, sections, kernels = record or a.Record(-1, np.empty((0, 1)), np.empty((0, 1)))
        designs, cuts, shares = self.layout.arrays(columns, n)
        run_batch(self.program, self.prices, self.fixed, designs, cuts, shares, found, part, sections, kernels)
        return found

    @property
    def stages(self) -> int:
        """Most pipeline stages that there can be."""
        return self.program.stages


def make_run(
    chip: Chip,
    passes: tuple[Pass, ...],
    tokens: tuple[int, int],
    prices: Prices,
    fixed: Fixed,
    sockets: int,
    batch: int,
) -> Run:
    """Make the run of some passes; arguments as in `Run`."""
    rows = rows_of(passes)
    blocks = tuple(part for part in passes[0].parts if part.searched)
    absent = {*(() if chip.has_hbm else HBM_KNOBS), *(() if any(part.graph.experts[0] for part in blocks) else ("ep",))}
    layout = Layout(
        [(at, name) for name, at in NUMBERS.items() if name not in absent], cut_knobs(blocks), share_knobs(blocks),
        sum(len(part.graph.edges) for part in blocks), sum(len(part.graph.kernels) for part in blocks),
    )  # fmt: skip
    program = flatten(rows, passes, tokens, sockets=sockets, batch=batch, hbm=chip.has_hbm)
    return Run(chip, tokens, batch, sockets, passes, rows, blocks, program, prices, layout, fixed)

"""The parts of all passes of a run as the arrays that the compiled kernel walks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .batch import Tables
from .passes import Pass


def flatten(passes: Sequence[Pass]) -> Tables:
    """The tables of some passes."""
    kernels, links, parts = [], [], []
    first = first_edge = 0
    for number, one in enumerate(passes):
        for part in one.parts:
            g = part.graph
            last, last_edge = first + len(g.kernels), first_edge + len(g.edges)
            rows = 1 if one.decode else g.sample_rows
            parts.append(
                (first, last, first_edge, last_edge, part.repeats, part.searched, rows, one.decode, number)
            )
            kernels.append(g.table)
            links.append(g.links)
            first, first_edge = last, last_edge
    return Tables(
        np.concatenate(kernels), np.concatenate(links), np.array(parts, dtype=np.int64),
        max(len(k) for k in kernels), max(1, *(len(e) for e in links)),
    )  # fmt: skip

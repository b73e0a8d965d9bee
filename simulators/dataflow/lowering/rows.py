"""The parts of all passes of a run, each once, and as the arrays that the compiled model walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..model.program import Program
from .passes import Part, Pass


@dataclass(frozen=True)
class Row:
    """A part that is evaluated, and the passes that have it: such as several lengths of the cache one head.

    Attributes:
        knobs: at which edge, and which kernel, of the parts that are searched its own begin.
    """

    part: Part
    first: Pass
    passes: tuple[Pass, ...]
    knobs: tuple[int, int]


def rows_of(passes: Sequence[Pass]) -> tuple[Row, ...]:
    """List what is evaluated, each once: parts of prefill, then of decoding, blocks before heads.

    Passes of the same stage differ in their blocks alone.
    """
    rows: list[Row] = []
    for decode in (False, True):
        members = tuple(p for p in passes if p.decode == decode)
        edge = kernel = 0
        for place in range(max((len(p.parts) for p in members), default=0)):
            parts = [p.parts[place] for p in members]
            if all(part is parts[0] for part in parts):
                rows.append(Row(parts[0], members[0], members, (edge, kernel)))
            else:
                rows += [Row(p.parts[place], p, (p,), (edge, kernel)) for p in members]
            edge, kernel = edge + len(parts[0].graph.edges), kernel + len(parts[0].graph.kernels)
    return tuple(rows)


def flatten(
    rows: Sequence[Row], passes: Sequence[Pass], tokens: tuple[int, int], *, sockets: int, batch: int, hbm: bool
) -> Program:
    """Make the arrays of a run.

    Args:
        rows: of the passes (see `rows_of`).
        passes: of the run.
        tokens: that a sequence reads, and writes.
        sockets: chips that work together.
        batch: sequences, or samples, of the run.
        hbm: whether the chip has any.
    """
    staged = passes[0].staged
    kernels, links, parts = [], [], []
    first = first_edge = 0
    for i, row in enumerate(rows):
        part, g = row.part, row.part.graph
        last, last_edge = first + len(g.kernels), first_edge + len(g.edges)
        before = rows[i - 1] if i else None
        mapped = before is not None and before.first.decode and row.first.decode and before.part.name == part.name
        parts.append((
            first, last, first_edge, last_edge, part.repeats, part.searched, part.sample_rows, row.first.decode,
            mapped, part.fetched, *row.knobs,
        ))  # fmt: skip
        kernels.append(g.matrix)
        links.append(g.links)
        first, first_edge = last, last_edge
    return Program(
        kernels=np.concatenate(kernels),
        links=np.concatenate(links),
        parts=np.array(parts, dtype=np.int64),
        passes=np.array([(p.times, p.decode, (p.staged or p.parts[0]).graph.kernels[0].out) for p in passes]),
        members=np.array([[any(p is member for member in row.passes) for row in rows] for p in passes]),
        most_kernels=max(len(k) for k in kernels),
        most_edges=max(1, *(len(e) for e in links)),
        sockets=sockets,
        batch=batch,
        stages=staged.repeats if staged else 1,
        hbm=hbm,
        read=tokens[0],
        positions=sum(tokens),
        table_bytes=float(sum(part.graph.table_bytes for part in passes[0].parts)),
        widest=float(max(k.out for part in passes[0].parts if part.searched for k in part.graph.kernels)),
    )

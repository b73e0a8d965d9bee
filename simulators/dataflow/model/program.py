"""A run as arrays: the parts and passes that the compiled model walks, and what no design changes of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of the index of parts, int64 (parts, INDEX).
# FETCHED: whether what it reads is fetched from memory by each kernel. FIRST_CUT, FIRST_SHARE: where its knobs begin.
(
    FIRST, LAST, FIRST_EDGE, LAST_EDGE, REPEATS, SEARCHED, SAMPLE_ROWS, DECODE, MAPPED, FETCHED, FIRST_CUT,
    FIRST_SHARE, INDEX,
) = range(13)  # fmt: skip

# Columns of the table of passes, float64 (passes, PASS). TIMES: passes that it stands for; STEP: 1 where it is a step
# of decoding; HANDED: bytes of a sequence that a pipeline stage hands to the next.
TIMES, STEP, HANDED, PASS = range(4)


class Program(NamedTuple):
    """The parts of all passes, one after another.

    Attributes:
        kernels: float64 (kernels of all parts, FIELDS).
        links: int64 (edges of all parts, 3), numbered within their part.
        parts: int64 (parts, INDEX).
        passes: float64 (passes, PASS).
        members: bool (passes, parts), which parts a pass has.
        most_kernels, most_edges: of one part.
        sockets: chips that work together.
        batch: sequences, or samples, of the run.
        stages: most pipeline stages that there can be.
        hbm: whether the chip has any.
        read, positions: tokens that a sequence reads, and reads and writes; 0 of a network without any.
        table_bytes: of embedding tables.
        widest: bytes per sample of the largest result.
    """

    kernels: Array
    links: Array
    parts: Array
    passes: Array
    members: Array
    most_kernels: int
    most_edges: int
    sockets: int
    batch: int
    stages: int
    hbm: bool
    read: int
    positions: int
    table_bytes: float
    widest: float


class Fixed(NamedTuple):
    """What no design changes: bytes of an element, the calibrated constants, the fidelity, and experts' imbalance."""

    word: float
    efficiency: float
    sequence_s: float
    event: bool
    imbalance: float

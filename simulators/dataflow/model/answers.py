"""What the compiled model answers of a run and its parts, and records of sections and kernels: columns of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of a part's answer, for one microbatch on one socket and all repeats that its pipeline stage has.
(
    TIME, MACS, OPS, SRAM_BYTES, NOC_BYTES, HBM_BYTES, DDR_BYTES, LINK_BYTES,
    NEED_PCUS, NEED_PMUS, NEED_SRAM, NEED_DEPTH, N_SECTIONS, PART,
) = range(14)  # fmt: skip

# Columns of a run's totals, of all sockets and the whole run: TIME to LINK_BYTES as above, then the time to the first
# token, the sections that the network is cut into, how many replicas have sequences, the multiply-accumulates a second
# that all PCUs could do, mm² of a socket's chip, and joules by component and in all.
(
    FIRST_TOKEN, SECTIONS, WORKING, PEAK, AREA, COMPUTE_J, SRAM_J, NOC_J, HBM_J, DDR_J, LINK_J, STATIC_J, STANDBY_J,
    ENERGY_J, TOTALS,
) = range(8, 23)  # fmt: skip

# What a design needs, and has, in columns: sockets of its groups, and those left over; pipeline stages, microbatches,
# PCUs, PMUs, MB of SRAM, samples by which FIFOs are short, GB of HBM and DDR.
GROUP, LEFT_OVER, STAGES, MICROBATCHES, PCUS, PMUS, SRAM, DEPTH, HBM, DDR, NEEDS = range(11)

# Columns of a section's record; seconds, multiply-accumulates and bytes of one run of it on one socket.
(
    S_TIME, S_PIPELINE, S_COMPUTE, S_FILL, S_HBM, S_DDR, S_LINK, S_NOC, S_SETUP, S_SYNC, S_RUNS,
    S_PCUS, S_PMUS, S_SRAM, S_TILES, S_BUSY, S_MACS, S_HBM_BYTES, S_DDR_BYTES, SECTION,
) = range(20)  # fmt: skip

# Columns of a kernel's record; seconds of one tile.
K_SECTION, K_PCUS, K_SERVICE, K_COMPUTE, K_PMU, K_NOC, K_LINK, K_BUSY, KERNEL = range(9)


class Answers(NamedTuple):
    """Of n designs, float64 each.

    Attributes:
        parts: of each part of the run, (n, parts, PART).
        totals: of the run, (n, TOTALS).
        needed, has: what a design needs, and has, (n, NEEDS).
        violation: sum of how far each need is beyond what there is, relative; (n,).
    """

    parts: Array
    totals: Array
    needed: Array
    has: Array
    violation: Array


class Record(NamedTuple):
    """What is recorded of a part: its number, and where for its sections (n, SECTION) and kernels (k, KERNEL)."""

    part: int
    sections: Array
    kernels: Array

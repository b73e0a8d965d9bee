"""Columns of the tables that the compiled kernels read."""

from __future__ import annotations

from ..tables.chip import CHIP_KNOBS

# --- a kernel of the operator graph, float64 (kernels, FIELDS) ---------------------------------------------------
(
    KIND,  # SOURCE, PRODUCT or VECTOR
    ROWS,  # of a matrix product per sample; elements per sample of a vector kernel
    COLS,  # of the product's output
    INNER,  # summed over
    COUNT,  # independent products per sample: heads, groups of a convolution
    SHARED,  # 1 where all samples multiply by the same operand (weights), 0 where each has its own
    OPS,  # operations per element of a vector kernel
    WEIGHTS,  # bytes of weights
    STREAM,  # bytes per sample that are read from off-chip memory whatever the mapping (KV cache, embedding rows)
    WRITE,  # bytes per sample that are written to it (new keys and values)
    OUT,  # bytes per sample that are put out
    HOLD,  # bytes per sample of a second operand made on chip, which stays until the sample is over
    SPLIT_ROWS, SPLIT_COLS, SPLIT_INNER, SPLIT_COUNT,  # into how many parts tensor parallelism may cut each
    COLLECT,  # ALL_REDUCE of partial sums, ALL_GATHER of slices, or NO_COLLECTIVE
    CACHE,  # 1 where a KV cache is read, sequence by sequence
    EXPERTS,  # weights of which each row multiplies by the one that it is routed to; 0 where all multiply by the same
    ACTIVE,  # experts that a token goes to, each of them a row
    ROUTED,  # rows per sample that go to experts, of a kernel that has them or sends them off; 0 of any other
    FAR,  # 1 where it works on the experts' sockets rather than the token's
    SEND,  # bytes per sample that go from a token's socket to its experts', or back
    FIELDS,
) = range(24)  # fmt: skip
SOURCE, PRODUCT, VECTOR = range(3)

# --- an edge, int64 (edges, 3) -----------------------------------------------------------------------------------
PRODUCER, CONSUMER, BARRIER = range(3)

# --- a design, float64 (n, …): the chip's numbers, then the mapping's --------------------------------------------
CHIP = {name: i for i, name in enumerate(CHIP_KNOBS)}
(
    PCUS, LANES, STAGES, CLOCK, PMUS, PMU_KB, BANKS, NOC_GBPS, NOC_HOP, HBM_GBPS, HBM_GB, DDR_GBPS, DDR_GB,
    LINK_GBPS, LINK_LATENCY, SYNC, RECONFIGURE,
) = range(len(CHIP))  # fmt: skip
(
    FUSION, TILE, FIFO, ALLOCATION, SPLIT, PLACEMENT, RESIDENCY, TIER, TP, PP, EP, MICROBATCHES, LOOPING, N_DESIGN,
) = range(len(CHIP), len(CHIP) + 14)  # fmt: skip

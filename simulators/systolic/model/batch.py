"""The batch kernel: cycles, traffic and accesses of every layer of a network on every design.

Array (SCALE-Sim's mapping, Samajdar et al., ISPASS 2020): on an R × C array, with (Sr, Sc, T) = (M, N, K) for output,
(K, N, M) for weight and (K, M, N) for input stationary, a product takes ceil(Sr/R)·ceil(Sc/C) folds of R + C + T - 2
(os) or 2R + C + T - 2 (ws, is) cycles, as the RTL of a small array does. Groups whose Sr × Sc fits several times are
placed along the diagonal of the array, so that none of their operands meet. Several arrays share the folds.

Memory: see `tiling` (words) and `schedule` (stalls).
"""

from __future__ import annotations

import numpy as np

from ...core.compiled import compiled, piece
from .columns import (
    AGAIN,
    CHANNELS,
    FILTERS,
    GROUPS,
    HIDDEN,
    IMAGES,
    OUT_H,
    OUT_W,
    TAPS_H,
    TAPS_W,
    WORDS_IN,
    WORDS_OUT,
    WORK,
    Cuts,
    Table,
)
from .planning import CHOICES, coarsened, plan
from .schedule import stream_cycles
from .tiling import OUTPUT_STATIONARY, WEIGHT_STATIONARY, ceil_div

# What is counted, per output row (float64).
(
    CYCLES, COMPUTE, VECTOR, MACS, SLOTS, DRAM_I, DRAM_F, DRAM_O, DRAM_P, SRAM_I, SRAM_F, SRAM_O, SRAM_P,
    OPERATIONS, EXCESS,
) = range(15)  # fmt: skip
FIELDS = 15


@piece
def folds_of(layer: Table, flow: int, rows: int, cols: int) -> tuple[float, int, int, int, int]:
    """Count folds of all groups of a layer, those of one group down and across, and steps and cycles of a fold."""
    groups, n = layer[GROUPS], layer[FILTERS]
    m = layer[IMAGES] * layer[OUT_H] * layer[OUT_W]
    k = layer[TAPS_H] * layer[TAPS_W] * layer[CHANNELS]
    if flow == OUTPUT_STATIONARY:
        sr, sc, t, fill = m, n, k, rows + cols - 2
    elif flow == WEIGHT_STATIONARY:
        sr, sc, t, fill = k, n, m, 2 * rows + cols - 2
    else:
        sr, sc, t, fill = k, m, n, 2 * rows + cols - 2
    folds_r, folds_c = ceil_div(sr, rows), ceil_div(sc, cols)
    folds = float(folds_r) * folds_c * groups
    if groups > 1 and folds_r == 1 and folds_c == 1:
        folds = float(ceil_div(groups, min(groups, rows // sr, cols // sc)))
    return folds, folds_r, folds_c, t, fill + t


@compiled
def array_cycles(layer: Table, flow: int, rows: int, cols: int, arrays: int) -> float:
    """Count the cycles that the arrays work on a layer."""
    folds, _, _, _, fold_cycles = folds_of(layer, flow, rows, cols)
    return float(np.ceil(folds / arrays) * fold_cycles)


@piece
def count_product(
    layer: Table, rungs: Table, heights: Table, times: float, flow: int, rows: int, cols: int, arrays: int,
    cap_i: int, cap_f: int, cap_o: int, psum_words: float, bandwidth: float, fixed: int, choices: Table, out: Table,
) -> None:  # fmt: skip
    """Add one distinct matrix product, occurring `times` times, to the counts `out` (FIELDS,)."""
    groups, channels, n = layer[GROUPS], layer[CHANNELS], layer[FILTERS]
    m = layer[IMAGES] * layer[OUT_H] * layer[OUT_W]
    k = layer[TAPS_H] * layer[TAPS_W] * channels
    folds, folds_r, folds_c, t, fold_cycles = folds_of(layer, flow, rows, cols)
    compute = np.ceil(folds / arrays) * fold_cycles
    macs = float(m) * n * k * groups

    size_i, size_f, size_o = rungs[0, AGAIN, 0] * channels, float(k) * n, float(m) * n
    order, _, _, _, fi, ff, fo, one_pass, cycles, _, _, _ = plan(
        rungs, heights, flow, cap_i, cap_f, cap_o, psum_words, fixed, groups, layer[TAPS_H] * layer[TAPS_W], channels,
        size_i, size_f, size_o, compute, bandwidth, choices,
    )  # fmt: skip
    if order < 0:  # not even one pixel, channel and filter fit
        taps = float(layer[TAPS_H] * layer[TAPS_W])
        short = max(taps / max(cap_i, 0.5), taps / max(cap_f, 0.5), 1.0 / max(cap_o, 0.5)) - 1.0
        out[EXCESS] = max(out[EXCESS], short)
        return
    spilled = size_o * (fo - 1) * psum_words
    out[CYCLES] += times * cycles
    out[COMPUTE] += times * compute
    out[MACS] += times * macs
    out[SLOTS] += times * folds * rows * cols * t
    out[DRAM_I] += times * groups * one_pass * fi
    out[DRAM_F] += times * groups * size_f * ff
    out[DRAM_O] += times * groups * (size_o + spilled)
    out[DRAM_P] += times * groups * spilled
    whole_m, whole_n, whole_k = float(m) * k * groups, size_f * groups, size_o * groups
    if flow == OUTPUT_STATIONARY:
        out[SRAM_I] += times * whole_m * folds_c
        out[SRAM_F] += times * whole_n * folds_r
        out[SRAM_O] += times * whole_k
    elif flow == WEIGHT_STATIONARY:
        out[SRAM_I] += times * whole_m * folds_c
        out[SRAM_F] += times * whole_n
        out[SRAM_O] += times * whole_k * folds_r
        out[SRAM_P] += times * whole_k * (folds_r - 1)
    else:
        out[SRAM_I] += times * whole_m
        out[SRAM_F] += times * whole_n * folds_c
        out[SRAM_O] += times * whole_k * folds_r
        out[SRAM_P] += times * whole_k * (folds_r - 1)


@piece
def count_layer(
    layer: Table, fine: Table, fine_heights: Table, coarse: Table, coarse_heights: Table, times: float, row: int,
    rows: Table, cols: Table, flow: Table, cap_i: Table, cap_f: Table, cap_o: Table,
    bandwidth: Table, arrays: Table, order: Table, psum_words: float, choices: Table, out: Table,
) -> None:  # fmt: skip
    """Add one distinct matrix product to an output row of every design."""
    for d in range(len(rows)):
        if bandwidth[d] < np.inf:
            rungs, heights = coarse, coarse_heights
        else:
            rungs, heights = fine, fine_heights
        count_product(
            layer, rungs, heights, times, flow[d], rows[d], cols[d], arrays[d], cap_i[d], cap_f[d], cap_o[d],
            psum_words, bandwidth[d], order[d], choices, out[d, row],
        )  # fmt: skip


@compiled
def count(
    matrix: Table, fine: Table, fine_heights: Table, coarse: Table, coarse_heights: Table,
    matrix_counts: Table, matrix_rows: Table,
    vector: Table, vector_counts: Table, vector_rows: Table, n_rows: int,
    rows: Table, cols: Table, flow: Table, cap_i: Table, cap_f: Table, cap_o: Table,
    bandwidth: Table, arrays: Table, order: Table, psum_words: float,
) -> Table:  # fmt: skip
    """Count per design and output row, float64 (n, n_rows, FIELDS).

    Args:
        matrix: table of distinct matrix products (see `lowering`), (u, LAYER_COLUMNS).
        fine: their ladders for a bandwidth without end (see `cuts`), (u, 3, RUNG_COLUMNS, most).
        fine_heights: rungs of these, (u, 4) (see `plan`).
        coarse: their ladders for any other bandwidth, shaped as `fine`.
        coarse_heights: rungs of these, (u, 4).
        matrix_counts: how often each product counts, (u,).
        matrix_rows: output row that each product adds to, (u,): one row for totals, or one per layer.
        vector: table of distinct operators of the vector unit, (v, 4).
        vector_counts: how often each operator counts, (v,).
        vector_rows: output row that each operator adds to, (v,).
        n_rows: output rows.
        rows: PE rows of an array, (n,) as all design columns.
        cols: PE columns of an array.
        flow: dataflow codes.
        cap_i: words of half an input SRAM.
        cap_f: words of half a filter SRAM.
        cap_o: partial sums of half an output SRAM.
        bandwidth: words per cycle of each interface.
        arrays: how many there are.
        order: loop order codes, or BEST_ORDER.
        psum_words: words per partial sum.
    """
    n = len(rows)
    out = np.zeros((n, n_rows, FIELDS))
    choices = np.empty((CHOICES, 5))
    for u in range(len(matrix)):
        count_layer(
            matrix[u], fine[u], fine_heights[u], coarse[u], coarse_heights[u], matrix_counts[u], matrix_rows[u],
            rows, cols, flow, cap_i, cap_f, cap_o, bandwidth, arrays, order, psum_words, choices, out,
        )  # fmt: skip
    for d in range(n):
        for v in range(len(vector)):
            times, row = vector_counts[v], out[d, vector_rows[v]]
            work, read, written = vector[v, WORK], vector[v, WORDS_IN], vector[v, WORDS_OUT]
            row[OPERATIONS] += times * work
            if vector[v, HIDDEN] == 0.0:
                lanes = float(cols[d] * arrays[d])
                busy = np.ceil(work / lanes)
                row[VECTOR] += times * busy
                row[CYCLES] += times * stream_cycles(work / lanes, read, written, bandwidth[d])
                row[DRAM_I] += times * read
                row[DRAM_O] += times * written
                row[SRAM_I] += times * read
                row[SRAM_O] += times * written
    return out


@compiled
def plan_row(
    layer: Table, rungs: Table, heights: Table, flow: int, cap_i: int, cap_f: int, cap_o: int, psum_words: float,
    fixed: int, compute: float, bandwidth: float, slower: float,
) -> tuple[int, int, int, int, int, int, int, float, float, bool, bool, bool]:  # fmt: skip
    """Return what `plan` answers for one row of the layer table and its ladders, with tiles `coarsened` by `slower`."""
    groups, channels, filters, taps = layer[GROUPS], layer[CHANNELS], layer[FILTERS], layer[TAPS_H] * layer[TAPS_W]
    size_i, size_f = rungs[0, AGAIN, 0] * channels, float(taps * channels) * filters
    size_o = float(layer[IMAGES] * layer[OUT_H] * layer[OUT_W]) * filters
    order, a, b, c, fi, ff, fo, one_pass, cycles, ri, rf, ro = plan(
        rungs, heights, flow, cap_i, cap_f, cap_o, psum_words, fixed, groups, taps, channels, size_i, size_f, size_o,
        compute, bandwidth, np.empty((CHOICES, 5)),
    )  # fmt: skip
    if order >= 0 and slower > 0.0 and bandwidth < np.inf:
        a, b, c = coarsened(
            rungs, heights, np.inf if ri else float(cap_i), np.inf if rf else cap_f / taps,
            np.inf if ro else float(cap_o), psum_words, groups, size_i, size_f, size_o, compute, bandwidth, slower,
            order, a, b, c, one_pass, cycles, ri, rf, ro,
        )  # fmt: skip
    return order, a, b, c, fi, ff, fo, one_pass, cycles, ri, rf, ro


def plan_layer(
    cuts: Cuts, layer: Table, row: int, flow: int, cap_i: int, cap_f: int, cap_o: int, psum_words: float, order: int,
    compute: float, bandwidth: float, slower: float = 0.0,
) -> tuple[int, int, int, int, int, int, int, float, float, bool, bool, bool]:  # fmt: skip
    """Return what `plan` answers for the one `layer` that stands at `row` of the cuts; `slower` as for `coarsened`."""
    ladders = cuts.coarse if bandwidth < np.inf else cuts.fine
    return plan_row(
        layer, ladders.rungs[row], ladders.heights[row], flow, cap_i, cap_f, cap_o, psum_words, order, float(compute),
        bandwidth, slower,
    )  # fmt: skip

"""The ways to cut a layer's dimensions into tiles: a ladder for each, the same for every design.

What a design holds in its SRAMs says which rungs it may use, and nothing else. A larger SRAM therefore has all the
choices of a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..model.columns import (
    CHANNELS,
    FILTERS,
    IMAGES,
    IN_H,
    IN_W,
    OUT_H,
    OUT_W,
    RUNG_COLUMNS,
    SLIDES,
    SPAN_H,
    SPAN_W,
    STRIDE_H,
    STRIDE_W,
    TAPS_H,
    TAPS_W,
    Cuts,
    Ladders,
    Table,
)

# Rungs of one octave, as fractions of its first: those of a fine ladder, every number of tiles to 8 and then four an
# octave; and of a coarse one.
FINE = (1.0, 1.25, 1.5, 1.75)
COARSE = (1.0,)


def cut_layers(layers: Table) -> Cuts:
    """Make the ladders of the rows of a layer table (u, LAYER_COLUMNS)."""
    return Cuts(_ladders(layers, FINE), _ladders(layers, COARSE))


def _ladders(layers: Table, steps: tuple[float, ...]) -> Ladders:
    ladders = [(_pixels(row, steps), _lengths(row[FILTERS], steps), _lengths(row[CHANNELS], steps)) for row in layers]
    most = max((len(ladder) for three in ladders for ladder in three), default=1)
    rungs = np.zeros((len(layers), 3, RUNG_COLUMNS, most))
    heights = np.zeros((len(layers), 4), np.int64)
    for u, three in enumerate(ladders):
        for dimension, ladder in enumerate(three):
            rungs[u, dimension, :, : len(ladder)] = np.array(ladder, np.float64).T
            heights[u, dimension] = len(ladder)
        heights[u, 3] = sum(1 for rung in three[0] if rung[SLIDES])
    return Ladders(rungs, heights)


def _counts(length: int, steps: tuple[float, ...]) -> Iterator[tuple[int, int]]:
    """Yield how many tiles a length is cut into, and how long the longest is; from one to as many as it is long."""
    before, octave = 0, 1
    while True:
        for step in steps:
            tile = -(-length // min(int(octave * step), length))
            trips = -(-length // tile)
            if trips > before:
                yield trips, tile
            before = trips
            if tile == 1:
                return
        octave *= 2


def _lengths(length: int, steps: tuple[float, ...]) -> list[tuple[float, ...]]:
    """Return the ladder of n or k."""
    return [(trips, tile, 0, 0, 0) for trips, tile in _counts(int(length), steps)]


def _pixels(layer: Table, steps: tuple[float, ...]) -> list[tuple[float, ...]]:
    """Return the ladder of m: whole images, then bands of whole output rows, then pieces of a row."""
    images, out_h, out_w = (int(layer[at]) for at in (IMAGES, OUT_H, OUT_W))
    down = (int(layer[STRIDE_H]), int(layer[SPAN_H]), int(layer[TAPS_H]))
    across = (int(layer[STRIDE_W]), int(layer[SPAN_W]), int(layer[TAPS_W]))
    height, width = touched(out_h, *down, int(layer[IN_H])), touched(out_w, *across, int(layer[IN_W]))
    row = min(int(layer[TAPS_H]), height)
    ladder: list[tuple[float, ...]] = []
    for trips, tile in _counts(images, steps):
        ladder.append((trips, tile * out_h * out_w, tile * height * width, images * height * width, 1))
    for trips, tile in _counts(out_h, steps):
        if trips > 1:
            again = images * width * balanced_sum(out_h, trips, *down, height)
            held = touched(tile, *down, height) * width
            ladder.append((images * trips, tile * out_w, held, again, 1))
    for trips, tile in _counts(out_w, steps):
        if trips > 1:
            again = images * out_h * row * balanced_sum(out_w, trips, *across, width)
            held = touched(tile, *across, width) * row
            ladder.append((images * out_h * trips, tile, held, again, 0))
    return ladder


def touched(p: int, stride: int, span: int, taps: int, whole: int) -> int:
    """Count the input rows (or columns) that `p` neighbouring output rows read, at most `whole`."""
    return min((p - 1) * stride + span, p * taps, whole)


def balanced_sum(length: int, parts: int, stride: int, span: int, taps: int, whole: int) -> int:
    """Count input rows read by `length` output rows cut into `parts` bands whose sizes differ by at most one."""
    big = -(-length // parts)
    n_big = length - parts * (big - 1)
    total = n_big * touched(big, stride, span, taps, whole)
    if n_big < parts:
        total += (parts - n_big) * touched(big - 1, stride, span, taps, whole)
    return total

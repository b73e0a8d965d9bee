"""A slow second implementation of the memory model: every tile of every loop, one after the other.

It is told only which loop order was chosen and into how many tiles each dimension was cut. What is on chip, what comes
in, what goes out and when are found by walking the loops and looking.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from chipgym.simulators.systolic.model.tiling import ORDERS


@dataclass(frozen=True)
class Product:
    """One layer in plain words (see the columns of the layer table)."""

    groups: int = 1
    images: int = 1
    out_h: int = 1
    out_w: int = 1
    in_h: int = 1
    in_w: int = 1
    taps_h: int = 1
    taps_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    channels: int = 1
    filters: int = 1

    def row(self) -> np.ndarray:
        return np.array([
            self.groups, self.images, self.out_h, self.out_w, self.in_h, self.in_w, self.taps_h, self.taps_w,
            self.taps_h, self.taps_w, self.stride_h, self.stride_w, self.channels, self.filters,
        ])  # fmt: skip

    @property
    def m(self) -> int:
        return self.images * self.out_h * self.out_w

    @property
    def k(self) -> int:
        return self.taps_h * self.taps_w * self.channels


def pixels_read(p: Product, outputs) -> set[tuple[int, int, int]]:
    """Input positions (image, y, x) under the windows of the given output positions."""
    return {
        (i, y * p.stride_h + r, x * p.stride_w + s)
        for i, y, x in outputs
        for r in range(p.taps_h)
        for s in range(p.taps_w)
        if y * p.stride_h + r < p.in_h and x * p.stride_w + s < p.in_w
    }


def output_tiles(p: Product, a: int):
    """The `a` tiles of output positions: whole images, bands of rows, or pieces of a row; sizes differ by at most 1."""
    image = [[(i, y, x) for y in range(p.out_h) for x in range(p.out_w)] for i in range(p.images)]
    if a <= p.images:
        per_tile = -(-p.images // a)
        return [[o for one in image[i : i + per_tile] for o in one] for i in range(0, p.images, per_tile)], True
    if a % p.images == 0 and a // p.images <= p.out_h:
        bands = np.array_split(np.arange(p.out_h), a // p.images)
        return [[(i, y, x) for y in band for x in range(p.out_w)] for i in range(p.images) for band in bands], True
    pieces = np.array_split(np.arange(p.out_w), a // (p.images * p.out_h))
    return [[(i, y, x) for x in piece] for i in range(p.images) for y in range(p.out_h) for piece in pieces], False


@dataclass
class Walked:
    """What one walk over the tiles saw, all groups together, in words."""

    input_words: float = 0.0
    filter_words: float = 0.0
    output_writes: float = 0.0
    output_reads: float = 0.0
    cycles: float = 0.0


def walk(p: Product, order: int, a: int, b: int, c: int, caps, psum_words: float, compute: float, bandwidth: float):
    """Walks every tile of every group; checks that each fits its half buffer.

    `caps`: words of half the input and filter SRAM, and partial sums of half the output SRAM.
    """
    tiles, may_slide = output_tiles(p, a)
    assert len(tiles) == a
    reads = [pixels_read(p, t) for t in tiles]
    channel_tiles = [len(t) for t in np.array_split(np.arange(p.channels), c)]
    filter_tiles = [len(t) for t in np.array_split(np.arange(p.filters), b)]
    everything = set().union(*reads)
    size_i, size_f, size_o = len(everything) * p.channels, p.k * p.filters, p.m * p.filters
    keep_i, keep_f, keep_o = size_i <= caps[0], size_f <= caps[1], size_o <= caps[2]
    window = p.taps_h * p.taps_w
    assert keep_i or max(map(len, reads)) * max(channel_tiles) <= caps[0]
    assert keep_f or window * max(channel_tiles) * max(filter_tiles) <= caps[1]
    assert keep_o or max(map(len, tiles)) * max(filter_tiles) <= caps[2]

    seen = Walked()
    steps = []  # per tile: cycles of (input, filter, partial sums in), and of outputs out when it is left
    counts = {"m": a, "n": b, "k": c}
    for _ in range(p.groups):
        on_chip_i: tuple[int, int] | None = None
        on_chip_f: tuple[int, int] | None = None
        on_chip_o: tuple[int, int] | None = None
        came_i: set[tuple[int, int]] = set()
        came_f: set[tuple[int, int]] = set()
        added = {}
        order_steps = []
        for turn in itertools.product(*(range(counts[d]) for d in ORDERS[order])):
            at = dict(zip(ORDERS[order], turn, strict=True))
            m, n, k = at["m"], at["n"], at["k"]
            step = {"i": False, "f": False, "back": False, "out": None}
            step |= {"new_i": on_chip_i != (m, k), "new_f": on_chip_f != (n, k), "new_o": on_chip_o != (m, n)}
            if on_chip_i != (m, k) and not (keep_i and (m, k) in came_i):
                step["i"] = True
                fresh = reads[m]
                if keep_i:  # pixels of this slice of channels that no earlier tile brought in
                    fresh = fresh - set().union(*(reads[other] for other, slice_ in came_i if slice_ == k), set())
                elif may_slide and on_chip_i is not None and on_chip_i == (m - 1, k):
                    fresh = fresh - reads[m - 1]
                seen.input_words += len(fresh) * channel_tiles[k]
            on_chip_i = (m, k)
            came_i.add(on_chip_i)
            if on_chip_f != (n, k) and not (keep_f and (n, k) in came_f):
                step["f"] = True
                seen.filter_words += window * channel_tiles[k] * filter_tiles[n]
            on_chip_f = (n, k)
            came_f.add(on_chip_f)
            if on_chip_o != (m, n):
                if on_chip_o is not None:
                    order_steps[-1]["out"] = leave(seen, tiles, filter_tiles, on_chip_o, added, c, keep_o, psum_words)
                if added.get((m, n), 0) and not keep_o:
                    step["back"] = True
                    seen.output_reads += len(tiles[m]) * filter_tiles[n] * psum_words
                on_chip_o = (m, n)
            added[m, n] = added.get((m, n), 0) + 1
            order_steps.append(step)
        order_steps[-1]["out"] = leave(seen, tiles, filter_tiles, on_chip_o, added, c, keep_o, psum_words)
        assert set(added.values()) == {c}
        steps += order_steps

    # Time, with tiles of the mean size. A tile of an operand is in use from `since` on; meanwhile the next one of that
    # operand comes in, and for outputs the one before goes out.
    per_step = compute / (a * b * c * p.groups)
    load_i = seen.input_words / max(1, sum(s["i"] for s in steps)) / bandwidth
    load_f = size_f / (b * c) / bandwidth
    store = {"none": 0.0, "final": size_o / (a * b) / bandwidth, "partial": size_o * psum_words / (a * b) / bandwidth}
    now = max(load_i, load_f)
    since_i = since_f = since_o = now
    going_out = 0.0
    for before, step in itertools.pairwise(steps):
        now += per_step
        if step["new_i"]:
            now = max(now, since_i + (load_i if step["i"] else 0.0))
        if step["new_f"]:
            now = max(now, since_f + (load_f if step["f"] else 0.0))
        if step["new_o"]:
            now = max(now, since_o + going_out + (store["partial"] if step["back"] else 0.0))
            going_out, since_o = store[before["out"]], now
        since_i = now if step["new_i"] else since_i
        since_f = now if step["new_f"] else since_f
    seen.cycles = max(now + per_step, since_o + going_out) + store["final"]
    return seen


def leave(seen: Walked, tiles, filter_tiles, tile, added, c, keep, psum_words) -> str:
    """Counts the outputs that leave with `tile`: finished ones, unfinished ones, or none yet."""
    words = len(tiles[tile[0]]) * filter_tiles[tile[1]]
    if added[tile] == c:
        seen.output_writes += words
        return "final"
    if keep:
        return "none"
    seen.output_writes += words * psum_words
    return "partial"

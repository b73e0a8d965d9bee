"""Cutting a layer into SRAM tiles: which tiles and loop order move the fewest words to and from DRAM.

A layer is G independent products of M × K by K × N (one for a plain convolution or matrix product). Its tile loops
run over m (output pixels), n (filters) and k (input channels). Half of each operand's double-buffered SRAM holds the
tile in use while the other half is filled.

Rules of reuse, all checked against a tile-by-tile event model in the tests:

- an operand is loaded again whenever the loops bring another of its tiles in; the loop it does not depend on multiplies
  its traffic unless that loop is inside all its others that have more than one trip;
- an operand that fits its half whole is loaded (or written) once, whatever the loops do;
- a partial sum that leaves before its last k is written and read back;
- rows shared by neighbouring bands of a convolution's input stay on chip from one band to the next, unless other input
  channels were loaded in between.

Compiled with Numba; word counts are float64 (exact up to 2**53), trip counts int64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.compiled import compiled

# Loop orders, outermost first; 0 = m, 1 = n, 2 = k. The index is the code used in the kernel.
ORDERS: tuple[str, ...] = ("mnk", "nmk", "mkn", "kmn", "nkm", "knm")
LOOPS = np.array([[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [1, 2, 0], [2, 1, 0]], dtype=np.int64)

# Ties go to the order that is closest to how the array itself walks the product: os keeps outputs (k inside), ws
# weights (m inside), is inputs (n inside). One row per dataflow code, os, ws, is.
PREFERENCE = np.array([[0, 1, 2, 4, 3, 5], [4, 5, 3, 1, 0, 2], [2, 3, 5, 0, 1, 4]], dtype=np.int64)

HUGE = 1 << 60

Table = np.ndarray[Any, np.dtype[Any]]

# Columns of the layer table (int64), one row per distinct layer of a network.
(
    GROUPS, IMAGES, OUT_H, OUT_W, IN_H, IN_W, TAPS_H, TAPS_W, SPAN_H, SPAN_W, STRIDE_H, STRIDE_W, CHANNELS, FILTERS,
) = range(14)  # fmt: skip
LAYER_COLUMNS = 14


@compiled
def ceil_div(a: int, b: int) -> int:
    return (a + b - 1) // b


@compiled
def touched(p: int, stride: int, span: int, taps: int, whole: int) -> int:
    """Input rows (or columns) that `p` neighbouring output rows read, at most `whole`."""
    return min((p - 1) * stride + span, p * taps, whole)


@compiled
def most_outputs(available: int, outputs: int, stride: int, span: int, taps: int, whole: int) -> int:
    """Most neighbouring output rows whose input rows fit in `available`; 0 where not even one does."""
    if available >= whole:
        return outputs
    p = available // taps
    if available >= span:
        p = max(p, (available - span) // stride + 1)
    return min(p, outputs)


@compiled
def balanced_sum(length: int, parts: int, stride: int, span: int, taps: int, whole: int) -> int:
    """Input rows read by `length` output rows cut into `parts` bands whose sizes differ by at most one."""
    big = ceil_div(length, parts)
    n_big = length - parts * (big - 1)
    total = n_big * touched(big, stride, span, taps, whole)
    if n_big < parts:
        total += (parts - n_big) * touched(big - 1, stride, span, taps, whole)
    return total


@compiled
def cut_pixels(layer: Table, height: int, width: int, words: int, pixels: int) -> tuple[int, int, bool]:
    """The largest tile over m whose input fits `words` per channel and whose outputs number at most `pixels`.

    Whole images if they fit, else bands of whole output rows, else pieces of a row.

    Returns:
        tiles over m (0 where nothing fits), input words per channel of one pass over all tiles when rows shared by
        neighbours are fetched again, and whether sharing them is possible (not for pieces of a row).
    """
    images, out_h, out_w = layer[IMAGES], layer[OUT_H], layer[OUT_W]
    image = height * width
    if words >= image and pixels >= out_h * out_w:
        per_tile = min(images, words // image, pixels // (out_h * out_w))
        return ceil_div(images, per_tile), images * image, True
    one_row = min(layer[TAPS_H], height)
    if words >= one_row * width and pixels >= out_w:
        rows = most_outputs(words // width, out_h, layer[STRIDE_H], layer[SPAN_H], layer[TAPS_H], height)
        bands = ceil_div(out_h, min(rows, pixels // out_w))
        rows = balanced_sum(out_h, bands, layer[STRIDE_H], layer[SPAN_H], layer[TAPS_H], height)
        return images * bands, images * rows * width, True
    piece = most_outputs(words // one_row, out_w, layer[STRIDE_W], layer[SPAN_W], layer[TAPS_W], width)
    piece = min(piece, pixels)
    if piece < 1:
        return 0, 0, False
    pieces = ceil_div(out_w, piece)
    columns = balanced_sum(out_w, pieces, layer[STRIDE_W], layer[SPAN_W], layer[TAPS_W], width)
    return images * out_h * pieces, images * out_h * one_row * columns, False


@compiled
def repeats(order: int, a: int, b: int, c: int, ri: bool, rf: bool, ro: bool) -> tuple[int, int, int, bool]:
    """How often each operand crosses the DRAM interface with `a`, `b`, `c` tiles over m, n, k.

    Returns:
        passes over the input, passes over the filters, times each output is written, and whether k is inside m (so
        that rows shared by bands are gone).
    """
    inside = c > 1
    if order == 0:  # mnk
        fi = b if c > 1 else 1
        ff = a if b > 1 or c > 1 else 1
        fo = 1
    elif order == 1:  # nmk
        fi = b if a > 1 or c > 1 else 1
        ff = a if c > 1 else 1
        fo = 1
    elif order == 2:  # mkn
        fi = 1
        ff = a if b > 1 or c > 1 else 1
        fo = c if b > 1 else 1
    elif order == 3:  # kmn
        fi = 1
        ff = a if b > 1 else 1
        fo = c if a > 1 or b > 1 else 1
        inside = False
    elif order == 4:  # nkm
        fi = b if a > 1 or c > 1 else 1
        ff = 1
        fo = c if a > 1 else 1
        inside = False
    else:  # knm
        fi = b if a > 1 else 1
        ff = 1
        fo = c if a > 1 or b > 1 else 1
        inside = False
    if ri:
        fi, inside = 1, False
    if rf:
        ff = 1
    if ro:
        fo = 1
    return fi, ff, fo, inside


@compiled
def plan(
    layer: Table,
    dataflow: int,
    rows: int,
    cols: int,
    cap_i: int,
    cap_f: int,
    cap_o: int,
    psum_words: float,
    fixed_order: int,
) -> tuple[int, int, int, int, int, int, int, float, bool, bool, bool]:
    """Tiles and loop order of one group of a layer.

    Args:
        layer: a row of the layer table.
        dataflow: 0 os, 1 ws, 2 is.
        rows, cols: of the array.
        cap_i, cap_f: words that half of the input and filter SRAM hold; cap_o: partial sums that half of the output
            SRAM holds.
        psum_words: words per partial sum.
        fixed_order: a code into ORDERS, or -1 for the one with the fewest words.

    Returns:
        order, a, b, c (tiles over m, n, k), passes over input and filters, writes per output, input words per pass,
        and the three residency flags; order -1 where not even the smallest tile fits.
    """
    channels, filters = layer[CHANNELS], layer[FILTERS]
    taps = layer[TAPS_H] * layer[TAPS_W]
    pixels = layer[IMAGES] * layer[OUT_H] * layer[OUT_W]
    height = touched(layer[OUT_H], layer[STRIDE_H], layer[SPAN_H], layer[TAPS_H], layer[IN_H])
    width = touched(layer[OUT_W], layer[STRIDE_W], layer[SPAN_W], layer[TAPS_W], layer[IN_W])
    image = height * width
    size_i = float(layer[IMAGES] * image) * channels
    size_f = float(taps * channels) * filters
    size_o = float(pixels) * filters
    ri, rf, ro = size_i <= cap_i, size_f <= cap_f, size_o <= cap_o
    compulsory = size_i + size_f + size_o
    room_f = HUGE if rf else cap_f // taps  # filters × channels of a tile
    room_o = HUGE if ro else cap_o

    # The natural tile: one fold of the array in its two spatial dimensions, as much again in time.
    longest = max(rows, cols)
    if dataflow == 0:
        gm, gn, gk = rows, cols, longest
    elif dataflow == 1:
        gm, gn, gk = longest, cols, rows
    else:
        gm, gn, gk = cols, longest, rows
    gm = min(pixels, max(gm, layer[OUT_W]))
    gn = min(filters, gn, room_o)
    gc = max(1, min(channels, gk // taps))
    one_row = min(layer[TAPS_H], height)
    room_i = HUGE if ri else max(1, cap_i // (one_row * min(layer[TAPS_W], width)))  # channels of one output pixel
    whole_row = HUGE if ri else cap_i // (one_row * width)  # channels of a whole row of outputs, if any can be held
    if whole_row < 1:
        whole_row = HUGE
    gc = max(1, min(gc, room_f, room_i, whole_row))
    gn = max(1, min(gn, room_f // gc))

    best, best_exposed, best_order = np.inf, np.inf, -1
    best_a, best_b, best_c = 0, 0, 0
    best_fi, best_ff, best_fo, best_pass = 0, 0, 0, 0.0

    # Square-ish output tiles: with k streamed, words = size_i·b + size_f·a, least at this width.
    per_pixel = size_i / (float(channels) * pixels)  # input words per channel behind one output
    wide = 1
    if not ro:
        wide = int(math.sqrt(cap_o * (per_pixel / taps)))
    wide = max(1, min(wide, filters, room_f))
    for form in range(10):
        tc, tn, limit = gc, gn, HUGE
        if form == 0:
            limit = gm
        elif form == 1:  # all channels at once, as many filters as fit kept: input streams by
            tc = channels
            tn = min(filters, room_f // channels, room_o)
        elif form == 2:  # the same, with a small tile of outputs so that more filters fit
            tc = channels
            limit = gm
            tn = min(filters, room_f // channels, max(1, room_o // gm))
        elif form == 3:  # outputs kept, near-square
            tn = ceil_div(filters, ceil_div(filters, wide))
        elif form == 4:  # one step wider
            tn = ceil_div(filters, max(1, filters // wide))
        elif form == 5:  # all filters
            tn = filters
        elif form == 6:  # as many pixels as the input SRAM holds of one channel
            tn = min(filters, room_f, max(1, int(room_o // max(1.0, min(pixels, cap_i / per_pixel)))))
        elif form == 7:  # input kept, partial sums spill: a·c = size_i / cap_i, words = size_f·a + 2·size_o·c
            part = max(1.0, size_i / cap_i)
            c = math.sqrt(part * (1.0 if rf else size_f) / (2.0 * psum_words * size_o))
            tc = min(int(channels / max(1.0, min(c, part))), room_f, whole_row)
            tc = ceil_div(channels, ceil_div(channels, max(1, tc)))
            # Fewer filters at a time cost nothing, and leave room for the outputs of all the pixels held.
            held = pixels if ri else max(1, min(pixels, int(cap_i / (per_pixel * tc))))
            tn = max(1, min(gn, room_f // tc, room_o // held))
        elif form == 8:  # filters kept, partial sums spill: b·c = size_f / cap_f, words = size_i·b + 2·size_o·c
            part = max(1.0, size_f / cap_f)
            c = math.sqrt(part * (1.0 if ri else size_i) / (2.0 * psum_words * size_o))
            tc = min(int(channels / max(1.0, min(c, part))), whole_row)
            tc = ceil_div(channels, ceil_div(channels, max(1, tc)))
            tn = min(filters, room_f // tc)
        else:  # a slice of channels of all filters
            tn = filters
            tc = min(channels, room_f // filters)
        if 3 <= form <= 6:  # fewer channels at a time where that lets more outputs stay
            if tn < 1:
                continue
            tc = min(gc, room_f // tn)
            if not ri:
                held = min(pixels, room_o // tn)
                lines = min(held // layer[OUT_W], layer[OUT_H])
                if lines > 0 and held < layer[OUT_H] * layer[OUT_W]:  # with the rows that they share with others
                    lines = touched(lines, layer[STRIDE_H], layer[SPAN_H], layer[TAPS_H], height)
                    tc = min(tc, cap_i // (width * lines))
                else:
                    tc = min(tc, int(cap_i / (per_pixel * held)))
            tc = max(1, tc)
        tc = min(tc, room_i)
        if tc < 1 or tn < 1 or tc * tn > room_f or tn > room_o:
            continue
        # Tiles of equal size are smaller, which leaves more room for pixels.
        b, c = ceil_div(filters, tn), ceil_div(channels, tc)
        tn, tc = ceil_div(filters, b), ceil_div(channels, c)
        words_m = HUGE if ri else cap_i // tc
        a, again, slides = cut_pixels(layer, height, width, words_m, min(limit, room_o // tn))
        if a == 0:
            continue
        for i in range(6):
            order = PREFERENCE[dataflow, i]
            if fixed_order >= 0 and order != fixed_order:
                continue
            fi, ff, fo, inside = repeats(order, a, b, c, ri, rf, ro)
            one_pass = size_i if ri or (slides and not inside) else float(again) * channels
            words = fi * one_pass + ff * size_f + size_o * (1.0 + 2.0 * (fo - 1) * psum_words)
            if words <= best:
                # Ties: least that neither overlaps with computing, the first tiles in and the last tile out.
                exposed = max(one_pass / (float(a) * c), size_f / (float(b) * c)) + size_o / (float(a) * b)
                if words < best or exposed < best_exposed:
                    best, best_exposed, best_order = words, exposed, order
                    best_a, best_b, best_c = a, b, c
                    best_fi, best_ff, best_fo, best_pass = fi, ff, fo, one_pass
            if best <= compulsory:  # the other orders can but equal it, with the same tiles
                break
        if best <= compulsory:
            break
    return best_order, best_a, best_b, best_c, best_fi, best_ff, best_fo, best_pass, ri, rf, ro

"""How long a layer's tiles take: transfers of one tile overlap with computing another.

While tile i is computed, the operands that tile i + 1 lacks come in and the outputs that tile i - 1 left go out, each
operand over its own interface; the step lasts as long as the slowest of them. The first tile's operands and the last
tile's outputs overlap with nothing. Tiles of a loop are of equal size (the mean of a balanced cut).

The steps are not walked: all steps at the first, a middle or the last turn of each loop are alike, so at most 27 kinds
are weighed by how often they occur.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .tiling import LOOPS


@njit(cache=True, nogil=True, error_model="numpy")
def turns(trips, kind):
    """How often a loop of `trips` turns is at its first (0), a middle (1) or its last (2) turn."""
    if kind == 1:
        return max(trips - 2, 0)
    return 1 if kind == 0 or trips > 1 else 0


@njit(cache=True, nogil=True, error_model="numpy")
def total_cycles(order, a, b, c, groups, ri, rf, ro, tile_i, tile_f, tile_o, psum_words, compute, bandwidth):
    """Cycles from the first word in to the last word out.

    Args:
        order: loop order code.
        a, b, c: tiles over m, n, k.
        groups: how often the whole nest is repeated, with nothing shared between.
        ri, rf, ro: whether an operand stays on chip whole.
        tile_i, tile_f, tile_o: words of a tile of each operand.
        psum_words: words per partial sum.
        compute: cycles to compute one tile.
        bandwidth: words per cycle of each interface.
    """
    trips = (a, b, c)
    d0, d1, d2 = LOOPS[order, 0], LOOPS[order, 1], LOOPS[order, 2]
    t0, t1, t2 = trips[d0], trips[d1], trips[d2]
    load_i, load_f = tile_i / bandwidth, tile_f / bandwidth
    final, partial = tile_o / bandwidth, tile_o * psum_words / bandwidth
    more_1, more_2 = t1 > 1, t2 > 1

    total = max(load_i, load_f) + final
    for x in range(3):
        nx = turns(t0, x)
        if nx == 0:
            continue
        x_first, x_last = x == 0, x == 2 or t0 == 1
        for y in range(3):
            ny = turns(t1, y)
            if ny == 0:
                continue
            y_first, y_last = y == 0, y == 2 or t1 == 1
            for z in range(3):
                nz = turns(t2, z)
                if nz == 0:
                    continue
                z_first, z_last = z == 0, z == 2 or t2 == 1
                times = float(nx) * ny * nz

                # What the next tile brings in: which loops turn, and whether each of them stands at 0 afterwards.
                ends = False
                if not z_last:
                    c0, c1, c2 = False, False, True
                    o0, o1, o2 = x_first, y_first, False
                elif not y_last:
                    c0, c1, c2 = False, True, more_2
                    o0, o1, o2 = x_first, False, True
                elif not x_last:
                    c0, c1, c2 = True, more_1, more_2
                    o0, o1, o2 = False, True, True
                else:
                    ends = True
                    c0 = c1 = c2 = o0 = o1 = o2 = True
                # by operand dimension: m = 0, n = 1, k = 2
                turn_m = (d0 == 0 and c0) or (d1 == 0 and c1) or (d2 == 0 and c2)
                turn_n = (d0 == 1 and c0) or (d1 == 1 and c1) or (d2 == 1 and c2)
                turn_k = (d0 == 2 and c0) or (d1 == 2 and c1) or (d2 == 2 and c2)
                zero_m = (d0 == 0 and o0) or (d1 == 0 and o1) or (d2 == 0 and o2)
                zero_n = (d0 == 1 and o0) or (d1 == 1 and o1) or (d2 == 1 and o2)
                zero_k = (d0 == 2 and o0) or (d1 == 2 and o1) or (d2 == 2 and o2)
                into = 0.0
                if (turn_m or turn_k) and (not ri or zero_n):
                    into = load_i
                if (turn_n or turn_k) and (not rf or zero_m):
                    into = max(into, load_f)
                back = partial if (turn_m or turn_n) and not zero_k and not ro else 0.0

                # What the tile before left: its outputs, finished if its k was the last.
                begins = False
                if not z_first:
                    left = d2 != 2
                    last_k = (d1 == 2 and y_last) or (d0 == 2 and x_last)
                elif not y_first:
                    left = d1 != 2 or more_2
                    last_k = d2 == 2 or (d0 == 2 and x_last)
                elif not x_first:
                    left = d0 != 2 or more_1 or more_2
                    last_k = d0 != 2
                else:
                    begins, left, last_k = True, True, True
                out = 0.0
                if left:
                    out = final if last_k else (0.0 if ro else partial)

                full = max(compute, into, out + back)
                if begins and ends:  # one tile per group: only the groups around it load or store
                    if groups == 1:
                        total += compute
                    else:
                        total += max(compute, into) + max(compute, out) + (groups - 2) * full
                elif begins:
                    total += max(compute, into, back) + (groups - 1) * full
                elif ends:
                    total += max(compute, out) + (groups - 1) * full
                else:
                    total += times * groups * full
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def stream_cycles(work, words_in, words_out, bandwidth):
    """Cycles of an operator that streams through the vector unit: the slowest of working, reading and writing."""
    return max(np.ceil(work), words_in / bandwidth, words_out / bandwidth)

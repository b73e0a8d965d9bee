"""How long a layer's tiles take when each operand's SRAM is double buffered.

While one tile of an operand is in use, its next one comes in over the operand's own interface; for outputs, the tile
before goes out and a spilled next one comes back. A tile is therefore in use for at least as long as the transfers
behind it, and computing waits for the slowest operand. The first tiles in and the last tile out overlap with nothing.
Tiles of a loop are of equal size (the mean of a balanced cut).

Two operands change with every turn of the innermost loop; the third stays through all its turns and has that whole
period for its transfer. Neither steps nor periods are walked: those at the first, a middle or the last turn of each
loop are alike, so at most 27 kinds of step in 9 kinds of period are weighed by how often they occur.
"""

from __future__ import annotations

import math

from ...core.compiled import inlined, piece
from .tiling import LOOPS


@inlined
def turns(trips: int, kind: int) -> int:
    """Tell how often a loop of `trips` turns is at its first (0), a middle (1) or its last (2) turn."""
    if kind == 1:
        return max(trips - 2, 0)
    return 1 if kind == 0 or trips > 1 else 0


@piece
def total_cycles(
    order: int, a: int, b: int, c: int, groups: int, ri: bool, rf: bool, ro: bool,
    tile_i: float, tile_f: float, tile_o: float, psum_words: float, compute: float, bandwidth: float,
) -> float:  # fmt: skip
    """Count cycles from the first word in to the last word out.

    Args:
        order: loop order code.
        a: tiles over m.
        b: tiles over n.
        c: tiles over k.
        groups: how often the whole nest is repeated, with nothing shared between.
        ri: whether the input stays on chip whole.
        rf: whether the filters stay on chip whole.
        ro: whether the outputs stay on chip whole.
        tile_i: words of a tile of the input.
        tile_f: words of a tile of the filters.
        tile_o: words of a tile of the outputs.
        psum_words: words per partial sum.
        compute: cycles to compute one tile.
        bandwidth: words per cycle of each interface.
    """
    trips = (a, b, c)
    d0, d1, d2 = LOOPS[order, 0], LOOPS[order, 1], LOOPS[order, 2]
    # A loop of one turn may stand anywhere: put it outside, so that the innermost loop is one that turns.
    if trips[d2] == 1:
        d0, d1, d2 = d2, d0, d1
    if trips[d2] == 1:
        d0, d1, d2 = d2, d0, d1
    t0, t1, t2 = trips[d0], trips[d1], trips[d2]
    load_i, load_f = tile_i / bandwidth, tile_f / bandwidth
    final, partial = tile_o / bandwidth, tile_o * psum_words / bandwidth
    more_2 = t2 > 1

    total = max(load_i, load_f) + final
    if compute >= max(load_i, load_f, max(final, partial) + partial):  # no step ever waits
        return total + compute * (float(t0) * t1 * t2 * groups)
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
            begins, ends = x_first and y_first, x_last and y_last
            steps = 0.0  # of one period of this kind, with another group before and after
            spare_begin, spare_end = 0.0, 0.0  # less where there is none before, or after
            stay_in, stay_out = 0.0, 0.0  # transfers of the operand that stays through the period
            for z in range(3):
                nz = turns(t2, z)
                if nz == 0:
                    continue
                z_first, z_last = z == 0, z == 2 or t2 == 1

                # What the next tile needs: which loops turn, and whether each of them stands at 0 afterwards.
                if not z_last:
                    c0, c1, c2 = False, False, True
                    o0, o1, o2 = x_first, y_first, False
                elif not y_last:
                    c0, c1, c2 = False, True, more_2
                    o0, o1, o2 = x_first, False, True
                elif not x_last:
                    c0, c1, c2 = True, t1 > 1, more_2
                    o0, o1, o2 = False, True, True
                else:  # the next group
                    c0 = c1 = c2 = o0 = o1 = o2 = True
                turn_m = (d0 == 0 and c0) or (d1 == 0 and c1) or (d2 == 0 and c2)
                turn_n = (d0 == 1 and c0) or (d1 == 1 and c1) or (d2 == 1 and c2)
                turn_k = (d0 == 2 and c0) or (d1 == 2 and c1) or (d2 == 2 and c2)
                zero_m = (d0 == 0 and o0) or (d1 == 0 and o1) or (d2 == 0 and o2)
                zero_n = (d0 == 1 and o0) or (d1 == 1 and o1) or (d2 == 1 and o2)
                zero_k = (d0 == 2 and o0) or (d1 == 2 and o1) or (d2 == 2 and o2)
                in_i = load_i if (turn_m or turn_k) and (not ri or zero_n) else 0.0
                in_f = load_f if (turn_n or turn_k) and (not rf or zero_m) else 0.0
                back = partial if (turn_m or turn_n) and not zero_k and not ro else 0.0

                # What the tile before left behind: its outputs, finished if its k was the last.
                if not z_first:
                    left = d2 != 2
                    last_k = (d1 == 2 and y_last) or (d0 == 2 and x_last)
                elif not y_first:
                    left = d1 != 2 or more_2
                    last_k = d2 == 2 or (d0 == 2 and x_last)
                else:  # also where a group begins: then the group before left finished outputs
                    left = begins or d0 != 2 or t1 > 1 or more_2
                    last_k = begins or d0 != 2
                out = 0.0
                if left:
                    out = final if last_k else (0.0 if ro else partial)

                # The operand that does not depend on the innermost loop changes only with the period.
                if d2 == 0:
                    moving = max(in_i, out + back)
                    stay_in = max(stay_in, in_f)
                    moving_in, moving_out = max(in_i, back), out
                elif d2 == 1:
                    moving = max(in_f, out + back)
                    stay_in = max(stay_in, in_i)
                    moving_in, moving_out = max(in_f, back), out
                else:
                    moving = max(in_i, in_f)
                    stay_in = max(stay_in, back)
                    stay_out = max(stay_out, out)
                    moving_in, moving_out = moving, 0.0
                full = max(compute, moving)
                steps += nz * full
                if begins and z_first:
                    spare_begin = full - max(compute, moving_in)
                if ends and z_last:
                    # Alone in its period, this step also begins the group; then both ends are taken together below.
                    spare_end = full - max(compute, moving_out)
            whole = max(steps, stay_in + stay_out)
            if not begins and not ends:
                total += float(nx) * ny * groups * whole
                continue
            # The first group has none before it whose outputs go out, the last none after it to fetch for.
            first = max(steps - spare_begin, stay_in) if begins else whole
            last = max(steps - spare_end, stay_out) if ends else whole
            if begins and ends:
                if groups > 1:
                    total += first + last + (groups - 2) * whole
                elif more_2:
                    total += steps - spare_begin - spare_end
                else:
                    total += compute
            elif begins:
                total += first + (groups - 1) * whole
            else:
                total += last + (groups - 1) * whole
    return total


@inlined
def stream_cycles(work: float, words_in: float, words_out: float, bandwidth: float) -> float:
    """Count cycles of an operator that streams through the vector unit: the slowest of working, reading and writing."""
    return max(math.ceil(work), words_in / bandwidth, words_out / bandwidth)

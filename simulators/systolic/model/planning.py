"""Choosing how a layer is cut into tiles, and in which order its loops run: the least time, then the fewest words.

A choice is an innermost loop with tiles as fine as is useful, and one rung of the ladder (`lowering.cuts`) for each of
the two loops around it. It is open to a design if its tiles fit. Nothing else about the SRAMs changes the choices, and
an operand that stays on chip only ever moves less. So the best of them is not slower in a larger SRAM. Times are told
apart in classes that are `SAME` wide: of those in the best class, the one with the fewest words is taken.

Not every choice is timed. `estimate_*` prices one in closed form, tiles that can no longer be of use are left out, and
those few whose estimates come near the best are timed exactly.
"""

from __future__ import annotations

import math

import numpy as np

from ...core.compiled import inlined, piece
from .columns import AGAIN, HELD, SLIDES, TILE, TRIPS, Table
from .schedule import total_cycles
from .tiling import BEST_ORDER, LOOPS, repeats

# Two times are the same where they differ by less: what a larger SRAM may lose (0.5 %) leaves room for no more.
SAME = 0.003
PER_CLASS = 1.0 / math.log1p(SAME)
# A finer innermost tile is of no use where what it would save is this share of the least time that is possible.
USELESS = 0.001
# Finer tiles of the middle loop are looked at as long as each saves this share of the time.
GAIN = 0.0005
# An estimate may be off by this share, and by `DOUBT` of one turn of the innermost loop; `OVERESTIMATED` at most above.
NEAR, DOUBT, OVERESTIMATED = 1.01, 0.02, 0.0005

# Choices by their innermost loop, with the order that it has where none is fixed. Outputs stay in their SRAM while k
# is innermost, inputs with n, filters with m. Innermost tiles over m are rows of outputs. Pieces of a row, which fetch
# again what they share with their neighbours, are another choice, for want of room.
OUTPUTS_STAY, INPUTS_STAY, FILTERS_STAY, FILTERS_STAY_FOR_PIECES = range(4)
INNERMOST = np.array([2, 1, 0, 0], np.int64)
OUTER = np.array([[1, 0], [2, 0], [1, 2], [1, 2]], np.int64)
FREE_ORDER = np.array([1, 3, 5, 5], np.int64)
# They are looked at from what the array itself keeps: one row per dataflow code, os, ws, is.
PREFERENCE = np.array([[0, 2, 1, 3], [2, 0, 1, 3], [1, 0, 2, 3]], np.int64)
# Columns of the scratch space: a choice's estimate, its least words, and where it stands.
ESTIMATE, WORDS, CHOICE, OUTER_RUNG, INNER_RUNG = range(5)
CHOICES = 512


@inlined
def estimate_outputs_stay(
    a: float, b: float, turns: float, words_i: float, words_f: float, words_o: float, ri: bool, rf: bool, work: float,
    groups: float,
) -> float:  # fmt: skip
    """Estimate the least time, in words of an interface, of `a` × `b` tiles of outputs that stay while k runs.

    Args:
        a: tiles over m.
        b: tiles over n.
        turns: of k.
        words_i: words of one pass over the input of one group.
        words_f: words of one pass over its filters.
        words_o: words of one pass over its outputs.
        ri: whether the input stays on chip whole.
        rf: whether the filters stay on chip whole.
        work: words that an interface could move while one group is computed.
        groups: of the layer.
    """
    once_a, once_b = 1.0 / a, 1.0 / b
    out = words_o * once_a * once_b
    busy, load_i, load_f = work * once_a * once_b, words_i * once_a, words_f * once_b
    more_i, more_f = 0.0 if ri else load_i, 0.0 if rf else load_f
    base = max(busy, out)
    with_i, without_i = max(base, load_i), max(base, more_i)
    first = max(with_i, load_f)
    total = first + (b - 1.0) * max(without_i, load_f)
    total += (a - 1.0) * (max(with_i, more_f) + (b - 1.0) * max(without_i, more_f))
    # Before the first tile there is none to go out; its first inputs come in before it, those of the others while the
    # one before is in use.
    return out + groups * total - (first - max(busy, load_i, load_f)) + min(busy, max(load_i, load_f)) / turns


@inlined
def estimate_input_stays(
    tiles: float, c: float, turns: float, words_kept: float, words_streamed: float, words_o: float,
    streamed_stays: bool, ro: bool, psum_words: float, work: float, groups: float,
) -> float:  # fmt: skip
    """Estimate the least time of tiles of inputs or filters that stay while the innermost loop runs.

    It is in words of an interface.

    Args:
        tiles: of the operand's own outer dimension.
        c: tiles over k.
        turns: of the innermost loop.
        words_kept: words of one pass over the operand that stays, of one group.
        words_streamed: words of one pass over the other one.
        words_o: words of one pass over the outputs.
        streamed_stays: whether the other operand stays on chip whole.
        ro: whether the outputs stay on chip whole.
        psum_words: words per partial sum.
        work: words that an interface could move while one group is computed.
        groups: of the layer.
    """
    once, once_c = 1.0 / tiles, 1.0 / c
    kept, load, out = words_kept * once * once_c, words_streamed * once_c, words_o * once
    busy, more = work * once * once_c, 0.0 if streamed_stays else load
    base, others = max(busy, kept), tiles - 1.0
    first, later = max(base, load), max(base, more)
    final = out if ro or c == 1.0 else (1.0 + psum_words) * out
    total = max(first, final) + others * max(later, final)
    leaving = final
    if c > 1.0:
        leaving = 0.0 if ro else psum_words * out
        total += max(first, leaving) + others * max(later, leaving)
        if c > 2.0:
            total += (c - 2.0) * (max(first, 2.0 * leaving) + others * max(later, 2.0 * leaving))
    # What comes in is there one turn before it is in use, what goes out leaves one turn after.
    share = 1.0 / turns
    saved = max(first, leaving)
    load_next = more if tiles > 1.0 else load
    if tiles > 1.0 or c > 1.0:
        saved -= max(base, load + (load_next - load) * share, leaving * (1.0 - share))
    else:
        saved -= max(base, load, leaving * (1.0 - share))
    saved += max(kept, busy, load_next, final) - max(busy, final, load_next + (busy - load_next) * share)
    return max(kept, load * share) + groups * total - saved + out * share


@inlined
def fits(rungs: Table, m: int, n: int, k: int, cap_i: float, cap_f: float, cap_o: float) -> bool:
    """Tell if the tiles of three rungs fit: `cap_f` in filters × channels, infinite for an operand that stays whole."""
    channels, filters = rungs[2, TILE, k], rungs[1, TILE, n]
    held, pixels = rungs[0, HELD, m] * channels, rungs[0, TILE, m] * filters
    return bool(held <= cap_i and filters * channels <= cap_f and pixels <= cap_o)


@inlined
def input_words(rungs: Table, m: int, channels: float, size_i: float, stays: bool, inside: bool) -> float:
    """Count the words of one pass over the input of one group."""
    if stays or (rungs[0, SLIDES, m] == 1.0 and not inside):
        return size_i
    return float(rungs[0, AGAIN, m] * channels)


@piece
def plan(
    rungs: Table, heights: Table, flow: int, cap_i: int, cap_f: int, cap_o: int, psum_words: float, fixed_order: int,
    groups: int, taps: int, channels: int, size_i: float, size_f: float, size_o: float, compute: float,
    bandwidth: float, choices: Table,
) -> tuple[int, int, int, int, int, int, int, float, float, bool, bool, bool]:  # fmt: skip
    """Choose the tiles and the loop order of one group of a layer.

    Args:
        rungs: the layer's ladders, (3, RUNG_COLUMNS, most).
        heights: rungs of m, n and k, and those of m that cut no row of outputs, (4,).
        flow: dataflow code.
        cap_i: words that half of the input SRAM holds.
        cap_f: words that half of the filter SRAM holds.
        cap_o: partial sums that half of the output SRAM holds.
        psum_words: words per partial sum.
        fixed_order: a code into ORDERS, or BEST_ORDER.
        groups: of the layer.
        taps: of its filters, height times width.
        channels: that one group reads.
        size_i: words of one group's input.
        size_f: words of one group's filters.
        size_o: words of one group's outputs.
        compute: cycles that the arrays work on all groups.
        bandwidth: words per cycle of each interface.
        choices: scratch space, float64 (CHOICES, 5).

    Returns:
        order, a, b, c (tiles over m, n, k), passes over input and filters, writes per output, input words per pass,
        cycles, and the three residency flags; order -1 where not even the smallest tile fits.
    """
    ri, rf, ro = size_i <= cap_i, size_f <= cap_f, size_o <= cap_o
    room_i = np.inf if ri else float(cap_i)
    room_f = np.inf if rf else cap_f / taps
    room_o = np.inf if ro else float(cap_o)
    timed = bandwidth < np.inf
    work = compute * bandwidth / groups if timed else 0.0
    least = groups * max(work, size_i, size_f, size_o)
    last_m, last_n, last_k = heights[0] - 1, heights[1] - 1, heights[2] - 1

    found = 0
    best, done = np.inf, False
    compulsory = groups * (size_i + size_f + size_o)
    for turn in range(4):
        if done:
            break
        choice = PREFERENCE[flow, turn]
        inner = INNERMOST[choice]
        outer, middle = OUTER[choice, 0], OUTER[choice, 1]
        if heights[inner] == 1 and heights[0] + heights[1] + heights[2] > 3:
            continue  # a loop of one turn is not innermost
        if choice == FILTERS_STAY_FOR_PIECES:
            if ri or heights[0] == heights[3]:
                continue
            if timed and groups * rungs[0, AGAIN, heights[3]] * channels > best * NEAR:
                continue
        order, top_outer, top_middle = FREE_ORDER[choice], heights[outer], heights[middle]
        if fixed_order != BEST_ORDER:  # what is inside the loop that counts as innermost has to have one turn
            order = fixed_order
            for place in range(2, -1, -1):
                if LOOPS[order, place] == inner:
                    break
                if LOOPS[order, place] == outer:
                    top_outer = 1
                else:
                    top_middle = 1
        m, n, k = last_m, last_n, last_k
        turns = rungs[inner, TRIPS, heights[inner] - 1]
        if choice == FILTERS_STAY and not ri:
            m = heights[3] - 1
            turns = rungs[0, TRIPS, m]
        doubt = DOUBT / turns
        start = -1
        for x in range(top_outer):
            if done:
                break
            if outer == 1:
                n = x
            else:
                k = x
            if choice == FILTERS_STAY_FOR_PIECES:
                m = last_m
            # The coarsest rung of the middle loop that fits; finer ones of the outer loop leave room for coarser ones.
            y = start if start >= 0 else top_middle
            if start < 0:
                y = 0
                while y < top_middle:
                    if middle == 0:
                        m = y
                    else:
                        k = y
                    if fits(rungs, m, n, k, room_i, room_f, room_o):
                        break
                    y += 1
                if y == top_middle:
                    continue
            while y > 0:
                if middle == 0:
                    m = y - 1
                else:
                    k = y - 1
                if not fits(rungs, m, n, k, room_i, room_f, room_o):
                    break
                y -= 1
            start = y
            before, over = np.inf, False
            while y < top_middle:
                if middle == 0:
                    m = y
                else:
                    k = y
                if choice == FILTERS_STAY_FOR_PIECES:
                    m = heights[3]
                    while m < last_m and not fits(rungs, m, n, k, room_i, room_f, room_o):
                        m += 1
                    turns = rungs[0, TRIPS, m]
                a, b, c = rungs[0, TRIPS, m], rungs[1, TRIPS, n], rungs[2, TRIPS, k]
                if fixed_order != BEST_ORDER:
                    fi, ff, fo, inside = repeats(order, int(a), int(b), int(c), ri, rf, ro)
                    one_pass = input_words(rungs, m, channels, size_i, ri, inside)
                    moved_i, moved_f, moved_o = fi * one_pass, ff * size_f, size_o * (1.0 + 2.0 * (fo - 1) * psum_words)
                else:
                    one_pass = input_words(rungs, m, channels, size_i, ri, choice == OUTPUTS_STAY)
                    moved_i = one_pass if ri or choice == INPUTS_STAY else b * one_pass
                    moved_f = size_f if rf or choice >= FILTERS_STAY else a * size_f
                    moved_o = size_o
                    if choice != OUTPUTS_STAY and not ro:
                        moved_o *= 1.0 + 2.0 * (c - 1.0) * psum_words
                words = groups * (moved_i + moved_f + moved_o)
                if not timed:
                    if words < best:
                        best = words
                        found = 1
                        choices[0, ESTIMATE], choices[0, WORDS], choices[0, CHOICE] = 0.0, words, choice
                        choices[0, OUTER_RUNG], choices[0, INNER_RUNG] = x, y
                    break
                if groups * max(work, moved_i, moved_f, moved_o) > best * NEAR:
                    if choice == FILTERS_STAY_FOR_PIECES:  # smaller tiles over k leave room for longer pieces
                        y += 1
                        continue
                    over = y == 0
                    break
                if choice == OUTPUTS_STAY:
                    to_gain = size_o / (a * b)
                    time = estimate_outputs_stay(a, b, turns, one_pass, size_f, size_o, ri, rf, work, float(groups))
                elif choice == INPUTS_STAY:
                    to_gain = one_pass / (a * c)
                    time = estimate_input_stays(
                        a, c, turns, one_pass, size_f, size_o, rf, ro, psum_words, work, float(groups)
                    )
                else:
                    to_gain = size_f / (b * c)
                    time = estimate_input_stays(
                        b, c, turns, size_f, one_pass, size_o, ri, ro, psum_words, work, float(groups)
                    )
                if time > before * (1.0 - GAIN) and choice != FILTERS_STAY_FOR_PIECES:
                    break
                before = time
                if time <= least * (1.0 + USELESS) and words <= compulsory:  # nothing is better
                    choices[0, ESTIMATE], choices[0, WORDS], choices[0, CHOICE] = time, words, choice
                    choices[0, OUTER_RUNG], choices[0, INNER_RUNG] = x, y
                    found, done = 1, True
                    break
                best = min(best, time * (1.0 + doubt))
                if time * (1.0 - doubt) <= best * NEAR and found < CHOICES:
                    choices[found, ESTIMATE], choices[found, WORDS] = time * (1.0 - doubt), words
                    choices[found, CHOICE] = choice
                    choices[found, OUTER_RUNG], choices[found, INNER_RUNG] = x, y
                    found += 1
                # Finer tiles only ever save what the first or last tile of the operand that stays takes to move.
                if choice != FILTERS_STAY_FOR_PIECES and (to_gain <= GAIN * time or time - to_gain > best * NEAR):
                    over = y == 0
                    break
                y += 1
            if over:  # nor do more tiles of the outer loop leave room for coarser ones of the middle one
                break

    best_class, best_words, best_order, best_cycles = np.inf, np.inf, -1, np.inf
    limit, first_better = np.inf, np.inf
    best_a, best_b, best_c, best_fi, best_ff, best_fo, best_pass = 1, 1, 1, 1, 1, 1, size_i
    while True:
        at, lowest = -1, np.inf
        for i in range(found):
            if choices[i, ESTIMATE] < lowest:
                at, lowest = i, choices[i, ESTIMATE]
        if at < 0 or lowest * (1.0 - OVERESTIMATED) > limit:
            break
        if lowest * (1.0 - OVERESTIMATED) > first_better:  # no better class any more: only fewer words are of use
            at, fewest = -1, best_words
            for i in range(found):
                if choices[i, WORDS] < fewest and choices[i, ESTIMATE] * (1.0 - OVERESTIMATED) <= limit:
                    at, fewest = i, choices[i, WORDS]
            if at < 0:
                break
        choices[at, ESTIMATE] = np.inf
        choice = int(choices[at, CHOICE])
        inner, outer, middle = INNERMOST[choice], OUTER[choice, 0], OUTER[choice, 1]
        order = FREE_ORDER[choice] if fixed_order == BEST_ORDER else fixed_order
        m, n, k = last_m, last_n, last_k
        x, y = int(choices[at, OUTER_RUNG]), int(choices[at, INNER_RUNG])
        if outer == 1:
            n = x
        else:
            k = x
        if middle == 0:
            m = y
        else:
            k = y
        finest = heights[inner] - 1
        if choice == FILTERS_STAY and not ri:
            finest = heights[3] - 1
        a, b, c = rungs[0, TRIPS, m], rungs[1, TRIPS, n], rungs[2, TRIPS, k]
        if choice == OUTPUTS_STAY:
            enough = max(size_i / a, size_f / b)
        elif choice == INPUTS_STAY:
            enough = size_f / c + size_o / a
        else:
            enough = size_i / c + size_o / b
        enough /= USELESS * least
        if choice == FILTERS_STAY_FOR_PIECES:  # finer pieces would fetch more again
            enough = 0.0
        for z in range(heights[3] if choice == FILTERS_STAY_FOR_PIECES else 0, finest + 1):
            if rungs[inner, TRIPS, z] < enough and z < finest:
                continue
            if inner == 0:
                m = z
            elif inner == 1:
                n = z
            else:
                k = z
            if z == finest or fits(rungs, m, n, k, room_i, room_f, room_o):
                break
        trips_m, trips_n, trips_k = int(rungs[0, TRIPS, m]), int(rungs[1, TRIPS, n]), int(rungs[2, TRIPS, k])
        fi, ff, fo, inside = repeats(order, trips_m, trips_n, trips_k, ri, rf, ro)
        one_pass = input_words(rungs, m, channels, size_i, ri, inside)
        words = groups * (fi * one_pass + ff * size_f + size_o * (1.0 + 2.0 * (fo - 1) * psum_words))
        cycles, level = compute, 0.0
        if timed:
            a, b, c = rungs[0, TRIPS, m], rungs[1, TRIPS, n], rungs[2, TRIPS, k]
            cycles = total_cycles(
                order, trips_m, trips_n, trips_k, groups, ri, rf, ro, one_pass / (a * c), size_f / (b * c),
                size_o / (a * b), psum_words, compute / (a * b * c * groups), bandwidth,
            )  # fmt: skip
            level = math.floor(math.log(cycles) * PER_CLASS)
        if level < best_class or (level == best_class and words < best_words):
            best_class, best_words, best_order, best_cycles = level, words, order, cycles
            best_a, best_b, best_c, best_pass = trips_m, trips_n, trips_k, one_pass
            best_fi, best_ff, best_fo = fi, ff, fo
            if timed:
                first_better = math.exp(level / PER_CLASS) * bandwidth
                limit = first_better * (1.0 + SAME)
    return (
        best_order, best_a, best_b, best_c, best_fi, best_ff, best_fo, best_pass, max(best_cycles, compute), ri, rf, ro
    )  # fmt: skip


@piece
def coarsened(
    rungs: Table, heights: Table, cap_i: float, cap_f: float, cap_o: float, psum_words: float, groups: int,
    size_i: float, size_f: float, size_o: float, compute: float, bandwidth: float, slower: float,
    order: int, a: int, b: int, c: int, one_pass: float, cycles: float, ri: bool, rf: bool, ro: bool,
) -> tuple[int, int, int]:  # fmt: skip
    """Return the same plan with as few innermost tiles as cost a share `slower` of the time, and not one word.

    A memory that answers late is waited for at every tile.
    """
    trips = (a, b, c)
    place = 2
    while place > 0 and trips[LOOPS[order, place]] == 1:
        place -= 1
    inner = LOOPS[order, place]
    at_m, at_n, at_k = 0, 0, 0
    while rungs[0, TRIPS, at_m] < a:
        at_m += 1
    while rungs[1, TRIPS, at_n] < b:
        at_n += 1
    while rungs[2, TRIPS, at_k] < c:
        at_k += 1
    moved = repeats(order, a, b, c, ri, rf, ro)
    for z in range(heights[inner]):
        turns = int(rungs[inner, TRIPS, z])
        if turns >= trips[inner]:
            break
        if turns == 1:
            continue
        m, n, k = (z, at_n, at_k) if inner == 0 else (at_m, z, at_k) if inner == 1 else (at_m, at_n, z)
        if not fits(rungs, m, n, k, cap_i, cap_f, cap_o) or rungs[0, SLIDES, m] != rungs[0, SLIDES, at_m]:
            continue
        x, y, w = int(rungs[0, TRIPS, m]), int(rungs[1, TRIPS, n]), int(rungs[2, TRIPS, k])
        if repeats(order, x, y, w, ri, rf, ro) != moved or (rungs[0, AGAIN, m] != rungs[0, AGAIN, at_m] and not (
            ri or (rungs[0, SLIDES, m] == 1.0 and not moved[3])
        )):  # fmt: skip
            continue
        tiles = (float(x) * w, float(y) * w, float(x) * y)
        took = total_cycles(
            order, x, y, w, groups, ri, rf, ro, one_pass / tiles[0], size_f / tiles[1], size_o / tiles[2], psum_words,
            compute / (float(x) * y * w * groups), bandwidth,
        )  # fmt: skip
        if took <= cycles * (1.0 + slower):
            return x, y, w
    return a, b, c

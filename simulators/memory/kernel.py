"""The kernel: a DRAM controller and its devices, command by command.

The rules are those of DRAMSys 5.0 (Steiner et al., "DRAMSys4.0: an open-source simulation framework for in-depth DRAM
analyses", IJPP 2022): one queue and one bank machine per bank, a refresh machine per rank, a timing checker, and a
multiplexer that issues the command that is over first, the oldest request's of several. docs/memory.md has them in
full. Nothing happens between events, so time jumps from one to the next: a command that becomes legal, a request that
arrives, a refresh that falls due. Arrivals and responses have closed forms and need no events.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .bank import Banks, Requests, leave_queue, plan_bank
from .commands import ACT, N_COMMANDS, PREAB, PREPB, RD, RDA, REFAB, WR, WRA
from .intake import INF, has_space, next_arrival
from .latency import percentiles
from .refresh import (
    BLOCKED, BUSY_BANKS, OPEN_BANKS, OPEN_CYCLES, OPEN_SINCE, OPEN_UNTIL, RANK, TRIGGER, ask_for_refresh, open_span,
    refreshed,
)  # fmt: skip
from .timing import count_activation, delay_others, first_command

Array = np.ndarray[Any, np.dtype[Any]]

# Knobs, in columns of the design matrix.
(
    PAGE, SCHEDULER, BUFFER, BUFFER_SIZE, RESPONSES, REFRESH, POSTPONED, PULLED_IN, ARBITER, ACTIVE,
) = range(10)  # fmt: skip
KNOBS = 10

# Numbers that describe the device and the trace beside the tables. UNIFORM: whether all commands take one cycle of one
# bus, so that what goes next does not depend on the time at which it is asked.
(
    RANKS, GROUPS, MIXED, UNIFORM, TWO_BUSES, INTERVAL, FAW, READY_READ, READY_WRITE, OPEN_READ, OPEN_WRITE, RAS,
    REFRESH_OPEN, DONE_READ, DONE_WRITE, DONE_ACT, DONE_PRE,
) = range(17)  # fmt: skip
SETTINGS = 17

# What is counted per design, in columns of the output (int64). The first eight are commands issued, by number.
(
    CLOSED, END, WINDOW, ACTIVE_CYCLES, HITS, MISSES, CONFLICTS, READ_SUM, WRITE_SUM, WAIT_SUM, QUEUED_SUM, P50, P95, P99,
) = range(8, 22)  # fmt: skip
FIELDS = 22

# Per-request times, in columns of the log: left the requestor, stands at the controller, stored, data command issued,
# response at the controller, response at the requestor.
LEFT, STANDS, STORED, SERVED, ANSWERED, RECEIVED = range(6)
TIMES = 6
# Columns of the log of commands: time, command, bank (a rank's first for PREAB, REFAB), request (-1 for none).
LOG = 4


from numba import njit
@njit(_nrt=False,nogil=True,error_model='numpy')
def run_channel(
    requests: Requests, banks: Banks, group_free: Array, wanted: Array, acts: Array, rank: Array, first: Array, knobs: Array, distances: Array, lengths: Array, settings: Array,
    stands: Array, answered: Array, received: Array, out: Array, times: Array, log: Array, logged: int,
) -> int:  # fmt: skip
    """Runs one channel with n requests under one design and adds what happened to `out` (FIELDS,).

    Args:
        requests: none of them served.
        first: the first request of each bank, (banks,); n where there is none.
        knobs: int64 (KNOBS,).
        distances, lengths: as in `Device`.
        settings: int64 (SETTINGS,).
        stands, answered, received: int64 (n,), become when each request stood at the controller and was answered, and
            when the k-th response reached the requestor.
        times: (n, TIMES) to be filled, or (0, TIMES).
        log: (most, LOG) to be filled from `logged` on, or (0, LOG).

    Returns:
        How many log entries there are now.
    """
    n, n_banks, ranks, groups = len(requests.arrival), len(first), settings[RANKS], settings[GROUPS]
    per_rank = n_banks // ranks
    page, scheduler, buffer, size = knobs[PAGE], knobs[SCHEDULER], knobs[BUFFER], knobs[BUFFER_SIZE]
    by_direction = scheduler == 2 and settings[MIXED] == 1
    in_order, arbiter, active = knobs[RESPONSES] == 1, knobs[ARBITER], knobs[ACTIVE]
    interval, postponed = settings[INTERVAL], knobs[POSTPONED]
    uniform, two_buses = settings[UNIFORM] == 1, settings[TWO_BUSES] == 1

    for b in range(n_banks):
        banks.head[b] = first[b]
    banks.hit[:] = n
    banks.open_row[:] = -1
    banks.command[:] = -1
    for column in (banks.queued, banks.busy, banks.conflict, banks.opening, banks.free):
        column[:] = 0
    group_free[:] = 0
    row_bus, column_bus = 0, 0  # when they are free; one and the same for most devices
    wanted[:] = -1
    acts[:] = -INF
    rank[:] = 0
    trigger = INF
    for r in range(ranks):
        acts[r, 4] = 0
        rank[r, TRIGGER] = interval - interval // ranks * r if knobs[REFRESH] == 1 else INF
        trigger = min(trigger, rank[r, TRIGGER])
    refreshing = False

    stored, unserved, answers, direction = 0, n, 0, 0
    reads, writes, last_bank = 0, 0, 0
    last_answer, last_received = -1, -1
    window, window_at = 0, -1
    end = INF - 1 if n > 0 else -1
    left, stand = INF, INF  # when the next request leaves the requestor, and when it stands at the controller
    last_left, last_stored = -1, -1  # when the last stored request left, and was stored
    renew, storing, full = True, False, False
    low, high, other = 0, 0, -1  # banks that something happened to: a range, and one more
    issued, resting, fresh, now = False, True, False, 0
    who, when, soon, later = -1, INF, INF, INF

    while True:
        if storing:
            storing = False
            full = not has_space(buffer, size, banks.queued[last_bank], reads, writes)
            if not full:
                i = stored
                last_bank = requests.bank[i]
                banks.queued[last_bank] += 1
                if requests.is_write[i]:
                    writes += 1
                    out[WRITE_SUM] -= stand
                else:
                    reads += 1
                    out[READ_SUM] -= stand
                out[WAIT_SUM] -= left
                out[QUEUED_SUM] -= now
                stands[i] = stand
                if len(times) > 0:
                    times[i, LEFT], times[i, STORED] = left, now
                stored, last_left, last_stored, renew = i + 1, left, now, True
                if low >= high:
                    low, high = last_bank, last_bank + 1
                elif last_bank < low or last_bank >= high:
                    other = last_bank
                resting = resting and issued  # a cycle without a command selects once more
        if renew:
            renew = False
            left, stand = next_arrival(
                stored, last_stored, last_left, arbiter, active, requests.arrival, received, answers
            )
        while low < high:
            r = low // per_rank
            if not rank[r, BLOCKED]:
                was = banks.busy[low]
                if plan_bank(low, stored, scheduler, page, by_direction, direction, banks, requests):
                    fresh = False
                rank[r, BUSY_BANKS] += banks.busy[low] - was
            low += 1
            if low == high and other >= 0:
                low, high, other = other, other + 1, -1
        if refreshing or now >= trigger:
            refreshing, trigger = ask_for_refresh(rank, now, interval, postponed, banks.command, wanted)
            fresh = False
        if not fresh:
            fresh = True
            who, when, age, soon, later = first_command(
                now, row_bus, ACT, REFAB if two_buses else WRA, banks, wanted, group_free, lengths, groups
            )
            if two_buses:
                col_who, col_when, col_age, col_soon, col_later = first_command(
                    now, column_bus, RD, WRA, banks, wanted, group_free, lengths, groups
                )
                if col_when < when or (col_when == when and col_age < age):
                    who, when = col_who, col_when
                soon, later = min(soon, col_soon), min(later, col_later)

        if resting:
            # On to the next event. A request that waited for its turn is stored before a command is selected, one that
            # comes to an idle controller after that.
            now = min(soon if issued else later, trigger)
            if not full:
                now = min(now, stand)
            if now > end:
                break
            storing = not full and stand <= now and (stand < now or left < stand)
            resting, issued = False, False
            fresh = fresh and uniform
            continue

        resting = True
        data = False
        if when <= now:
            issued, fresh = True, False
            r = -2 - who if who < 0 else who // per_rank
            c = wanted[r] if who < 0 else banks.command[who]
            out[c] += 1
            if logged < len(log):
                log[logged, 0], log[logged, 1] = now, c
                log[logged, 2] = who if who >= 0 else r * per_rank
                log[logged, 3] = banks.request[who] if who >= 0 else -1
                logged += 1
            if two_buses and c >= RD:
                column_bus = now + lengths[c]
            else:
                row_bus = now + lengths[c]
            delay_others(now, c, max(who, -1), r, banks, group_free, distances, groups, ranks)
            low, high = who, who + 1
            done, closes = settings[DONE_PRE], now
            if c == ACT:
                done = settings[DONE_ACT]
                i = banks.request[who]
                if rank[r, OPEN_BANKS] == 0:
                    open_span(rank[r], now)
                rank[r, OPEN_BANKS] += 1
                banks.open_row[who], banks.hit[who], banks.opened[who] = requests.row[i], i, now
                banks.opening[who] = 1 + banks.conflict[who]
                banks.conflict[who] = 0
                count_activation(now, r, acts, settings[FAW], group_free, groups)
            elif c == PREPB:
                out[CLOSED] += 1
                rank[r, OPEN_BANKS] -= 1
                banks.open_row[who], banks.conflict[who] = -1, 1
            elif c == PREAB:
                low, high = r * per_rank, (r + 1) * per_rank
                out[CLOSED] += rank[r, OPEN_BANKS]
                rank[r, OPEN_BANKS] = 0
                banks.open_row[low:high] = -1
            elif c == REFAB:
                low, high = r * per_rank, (r + 1) * per_rank
                done = 0
                open_span(rank[r], now)
                closes = now + settings[REFRESH_OPEN]
                refreshed(rank[r], interval, knobs[PULLED_IN])
            else:
                data = True
                i, writing = banks.request[who], c >= WR
                done = settings[DONE_WRITE] if writing else settings[DONE_READ]
                if writing:
                    writes -= 1
                else:
                    reads -= 1
                out[HITS + banks.opening[who]] += 1
                banks.opening[who] = 0
                out[QUEUED_SUM] += now
                unserved -= 1
                leave_queue(who, i, banks, requests)
                if len(times) > 0:
                    times[i, SERVED] = now
                if by_direction and writing != (direction == 1):
                    direction = 1 - direction
                    low, high = 0, n_banks

                ready = now + settings[READY_WRITE if writing else READY_READ]
                if in_order:
                    answered[i] = ready
                    while requests.served[answers]:
                        last_answer = max(answered[answers], last_answer + 1)
                        out[WRITE_SUM if requests.is_write[answers] else READ_SUM] += last_answer
                        out[WAIT_SUM] += last_answer
                        answered[answers] = last_answer
                        received[answers] = last_answer
                        answers += 1
                else:
                    last_answer = max(ready, last_answer + 1)
                    out[WRITE_SUM if writing else READ_SUM] += last_answer
                    out[WAIT_SUM] += last_answer
                    answered[i] = last_answer
                    if arbiter == 2:
                        while requests.served[answers]:
                            last_received = max(answered[answers], last_received + 1)
                            received[answers] = last_received
                            answers += 1
                    else:
                        received[answers] = last_answer
                        answers += 1
                if unserved == 0:
                    end = received[n - 1]
                renew = stand == INF
            if now >= window_at:
                window_at, window = now, now + done - 1
            if c == RDA or c == WRA:
                closes = max(now + settings[OPEN_WRITE if c == WRA else OPEN_READ], banks.opened[who] + settings[RAS])
                out[CLOSED] += 1
                rank[r, OPEN_BANKS] -= 1
                banks.open_row[who] = -1
                if closes >= window_at:
                    window_at, window = closes, closes + settings[DONE_PRE] - 1
            if c != ACT and c != RD and c != WR:
                rank[r, OPEN_UNTIL] = max(rank[r, OPEN_UNTIL], closes)
        storing = stand <= now and (data or not full)

    for r in range(ranks):
        until = rank[r, OPEN_UNTIL]
        until = max(until, window) if rank[r, OPEN_BANKS] > 0 else until
        out[ACTIVE_CYCLES] += rank[r, OPEN_CYCLES] + until - rank[r, OPEN_SINCE]
    out[END] = max(out[END], end)
    out[WINDOW] = max(out[WINDOW], window)
    if len(times) > 0:
        for i in range(n):
            times[i, STANDS], times[i, ANSWERED] = stands[i], answered[i]
            times[i, RECEIVED] = received[i] if arbiter == 2 else answered[i]
    return logged


@compiled
def run_batch(
    start: Array, requests: Requests, first: Array, designs: Array, distances: Array, lengths: Array, settings: Array,
    out: Array, times: Array, log: Array,
) -> int:  # fmt: skip
    """Runs every design (n, KNOBS) on every channel of a `Workset`; fills `out` (n, FIELDS).

    `times` (requests, TIMES) and `log` (most, LOG) are filled where they have rows; they hold the last design's.

    Returns:
        How many entries of the log were filled.
    """
    most = len(requests.arrival)
    stands, answered, received = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    latencies = np.empty(most, np.int64)
    n_banks, ranks, groups = first.shape[1], settings[RANKS], settings[GROUPS]
    banks = Banks(
        np.empty(n_banks, np.int64), np.empty(n_banks, np.int64), np.empty(n_banks, np.int64), np.empty(n_banks, np.int64),
        np.empty(n_banks, np.int64), np.empty(n_banks, np.int64), np.empty(n_banks, np.int64), np.empty(n_banks, np.int64),
        np.empty(n_banks, np.int64), np.empty(n_banks, np.int64), np.empty(n_banks, np.int64),
        np.empty(n_banks * N_COMMANDS, np.int64),
    )  # fmt: skip
    group_free = np.zeros(ranks * groups * N_COMMANDS, np.int64)
    rank = np.zeros((ranks, RANK), np.int64)
    wanted = np.full(ranks, -1)
    acts = np.full((ranks, 5), -INF)
    logged = 0
    for d in range(len(designs)):
        out[d] = 0
        reads, logged = 0, 0
        for channel in range(len(start) - 1):
            a, z = start[channel], start[channel + 1]
            part = Requests(
                requests.arrival[a:z], requests.is_write[a:z], requests.bank[a:z], requests.row[a:z],
                requests.next_bank[a:z], requests.next_row[a:z], requests.previous_same[a:z],
                np.zeros(z - a + 1, np.bool_),
            )  # fmt: skip
            logged = run_channel(
                part, banks, group_free, wanted, acts, rank, first[channel], designs[d], distances, lengths, settings, stands, answered, received, out[d],
                times[a:z], log, logged,
            )  # fmt: skip
            for i in range(z - a):
                if not part.is_write[i]:
                    latencies[reads] = answered[i] - stands[i]
                    reads += 1
        out[d, P50], out[d, P95], out[d, P99] = percentiles(latencies[:reads])
    return logged

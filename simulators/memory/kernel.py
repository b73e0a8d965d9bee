"""The batch kernel: a DRAM controller and its devices, command by command, on every design.

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
from .bank import (
    BANK, BUSY, COMMAND, CONFLICT, HEAD, HIT, OPEN_ROW, OPENED, OPENING, QUEUED, REQUEST, leave_queue, update_bank,
)  # fmt: skip
from .commands import ACT, PREAB, PREPB, RD, RDA, REFAB, WR, WRA
from .intake import (
    AHEAD, FULL, INF, INTAKE, LAST_BANK, LAST_STORED, LAST_TAKEN, QUEUE_TIME, READS, RECEIPTS, STORED, WRITES, has_space,
    next_request,
)  # fmt: skip
from .latency import percentiles
from .refresh import (
    BLOCKED, BUSY_BANKS, OPEN_BANKS, OPEN_SINCE, OPEN_UNTIL, RANK, TRIGGER, due_refresh, refreshed,
)  # fmt: skip
from .timing import LATER, SOON, WHEN, WHO, count_activation, delay_others, select

Array = np.ndarray[Any, np.dtype[Any]]

# Knobs, in columns of the design matrix.
(
    PAGE, SCHEDULER, BUFFER, BUFFER_SIZE, RESPONSES, REFRESH, POSTPONED, PULLED_IN, ARBITER, ACTIVE,
) = range(10)  # fmt: skip
KNOBS = 10

# Numbers that describe the device and the trace beside the tables.
(
    RANKS, GROUPS, MIXED, UNIFORM, TWO_BUSES, INTERVAL, FAW, READY_READ, READY_WRITE, OPEN_READ, OPEN_WRITE, RAS,
    REFRESH_OPEN, DONE_READ, DONE_WRITE, DONE_ACT, DONE_PRE,
) = range(17)  # fmt: skip
SETTINGS = 17

# What is counted per design, in columns of the output (int64). The first eight are commands issued, by number.
(
    CLOSED, END, WINDOW, OPEN_CYCLES, HITS, MISSES, CONFLICTS, READ_SUM, WRITE_SUM, WAIT_SUM, QUEUED_SUM, P50, P95, P99,
) = range(8, 22)  # fmt: skip
FIELDS = 22

# Per-request times, in columns of the log: taken by the arbiter, stands at the controller, stored, data command issued,
# response at the controller, response at the requestor.
TAKEN, STANDS, KEPT, SERVED, ANSWERED, RECEIVED = range(6)
TIMES = 6
# Columns of the log of commands: time, command, bank (a rank's first for PREAB, REFAB), request (-1 for none).
LOG = 4


@compiled
def run_channel(
    arrival: Array, is_write: Array, bank_of: Array, row_of: Array, next_bank: Array, next_row: Array, previous_same: Array,
    first: Array, knobs: Array, distances: Array, lengths: Array, buses: Array, settings: Array, scratch: Array,
    served: Array, out: Array, times: Array, log: Array, logged: int,
) -> int:  # fmt: skip
    """Runs one channel with n requests under one design and adds what happened to `out` (FIELDS,).

    Args:
        arrival, …, first: the channel's part of a `Workset`; `first` is (banks,).
        knobs: int64 (KNOBS,).
        distances, lengths, buses: as in `Device`.
        settings: int64 (SETTINGS,).
        scratch: int64 (4, n or more): becomes when the arbiter took each request and when it stood at the controller,
            when its response left, and when the k-th response was received.
        served: bool (n + 1 or more,), scratch.
        times: (n, TIMES) to be filled, or (0, TIMES).
        log: (most, LOG) to be filled from `logged` on, or (0, LOG).

    Returns:
        How many log entries there are now.
    """
    n, banks, ranks, groups = len(arrival), len(first), settings[RANKS], settings[GROUPS]
    rank_banks = banks // ranks
    taken, stands, answered, received = scratch[0], scratch[1], scratch[2], scratch[3]
    page, scheduler, buffer, size = knobs[PAGE], knobs[SCHEDULER], knobs[BUFFER], knobs[BUFFER_SIZE]
    by_direction = scheduler == 2 and settings[MIXED] == 1
    in_order, arbiter, active = knobs[RESPONSES] == 1, knobs[ARBITER], knobs[ACTIVE]
    interval, postponed = settings[INTERVAL], knobs[POSTPONED]
    uniform, two_buses = settings[UNIFORM] == 1, settings[TWO_BUSES] == 1

    bank = np.zeros((banks, BANK), np.int64)
    bank[:, HEAD] = first
    bank[:, HIT] = n
    bank[:, OPEN_ROW] = -1
    bank[:, COMMAND] = -1
    bank_free = np.zeros((banks, 8), np.int64)
    group_free = np.zeros((ranks * groups, 8), np.int64)
    bus_free = np.zeros(2, np.int64)
    rank = np.zeros((ranks, RANK), np.int64)
    refresh_command = np.full(ranks, -1, np.int64)
    acts = np.full((ranks, 5), -INF, np.int64)
    acts[:, 4] = 0
    for r in range(ranks):
        rank[r, TRIGGER] = interval - interval // ranks * r if knobs[REFRESH] == 1 else INF
    trigger = rank[:, TRIGGER].min()
    state = np.zeros(INTAKE, np.int64)
    state[LAST_STORED] = -1
    state[LAST_TAKEN] = -1
    served[: n + 1] = False
    found = np.zeros(4, np.int64)

    left, answers, direction = n, 0, 0
    last_answer, last_received = -1, -1
    window, window_at, queued_sum = 0, -1, 0
    end = INF
    fresh = False  # whether `found` holds for what is known now
    if n > 0:
        next_request(state, arbiter, active, arrival, taken, stands, received)
        state[AHEAD] = 0
    else:
        end = -1
    now = min(state[QUEUE_TIME], trigger) if n > 0 else INF

    while now <= end and now < INF:
        issued, data = False, False
        stage = 0
        while stage < 2:
            # A request that waited for its turn is stored before a command is selected, one that comes to an idle
            # controller after that; a data command makes space.
            q = state[QUEUE_TIME]
            if stage == 0:
                store = q <= now and not state[FULL] and (q < now or state[AHEAD] == 1)
            else:
                store = q <= now and (data or not state[FULL])
            if store:
                if has_space(state, buffer, size, bank[:, QUEUED]):
                    i = state[STORED]
                    b = bank_of[i]
                    r = b // rank_banks
                    bank[b, QUEUED] += 1
                    state[WRITES if is_write[i] else READS] += 1
                    state[LAST_BANK], state[LAST_STORED], state[LAST_TAKEN] = b, now, taken[i]
                    state[STORED] = i + 1
                    state[FULL] = 0
                    queued_sum -= now
                    if len(times) > 0:
                        times[i, KEPT] = now
                    next_request(state, arbiter, active, arrival, taken, stands, received)
                    if not rank[r, BLOCKED]:
                        rank[r, BUSY_BANKS] += 1 - bank[b, BUSY]
                        if update_bank(
                            bank[b], i + 1, scheduler, page, by_direction, direction, row_of, is_write, next_bank, next_row,
                            previous_same, served,
                        ):  # fmt: skip
                            fresh = False
                    if stage == 1 and not issued:
                        stage = -1  # select once more in this cycle
                else:
                    state[FULL] = 1
            stage += 1
            if stage != 1:
                continue

            if now >= trigger:
                trigger = INF
                for r in range(ranks):
                    refresh_command[r] = due_refresh(rank[r], now, interval, postponed)
                    trigger = min(trigger, rank[r, TRIGGER])
                    if rank[r, BLOCKED]:
                        bank[r * rank_banks : (r + 1) * rank_banks, COMMAND] = -1
                fresh = False
            if not (fresh and uniform):
                select(
                    now, bank, bank_free, group_free, refresh_command, lengths, buses, bus_free, two_buses, groups, found
                )  # fmt: skip
                fresh = True
            if found[WHEN] > now:
                continue
            issued = True
            fresh = False
            who = found[WHO]
            r = -2 - who if who < 0 else who // rank_banks
            c = refresh_command[r] if who < 0 else bank[who, COMMAND]
            i = -1 if who < 0 else bank[who, REQUEST]
            out[c] += 1
            if logged < len(log):
                log[logged, 0], log[logged, 1], log[logged, 3] = now, c, i
                log[logged, 2] = who if who >= 0 else r * rank_banks
                logged += 1
            bus_free[buses[c]] = now + lengths[c]
            delay_others(now, c, max(who, -1), r, bank_free, group_free, distances, groups, ranks)

            done = settings[DONE_PRE]
            closes = now
            if c == ACT:
                done = settings[DONE_ACT]
                if rank[r, OPEN_BANKS] == 0 and now > rank[r, OPEN_UNTIL]:
                    out[OPEN_CYCLES] += rank[r, OPEN_UNTIL] - rank[r, OPEN_SINCE]
                    rank[r, OPEN_SINCE] = now
                rank[r, OPEN_BANKS] += 1
                bank[who, OPEN_ROW] = row_of[i]
                bank[who, HIT] = i
                bank[who, OPENED] = now
                bank[who, OPENING] = 1 + bank[who, CONFLICT]
                bank[who, CONFLICT] = 0
                count_activation(now, r, acts, settings[FAW], group_free, groups)
            elif c == PREPB:
                out[CLOSED] += 1
                rank[r, OPEN_BANKS] -= 1
                bank[who, OPEN_ROW] = -1
                bank[who, CONFLICT] = 1
            elif c == PREAB:
                out[CLOSED] += rank[r, OPEN_BANKS]
                rank[r, OPEN_BANKS] = 0
                bank[r * rank_banks : (r + 1) * rank_banks, OPEN_ROW] = -1
            elif c == REFAB:
                done = 0
                if now > rank[r, OPEN_UNTIL]:
                    out[OPEN_CYCLES] += rank[r, OPEN_UNTIL] - rank[r, OPEN_SINCE]
                    rank[r, OPEN_SINCE] = now
                closes = now + settings[REFRESH_OPEN]
                refreshed(rank[r], interval, knobs[PULLED_IN])
                trigger = min(trigger, rank[r, TRIGGER])
            else:
                data = True
                done = settings[DONE_WRITE] if c >= WR else settings[DONE_READ]
            if now >= window_at:
                window_at, window = now, now + done - 1
            if c == RDA or c == WRA:
                closes = max(now + settings[OPEN_WRITE if c == WRA else OPEN_READ], bank[who, OPENED] + settings[RAS])
                out[CLOSED] += 1
                rank[r, OPEN_BANKS] -= 1
                bank[who, OPEN_ROW] = -1
                if closes >= window_at:
                    window_at, window = closes, closes + settings[DONE_PRE] - 1
            if c != ACT and c != RD and c != WR:
                rank[r, OPEN_UNTIL] = max(rank[r, OPEN_UNTIL], closes)

            every = c == PREAB or c == REFAB  # whether other banks than one have to be looked at
            if data:
                opening = bank[who, OPENING]
                out[HITS + opening] += 1
                bank[who, OPENING] = 0
                served[i] = True
                left -= 1
                queued_sum += now
                state[WRITES if c >= WR else READS] -= 1
                leave_queue(bank[who], next_bank, next_row, served)
                if len(times) > 0:
                    times[i, SERVED] = now
                ready = now + settings[READY_WRITE if c >= WR else READY_READ]
                if in_order:
                    answered[i] = ready
                    while answers < n and served[answers]:
                        last_answer = max(answered[answers], last_answer + 1)
                        answered[answers] = last_answer
                        received[answers] = last_answer
                        answers += 1
                    state[RECEIPTS] = answers
                else:
                    last_answer = max(ready, last_answer + 1)
                    answered[i] = last_answer
                    if arbiter == 2:
                        while answers < n and served[answers]:
                            last_received = max(answered[answers], last_received + 1)
                            received[answers] = last_received
                            answers += 1
                    else:
                        received[answers] = last_answer
                        answers += 1
                    state[RECEIPTS] = answers
                if left == 0:
                    end = received[n - 1]
                if state[QUEUE_TIME] == INF:
                    next_request(state, arbiter, active, arrival, taken, stands, received)
                if by_direction and (c >= WR) != (direction == 1):
                    direction = 1 - direction
                    every = True
            low, high = (r * rank_banks, (r + 1) * rank_banks) if who < 0 else (who, who + 1)
            if every and who >= 0:
                low, high = 0, banks
            for b in range(low, high):
                r = b // rank_banks
                if not rank[r, BLOCKED]:
                    was = bank[b, BUSY]
                    update_bank(
                        bank[b], state[STORED], scheduler, page, by_direction, direction, row_of, is_write, next_bank,
                        next_row, previous_same, served,
                    )  # fmt: skip
                    rank[r, BUSY_BANKS] += bank[b, BUSY] - was

        # The refresh machines again: a bank that has taken up a request ends a refresh ahead of time.
        if issued or now >= trigger:
            trigger = INF
            for r in range(ranks):
                before = refresh_command[r]
                refresh_command[r] = due_refresh(rank[r], now, interval, postponed)
                trigger = min(trigger, rank[r, TRIGGER])
                if rank[r, BLOCKED]:
                    bank[r * rank_banks : (r + 1) * rank_banks, COMMAND] = -1
                    fresh = False
                if refresh_command[r] != before:
                    fresh = False
        if not fresh or not uniform:
            select(now, bank, bank_free, group_free, refresh_command, lengths, buses, bus_free, two_buses, groups, found)
            fresh = True
        wake = found[SOON] if issued else found[LATER]
        if not state[FULL]:
            wake = min(wake, state[QUEUE_TIME])
        for r in range(ranks):
            if refresh_command[r] < 0:
                wake = min(wake, max(rank[r, TRIGGER], now + 1))
        now = wake

    wait_sum = 0
    for i in range(n):
        delay = answered[i] - stands[i]
        wait_sum += answered[i] - taken[i]
        out[WRITE_SUM if is_write[i] else READ_SUM] += delay
        if len(times) > 0:
            times[i, TAKEN], times[i, STANDS], times[i, ANSWERED] = taken[i], stands[i], answered[i]
            times[i, RECEIVED] = received[i] if arbiter == 2 else answered[i]
    for r in range(ranks):
        until = rank[r, OPEN_UNTIL]
        out[OPEN_CYCLES] += (max(until, window) if rank[r, OPEN_BANKS] > 0 else until) - rank[r, OPEN_SINCE]
    out[END] = max(out[END], end)
    out[WINDOW] = max(out[WINDOW], window)
    out[WAIT_SUM] += wait_sum
    out[QUEUED_SUM] += queued_sum
    return logged


@compiled
def run_batch(
    start: Array, arrival: Array, is_write: Array, bank_of: Array, row_of: Array, next_bank: Array, next_row: Array,
    previous_same: Array, first: Array, designs: Array, distances: Array, lengths: Array, buses: Array, settings: Array,
    out: Array, times: Array, log: Array,
) -> int:  # fmt: skip
    """Runs every design (n, KNOBS) on every channel of a `Workset`; fills `out` (n, FIELDS).

    `times` (requests, TIMES) and `log` (most, LOG) are filled where they have rows; they hold the last design's.

    Returns:
        How many entries of the log were filled.
    """
    most = len(arrival) + 1
    scratch = np.empty((4, most), np.int64)
    served = np.empty(most, np.bool_)
    latencies = np.empty(most, np.int64)
    logged = 0
    for d in range(len(designs)):
        out[d] = 0
        reads, logged = 0, 0
        for channel in range(len(start) - 1):
            a, z = start[channel], start[channel + 1]
            logged = run_channel(
                arrival[a:z], is_write[a:z], bank_of[a:z], row_of[a:z], next_bank[a:z], next_row[a:z], previous_same[a:z],
                first[channel], designs[d], distances, lengths, buses, settings, scratch, served, out[d], times[a:z], log,
                logged,
            )  # fmt: skip
            for i in range(z - a):
                if not is_write[a + i]:
                    latencies[reads] = scratch[2, i] - scratch[1, i]
                    reads += 1
        out[d, P50], out[d, P95], out[d, P99] = percentiles(latencies[:reads])
    return logged

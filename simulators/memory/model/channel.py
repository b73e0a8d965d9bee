"""A channel: a DRAM controller and its devices, command by command.

The rules are those of DRAMSys 5.0 (Steiner et al., "DRAMSys4.0: an open-source simulation framework for in-depth DRAM
analyses", IJPP 2022): one queue and one bank machine per bank, a refresh machine per rank, a timing checker, and a
multiplexer that issues the command that is over first, the oldest request's of several. docs/memory.md has them in
full. Nothing happens between events, so time jumps from one to the next: a command that becomes legal, a request that
arrives, a refresh that falls due. Arrivals and responses have closed forms and need no events.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import piece
from .arbiter import next_arrival
from .bank import CONFLICT, HIT, MISS, leave_queue, plan_bank
from .buffer import has_space
from .commands import ACT, PREAB, PREPB, RD, RDA, REFAB, WR, WRA
from .policies import AS_REQUESTED, FR_FCFS_GRP, READING, SORTING, WRITING
from .refresh import ask_for_refresh, open_span, refreshed
from .responses import Answers, respond
from .timing import INF, Timing, Wishes, count_activation, delay_others, first_command

Array = np.ndarray[Any, np.dtype[Any]]

# Knobs, in columns of the design matrix.
(
    PAGE, SCHEDULER, BUFFER, BUFFER_SIZE, RESPONSES, REFRESH, POSTPONED, PULLED_IN, ARBITER, ACTIVE,
) = range(10)  # fmt: skip
KNOBS = 10

# What is counted per design, in columns of the output (int64). The first eight are commands issued, by number. CLOSED:
# banks closed by whatever command; END, WINDOW: time of the last response, and until which energy is counted;
# ACTIVE_CYCLES: cycles in which some bank of a rank was open, over ranks; HITS, MISSES, CONFLICTS: requests; READ_SUM,
# WRITE_SUM: cycles at the controller, over reads and over writes, AT_ARBITER: before that, over all; QUEUED_SUM: in the
# buffer, over all; P50, P95, P99: percentiles of the cycles of reads at the controller; SOJOURN: from arrival to the
# response at the requestor, over all.
(
    CLOSED, END, WINDOW, ACTIVE_CYCLES, HITS, MISSES, CONFLICTS, READ_SUM, WRITE_SUM, AT_ARBITER, QUEUED_SUM,
    P50, P95, P99, SOJOURN,
) = range(8, 23)  # fmt: skip
FIELDS = 23

# Per-request times, in columns of the log: arrived, left the requestor, stands at the controller, stored, data command
# issued, response at the controller, response at the requestor.
ARRIVED, LEFT, STANDS, STORED, SERVED, ANSWERED, RECEIVED = range(7)
TIMES = 7
# Columns of the record of commands: time, command, bank within the channel (a rank's first for PREAB, REFAB), request
# within the channel (-1 for those), channel.
LOG_CYCLE, LOG_COMMAND, LOG_BANK, LOG_REQUEST, LOG_CHANNEL = range(5)
LOG = 5


class Machine(NamedTuple):
    """The device and the trace in numbers; all times in memory-clock cycles.

    Attributes:
        distances, lengths: as in `Device`.
        groups: bank groups of a rank.
        mixed: whether there are reads and writes.
        relative: whether arrivals count from when the request before was issued.
        uniform: whether all commands take one cycle of one bus, so that what goes next does not depend on the time at
            which it is asked.
        interval: between refreshes of a rank.
        faw: span of at most four activations of a rank.
        ready_read, ready_write: from a data command to the end of its data.
        open_read, open_write: from an auto-precharging command to its precharge, unless `ras` after the ACT is later.
        open_refresh: from a refresh until no bank counts as open.
        done_read, done_write, done_act, done_pre: until a command is over, as DRAMPower counts.
    """

    distances: Array
    lengths: Array
    groups: int
    mixed: bool
    relative: bool
    uniform: bool
    interval: int
    faw: int
    ready_read: int
    ready_write: int
    open_read: int
    open_write: int
    ras: int
    open_refresh: int
    done_read: int
    done_write: int
    done_act: int
    done_pre: int


class Record(NamedTuple):
    """What is written down on request, each filled if it has rows: times (n, TIMES), and commands (most, LOG)."""

    times: Array
    commands: Array


@piece
def run_channel(
    requests: Array, served: Array, banks: Array, wishes: Wishes, ranks: Array, timing: Timing, machine: Machine,
    knobs: Array, answers: Answers, out: Array, record: Record, logged: int,
) -> int:  # fmt: skip
    """Run one channel with n requests under one design and add what happened to `out` (FIELDS,).

    Args:
        requests: `REQUEST` (n + 2,).
        served: bool (n + 2,), False but for the last.
        banks: `BANK` (banks,), as they are before time 0.
        wishes: what each bank wants, as before time 0.
        ranks: `RANK` (ranks,), as they are before time 0.
        timing: what commands have to wait for, as before time 0.
        machine: the device and the trace in numbers.
        knobs: int64 (KNOBS,).
        answers: filled with the times of the requests.
        out: int64 (FIELDS,), added to.
        record: filled where it has rows.
        logged: how many commands the record has already.

    Returns:
        How many it has now.
    """
    n, n_banks, n_ranks, groups = len(requests) - 2, len(banks), len(ranks), machine.groups
    per_rank, buses = n_banks // n_ranks, len(timing.bus_free)
    page, scheduler, buffer, size = knobs[PAGE], knobs[SCHEDULER], knobs[BUFFER], knobs[BUFFER_SIZE]
    by_direction = scheduler == FR_FCFS_GRP and machine.mixed
    in_order, arbiter, active = knobs[RESPONSES] == AS_REQUESTED, knobs[ARBITER], knobs[ACTIVE]
    postponed, pulled_in = knobs[POSTPONED], knobs[PULLED_IN]
    times, log = record.times, record.commands

    trigger, refreshing = INF, False
    for r in range(n_ranks):
        trigger = min(trigger, ranks[r].trigger)
    stored, unserved, answered, direction = 0, n, 0, READING
    reads, writes, last_bank = 0, 0, 0
    last_answer, last_received = -1, -1
    window, window_at = 0, -1
    end = INF - 1 if n > 0 else -1
    # When the next request arrives, is issued, leaves the requestor, and stands at the controller; and when the last
    # request whose wait is counted from the one before was issued.
    arrival, sent, left, stand = INF, INF, INF, INF
    since = 0
    last_left, last_stored = -1, -1  # when the last stored request left, and was stored
    renew, storing, full = True, False, False
    low, high, other = 0, 0, -1  # banks that something happened to: a range, and one more
    issued, resting, fresh, now = False, True, False, 0
    who, when, soon = -1, INF, INF

    while True:
        if storing:
            storing = False
            full = not has_space(buffer, size, banks[last_bank].queued, reads, writes)
            if not full:
                i = stored
                request = requests[i]
                last_bank = request.bank
                banks[last_bank].queued += 1
                if request.is_write:
                    writes += 1
                else:
                    reads += 1
                out[AT_ARBITER] += stand - left
                out[SOJOURN] -= arrival
                if machine.relative and request.arrival >= 0:
                    since = sent
                out[QUEUED_SUM] -= now
                answers.stands[i] = stand
                if len(times) > 0:
                    times[i, ARRIVED], times[i, LEFT], times[i, STORED] = arrival, left, now
                stored, last_left, last_stored, renew = i + 1, left, now, True
                if low >= high:
                    low, high = last_bank, last_bank + 1
                elif last_bank < low or last_bank >= high:
                    other = last_bank
                resting = resting and issued  # a cycle without a command selects once more
        if renew:
            renew = False
            arrival, sent, left, stand = next_arrival(
                stored, n, last_stored, last_left, arbiter, active, requests, answers.received, answered, since
            )
        while low < high:
            bank = banks[low]
            rank = ranks[bank.rank]
            if not rank.blocked:
                was = bank.busy
                if plan_bank(
                    low, bank, stored, scheduler, page, by_direction, direction, requests, served, wishes, timing,
                    machine.lengths,
                ):  # fmt: skip
                    fresh = False
                rank.busy_banks += bank.busy - was
            low += 1
            if low == high and other >= 0:
                low, high, other = other, other + 1, -1
        if refreshing or now >= trigger:
            refreshing, trigger = ask_for_refresh(ranks, now, machine.interval, postponed, wishes.earliest)
            fresh = False
        if not fresh:
            fresh = True
            # With a command just issued, another bus may be next in this very cycle.
            past = now - 1 if resting and issued else now
            who, when, age, soon = first_command(
                now, past, 0, buses, wishes, ranks, requests, timing, machine.lengths, groups
            )
            if buses > 1:
                # The first of each bus, and of these the one that may go first, however long it takes.
                who_1, when_1, age_1, soon_1 = first_command(
                    now, past, 1, buses, wishes, ranks, requests, timing, machine.lengths, groups
                )
                if when_1 < when or (when_1 == when and age_1 < age):
                    who, when = who_1, when_1
                soon = min(soon, soon_1)

        if resting:
            # On to the next event. A request that waited for its turn is stored before a command is selected, one that
            # comes to an idle controller after that.
            now = min(soon, trigger)
            if not full:
                now = min(now, stand)
            if now > end:
                break
            storing = not full and stand <= now and (stand < now or left < stand)
            resting, issued = False, False
            fresh = fresh and machine.uniform
            continue

        resting = True
        data = False
        if when <= now:
            issued, fresh = True, False
            bank = banks[max(who, 0)]
            r = -2 - who if who < 0 else bank.rank
            rank = ranks[r]
            c = rank.wanted if who < 0 else bank.command
            out[c] += 1
            if logged < len(log):
                log[logged, LOG_CYCLE], log[logged, LOG_COMMAND] = now, c
                log[logged, LOG_BANK] = who if who >= 0 else r * per_rank
                log[logged, LOG_REQUEST] = bank.request if who >= 0 else -1
                logged += 1
            timing.bus_free[1 if c >= RD and buses > 1 else 0] = now + machine.lengths[c]
            delay_others(now, c, max(who, -1), bank.group, r, timing, machine.distances, groups, n_ranks)
            low, high = who, who + 1
            done, closes = machine.done_pre, now
            if c == ACT:
                done = machine.done_act
                i = bank.request
                if rank.open_banks == 0:
                    open_span(rank, now)
                rank.open_banks += 1
                bank.open_row, bank.hit, bank.opened = requests[i].row, i, now
                bank.opening = CONFLICT if bank.conflict else MISS
                bank.conflict = 0
                count_activation(now, r, timing, machine.faw, groups)
            elif c == PREPB:
                out[CLOSED] += 1
                rank.open_banks -= 1
                bank.open_row, bank.conflict = -1, 1
            elif c == PREAB:
                low, high = r * per_rank, (r + 1) * per_rank
                out[CLOSED] += rank.open_banks
                rank.open_banks = 0
                for k in range(low, high):
                    banks[k].open_row = -1
            elif c == REFAB:
                low, high = r * per_rank, (r + 1) * per_rank
                done = 0
                open_span(rank, now)
                closes = now + machine.open_refresh
                refreshed(rank, machine.interval, pulled_in)
            else:
                data = True
                i, writing = bank.request, c >= WR
                done = machine.done_write if writing else machine.done_read
                if writing:
                    writes -= 1
                else:
                    reads -= 1
                out[HITS + bank.opening] += 1
                bank.opening = HIT
                out[QUEUED_SUM] += now
                unserved -= 1
                leave_queue(bank, i, requests, served)
                if len(times) > 0:
                    times[i, SERVED] = now
                if by_direction and writing != (direction == WRITING):
                    direction = WRITING if writing else READING
                    low, high = 0, n_banks

                ready = now + (machine.ready_write if writing else machine.ready_read)
                answered, last_answer, last_received = respond(
                    i, ready, in_order, arbiter == SORTING, answered, last_answer, last_received, answers, served
                )
                if unserved == 0:
                    end = answers.received[n - 1]
                renew = stand == INF
            if now >= window_at:
                window_at, window = now, now + done - 1
            if c in (RDA, WRA):
                shut = machine.open_write if c == WRA else machine.open_read
                closes = max(now + shut, bank.opened + machine.ras)
                out[CLOSED] += 1
                rank.open_banks -= 1
                bank.open_row = -1
                if closes >= window_at:
                    window_at, window = closes, closes + machine.done_pre - 1
            if c != ACT and c != RD and c != WR:
                rank.open_until = max(rank.open_until, closes)
        storing = stand <= now and (data or not full)

    for r in range(n_ranks):
        until = ranks[r].open_until
        until = max(until, window) if ranks[r].open_banks > 0 else until
        out[ACTIVE_CYCLES] += ranks[r].open_cycles + until - ranks[r].open_since
    out[END] = max(out[END], end)
    out[WINDOW] = max(out[WINDOW], window)
    if len(times) > 0:
        for i in range(n):
            times[i, STANDS], times[i, ANSWERED] = answers.stands[i], answers.answered[i]
            times[i, RECEIVED] = answers.received[i] if arbiter == SORTING else answers.answered[i]
    return logged

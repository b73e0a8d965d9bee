"""The batch model: every design on every channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import compiled
from .bank import BANK, HIT
from .channel import LOG_CHANNEL, P50, P95, P99, READ_SUM, REFRESH, SOJOURN, WRITE_SUM, Machine, Record, run_channel
from .commands import N_COMMANDS
from .percentiles import percentiles
from .policies import ALL_BANK
from .refresh import RANK
from .responses import Answers
from .timing import INF, Timing, Wishes

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def run_batch(
    start: Array, requests: Array, first: Array, designs: Array, n_ranks: int, buses: int, machine: Machine,
    out: Array, record: Record,
) -> int:  # fmt: skip
    """Run every design (n, KNOBS) on every channel; fill `out` (n, FIELDS).

    Args:
        start: as in `Workset`.
        requests: as in `Workset`.
        first: as in `Workset`.
        designs: int64 (n, KNOBS).
        n_ranks: ranks of a channel.
        buses: command buses of a channel, 1 or 2.
        machine: the device and the trace in numbers.
        out: int64 (n, FIELDS), filled.
        record: filled where it has rows, with the last design's.

    Returns:
        How many commands were recorded.
    """
    most = len(requests)
    answers = Answers(np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64))
    latencies, served = np.empty(most, np.int64), np.empty(most, np.bool_)
    n_banks, groups = first.shape[1], n_ranks * machine.groups
    banks, ranks = np.empty(n_banks, BANK), np.empty(n_ranks, RANK)
    timing = Timing(
        np.empty((n_banks, N_COMMANDS), np.int64), np.empty(groups * N_COMMANDS, np.int64), np.empty(buses, np.int64),
        np.empty((n_ranks, 5), np.int64),
    )  # fmt: skip
    wishes = Wishes(
        np.empty(n_banks, np.int64), np.zeros(n_banks, np.uint64), np.zeros(n_banks, np.int64),
        np.zeros(n_banks, np.int64), np.zeros(n_banks, np.int64),
    )  # fmt: skip
    none = int(np.int64(0))  # a plain 0 is a type of its own to Numba, which would compile for it once more
    logged = none
    for d in range(len(designs)):
        out[d] = 0
        reads, logged = 0, none
        interval = machine.interval if designs[d, REFRESH] == ALL_BANK else INF
        for channel in range(len(start) - 1):
            a, z = start[channel], start[channel + 1]
            n = z - a - 2
            own, own_served = requests[a:z], served[: n + 2]
            own_served[:] = False
            own_served[n + 1] = True
            _reset(banks, wishes, ranks, timing, first[channel], n, groups, interval)
            channel_record = Record(record.times[a:z], record.commands)
            before = logged
            logged = run_channel(
                own, own_served, banks, wishes, ranks, timing, machine, designs[d], answers, out[d], channel_record,
                logged,
            )  # fmt: skip
            record.commands[before:logged, LOG_CHANNEL] = channel
            for i in range(n):
                # The k-th response is not the k-th request's, but of all of them the sum is the same.
                out[d, SOJOURN] += answers.received[i]
                latency = answers.answered[i] - answers.stands[i]
                if own[i].is_write:
                    out[d, WRITE_SUM] += latency
                else:
                    out[d, READ_SUM] += latency
                    latencies[reads] = latency
                    reads += 1
        out[d, P50], out[d, P95], out[d, P99] = percentiles(latencies[:reads])
    return logged


@compiled
def _reset(
    banks: Array, wishes: Wishes, ranks: Array, timing: Timing, first: Array, n: int, groups: int, interval: int
) -> None:
    """Precharge the banks, whose queues begin with the requests `first` (banks,) of n, before the first refresh.

    Refreshes of ranks come one after the other; never where the interval is `INF`.
    """
    wishes.earliest[:] = INF
    timing.bank_free[:] = 0
    timing.group_free[:] = 0
    timing.bus_free[:] = 0
    timing.acts[:] = -INF
    timing.acts[:, 4] = 0
    for b in range(len(banks)):
        bank = banks[b]
        bank.opened, bank.queued, bank.request, bank.command = 0, 0, n, 0
        bank.group, bank.rank = b * groups // len(banks), b * len(ranks) // len(banks)
        bank.head, bank.hit, bank.open_row = first[b], n, -1
        bank.busy, bank.opening, bank.conflict = 0, HIT, 0
    for r in range(len(ranks)):
        rank = ranks[r]
        rank.wanted, rank.owed, rank.pulling, rank.blocked = -1, 0, 0, 0
        rank.trigger = interval - (interval // len(ranks) * r if interval < INF else 0)
        rank.open_banks, rank.busy_banks, rank.open_since, rank.open_until, rank.open_cycles = 0, 0, 0, 0, 0

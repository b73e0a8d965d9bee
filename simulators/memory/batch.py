"""The batch kernel: every design on every channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .answers import Answers
from .bank import Banks, Requests
from .commands import N_COMMANDS
from .intake import INF
from .kernel import LOG_CHANNEL, P50, P95, P99, READ_SUM, REFRESH, WRITE_SUM, Machine, Record, run_channel
from .percentiles import percentiles
from .refresh import RANK, TRIGGER
from .timing import Ranks

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def run_batch(
    start: Array, requests: Requests, first: Array, designs: Array, n_ranks: int, buses: int, machine: Machine,
    out: Array, record: Record,
) -> int:  # fmt: skip
    """Runs every design (n, KNOBS) on every channel; fills `out` (n, FIELDS).

    Args:
        start, requests, first: as in `Workset`.
        record: filled where it has rows, with the last design's.

    Returns:
        How many commands were recorded.
    """
    most = len(requests.arrival)
    answers = Answers(np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64))
    latencies = np.empty(most, np.int64)
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
            banks = _idle_banks(first[channel], z - a)
            ranks = _idle_ranks(n_ranks, buses, machine.groups, machine.interval if designs[d, REFRESH] == 1 else INF)
            channel_record = Record(record.times[a:z], record.commands)
            before = logged
            logged = run_channel(part, banks, ranks, machine, designs[d], answers, out[d], channel_record, logged)
            record.commands[before:logged, LOG_CHANNEL] = channel
            for i in range(z - a):
                latency = answers.answered[i] - answers.stands[i]
                if part.is_write[i]:
                    out[d, WRITE_SUM] += latency
                else:
                    out[d, READ_SUM] += latency
                    latencies[reads] = latency
                    reads += 1
        out[d, P50], out[d, P95], out[d, P99] = percentiles(latencies[:reads])
    return logged


@compiled
def _idle_banks(first: Array, n: int) -> Banks:
    """Precharged banks whose queues begin with the requests `first` (banks,), of n in all."""
    banks = len(first)
    none, zero = np.full(banks, -1), np.zeros(banks, np.int64)
    return Banks(
        first.astype(np.int64), np.full(banks, n), none, zero, none.copy(), none.copy(), zero.copy(), zero.copy(),
        zero.copy(), zero.copy(), zero.copy(), np.zeros(banks * N_COMMANDS, np.int64),
    )  # fmt: skip


@compiled
def _idle_ranks(ranks: int, buses: int, groups: int, interval: int) -> Ranks:
    """Ranks before their first refresh, which come one after the other; never where the interval is `INF`."""
    state = np.zeros((ranks, RANK), np.int64)
    acts = np.full((ranks, 5), -INF)
    acts[:, 4] = 0
    for r in range(ranks):
        state[r, TRIGGER] = interval - (interval // ranks * r if interval < INF else 0)
    free = np.zeros(ranks * groups * N_COMMANDS, np.int64)
    return Ranks(state, np.full(ranks, -1), acts, free, np.zeros(buses, np.int64))

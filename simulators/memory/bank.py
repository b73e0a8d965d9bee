"""A bank machine: which command a bank wants next, and for which request."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.compiled import inlined
from .commands import ACT, N_COMMANDS, PREPB, RD, WR

Array = np.ndarray[Any, np.dtype[Any]]

# Knob values by number.
PAGE_POLICIES = ("open", "open_adaptive", "closed", "closed_adaptive")
SCHEDULERS = ("fifo", "fr_fcfs", "fr_fcfs_grp")


class Requests(NamedTuple):
    """A channel's n requests, or those of all channels one after the other, each column of shape (n,).

    Attributes:
        arrival: memory-clock cycle, int64.
        is_write: bool.
        bank, row: int32.
        next_bank, next_row: the next request of the same bank, and of the same row of it; the channel's number of
            requests where there is none. int32.
        previous_same: the last request before with the same address, or -1. int32.
        served: which were, bool (n + 1,): the entry past the last stays False.
    """

    arrival: Array
    is_write: Array
    bank: Array
    row: Array
    next_bank: Array
    next_row: Array
    previous_same: Array
    served: Array


class Banks(NamedTuple):
    """State of a channel's banks, int64 (banks,) each but `free`.

    Attributes:
        head: oldest request that was not served; hit: oldest such for the open row.
        open_row: -1 where precharged.
        queued: requests in the buffer.
        command, request: what the bank wants, -1 for nothing, and for which request; earliest: not before, as far as
            the bank's own history goes.
        busy: whether the bank works on a request.
        opened: time of the last ACT; opening: 1 after an ACT, 2 after one that a conflict made necessary, 0 once a
            request was served; conflict: whether the last row was closed for another.
        free: earliest time of each command by the bank's history, int64 (banks × commands,).
    """

    head: Array
    hit: Array
    open_row: Array
    queued: Array
    command: Array
    request: Array
    earliest: Array
    busy: Array
    opened: Array
    opening: Array
    conflict: Array
    free: Array


@inlined
def plan_bank(
    b: int, stored: int, scheduler: int, page: int, by_direction: bool, direction: int, banks: Banks, requests: Requests
) -> bool:
    """Works out what a bank wants, after anything that may have changed it.

    Args:
        stored: requests that the controller has stored so far.
        by_direction: whether requests of the direction of the last data command (`direction`) come first.

    Returns:
        Whether it wants anything else than before.
    """
    before, before_request = banks.command[b], banks.request[b]
    chosen = banks.head[b]
    if chosen >= stored:
        banks.command[b] = -1
        banks.busy[b] = 0
        return before != -1  # type: ignore[no-any-return]
    banks.busy[b] = 1
    row = banks.open_row[b]
    more = False  # whether another request waits for the open row
    if row < 0:
        command = ACT
    elif scheduler == 0:
        command = PREPB
        if requests.row[chosen] == row:
            command = RD
            more = requests.next_bank[chosen] == requests.next_row[chosen] and requests.next_bank[chosen] < stored
    elif banks.hit[b] >= stored:
        command = PREPB
    else:
        command = RD
        chosen = banks.hit[b]
        i = requests.next_row[chosen]
        while requests.served[i]:
            i = requests.next_row[i]
        more = i < stored
        if by_direction:
            i = chosen
            while i < stored:
                # No request overtakes an older one to its address.
                older = requests.previous_same[i]
                if (
                    not requests.served[i]
                    and requests.is_write[i] == direction
                    and (older < 0 or requests.served[older])
                ):
                    chosen = i
                    break
                i = requests.next_row[i]
    if command == RD:
        if requests.is_write[chosen]:
            command = WR
        if page == 2 or (page == 1 and not more and banks.queued[b] >= 2) or (page == 3 and not more):
            command += 1  # with auto-precharge
    banks.command[b] = command
    banks.request[b] = chosen
    banks.earliest[b] = banks.free[b * N_COMMANDS + command]
    return command != before or chosen != before_request  # type: ignore[no-any-return]


@inlined
def leave_queue(b: int, i: int, banks: Banks, requests: Requests) -> None:
    """Takes a request that was served out of its bank's queue."""
    requests.served[i] = True
    banks.queued[b] -= 1
    i = banks.head[b]
    while requests.served[i]:
        i = requests.next_bank[i]
    banks.head[b] = i
    i = banks.hit[b]
    while requests.served[i]:
        i = requests.next_row[i]
    banks.hit[b] = i

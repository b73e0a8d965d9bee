"""A bank machine: which command a bank wants next, and for which request."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import inlined
from .commands import ACT, N_COMMANDS, PREPB, RD, WR
from .policies import CLOSED, CLOSED_ADAPTIVE, FIFO, OPEN_ADAPTIVE, WRITING
from .timing import INF, Timing, Wishes

Array = np.ndarray[Any, np.dtype[Any]]

#: A request of a channel as the model reads it. n requests are followed by two that are none: position n, never
#: served, where there is no next one, and n + 1, served, where there is no one before. Positions are unsigned, which
#: spares every access a look at whether they count from the end; what is subtracted is signed.
#:   arrival: memory-clock cycle.
#:   next_bank, next_row: position of the next request of the same bank, and of the same row of it.
#:   previous_same: of the last request before with the same address.
REQUEST = np.dtype(
    [
        ("arrival", "i8"), ("row", "i4"), ("next_bank", "u4"), ("next_row", "u4"), ("previous_same", "u4"),
        ("bank", "u4"), ("is_write", "?"),
    ],
    align=True,
)  # fmt: skip

#: How a request finds its row.
HIT, MISS, CONFLICT = range(3)

#: State of a bank.
#:   command, request: what it wants, if anything, and for which request.
#:   group: of all ranks' groups, the bank's; rank: its rank.
#:   head: oldest request that was not served; hit: oldest such for the open row.
#:   open_row: -1 where precharged; opened: time of the last ACT.
#:   queued: requests in the buffer.
#:   busy: whether the bank works on a request.
#:   opening: what the next request is, a HIT, a MISS (after an ACT) or a CONFLICT (after one that another row's made
#:   necessary); conflict: whether the last row was closed for another.
BANK = np.dtype(
    [
        ("opened", "i8"), ("queued", "i8"), ("busy", "i8"), ("opening", "i8"), ("conflict", "i8"), ("command", "u4"),
        ("request", "u4"), ("group", "u4"), ("rank", "u4"), ("head", "u4"), ("hit", "u4"), ("open_row", "i4"),
    ],
    align=True,
)  # fmt: skip


@inlined
def plan_bank(
    b: int, bank: Any, stored: int, scheduler: int, page: int, by_direction: bool, direction: int, requests: Array,
    served: Array, wishes: Wishes, timing: Timing, lengths: Array,
) -> bool:  # fmt: skip
    """Work out what a bank wants, after anything that may have changed it.

    Args:
        b: number of the bank.
        bank: its `BANK`.
        stored: requests that the controller has stored so far.
        scheduler: one of `SCHEDULERS`, by number.
        page: one of `PAGE_POLICIES`, by number.
        by_direction: whether requests of the direction of the last data command come first.
        direction: of the last data command, READING or WRITING.
        requests: `REQUEST` (n + 2,).
        served: which were, bool (n + 2,).
        wishes: what every bank wants; this one's is filled.
        timing: what commands have to wait for.
        lengths: cycles of the command bus that each command takes, int64 (commands,).

    Returns:
        Whether it wants anything else than before.
    """
    wanted = wishes.earliest[b] < INF
    chosen = bank.head
    if chosen >= stored:
        wishes.earliest[b] = INF
        bank.busy = 0
        return wanted  # type: ignore[no-any-return]
    bank.busy = 1
    more = False  # whether another request waits for the open row
    if bank.open_row < 0:
        command = ACT
    elif scheduler == FIFO:
        command = PREPB
        if requests[chosen].row == bank.open_row:
            command = RD
            following = requests[chosen].next_bank
            more = following == requests[chosen].next_row and following < stored
    elif bank.hit >= stored:
        command = PREPB
    else:
        command = RD
        chosen = bank.hit
        i = requests[chosen].next_row
        while served[i]:
            i = requests[i].next_row
        more = i < stored
        if by_direction:
            i = chosen
            while i < stored:
                # No request overtakes an older one to its address.
                if (
                    not served[i]
                    and requests[i].is_write == (direction == WRITING)
                    and served[requests[i].previous_same]
                ):
                    chosen = i
                    break
                i = requests[i].next_row
    if command == RD:
        if requests[chosen].is_write:
            command = WR
        if (
            page == CLOSED
            or (page == OPEN_ADAPTIVE and not more and bank.queued >= 2)
            or (page == CLOSED_ADAPTIVE and not more)
        ):
            command += 1  # with auto-precharge
    changed = not wanted or command != bank.command or chosen != bank.request
    bank.command = command
    bank.request = chosen
    wishes.earliest[b] = timing.bank_free[b, command]
    wishes.place[b] = bank.group * N_COMMANDS + command
    wishes.age[b] = chosen + 1
    wishes.length[b] = lengths[command]
    wishes.bus[b] = command >= RD
    return changed


@inlined
def leave_queue(bank: Any, i: int, requests: Array, served: Array) -> None:
    """Take a request that was served out of its bank's queue."""
    served[i] = True
    bank.queued -= 1
    i = bank.head
    while served[i]:
        i = requests[i].next_bank
    bank.head = i
    i = bank.hit
    while served[i]:
        i = requests[i].next_row
    bank.hit = i

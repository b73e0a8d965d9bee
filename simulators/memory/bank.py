"""A bank machine: which command a bank wants next, and for which request."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .commands import ACT, PREPB, RD, WR

Array = np.ndarray[Any, np.dtype[Any]]

# Knob values by number.
PAGE_POLICIES = ("open", "open_adaptive", "closed", "closed_adaptive")
SCHEDULERS = ("fifo", "fr_fcfs", "fr_fcfs_grp")

# State per bank, int64 (banks, BANK): HEAD: oldest request not served; HIT: oldest such on the open row; OPEN_ROW: -1
# where precharged; QUEUED: requests in the buffer; COMMAND, REQUEST: what the bank wants, -1 for nothing, and for which
# request; BUSY: whether the bank works on a request; OPENED: time of the last ACT; OPENING: 1 after an ACT, 2 after one
# that a conflict made necessary, 0 once a request was served; CONFLICT: whether the last row was closed for another.
HEAD, HIT, OPEN_ROW, QUEUED, COMMAND, REQUEST, BUSY, OPENED, OPENING, CONFLICT = range(10)
BANK = 10


@compiled
def update_bank(
    bank: Array, stored: int, scheduler: int, page: int, by_direction: bool, direction: int, row_of: Array, is_write: Array,
    next_bank: Array, next_row: Array, previous_same: Array, served: Array,
) -> bool:  # fmt: skip
    """Works out what a bank wants, after anything that may have changed it.

    Args:
        bank: the bank's state, int64 (BANK,).
        stored: requests that the controller has stored so far.
        by_direction: whether requests of the direction of the last data command (`direction`) come first.

    Returns:
        Whether it wants anything else than before.
    """
    before, before_request = bank[COMMAND], bank[REQUEST]
    head = bank[HEAD]
    if head >= stored:
        bank[COMMAND] = -1
        bank[BUSY] = 0
        return before != -1  # type: ignore[no-any-return]
    bank[BUSY] = 1
    chosen = head
    more = False
    command = -1
    if bank[OPEN_ROW] < 0:
        command = ACT
    elif scheduler == 0:
        if row_of[head] != bank[OPEN_ROW]:
            command = PREPB
        else:
            more = next_bank[head] == next_row[head] and next_bank[head] < stored
    elif bank[HIT] >= stored:
        command = PREPB
    else:
        chosen = bank[HIT]
        i = next_row[chosen]
        while served[i]:
            i = next_row[i]
        more = i < stored
        if by_direction:
            i = chosen
            while i < stored:
                # No request overtakes an older one to its address.
                if not served[i] and is_write[i] == direction and (previous_same[i] < 0 or served[previous_same[i]]):
                    chosen = i
                    break
                i = next_row[i]
    if command < 0:
        auto = page == 2 or (page == 1 and not more and bank[QUEUED] >= 2) or (page == 3 and not more)
        command = (WR if is_write[chosen] else RD) + (1 if auto else 0)
    bank[COMMAND] = command
    bank[REQUEST] = chosen
    return command != before or chosen != before_request  # type: ignore[no-any-return]


@compiled
def leave_queue(bank: Array, next_bank: Array, next_row: Array, served: Array) -> None:
    """Moves a bank's pointers on after one of its requests was served."""
    bank[QUEUED] -= 1
    i = bank[HEAD]
    while served[i]:
        i = next_bank[i]
    bank[HEAD] = i
    i = bank[HIT]
    while served[i]:
        i = next_row[i]
    bank[HIT] = i

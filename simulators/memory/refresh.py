"""The refresh machine of a rank: refreshes all banks once per interval, postponed or pulled in within limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import piece
from .commands import PREAB, REFAB
from .intake import INF

Array = np.ndarray[Any, np.dtype[Any]]

# State per rank, int64 (ranks, RANK): TRIGGER: time of the next refresh; OWED: refreshes owed, below 0 if done ahead;
# PULLING: whether refreshes are being made ahead of time; BLOCKED: whether the banks wait for a forced one; OPEN_BANKS,
# BUSY_BANKS: banks with an open row, and with a request; OPEN_SINCE, OPEN_UNTIL: the last time span in which some bank
# was open, as far as it is known; OPEN_CYCLES: all spans before it.
TRIGGER, OWED, PULLING, BLOCKED, OPEN_BANKS, BUSY_BANKS, OPEN_SINCE, OPEN_UNTIL, OPEN_CYCLES = range(9)
RANK = 9


@piece
def ask_for_refresh(
    rank: Array, now: int, interval: int, postponed: int, command: Array, wanted: Array
) -> tuple[bool, int]:
    """Asks every rank's machine for the command that it wants, into `wanted` (ranks,); -1 for none.

    Banks of a rank that must be refreshed want nothing any more: their `command` (banks,) becomes -1.

    Returns:
        Whether any wants one (then all are asked again at the next event), and the next trigger of those that do not.
    """
    refreshing, trigger = False, INF
    per_rank = len(command) // len(rank)
    for r in range(len(rank)):
        wanted[r] = _wanted(rank[r], now, interval, postponed)
        if rank[r, BLOCKED]:
            command[r * per_rank : (r + 1) * per_rank] = -1
        if wanted[r] >= 0:
            refreshing = True
        else:
            trigger = min(trigger, max(rank[r, TRIGGER], now + 1))
    return refreshing, trigger


@piece
def _wanted(rank: Array, now: int, interval: int, postponed: int) -> int:
    """The refresh command that a rank wants at `now`, or -1; moves its machine on.

    A rank with work puts its refresh off until `postponed` are owed; then its banks are blocked until it is refreshed.
    After a refresh an idle rank is refreshed again ahead of time.
    """
    if now < rank[TRIGGER]:
        return -1
    if now >= rank[TRIGGER] + interval:
        rank[TRIGGER] += interval
        rank[PULLING] = 0
    if rank[PULLING]:
        if rank[BUSY_BANKS] > 0:
            rank[PULLING] = 0
            rank[TRIGGER] += interval
            return -1
        return REFAB
    if rank[OWED] == postponed:
        rank[BLOCKED] = 1
    elif rank[BUSY_BANKS] > 0:
        rank[OWED] += 1
        rank[TRIGGER] += interval
        return -1
    return PREAB if rank[OPEN_BANKS] > 0 else REFAB


@piece
def refreshed(rank: Array, interval: int, pulled_in: int) -> None:
    """Moves a rank's machine on after REFAB."""
    if rank[PULLING]:
        rank[OWED] -= 1
    else:
        rank[PULLING] = 1
    if rank[OWED] == -pulled_in:
        rank[PULLING] = 0
        rank[TRIGGER] += interval
    rank[BLOCKED] = 0


@piece
def open_span(rank: Array, now: int) -> None:
    """Notes that a rank with no open bank has one from `now` on (a refresh counts as one)."""
    if now > rank[OPEN_UNTIL]:
        rank[OPEN_CYCLES] += rank[OPEN_UNTIL] - rank[OPEN_SINCE]
        rank[OPEN_SINCE] = now

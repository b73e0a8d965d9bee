"""The refresh machine of a rank: refreshes all banks once per interval, postponed or pulled in within limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import inlined, piece
from .commands import PREAB, REFAB
from .timing import INF

Array = np.ndarray[Any, np.dtype[Any]]

#: State of a rank.
#:   wanted: the refresh command that it wants, -1 for none.
#:   trigger: time of the next refresh; owed: refreshes owed, below 0 if done ahead; pulling: whether refreshes are
#:   being made ahead of time; blocked: whether the banks wait for a forced one.
#:   open_banks, busy_banks: banks with an open row, and with a request.
#:   open_since, open_until: the last time span in which some bank was open, as far as it is known; open_cycles: all
#:   spans before it.
RANK = np.dtype(
    [
        (name, "i8")
        for name in (
            "wanted", "trigger", "owed", "pulling", "blocked", "open_banks", "busy_banks", "open_since", "open_until",
            "open_cycles",
        )
    ]
)  # fmt: skip


@piece
def ask_for_refresh(ranks: Array, now: int, interval: int, postponed: int, earliest: Array) -> tuple[bool, int]:
    """Ask every rank's machine for the command that it wants.

    Banks of a rank that must be refreshed want nothing any more.

    Args:
        ranks: `RANK` (ranks,).
        now: memory-clock cycle.
        interval: cycles between refreshes of a rank.
        postponed: most refreshes that a rank may owe.
        earliest: as in `Wishes`.

    Returns:
        Whether any wants one (then all are asked again at the next event), and the next trigger of those that do not.
    """
    refreshing, trigger = False, INF
    per_rank = len(earliest) // len(ranks)
    for r in range(len(ranks)):
        rank = ranks[r]
        rank.wanted = _wanted(rank, now, interval, postponed)
        if rank.blocked:
            earliest[r * per_rank : (r + 1) * per_rank] = INF
        if rank.wanted >= 0:
            refreshing = True
        else:
            trigger = min(trigger, max(rank.trigger, now + 1))
    return refreshing, trigger


@piece
def _wanted(rank: Any, now: int, interval: int, postponed: int) -> int:
    """Return the refresh command that a rank wants at `now`, or -1; move its machine on.

    A rank with work puts its refresh off until `postponed` are owed; then its banks are blocked until it is refreshed.
    After a refresh an idle rank is refreshed again ahead of time.
    """
    if now < rank.trigger:
        return -1
    if now >= rank.trigger + interval:
        rank.trigger += interval
        rank.pulling = 0
    if rank.pulling:
        if rank.busy_banks > 0:
            rank.pulling = 0
            rank.trigger += interval
            return -1
        return REFAB
    if rank.owed == postponed:
        rank.blocked = 1
    elif rank.busy_banks > 0:
        rank.owed += 1
        rank.trigger += interval
        return -1
    return PREAB if rank.open_banks > 0 else REFAB


@piece
def refreshed(rank: Any, interval: int, pulled_in: int) -> None:
    """Move a rank's machine on after REFAB."""
    if rank.pulling:
        rank.owed -= 1
    else:
        rank.pulling = 1
    if rank.owed == -pulled_in:
        rank.pulling = 0
        rank.trigger += interval
    rank.blocked = 0


@inlined
def open_span(rank: Any, now: int) -> None:
    """Note that a rank with no open bank has one from `now` on (a refresh counts as one)."""
    if now > rank.open_until:
        rank.open_cycles += rank.open_until - rank.open_since
        rank.open_since = now

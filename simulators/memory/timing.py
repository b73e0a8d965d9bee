"""The timing checker: earliest times of commands, and which command goes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled
from .bank import COMMAND, REQUEST
from .commands import ACT
from .intake import INF

Array = np.ndarray[Any, np.dtype[Any]]

# What `select` finds: whose command is next (a bank, -2 - rank for a refresh command, -1 for none), its earliest time,
# the earliest time of any command, the earliest after now of any.
WHO, WHEN, SOON, LATER = range(4)


@compiled
def delay_others(
    now: int, command: int, bank: int, rank: int, bank_free: Array, group_free: Array, distances: Array, groups: int, ranks: int
) -> None:  # fmt: skip
    """Puts off whatever must keep a distance to a command that issues at `now`; `bank` is -1 for one of a whole rank.

    Args:
        bank_free: earliest time of each command by its bank's history, int64 (banks, commands).
        group_free: the same by its group's, its rank's and the other ranks', int64 (groups of all ranks, commands).
        distances: int64 (scopes, previous, next).
    """
    if bank >= 0:
        for k in range(8):
            bank_free[bank, k] = max(bank_free[bank, k], now + distances[0, command, k])
    for g in range(rank * groups, (rank + 1) * groups):
        for k in range(8):
            group_free[g, k] = max(group_free[g, k], now + distances[2, command, k])
    if groups > 1 and bank >= 0:
        g = bank // (len(bank_free) // len(group_free))
        for k in range(8):
            group_free[g, k] = max(group_free[g, k], now + distances[1, command, k])
    if ranks > 1:
        for g in range(len(group_free)):
            if g // groups != rank:
                for k in range(8):
                    group_free[g, k] = max(group_free[g, k], now + distances[3, command, k])


@compiled
def count_activation(now: int, rank: int, acts: Array, faw: int, group_free: Array, groups: int) -> None:
    """Puts off the next ACT of a rank until `faw` after the fourth last; `acts` is int64 (ranks, 5), a ring and where."""
    at = acts[rank, 4]
    acts[rank, at] = now
    at = (at + 1) & 3
    acts[rank, 4] = at
    for g in range(rank * groups, (rank + 1) * groups):
        group_free[g, ACT] = max(group_free[g, ACT], acts[rank, at] + faw)


@compiled
def select(
    now: int, bank: Array, bank_free: Array, group_free: Array, refresh_command: Array, lengths: Array, buses: Array,
    bus_free: Array, two_buses: bool, groups: int, found: Array,
) -> None:  # fmt: skip
    """Finds the command to issue next: the one that is over first, the oldest request's of several.

    With a row and a column bus, the best of each, and of the two the one that may go first.

    Args:
        bank: int64 (banks, BANK).
        refresh_command: per rank, -1 for none.
        lengths, buses: cycles on the command bus, and which, of each command.
        bus_free: when each bus is free, int64 (2,).
        found: int64 (4,), filled.
    """
    who, when, key, age = -1, INF, INF, INF
    col_who, col_when, col_key, col_age = -1, INF, INF, INF
    soon, later = INF, INF
    for r in range(len(refresh_command)):
        c = refresh_command[r]
        if c >= 0:
            t = max(max(group_free[r * groups, c], bus_free[0]), now)
            soon = min(soon, t)
            if t > now:
                later = min(later, t)
            if t + lengths[c] < key:
                who, when, key, age = -2 - r, t, t + lengths[c], -1
    per_group = len(bank_free) // len(group_free)
    for b in range(len(bank)):
        c = bank[b, COMMAND]
        if c < 0:
            continue
        t = max(max(bank_free[b, c], group_free[b // per_group, c]), max(bus_free[buses[c]], now))
        i = bank[b, REQUEST]
        soon = min(soon, t)
        if t > now:
            later = min(later, t)
        t_key = t + lengths[c]
        if two_buses and buses[c] == 1:
            if t_key < col_key or (t_key == col_key and i < col_age):
                col_who, col_when, col_key, col_age = b, t, t_key, i
        elif t_key < key or (t_key == key and i < age):
            who, when, key, age = b, t, t_key, i
    if two_buses and (col_when < when or (col_when == when and col_age < age)):
        who, when = col_who, col_when
    found[WHO], found[WHEN], found[SOON], found[LATER] = who, when, soon, later

"""The timing checker: earliest times of commands, and which command goes next."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.compiled import inlined
from .bank import Banks
from .commands import ACT, N_COMMANDS
from .intake import INF

Array = np.ndarray[Any, np.dtype[Any]]


class Ranks(NamedTuple):
    """State of a channel's ranks and command buses.

    Attributes:
        state: of the refresh machines, int64 (ranks, RANK).
        wanted: the refresh command that each wants, -1 for none, int64 (ranks,).
        acts: times of the last four ACTs, a ring, and where the oldest is, int64 (ranks, 5).
        group_free: earliest time of each command by the history of a bank group, of its rank and of the other ranks,
            int64 (groups of all ranks × commands,).
        bus_free: when each command bus is; of two, row commands' and column commands', int64 (buses,).
    """

    state: Array
    wanted: Array
    acts: Array
    group_free: Array
    bus_free: Array


@inlined
def delay_others(
    now: int, command: int, bank: int, rank: int, banks: Banks, group_free: Array, distances: Array, groups: int,
    ranks: int,
) -> None:  # fmt: skip
    """Puts off whatever must keep a distance to a command that issues at `now`; `bank` is -1 for one of a whole rank.

    `distances` is int64 (scopes, previous, next).
    """
    width = groups * N_COMMANDS
    for g in range(rank * width, (rank + 1) * width, N_COMMANDS):
        for k in range(N_COMMANDS):
            group_free[g + k] = max(group_free[g + k], now + distances[2, command, k])
    if bank >= 0:
        for k in range(N_COMMANDS):
            at = bank * N_COMMANDS + k
            banks.free[at] = max(banks.free[at], now + distances[0, command, k])
        if groups > 1:
            g = bank * (ranks * groups) // len(banks.head) * N_COMMANDS
            for k in range(N_COMMANDS):
                group_free[g + k] = max(group_free[g + k], now + distances[1, command, k])
    if ranks > 1:
        for g in range(ranks * width):
            if g // width != rank:
                group_free[g] = max(group_free[g], now + distances[3, command, g % N_COMMANDS])


@inlined
def count_activation(now: int, rank: int, acts: Array, faw: int, group_free: Array, groups: int) -> None:
    """Puts off the next ACT of a rank until `faw` after the fourth last."""
    at = acts[rank, 4]
    acts[rank, at] = now
    at = (at + 1) & 3
    acts[rank, 4] = at
    for g in range(rank * groups, (rank + 1) * groups):
        group_free[g * N_COMMANDS + ACT] = max(group_free[g * N_COMMANDS + ACT], acts[rank, at] + faw)


@inlined
def first_command(
    now: int, bus_free: int, lowest: int, highest: int, banks: Banks, wanted: Array, group_free: Array, lengths: Array,
    groups: int,
) -> tuple[int, int, int, int, int]:  # fmt: skip
    """Of the commands that banks and ranks want, numbered `lowest` to `highest`, the one that is over first.

    Of several, a rank's own, else the oldest request's.

    Args:
        bus_free: when their bus is.

    Returns:
        Whose it is (a bank, -2 - rank, -1 for none), its earliest time, its age (a request; -1 for a rank's),
        the earliest time of any, the earliest after now of any.
    """
    who, when, over, age, soon, later = -1, INF, INF, INF, INF, INF
    floor = max(now, bus_free)
    for r in range(len(wanted)):
        c = wanted[r]
        if lowest <= c <= highest:
            t = max(group_free[r * groups * N_COMMANDS + c], floor)
            soon = min(soon, t)
            if t > now:
                later = min(later, t)
            if t + lengths[c] < over:
                who, when, over, age = -2 - r, t, t + lengths[c], -1
    per_group = len(banks.head) // (len(wanted) * groups)
    b = 0
    for g in range(0, len(group_free), N_COMMANDS):
        for _ in range(per_group):
            c = banks.command[b]
            if lowest <= c <= highest:
                t = max(max(banks.earliest[b], group_free[g + c]), floor)
                soon = min(soon, t)
                if t > now:
                    later = min(later, t)
                done, i = t + lengths[c], banks.request[b]
                if done < over or (done == over and i < age):
                    who, when, over, age = b, t, done, i
            b += 1
    return who, when, age, soon, later

"""The timing checker: earliest times of commands, and which command goes next."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import inlined
from .commands import ACT, N_COMMANDS, OF_BANK, OF_GROUP, OF_OTHER_RANKS, OF_RANK

Array = np.ndarray[Any, np.dtype[Any]]

#: Later than any event.
INF = 2**62

# Choosing compares one number: when a command is over, above the request that it is for, which takes the low bits.
_AGE_BITS = 32
_FAR = 2**30  # in cycles from now; what is later is as late as never


class Timing(NamedTuple):
    """What commands have to wait for.

    Attributes:
        bank_free: earliest time of each command by the history of a bank, int64 (banks, commands).
        group_free: by that of a bank group, of its rank and of the other ranks, int64 (groups × commands,),
            groups of all ranks.
        bus_free: when each command bus is; of two, row commands' and column commands', int64 (buses,).
        acts: times of a rank's last four ACTs, a ring, and where the oldest is, int64 (ranks, 5).
    """

    bank_free: Array
    group_free: Array
    bus_free: Array
    acts: Array


class Wishes(NamedTuple):
    """The command that each bank wants, int64 (banks,) each but `place`.

    Attributes:
        earliest: not before, as far as the bank's own history goes; INF where it wants none.
        place: its entry in `Timing.group_free`, uint64.
        age: the request that it is for + 1.
        length: cycles of the command bus that it takes.
        bus: the number of that bus, of two.
    """

    earliest: Array
    place: Array
    age: Array
    length: Array
    bus: Array


@inlined
def delay_others(
    now: int, command: int, bank: int, group: int, rank: int, timing: Timing, distances: Array, groups: int, ranks: int
) -> None:
    """Put off whatever must keep a distance to a command that issues at `now`.

    Args:
        now: memory-clock cycle in which it issues.
        command: by number.
        bank: the command's; -1 for one of a whole rank.
        group: the bank group of it, of those of all ranks.
        rank: the command's.
        timing: what commands have to wait for, updated.
        distances: as in `Device`.
        groups: bank groups of a rank.
        ranks: of the channel.
    """
    width = groups * N_COMMANDS
    for g in range(rank * width, (rank + 1) * width, N_COMMANDS):
        _put_off(timing.group_free[g : g + N_COMMANDS], now, distances[OF_RANK, command])
    if bank >= 0:
        _put_off(timing.bank_free[bank], now, distances[OF_BANK, command])
        if groups > 1:
            _put_off(
                timing.group_free[group * N_COMMANDS : (group + 1) * N_COMMANDS], now, distances[OF_GROUP, command]
            )
    if ranks > 1:
        for g in range(0, ranks * width, N_COMMANDS):
            if g // width != rank:
                _put_off(timing.group_free[g : g + N_COMMANDS], now, distances[OF_OTHER_RANKS, command])


@inlined
def _put_off(free: Array, now: int, distances: Array) -> None:
    for k in range(N_COMMANDS):
        free[k] = max(free[k], now + distances[k])


@inlined
def count_activation(now: int, rank: int, timing: Timing, faw: int, groups: int) -> None:
    """Put off the next ACT of a rank until `faw` after the fourth last."""
    acts, free = timing.acts, timing.group_free
    at = acts[rank, 4]
    acts[rank, at] = now
    at = (at + 1) & 3
    acts[rank, 4] = at
    width = groups * N_COMMANDS
    for g in range(rank * width + ACT, (rank + 1) * width + ACT, N_COMMANDS):
        free[g] = max(free[g], acts[rank, at] + faw)


@inlined
def first_command(
    now: int, past: int, bus: int, buses: int, wishes: Wishes, ranks: Array, requests: Array, timing: Timing,
    lengths: Array, groups: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Return the command that is over first, of those on a bus that banks and ranks want.

    Of several, a rank's own, else the oldest request's.

    Args:
        now: memory-clock cycle.
        past: the cycle after which the next time is sought.
        bus: number of the bus.
        buses: command buses of the channel, 1 or 2.
        wishes: what each bank wants.
        ranks: `RANK` (ranks,).
        requests: `REQUEST` (n + 2,).
        timing: what commands have to wait for.
        lengths: cycles of the command bus that each command takes, int64 (commands,).
        groups: bank groups of a rank.

    Returns:
        Whose it is (a bank, -2 - rank, -1 for none), its earliest time, its age (a request + 1; 0 for a rank's),
        the earliest time after `past` of any.
    """
    floor = max(now, timing.bus_free[bus])
    best, who, soon = _FAR << _AGE_BITS, -1, INF
    # Without branches, which would be mispredicted as often as not, and one array a field, so that it is vectorised.
    for b in range(len(wishes.earliest)):
        t = max(max(wishes.earliest[b], timing.group_free[wishes.place[b]]), floor)
        if buses > 1:
            t = t if wishes.bus[b] == bus else INF
        soon = min(soon, t if t > past else INF)
        best = min(best, (min(t - now, _FAR) + wishes.length[b]) << _AGE_BITS | wishes.age[b])
    when, age = INF, best & ((1 << _AGE_BITS) - 1)
    if age > 0:
        who = requests[age - 1].bank
        when = max(max(wishes.earliest[who], timing.group_free[wishes.place[who]]), floor)
    if bus == 0:
        for r in range(len(ranks)):
            c = ranks[r].wanted
            if c >= 0:
                t = max(timing.group_free[r * groups * N_COMMANDS + c], floor)
                soon = min(soon, t if t > past else INF)
                over = (t - now + lengths[c]) << _AGE_BITS
                if over < best:
                    best, who, when, age = over, -2 - r, t, 0
    return who, when, age, soon

"""How requests reach the controller: arrival, arbiter, and space in the scheduler's buffer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.compiled import compiled

Array = np.ndarray[Any, np.dtype[Any]]

# Knob values by number.
BUFFERS = ("bankwise", "read_write", "shared")
ARBITERS = ("simple", "fifo", "reorder")

#: Later than any event.
INF = 2**62

# State of the intake, int64 (INTAKE,):
# STORED: requests stored so far, which is also the next to be stored; QUEUE_TIME: when that one stands at the
# controller, INF where it is not known yet; AHEAD: whether it is stored before the cycle's command is selected; FULL:
# whether it found no space; READS, WRITES: requests in the buffer; LAST_BANK, LAST_STORED, LAST_TAKEN: of the last
# stored request, its bank, when it was stored, and when the arbiter took it; RECEIPTS: responses whose time at the
# requestor is known.
STORED, QUEUE_TIME, AHEAD, FULL, READS, WRITES, LAST_BANK, LAST_STORED, LAST_TAKEN, RECEIPTS = range(10)
INTAKE = 10


@compiled
def next_request(state: Array, arbiter: int, active: int, arrival: Array, taken: Array, stands: Array, received: Array) -> None:
    """Works out when the next request stands at the controller; the one before has been stored.

    A simple arbiter hands a request on as soon as the one before is stored. The others take one a cycle while fewer
    than `active` are unanswered, and hand them on one a cycle.
    """
    i = state[STORED]
    if i >= len(arrival):
        state[QUEUE_TIME] = INF
        return
    earliest = state[LAST_STORED] + 1
    if arbiter == 0:
        s = max(arrival[i], earliest)
        state[AHEAD] = 0
    else:
        s = max(arrival[i], state[LAST_TAKEN] + 1)
        if i >= active:
            if i - active >= state[RECEIPTS]:
                state[QUEUE_TIME] = INF
                return
            s = max(s, received[i - active])
        state[AHEAD] = 1 if s < earliest else 0
    q = max(s, earliest)
    taken[i] = s
    stands[i] = q
    state[QUEUE_TIME] = q


@compiled
def has_space(state: Array, buffer: int, size: int, queued: Array) -> bool:
    """Whether the buffer takes another request.

    A bankwise buffer looks at the bank of the last stored request, whatever the bank of the next: a bank can hold one
    more than `size`.
    """
    if buffer == 0:
        return queued[state[LAST_BANK]] < size  # type: ignore[no-any-return]
    if buffer == 1:
        return state[READS] < size and state[WRITES] < size  # type: ignore[no-any-return]
    return state[READS] + state[WRITES] < size  # type: ignore[no-any-return]

"""How requests reach the controller: arrival, arbiter, and space in the scheduler's buffer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import inlined

Array = np.ndarray[Any, np.dtype[Any]]

# Knob values by number.
BUFFERS = ("bankwise", "read_write", "shared")
ARBITERS = ("simple", "fifo", "reorder")

#: Later than any event.
INF = 2**62


@inlined
def next_arrival(
    i: int, n: int, stored: int, left: int, arbiter: int, active: int, requests: Array, received: Array, receipts: int,
    since: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """When request `i` arrives, is issued by the requestor, leaves it for the arbiter, and stands at the controller.

    The last two are INF where they are not known yet, all of them where there is no such request.

    A simple arbiter hands a request on as soon as the one before is stored. The others take one a cycle while fewer
    than `active` are unanswered, and hand them on one a cycle.

    Args:
        n: requests in all.
        stored: when the request before was stored, and `left` when it left the requestor; -1 before the first.
        received: when the k-th response reached the requestor, known for the first `receipts`.
        since: 0, or when the request before was issued where arrivals count from that.
    """
    if i >= n:
        return INF, INF, INF, INF
    # The further bursts of a request, whose waits are -1, come with its first.
    arrival = max(requests[i].arrival, 0) + since
    if arbiter == 0:
        q = max(arrival, stored + 1)
        return arrival, q, q, q
    p = max(arrival, left + 1)
    if i - active >= receipts:
        return arrival, p, INF, INF
    s = max(p, received[i - active]) if i >= active else p
    return arrival, p, s, max(s, stored + 1)


@inlined
def has_space(buffer: int, size: int, of_last_bank: int, reads: int, writes: int) -> bool:
    """Whether the buffer takes another request.

    A bankwise buffer looks at the requests of the bank of the last stored request, whatever the bank of the next: a
    bank can hold one more than `size`.
    """
    if buffer == 0:
        return of_last_bank < size
    if buffer == 1:
        return reads < size and writes < size
    return reads + writes < size

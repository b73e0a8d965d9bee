"""The arbiter: when the next request leaves its requestor, and when it stands at the controller."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.compiled import inlined
from .policies import SIMPLE
from .timing import INF

Array = np.ndarray[Any, np.dtype[Any]]


@inlined
def next_arrival(
    i: int, n: int, stored: int, left: int, arbiter: int, active: int, requests: Array, received: Array, receipts: int,
    since: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Tell when request `i` arrives, is issued by its requestor, leaves for the arbiter, and stands at the controller.

    The last two are INF where they are not known yet, all of them where there is no such request.

    A simple arbiter hands a request on as soon as the one before is stored. The others take one a cycle while fewer
    than `active` are unanswered, and hand them on one a cycle.

    Args:
        i: position of the request.
        n: requests in all.
        stored: cycle in which the request before was stored; -1 before the first.
        left: cycle in which the request before left the requestor; -1 before the first.
        arbiter: one of `ARBITERS`, by number.
        active: most requests that may be unanswered at a time.
        requests: `REQUEST` (n + 2,).
        received: when the k-th response reached the requestor, int64 (n,).
        receipts: how many of `received` are known, the first ones.
        since: 0, or when the request before was issued where arrivals count from that.
    """
    if i >= n:
        return INF, INF, INF, INF
    # The further bursts of a request, whose waits are -1, come with its first.
    arrival = max(requests[i].arrival, 0) + since
    if arbiter == SIMPLE:
        q = max(arrival, stored + 1)
        return arrival, q, q, q
    p = max(arrival, left + 1)
    if i - active >= receipts:
        return arrival, p, INF, INF
    s = max(p, received[i - active]) if i >= active else p
    return arrival, p, s, max(s, stored + 1)

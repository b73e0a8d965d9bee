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
    i: int, n: int, stored: int, left: int, arbiter: int, active: int, requests: Array, received: Array, receipts: int
) -> tuple[int, int]:
    """When request `i` leaves the requestor, and when it stands at the controller; INF where that is not known yet.

    A simple arbiter hands a request on as soon as the one before is stored. The others take one a cycle while fewer
    than `active` are unanswered, and hand them on one a cycle.

    Args:
        n: requests in all.
        stored: when the request before was stored, and `left` when it left the requestor; -1 before the first.
        received: when the k-th response reached the requestor, known for the first `receipts`.
    """
    if i >= n:
        return INF, INF
    arrival = requests[i].arrival
    if arbiter == SIMPLE:
        q = max(arrival, stored + 1)
        return q, q
    if i - active >= receipts:
        return INF, INF
    s = max(arrival, left + 1)
    if i >= active:
        s = max(s, received[i - active])
    return s, max(s, stored + 1)

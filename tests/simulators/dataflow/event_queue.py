"""A section as processes and an event queue, in plain Python: what the compiled recurrence is checked against."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Drawn:
    """A section: seconds of a tile by kernel, and edges (producer, consumer, delay, capacity, barrier)."""

    service: tuple[float, ...]
    edges: tuple[tuple[int, int, float, int, bool], ...]
    tiles: int
    span: int


def simulate(drawn: Drawn) -> float:
    """Seconds until the last tile is done; inf where the section locks up.

    A kernel starts its next tile when it is idle, every producer's tile (of a barrier, its sample's last) has come,
    and no FIFO behind it is full: fewer tiles than it holds were started and not yet finished by its consumer.
    """
    n = len(drawn.service)
    started, finished, busy = [0] * n, [0] * n, [False] * n
    arrived = [0] * len(drawn.edges)
    queue: list[tuple[float, int, str, int]] = []
    ticket, now = itertools.count(), 0.0

    def can_start(k: int) -> bool:
        tile = started[k]
        if busy[k] or tile == drawn.tiles:
            return False
        for e, (producer, consumer, _, capacity, barrier) in enumerate(drawn.edges):
            need = min((tile // drawn.span + 1) * drawn.span, drawn.tiles) if barrier else tile + 1
            if consumer == k and arrived[e] < need:
                return False
            if producer == k and tile - finished[consumer] >= capacity:
                return False
        return True

    def start_all() -> None:
        for k in range(n):
            if can_start(k):
                busy[k], started[k] = True, started[k] + 1
                heapq.heappush(queue, (now + drawn.service[k], next(ticket), "finish", k))

    start_all()
    while queue:
        now = queue[0][0]
        while queue and queue[0][0] == now:
            _, _, what, which = heapq.heappop(queue)
            if what == "arrive":
                arrived[which] += 1
                continue
            busy[which], finished[which] = False, finished[which] + 1
            for e, (producer, _, delay, _, _) in enumerate(drawn.edges):
                if producer == which:
                    heapq.heappush(queue, (now + delay, next(ticket), "arrive", e))
        start_all()
    return now if all(f == drawn.tiles for f in finished) else math.inf

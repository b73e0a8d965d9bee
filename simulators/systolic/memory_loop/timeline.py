"""When the tiles of a layer come into use, where a memory answers its transfers: a loop that is closed by repetition.

What a memory has answered by some moment follows from what it was asked before it, and that from when tiles came into
use, which follows from its answers. So the loop has exactly one timeline, and a timeline is that one if a memory that
is asked at its times answers at its times: by induction over the marks, none of which depends on a later answer.

It is looked for by repetition. In each round the memory serves all transfers at the times of the last timeline. From
its answers follows how long each part of a transfer takes once it has reached the memory and those before it are over,
and from that, with the same rules, the next timeline. A memory that serves part after part at its own pace, whether it
is always busy or always waited for, is found in two or three rounds. What takes more is what changes with the time of
asking: rows that are open or not, refreshes, reads and writes that change places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...core.compiled import compiled
from .traffic import Ints, Traffic

#: Rounds end when no mark moves by more than this fraction of the layer's time. Refreshes fall on other tiles in every
#: round, which alone moves marks by some tenths of a percent.
SETTLED = 1e-2
#: Most rounds. So ended, 252 layers of two networks on six designs and two memories took 2.7 rounds on average; against
#: forty rounds they were 0.3 % off on average, 1.2 % for one in twenty, 4.4 % at worst, and to neither side.
MOST_ROUNDS = 12

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Parts:
    """What transfers are asked for in, p of them in the order of asking; columns of shape (p,).

    Attributes:
        transfer: whose part it is.
        mark: at which mark it is asked for, no later than the transfer's last.
    """

    transfer: Ints
    mark: Ints

    @staticmethod
    def order(traffic: Traffic, transfer: Ints, mark: Ints) -> Ints:
        """Return the order of asking: by mark, then what need not wait for another, then what is needed first."""
        return np.lexsort((transfer, traffic.need[transfer], traffic.after[transfer] >= 0, mark))


class Server(Protocol):
    """Something that serves the transfers of a layer."""

    @property
    def parts(self) -> Parts:
        """In what it is asked for them."""

    def serve(self, marks: Floats, held: Floats) -> tuple[Floats, float]:
        """Tell when each part is over, (p,), and the least time that any answer takes, all in seconds.

        Args:
            marks: when each mark is reached, seconds, (steps + 3,).
            held: until when each transfer waits for the one that it comes after, seconds, (t,).
        """


@dataclass(frozen=True, slots=True)
class Loop:
    """A layer's time with a memory in the loop.

    Attributes:
        latency_s: from the start of the layer until the last transfer is over.
        rounds: how often the memory served the layer.
        moved: by how much the last round moved a mark, at most, as a fraction of the latency.
    """

    latency_s: float
    rounds: int
    moved: float


def close_loop(traffic: Traffic, server: Server, settled: float = SETTLED, most_rounds: int = MOST_ROUNDS) -> Loop:
    """Return the time of a layer whose transfers `server` serves, at least one of them.

    It is never less than the layer computes, nor than the server took in the last round for all that it served.
    """
    parts = server.parts
    marks, held = reach(traffic, parts, np.zeros(len(parts.transfer)), 0.0)  # a memory that answers at once
    rounds, moved, last = 0, np.inf, 0.0
    while moved > settled and rounds < most_rounds:
        over, latency = server.serve(marks, held)
        asked = np.maximum(marks[parts.mark], held[parts.transfer])
        busy = np.concatenate([[0.0], np.maximum.accumulate(over)[:-1]])
        before, last = marks, float(over.max())
        marks, held = reach(traffic, parts, over - np.maximum(asked + latency, busy), latency)
        rounds, moved = rounds + 1, float(np.abs(marks - before).max() / marks[-1])
    first_in, computing, last_out = (
        float(marks[1]),
        float(marks[-2] - marks[1]),
        max(float(marks[-1]), last) - marks[-2],
    )
    return Loop(first_in + traffic.stands_for * computing + float(last_out), rounds, moved)


def reach(traffic: Traffic, parts: Parts, takes: Floats, latency: float) -> tuple[Floats, Floats]:
    """Tell when each mark is reached, (steps + 3,), and until when each transfer is held, (t,), in seconds.

    Args:
        traffic: what the layer moves, t transfers.
        parts: of its transfers, in the order of asking, p in all.
        takes: seconds that each part takes from `latency` after it is asked for, or from when all before it are over if
            that is later, (p,); negative for one that overtakes them.
        latency: the least seconds that any answer takes.
    """
    t = traffic
    return _reach(t.steps, t.step_s, t.need, t.after, parts.transfer, parts.mark, takes, latency)


@compiled
def _reach(
    steps: int, step_s: float, need: Ints, after: Ints, transfer: Ints, asked_at: Ints, takes: Floats, latency: float
) -> tuple[Floats, Floats]:
    marks, held, over = np.zeros(steps + 3), np.zeros(len(need)), np.zeros(len(need))
    t, p, busy = 0, 0, 0.0
    for mark in range(steps + 3):
        if mark > 0:
            now = marks[mark - 1]
            if 2 <= mark <= steps + 1:
                now += step_s
            while t < len(need) and need[t] == mark:
                now = max(now, over[t])
                t += 1
            marks[mark] = now
        while p < len(transfer) and asked_at[p] == mark:
            i = transfer[p]
            if after[i] >= 0:
                held[i] = over[after[i]]
            asked = max(marks[mark], held[i])
            done = max(asked, max(asked + latency, busy) + takes[p])
            busy = max(busy, done)
            over[i] = max(over[i], done)
            p += 1
    return marks, held

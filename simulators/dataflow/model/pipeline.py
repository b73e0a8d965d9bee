"""How long a section takes: the closed form, and the recurrence of tiles through bounded FIFOs.

Both see a section as kernels with a time per tile, edges with a delay, and bytes that stream in from off-chip memory in
a fixed order: tile by tile, within a tile kernel by kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import compiled
from .columns import BARRIER, CONSUMER, PRODUCER

Array = np.ndarray[Any, np.dtype[Any]]


class Section(NamedTuple):
    """A section as both models take it.

    Attributes:
        links: int64 (edges, 3), sorted by consumer; edges that leave the section included.
        section: int64 (kernels,); only those with `here` take part.
        service: seconds of a tile, (kernels,).
        delay: seconds from a producer's finish to its consumer's start, (edges,).
        capacity: tiles that a FIFO holds, int64 (edges,).
        reads: seconds of off-chip memory for a kernel's part of a tile, (kernels,).
    """

    links: Array
    section: Array
    service: Array
    delay: Array
    capacity: Array
    reads: Array


@compiled
def closed_form(s: Section, here: int, tiles: int, span: int, stream: float, scratch: Array) -> tuple[float, float]:
    """Return seconds of `tiles` tiles through a section, and from one repeat to the next but for its slowest kernel.

    With a fixed time per tile, the last tile's longest path visits some kernel for all tiles and every other once, so
    that time is the largest over kernels of the longest path through it plus (tiles - 1) times its time. A barrier on
    the path adds a sample, less a tile, of the slowest kernel between it and the next one, on either side.

    A FIFO of C tiles lets C of them make the trip from its producer's start to its consumer's finish at a time, which
    bounds the time from below: what one FIFO stalls alone is seen, what a detour beside it stalls is not.

    Args:
        s: the section.
        here: its number in `s.section`.
        tiles: how many run through it.
        span: tiles of a sample.
        stream: seconds of off-chip memory per tile, of all kernels and what is written.
        scratch: (5, kernels), overwritten.
    """
    n = len(s.section)
    first, before, tail, after, pace = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    arrived, again, e, edges = 0.0, 0.0, 0, len(s.links)
    for i in range(n):
        first[i] = before[i] = tail[i] = after[i] = 0.0
        if s.section[i] != here:
            while e < edges and s.links[e, CONSUMER] == i:
                e += 1
            continue
        arrived += s.reads[i]
        first[i] = arrived if s.reads[i] > 0 else 0.0
        slowest = 0.0
        while e < edges and s.links[e, CONSUMER] == i:
            u = s.links[e, PRODUCER]
            if s.section[u] == here:
                wait = s.delay[e] + ((span - 1) * before[u] if s.links[e, BARRIER] else 0.0)
                if first[u] + wait >= first[i]:
                    # Behind a barrier tiles wait already, so that its consumers set their own pace.
                    first[i], slowest = first[u] + wait, 0.0 if s.links[e, BARRIER] else before[u]
            e += 1
        first[i] += s.service[i]
        again = max(again, first[i])
        before[i] = max(slowest, s.service[i])
        # A kernel that reads from memory is no faster than the memory, which every tile of the section shares.
        pace[i] = max(s.service[i], stream) if s.reads[i] > 0 else s.service[i]
    end = 0.0
    for e in range(edges - 1, -1, -1):
        u, v = s.links[e, PRODUCER], s.links[e, CONSUMER]
        if s.section[u] == here and s.section[v] == here:
            if s.capacity[e] < tiles:
                trip = s.service[u] + s.delay[e] + s.service[v]
                trips = (tiles - 1) // s.capacity[e] + 1
                end = max(end, first[u] - s.service[u] + trips * trip + tail[v])
                again = max(again, tiles // s.capacity[e] * trip)
            beyond = max(after[v], s.service[v])
            wait = s.delay[e] + ((span - 1) * beyond if s.links[e, BARRIER] else 0.0)
            tail[u] = max(tail[u], wait + s.service[v] + tail[v])
            after[u] = max(after[u], 0.0 if s.links[e, BARRIER] else beyond)
    for i in range(n):
        if s.section[i] == here:
            end = max(end, first[i] + tail[i] + (tiles - 1) * pace[i])
    return end, again


@compiled
def recurrence(
    s: Section, here: int, tiles: int, span: int, blocks: int, stream: float, finish: Array, progress: Array
) -> tuple[float, float]:
    """Return the seconds of `tiles` tiles through a section with bounded FIFOs, and from one repeat of it to the next.

    start(kernel, tile) = max(its own previous finish, its producers' finish of that tile (with a barrier, of the
    sample's last), its bytes' arrival, its consumers' finish of tile - capacity). Kernels advance in turn as far as
    they can, until all are done.

    Args:
        s: the section.
        here: its number in `s.section`.
        tiles: how many run through it.
        span: tiles of a sample.
        blocks: 1, or 3 where the section repeats and each repeat reads what the one before puts out: the time between
            the second and the third is then the second answer.
        stream: seconds of off-chip memory per tile, of all kernels and what is written.
        finish: (kernels, blocks * tiles), overwritten.
        progress: int64 (kernels,), overwritten.

    Returns:
        (inf, inf) where the section locks up.
    """
    n, edges, total = len(s.section), len(s.links), tiles * blocks
    sink = -1
    for i in range(n):
        if s.section[i] == here:
            sink = i
        progress[i] = 0 if s.section[i] == here else total
    moved = True
    while moved:
        moved, e, reads = False, 0, 0.0
        for i in range(n):
            begin = e
            while e < edges and s.links[e, CONSUMER] == i:
                e += 1
            if s.section[i] != here:
                continue
            reads += s.reads[i]
            while progress[i] < total:
                t = progress[i]
                start = finish[i, t - 1] if t > 0 else 0.0
                ready = True
                for j in range(begin, e):
                    u = s.links[j, PRODUCER]
                    if s.section[u] != here:
                        continue
                    need = min((t // span + 1) * span, (t // tiles + 1) * tiles) - 1 if s.links[j, BARRIER] else t
                    if progress[u] <= need:
                        ready = False
                        break
                    start = max(start, finish[u, need] + s.delay[j])
                if ready and i != sink and t >= tiles and begin == e:  # what enters is what the last repeat put out
                    ready = progress[sink] > t - tiles
                    if ready:
                        start = max(start, finish[sink, t - tiles])
                if not ready:
                    break
                for j in range(e, edges):
                    if s.links[j, PRODUCER] == i and s.section[s.links[j, CONSUMER]] == here:
                        v, kept = s.links[j, CONSUMER], t - s.capacity[j]
                        if kept >= 0:
                            if progress[v] <= kept:
                                ready = False
                                break
                            start = max(start, finish[v, kept])
                if not ready:
                    break
                if s.reads[i] > 0:
                    start = max(start, t * stream + reads)
                finish[i, t] = start + s.service[i]
                progress[i] = t + 1
                moved = True
    end, second, third = 0.0, 0.0, 0.0
    for i in range(n):
        if s.section[i] == here:
            if progress[i] < total:
                return np.inf, np.inf
            end = max(end, finish[i, tiles - 1])
            if blocks > 1:
                second = max(second, finish[i, 2 * tiles - 1])
                third = max(third, finish[i, total - 1])
    return end, third - second if blocks > 1 else end


@compiled
def section_seconds(pipeline: float, off_chip: float, network: float, setup: float) -> float:
    """Return a section's seconds: its pipeline, off-chip traffic and collectives side by side, after its set-up.

    The form of DFModel (Ko et al., arXiv:2412.16432), where the pipeline is the slowest kernel alone.
    """
    return max(pipeline, max(off_chip, network)) + setup

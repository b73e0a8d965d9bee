"""One graph of a pass on one design: its sections, what each needs, and how long each takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import compiled
from . import answers as a
from . import columns as c
from . import work as w
from .pcu import allocate, tile_cycles
from .pipeline import Section, closed_form, recurrence, section_seconds
from .policies import (
    BY_WORK,
    CUSTOM_CUTS,
    CUSTOM_SHARES,
    FROM_DDR,
    FULL,
    LOOPED,
    ON_CHIP,
    PER_SECTION,
    PREFETCH,
    RESIDENT,
    STREAMED,
    UNREAD,
    WRITTEN,
)
from .program import Fixed
from .sections import cut_sections, place, size_fifos
from .work import WORK, fill_work

Array = np.ndarray[Any, np.dtype[Any]]

#: The section of a source that is not on the chip with what reads it.
BEFORE = -1


class Shape(NamedTuple):
    """How a part is run: its place in the program, and what of the batch one microbatch of a stage has.

    Attributes:
        samples: of one tile.
        span: tiles of a sample.
        fetched: whether what it reads is in memory, where each kernel fetches it for itself.
        mapped: whether it has the sections and PCUs of the part before, which its machine is configured for.
        spread: replicas, of those that share experts, that have tokens.
        resident: bytes of all weights of its pass on one socket, which stay on chip where they are resident.
    """

    first: int
    last: int
    first_edge: int
    last_edge: int
    searched: bool
    decode: bool
    repeats: int
    samples: float
    tiles: int
    span: int
    resident: float
    mapped: bool
    fetched: bool
    spread: float


class Scratch(NamedTuple):
    """Arrays that are written again for every part; k kernels, e edges at most."""

    work: Array  # (k, WORK)
    pcus: Array  # (k,)
    section: Array  # int64 (k,)
    level: Array  # int64 (k,)
    centre: Array  # (k, 2)
    service: Array  # (k,)
    reads: Array  # (k,)
    writes: Array  # (k,)
    delay: Array  # (e,)
    capacity: Array  # int64 (e,)
    rows: Array  # (8, k)
    progress: Array  # int64 (k,)
    finish: Array  # (k, tiles)


@compiled
def make_scratch(kernels: int, edges: int, tiles: int) -> Scratch:
    """Make scratch for graphs of so many kernels and edges, and so many tiles of the recurrence."""
    return Scratch(
        np.zeros((kernels, WORK)), np.zeros(kernels), np.zeros(kernels, np.int64), np.zeros(kernels, np.int64),
        np.zeros((kernels, 2)), np.zeros(kernels), np.zeros(kernels), np.zeros(kernels),
        np.zeros(edges), np.zeros(edges, np.int64), np.zeros((8, kernels)), np.zeros(kernels, np.int64),
        np.zeros((kernels, tiles)),
    )  # fmt: skip


@compiled
def is_looped(d: Array, shape: Shape, sections: int) -> bool:
    """Tell whether a part of so many sections repeats without being started anew."""
    return sections == 1 and shape.repeats > 1 and int(d[c.LOOPING]) == LOOPED


@compiled
def lay_out(
    d: Array,
    cuts: Array,
    shares: Array,
    matrix: Array,
    links: Array,
    shape: Shape,
    fixed: Fixed,
    s: Scratch,
    out: Array,
) -> int:
    """Cut a part into sections and fill what they need: `out` from NEED_PCUS on. Return how many sections there are.

    Violations are relative: PCUs, PMUs and SRAM beyond what the chip has, tiles that some FIFO is too shallow by.
    """
    k = shape.last - shape.first
    section, pcus = s.section[:k], s.pcus[:k]
    batch = shape.samples * shape.tiles * d[c.MICROBATCHES]  # a section's weights are loaded once for all microbatches
    fill_work(
        matrix, shape.first, shape.last, shape.samples, batch, d[c.TP], d[c.EP], shape.spread, fixed.word,
        fixed.imbalance, s.work,
    )  # fmt: skip
    fusion = int(d[c.FUSION])
    if not shape.searched and fusion == CUSTOM_CUTS:
        fusion = FULL
    n = cut_sections(matrix, shape.first, links, fusion, cuts, section)
    if shape.fetched and not is_looped(d, shape, n):
        section[0] = BEFORE  # its edges are cut: what they carry is in memory
    short = size_fifos(links, section, int(d[c.FIFO]), shape.span, s.level[:k], s.capacity)
    out[a.NEED_DEPTH] = short / max(shape.span, 1)
    out[a.NEED_PCUS] = out[a.NEED_PMUS] = out[a.NEED_SRAM] = 0.0
    how = int(d[c.ALLOCATION])
    if not shape.searched and how == CUSTOM_SHARES:
        how = BY_WORK
    if not shape.mapped:
        pcus[:] = 1.0  # of a section that has more kernels than there are units
        per_cycle = d[c.NOC_GBPS] / d[c.CLOCK] * fixed.efficiency
        for here in range(n):
            want = allocate(
                s.work, shares, section, here, d[c.PCUS], how, int(d[c.SPLIT]), d[c.LANES], d[c.STAGES], per_cycle,
                pcus, s.rows[0], s.rows[1],
            )  # fmt: skip
            out[a.NEED_PCUS] = max(out[a.NEED_PCUS], want / d[c.PCUS] - 1)
    out[a.N_SECTIONS] = n
    return n


@compiled
def section_sram(
    d: Array, links: Array, here: int, resident: float, word: float, s: Scratch, k: int
) -> tuple[float, float]:
    """Return the bytes of SRAM and the PMUs that a section needs: FIFOs, staging buffers, weights, held operands.

    `resident` bytes of weights are there all the time.
    """
    pmu, residency = d[c.PMU_KB] * 1024, int(d[c.RESIDENCY])
    total = resident if residency == RESIDENT else 0.0
    units = np.ceil(total / pmu)
    for e in range(len(links)):
        u, v = links[e, c.PRODUCER], links[e, c.CONSUMER]
        if s.section[u] == here and s.section[v] == here:
            size = s.work[u, w.T_OUT] * s.work[u, w.T_BUSY] * s.capacity[e]
        elif s.section[v] == here:
            size = s.work[u, w.T_OUT] * s.work[u, w.T_BUSY] * 2
        else:
            continue
        total += size
        units += np.ceil(size / pmu)
    for i in range(k):
        if s.section[i] == here:
            weights = s.work[i, w.T_WEIGHTS]
            if residency == STREAMED and s.work[i, w.T_KIND] == c.PRODUCT:
                # Two panels of as many columns as the kernel's units work on at a time.
                weights = min(weights, 2 * s.work[i, w.T_INNER] * d[c.STAGES] * s.pcus[i] * word)
            elif residency == PREFETCH:
                weights *= 2  # the next ones are loaded while these are used
            elif residency == RESIDENT:
                weights = 0.0
            for size in (weights, s.work[i, w.T_HOLD], 2 * s.writes[i] * s.work[i, w.T_BUSY]):
                total += size
                units += np.ceil(size / pmu)
    return total, units


@compiled
def stage_bytes(links: Array, looped: bool, s: Scratch, k: int) -> None:
    """Fill what each kernel reads from and writes to off-chip memory per tile, KV cache included; means over sockets.

    A result is written once where a later section needs it, and read by every kernel there. What enters and leaves a
    part is in memory, but where it repeats without leaving the chip.
    """
    for i in range(k):
        s.reads[i] = s.work[i, w.T_STREAM]
        s.writes[i] = s.work[i, w.T_WRITE]
        s.progress[i] = UNREAD
    if not looped:
        s.reads[0] += s.work[0, w.T_OUT]
    for e in range(len(links)):
        u, v = links[e, c.PRODUCER], links[e, c.CONSUMER]
        if s.section[u] == s.section[v]:
            s.progress[u] = max(s.progress[u], ON_CHIP)
        else:
            s.reads[v] += s.work[u, w.T_OUT]
            s.progress[u] = WRITTEN
    for i in range(1, k):
        if s.progress[i] == WRITTEN or (s.progress[i] == UNREAD and not looped):
            s.writes[i] += s.work[i, w.T_OUT]


@compiled
def serve(
    d: Array, matrix: Array, links: Array, here: int, shape: Shape, fixed: Fixed, s: Scratch, kernels: Array
) -> float:
    """Fill seconds per tile of a section's kernels and delays of its edges; return bytes × hops of a tile."""
    k = shape.last - shape.first
    hz, noc = d[c.CLOCK] * 1e9, d[c.NOC_GBPS] * 1e9
    used = 0.0
    for i in range(k):
        if s.section[i] == here:
            if s.work[i, w.T_KIND] == c.SOURCE:
                s.pcus[i] = 0
            used += s.pcus[i]
    place(s.pcus[:k], s.section[:k], here, d[c.PCUS], int(d[c.PLACEMENT]), s.centre)
    for i in range(k):
        s.rows[2, i] = 0.0
    carried = 0.0
    for e in range(len(links)):
        u, v = links[e, c.PRODUCER], links[e, c.CONSUMER]
        if s.section[u] != here or s.section[v] != here:
            continue
        hops = 1 + abs(s.centre[u, 0] - s.centre[v, 0]) + abs(s.centre[u, 1] - s.centre[v, 1])
        abreast = s.pcus[v] if s.work[u, w.T_KIND] == c.SOURCE else min(s.pcus[u], s.pcus[v])
        moving = s.work[u, w.T_OUT] * s.work[u, w.T_BUSY] / (abreast * noc)
        s.rows[2, u] = max(s.rows[2, u], moving)
        s.rows[2, v] = max(s.rows[2, v], moving)
        carried += s.work[u, w.T_OUT] * hops
        s.delay[e] = hops * d[c.NOC_HOP] * 1e-9
        if s.work[u, w.T_COLLECT] > 0:  # a ring of TP sockets: TP - 1 steps to gather, as many to reduce first
            steps = (d[c.TP] - 1) * matrix[shape.first + u, c.COLLECT]
            s.delay[e] += steps * d[c.LINK_LATENCY] * 1e-6 + s.work[u, w.T_COLLECT] / (d[c.LINK_GBPS] * 1e9)
        if matrix[shape.first + u, c.FAR] != matrix[shape.first + v, c.FAR] and d[c.EP] > 1:
            # All with all, one pair after another (Thakur et al., IJHPCA 19(1), 2005: (p - 1) latencies and all bytes).
            s.delay[e] += (d[c.EP] - 1) * d[c.LINK_LATENCY] * 1e-6 + s.work[u, w.T_SEND] / (d[c.LINK_GBPS] * 1e9)
    for i in range(k):
        if s.section[i] != here:
            continue
        compute, pmu = 0.0, 0.0
        if s.work[i, w.T_KIND] != c.SOURCE:
            compute = tile_cycles(s.work, i, s.pcus[i], int(d[c.SPLIT]), d[c.LANES], d[c.STAGES])
            compute /= hz * fixed.efficiency
            local = s.work[i, w.T_BUSY_IN] + s.work[i, w.T_OUT] * s.work[i, w.T_BUSY]
            pmu = local / (d[c.PMUS] * s.pcus[i] / used * d[c.BANKS] * 4 * hz)
        link = (s.work[i, w.T_COLLECT] + s.work[i, w.T_SEND]) / (d[c.LINK_GBPS] * 1e9)
        s.service[i] = max(max(compute, pmu), max(s.rows[2, i], link))
        if len(kernels):
            kernels[i, a.K_SECTION], kernels[i, a.K_PCUS], kernels[i, a.K_SERVICE] = here, s.pcus[i], s.service[i]
            kernels[i, a.K_COMPUTE], kernels[i, a.K_PMU], kernels[i, a.K_NOC] = compute, pmu, s.rows[2, i]
            kernels[i, a.K_LINK] = link
    return carried


@compiled
def run_part(
    d: Array, cuts: Array, shares: Array, matrix: Array, links: Array, shape: Shape, fixed: Fixed, s: Scratch,
    out: Array, sections: Array, kernels: Array,
) -> None:  # fmt: skip
    """Fill one part's answer `out` (PART,), and its records `sections` and `kernels` where they have rows.

    What cannot be built is not timed: its time is NaN.
    """
    k = shape.last - shape.first
    n = lay_out(d, cuts, shares, matrix, links, shape, fixed, s, out)
    looped = is_looped(d, shape, n)
    stage_bytes(links, looped, s, k)
    residency = int(d[c.RESIDENCY])
    for here in range(n):
        size, units = section_sram(d, links, here, shape.resident, fixed.word, s, k)
        out[a.NEED_SRAM] = max(out[a.NEED_SRAM], size / (d[c.PMUS] * d[c.PMU_KB] * 1024) - 1)
        out[a.NEED_PMUS] = max(out[a.NEED_PMUS], units / d[c.PMUS] - 1)
        if len(sections):
            sections[here, a.S_SRAM], sections[here, a.S_PMUS] = size, units
            for i in range(1, k):
                if s.section[i] == here:
                    sections[here, a.S_PCUS] += 1  # what it wants at least
                    if len(kernels):
                        kernels[i, a.K_SECTION] = here
    for at in (a.TIME, a.MACS, a.OPS, a.SRAM_BYTES, a.NOC_BYTES, a.HBM_BYTES, a.DDR_BYTES, a.LINK_BYTES):
        out[at] = 0.0
    if max(max(out[a.NEED_PCUS], out[a.NEED_PMUS]), max(out[a.NEED_SRAM], out[a.NEED_DEPTH])) > 0:
        out[a.TIME] = np.nan
        return
    hbm = d[c.HBM_GBPS] * 1e9
    ddr = d[c.DDR_GBPS] * 1e9
    near = hbm if hbm > 0 else ddr
    from_ddr = hbm == 0 or int(d[c.TIER]) == FROM_DDR
    far = ddr if from_ddr else near
    microbatches = d[c.MICROBATCHES]
    tiles = float(shape.tiles)
    for here in range(n):
        carried = serve(d, matrix, links, here, shape, fixed, s, kernels)
        weights, staged, collected, busiest, used = 0.0, 0.0, 0.0, 0.0, 0.0
        loaded, moved, sent, macs, ops, local = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # means over sockets
        cached = False
        for i in range(k):
            if s.section[i] != here:
                continue
            if residency == STREAMED and s.work[i, w.T_KIND] == c.PRODUCT:
                weights += s.work[i, w.T_TILE_LOAD] * tiles  # fetched again for every tile
                loaded += s.work[i, w.T_TILE_LOADED] * tiles
            elif residency != RESIDENT:
                weights += s.work[i, w.T_LOAD] / microbatches
                loaded += s.work[i, w.T_LOADED] / microbatches
            staged += (s.reads[i] + s.writes[i]) * s.work[i, w.T_BUSY]
            moved += s.reads[i] + s.writes[i]
            collected += s.work[i, w.T_COLLECT] + s.work[i, w.T_SEND]
            sent += s.work[i, w.T_SENT]
            used += s.pcus[i]
            local += s.work[i, w.T_IN] + s.work[i, w.T_OUT]
            if s.work[i, w.T_KIND] == c.PRODUCT:
                macs += s.work[i, w.T_MACS]
            else:
                ops += s.work[i, w.T_MACS]
            busiest = max(busiest, s.service[i])
            cached = cached or matrix[shape.first + i, c.CACHE] > 0
            s.reads[i] *= s.work[i, w.T_BUSY] / near
        stream = staged / near
        model = Section(
            links, s.section[:k], s.service, s.delay, s.capacity, s.reads,
        )  # fmt: skip
        if fixed.event:
            blocks = 3 if looped else 1
            end, again = recurrence(model, here, shape.tiles, shape.span, blocks, stream, s.finish, s.progress)
        else:
            end, again = closed_form(model, here, shape.tiles, shape.span, stream, s.rows[2:])
            again = max(again, busiest * tiles)
        hbm_bytes = (0.0 if hbm == 0 else tiles * staged) + (0.0 if from_ddr else weights)
        ddr_bytes = (tiles * staged if hbm == 0 else 0.0) + (weights if from_ddr else 0.0)
        overlapped = 0.0 if residency == PER_SECTION else weights
        t_hbm = 0.0 if hbm == 0 else (hbm_bytes - (0.0 if from_ddr else weights - overlapped)) / hbm
        t_ddr = (ddr_bytes - (weights - overlapped if from_ddr else 0.0)) / ddr
        t_link = tiles * collected / (d[c.LINK_GBPS] * 1e9)
        # A mesh of P units has about 2 P links each way.
        t_noc = tiles * carried / (4 * d[c.PCUS] * d[c.NOC_GBPS] * 1e9)
        off_chip, between = max(t_hbm, t_ddr), max(t_link, t_noc)
        setup = (weights - overlapped) / far
        run = section_seconds(end, off_chip, between, setup)
        sync = d[c.SYNC] * 1e-6
        if shape.decode and cached:
            sync += fixed.sequence_s * (np.ceil(shape.samples * tiles - 1e-9) - 1)
        swaps = d[c.RECONFIGURE] * 1e-6
        runs = float(shape.repeats)
        if looped:
            # Repeats follow one another on the chip; all but the first have their weights there in time.
            out[a.TIME] += (
                run + (runs - 1) * section_seconds(again, off_chip, between, setup) + d[c.SYNC] * 1e-6 + swaps
            )
            out[a.TIME] += runs * (sync - d[c.SYNC] * 1e-6)
        elif n == 1:
            out[a.TIME] += runs * (run + sync) + swaps
        else:
            out[a.TIME] += runs * (run + sync + swaps)
        out[a.MACS] += runs * tiles * macs
        out[a.OPS] += runs * tiles * ops
        out[a.SRAM_BYTES] += runs * tiles * local
        out[a.NOC_BYTES] += runs * tiles * carried
        from_hbm = (0.0 if hbm == 0 else tiles * moved) + (0.0 if from_ddr else loaded)
        beyond = (tiles * moved if hbm == 0 else 0.0) + (loaded if from_ddr else 0.0)
        out[a.HBM_BYTES] += runs * from_hbm
        out[a.DDR_BYTES] += runs * beyond
        out[a.LINK_BYTES] += runs * tiles * sent
        if len(sections):
            sections[here, a.S_TIME], sections[here, a.S_PIPELINE] = run + sync + (swaps if n > 1 else 0.0), end
            sections[here, a.S_COMPUTE], sections[here, a.S_FILL] = busiest * tiles, max(end - busiest * tiles, 0.0)
            sections[here, a.S_HBM], sections[here, a.S_DDR], sections[here, a.S_LINK] = t_hbm, t_ddr, t_link
            sections[here, a.S_NOC], sections[here, a.S_SETUP], sections[here, a.S_SYNC] = t_noc, setup, sync
            sections[here, a.S_RUNS], sections[here, a.S_PCUS], sections[here, a.S_TILES] = runs, used, tiles
            sections[here, a.S_MACS], sections[here, a.S_HBM_BYTES] = tiles * macs, from_hbm
            sections[here, a.S_DDR_BYTES] = beyond
            busy = 0.0
            for i in range(k):
                if s.section[i] == here:
                    busy += s.pcus[i] * s.service[i] * tiles
                    if len(kernels):
                        kernels[i, a.K_BUSY] = s.service[i] * tiles / run
            sections[here, a.S_BUSY] = busy / (run * d[c.PCUS])

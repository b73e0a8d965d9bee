"""Metrics of designs from what is counted of them: times, energies, and the bits that a controller stores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import compiled
from . import channel as k
from .commands import ACT, PREAB, PREPB, RD, RDA, REFAB, WR, WRA
from .policies import ALL_BANK, BANKWISE, READ_WRITE, SIMPLE

Array = np.ndarray[Any, np.dtype[Any]]

# Columns of the metrics, float64 (n, METRICS), in the order in which the simulator declares them.
(
    LATENCY, ENERGY, POWER, AREA, CYCLES, READ, READ_P50, READ_P95, READ_P99, WRITE, REQUEST, ACCESS, BANDWIDTH,
    OCCUPANCY, BITS, ROW_HITS, ROW_MISSES, ROW_CONFLICTS, N_ACT, N_RD, N_WR, N_PRE, N_REF, ACTIVATE_J, READ_J, WRITE_J,
    REFRESH_J, BACKGROUND_J, METRICS,
) = range(29)  # fmt: skip

# Columns of the supplies, float64 (rails, RAIL): J per mA and cycle, and mA above standby (of ACT and PRE mA × cycles).
SCALE, OPENING, CLOSING, READ_MA, WRITE_MA, REFRESH_MA, ACTIVE_MA, STANDBY_MA, RAIL = range(9)


class Prices(NamedTuple):
    """What a trace on a device makes of counts; `cost.prices_of` says where each is from.

    Attributes:
        rails: (rails, RAIL).
        burst, refresh: cycles that a burst and a refresh draw their current for.
        cycle_s, energy_cycle_s: of the clock, as times and as energies are counted.
        requests, writes: of the trace.
        burst_bytes: of a request.
        ranks: of a channel.
        banks: of a rank.
        channels: controllers.
        entry, data: bits of a request in a buffer, and of its data.
        mm2_per_bit: of what is stored.
    """

    rails: Array
    burst: int
    refresh: int
    cycle_s: float
    energy_cycle_s: float
    requests: int
    writes: int
    burst_bytes: int
    ranks: int
    banks: int
    channels: int
    entry: int
    data: int
    mm2_per_bit: float


@compiled
def stored_bits(p: Prices, design: Array) -> int:
    """Count the bits that the controllers of all channels store under a design (KNOBS,).

    An entry for a request is its address in bursts, its direction, and whether it is valid; one that may write has a
    burst of data too. The scheduler's buffer has `request_buffer_size` entries in all, as many for reads and for writes
    each, or one more than that for every bank (see `has_space`). An arbiter that queues has `max_active_transactions`
    entries with data, in which one that sorts keeps responses. A rank's refresh machine counts from the refreshes that
    it may be ahead to those that it may owe.
    """
    size, whole = design[k.BUFFER_SIZE], p.entry + p.data
    bits = size * whole
    if design[k.BUFFER] == BANKWISE:
        bits = (size + 1) * p.ranks * p.banks * whole
    elif design[k.BUFFER] == READ_WRITE:
        bits = size * (p.entry + whole)
    if design[k.ARBITER] != SIMPLE:
        bits += design[k.ACTIVE] * whole
    if design[k.REFRESH] == ALL_BANK:
        states, counter = 1 + design[k.POSTPONED] + design[k.PULLED_IN], 0
        while 1 << counter < states:
            counter += 1
        bits += p.ranks * counter
    return int(p.channels * bits)


@compiled
def fill_energies(p: Prices, c: Array, out: Array) -> None:
    """Fill energies and power of one design from its counts, float64 (FIELDS,).

    Every current is that of one device; all devices of all ranks of all channels draw alike. A command costs its
    current above standby for as long as it takes; standby costs the precharge current while no bank of a rank is open,
    else the active one. No input, output or termination power. The time span runs to the end of the last command.
    """
    reads, writes, idle = c[RD] + c[RDA], c[WR] + c[WRA], p.ranks * p.channels * c[k.WINDOW] - c[k.ACTIVE_CYCLES]
    out[ACTIVATE_J : BACKGROUND_J + 1] = 0.0
    for r in p.rails:
        out[ACTIVATE_J] += r[SCALE] * (c[ACT] * r[OPENING] + c[k.CLOSED] * r[CLOSING])
        out[READ_J] += r[SCALE] * reads * p.burst * r[READ_MA]
        out[WRITE_J] += r[SCALE] * writes * p.burst * r[WRITE_MA]
        out[REFRESH_J] += r[SCALE] * c[REFAB] * p.refresh * r[REFRESH_MA]
        out[BACKGROUND_J] += r[SCALE] * (c[k.ACTIVE_CYCLES] * r[ACTIVE_MA] + idle * r[STANDBY_MA])
    out[ENERGY] = 0.0
    for component in range(ACTIVATE_J, BACKGROUND_J + 1):
        out[ENERGY] += out[component]
    out[POWER] = out[ENERGY] / (c[k.WINDOW] * p.energy_cycle_s)


@compiled
def fill_metrics(p: Prices, designs: Array, counts: Array, metrics: Array) -> None:
    """Fill `metrics` (n, METRICS) of designs (n, KNOBS) from their counts (n, FIELDS)."""
    for i in range(len(designs)):
        c, out = counts[i].astype(np.float64), metrics[i]
        out[CYCLES], out[LATENCY] = c[k.END], c[k.END] * p.cycle_s
        out[READ] = c[k.READ_SUM] * p.cycle_s / max(p.requests - p.writes, 1)
        out[READ_P50], out[READ_P95], out[READ_P99] = c[k.P50] * p.cycle_s, c[k.P95] * p.cycle_s, c[k.P99] * p.cycle_s
        out[WRITE] = c[k.WRITE_SUM] * p.cycle_s / max(p.writes, 1)
        out[REQUEST] = (c[k.READ_SUM] + c[k.WRITE_SUM] + c[k.AT_ARBITER]) * p.cycle_s / p.requests
        out[ACCESS] = c[k.SOJOURN] * p.cycle_s / p.requests
        out[BANDWIDTH] = p.requests * p.burst_bytes / out[LATENCY] / 1e9
        out[OCCUPANCY] = c[k.QUEUED_SUM] / c[k.END]
        out[ROW_HITS], out[ROW_MISSES], out[ROW_CONFLICTS] = c[k.HITS], c[k.MISSES], c[k.CONFLICTS]
        out[N_ACT], out[N_RD], out[N_WR] = c[ACT], c[RD] + c[RDA], c[WR] + c[WRA]
        out[N_PRE], out[N_REF] = c[PREPB] + c[PREAB], c[REFAB]
        fill_energies(p, c, out)
        out[BITS] = stored_bits(p, designs[i])
        out[AREA] = out[BITS] * p.mm2_per_bit

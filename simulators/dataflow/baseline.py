"""The best way to cut a chain into sections, exactly: what searches of cuts can be measured against."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ChipgymError
from ..core import Design, Value
from . import part as p
from .simulator import DataflowSimulator
from .space import cut_name


def is_chain(simulator: DataflowSimulator) -> bool:
    """Whether every kernel has the one before it as its only producer."""
    pairs = [(e.producer, e.consumer) for e in simulator.graph.edges]
    return pairs == [(i, i + 1) for i in range(len(simulator.graph.kernels) - 1)]


def optimal_cuts(simulator: DataflowSimulator, design: Design | None = None) -> dict[str, Value]:
    """The design with `fusion="custom"` and the cuts of the least latency; all else as in `design`.

    Sections of a chain are intervals, each of which costs the same whatever the others are: it has all of the chip,
    and what it reads and writes at its ends is in memory. So dynamic programming over where a section ends, with a
    cost for each of the K (K + 1) / 2 intervals, is exact. A network in a single section is configured once and not
    section by section, and is compared as a whole.

    Raises:
        ChipgymError: the network is not a chain, or no cuts can be built.
    """
    if not is_chain(simulator):
        raise ChipgymError(f"workload: {simulator.workload.name!r} is not a chain of kernels, which optimal_cuts takes")
    base = {**simulator.space.default, **(design or {}), "fusion": "custom"}
    names = [cut_name(simulator.graph, e) for e, edge in enumerate(simulator.graph.edges) if edge.producer > 0]
    kernels = len(simulator.graph.kernels) - 1
    cost = np.full((kernels, kernels), np.inf)
    for first in range(kernels):
        for last in range(first, kernels):
            cuts = {name: int(not first <= at < last) for at, name in enumerate(names)}
            cost[first, last] = _interval_cost(simulator, {**base, **cuts}, first)
            if not np.isfinite(cost[first, last]):
                break  # a longer one needs no less
    best, begin = np.full(kernels + 1, np.inf), np.zeros(kernels + 1, dtype=np.int64)
    best[0] = 0.0
    for end in range(1, kernels + 1):
        options = best[:end] + cost[:end, end - 1]
        begin[end] = options.argmin()
        best[end] = options[begin[end]]
    whole: dict[str, Any] = {**base, **dict.fromkeys(names, 0)}
    if not np.isfinite(best[kernels]):
        raise ChipgymError(f"design: no cuts of {simulator.workload.name!r} can be built with the rest of it")
    cut, end = dict.fromkeys(names, 0), kernels
    while begin[end] > 0:
        end = int(begin[end])
        cut[names[end - 1]] = 1
    found: dict[str, Any] = {**base, **cut}
    latency = simulator.evaluate([found, whole])["latency_s"]
    return whole if latency[1] < latency[0] else found


def _interval_cost(simulator: DataflowSimulator, design: Design, section: int) -> float:
    """Seconds of one section of a design in which all others are single kernels; inf where it cannot be built."""
    columns, _ = simulator.space.columns(design)
    found, sections = np.zeros((1, 1, p.PART)), np.zeros((len(simulator.graph.kernels), p.SECTION))
    record = p.Record(0, sections, np.zeros((0, p.KERNEL)))
    simulator.run(*simulator.design_arrays(columns, 1), found, record)
    if np.isnan(found[0, 0, p.TIME]):
        return np.inf
    reconfigure = columns["reconfigure_us"][0] * 1e-6 if found[0, 0, p.N_SECTIONS] == 1 else 0.0
    return float(sections[section, p.S_TIME] + reconfigure)

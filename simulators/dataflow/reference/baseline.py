"""The best way to cut a chain into sections, exactly: what searches of cuts can be measured against."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....errors import ChipgymError
from ...core import Design, Value
from ..lowering.passes import Part
from ..model import answers as a
from ..simulator import DataflowSimulator
from ..space import cut_name, searched_edges


def is_chain(simulator: DataflowSimulator) -> bool:
    """Tell whether every kernel has the one before it as its only producer."""
    return all(
        [(e.producer, e.consumer) for e in part.graph.edges] == [(i, i + 1) for i in range(len(part.graph.kernels) - 1)]
        for part in simulator.blocks
    )


def optimal_cuts(simulator: DataflowSimulator, design: Design | None = None) -> dict[str, Value]:
    """Return the design with `fusion="custom"` and the cuts of the least latency; all else as in `design`.

    Sections of a chain are intervals, each of which costs the same whatever the others are: it has all of the chip,
    and what it reads and writes at its ends is in memory. So dynamic programming over where a section ends, with a
    cost for each of the K (K + 1) / 2 intervals, is exact. A graph in a single section is configured once and not
    section by section, and is compared as a whole. Parts of a network are cut one after another: their times add up.

    Raises:
        ChipgymError: the network is not a chain, or no cuts can be built.
    """
    if not is_chain(simulator):
        raise ChipgymError(f"workload: {simulator.workload.name!r} is not a chain of kernels, which optimal_cuts takes")
    found: dict[str, Any] = {**simulator.space.default, **(design or {}), "fusion": "custom"}
    # Single kernels first, so that the rest can be built where any cuts can.
    found |= {name: 1 for part in simulator.blocks for name in _cuts(part)}
    for number, part in enumerate(simulator.blocks):
        cut = found | _least(simulator, found, number)
        whole = found | dict.fromkeys(_cuts(part), 0)
        latency = simulator.evaluate([cut, whole])["latency_s"]
        found = whole if latency[1] < latency[0] else cut
    return found


def _cuts(part: Part) -> list[str]:
    return [cut_name(part.graph, e) for e in searched_edges(part.graph)]


def _least(simulator: DataflowSimulator, design: Design, number: int) -> dict[str, Value]:
    """Return the cuts of one part, by number, with which its sections' times add up to the least."""
    part = simulator.blocks[number]
    names, kernels = _cuts(part), len(part.graph.kernels) - 1
    cost = np.full((kernels, kernels), np.inf)
    for first in range(kernels):
        for last in range(first, kernels):
            cuts = {name: int(not first <= at < last) for at, name in enumerate(names)}
            cost[first, last] = _interval_cost(simulator, {**design, **cuts}, number, first)
            if not np.isfinite(cost[first, last]):
                break  # a longer one needs no less
    best, begin = np.full(kernels + 1, np.inf), np.zeros(kernels + 1, dtype=np.int64)
    best[0] = 0.0
    for end in range(1, kernels + 1):
        options = best[:end] + cost[:end, end - 1]
        begin[end] = options.argmin()
        best[end] = options[begin[end]]
    if not np.isfinite(best[kernels]):
        raise ChipgymError(f"design: no cuts of {simulator.workload.name!r} can be built with the rest of it")
    out: dict[str, Value] = dict.fromkeys(names, 0)
    end = kernels
    while begin[end] > 0:
        end = int(begin[end])
        out[names[end - 1]] = 1
    return out


def _interval_cost(simulator: DataflowSimulator, design: Design, number: int, section: int) -> float:
    """Return the seconds of one section of a part whose others are single kernels; inf where it cannot be built."""
    columns, _ = simulator.space.columns(design)
    kernels = len(simulator.blocks[number].graph.kernels)
    sections = np.zeros((kernels, a.SECTION))
    answer = simulator.run.answers(columns, 1, a.Record(number, sections, np.zeros((0, a.KERNEL)))).parts[0, number]
    if np.isnan(answer[a.TIME]):
        return np.inf
    reconfigure = columns["reconfigure_us"][0] * 1e-6 if answer[a.N_SECTIONS] == 1 else 0.0
    return float(sections[section, a.S_TIME] + reconfigure)

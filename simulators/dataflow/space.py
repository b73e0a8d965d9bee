"""The knobs of a dataflow machine and of what is mapped to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import unknown
from ..core import Choices, DesignSpace, Integers, Parameter, Value, when
from .lowering.graph import KernelGraph
from .lowering.passes import Part
from .model.policies import ALLOCATIONS, FIFOS, FUSIONS, LOOPINGS, PLACEMENTS, RESIDENCIES, SPLITS, TIERS
from .tables.chip import CHIP_KNOBS, HBM_KNOBS, Chip

#: What a search may change: the mapping, the chip's numbers, or both.
EXPLORE = ("mapping", "hardware", "joint")
TILE_ROWS = (8, 16, 32, 64, 128, 256, 512)
#: Parts of a section's PCUs, relative to those of its other kernels.
SHARES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Scale:
    """What bounds knobs: sockets, sequences, pipeline stages, and the bytes of all weights."""

    sockets: int
    batch: int
    stages: int
    weight_bytes: float


def dataflow_space(
    chip: Chip, blocks: Sequence[Part], scale: Scale, explore: str, start: Mapping[str, Value] | None = None
) -> DesignSpace:
    """Make the design space of one chip and the parts of a network that are searched.

    `start` has mapping knobs whose default is another than usual.

    Every number of the chip and every mapping knob is a parameter, so that any may be given; those that are not
    explored have a grid of one value, the chip's or the default mapping's.

    Raises:
        ChipgymError: `explore` is not one of `EXPLORE`.
    """
    if explore not in EXPLORE:
        raise unknown("explore", explore, EXPLORE)
    mapping = [
        replace(p, default=start[p.name]) if start and p.name in start else p for p in _mapping(chip, blocks, scale)
    ]
    if explore == "hardware":
        mapping = [_fixed(p) for p in mapping]
    return DesignSpace((*_hardware(chip, explore != "mapping"), *mapping))


def _fixed(p: Parameter) -> Parameter:
    assert p.default is not None
    return Parameter(p.name, (p.default,), p.domain, p.default, p.unit, p.ordinal, p.condition, p.subsystem, p.doc)


def _hardware(chip: Chip, explored: bool) -> list[Parameter]:
    out = []
    for name, knob in CHIP_KNOBS.items():
        if name in HBM_KNOBS and not chip.has_hbm:
            continue
        own = chip.values[name]
        grid: list[Value] = [own]
        if explored:
            whole = isinstance(knob.domain, Integers)
            grid = sorted({max(1, round(own * step)) if whole else own * step for step in knob.steps})
        out.append(Parameter(name, tuple(grid), knob.domain, own, knob.unit, subsystem=knob.subsystem, doc=knob.doc))
    return out


def _mapping(chip: Chip, blocks: Sequence[Part], scale: Scale) -> list[Parameter]:
    sockets = tuple(d for d in range(1, scale.sockets + 1) if scale.sockets % d == 0)
    stages = tuple(d for d in sockets if d <= scale.stages)
    batches = tuple(2**i for i in range(scale.batch.bit_length()))
    sram = scale.sockets * chip.values["pmus"] * chip.values["pmu_kb"] * 1024
    kept = RESIDENCIES if scale.weight_bytes < sram else RESIDENCIES[:-1]  # others can never be resident
    tiers = TIERS if chip.has_hbm else ("ddr",)
    shared = tuple(d for d in sockets if math.gcd(d, *{p.graph.experts[0] for p in blocks if p.graph.experts[0]}) == d)
    experts = [
        Parameter("ep", shared, Integers(1, shared[-1], only=shared), 1, "replicas", subsystem="parallelism",
                  doc="groups of tp x pp sockets that share the experts, each with sequences of its own"),
    ] if any(p.graph.experts[0] for p in blocks) else []  # fmt: skip
    cut, share = when(fusion="custom"), when(pcu_allocation="custom")
    return [
        Parameter("fusion", FUSIONS, Choices(FUSIONS), "full", subsystem="sections",
                  doc="sections of one kernel, of a product and what follows it, of the whole block, or as cut"),
        Parameter("tile_rows", TILE_ROWS, Integers(1, 1_048_576), 32, "rows", subsystem="pipeline",
                  doc="rows (tokens, pixels) of a tile that streams from kernel to kernel"),
        Parameter("fifo_depth", FIFOS, Choices(FIFOS), "matched", subsystem="pipeline",
                  doc="tiles that an edge holds: one, two, or the difference of levels and one more"),
        Parameter("pcu_allocation", ALLOCATIONS, Choices(ALLOCATIONS), "balanced", subsystem="pcus",
                  doc="PCUs of a kernel: equal, by its work, evened out by its time, or by shares"),
        Parameter("pcu_split", SPLITS, Choices(SPLITS), "auto", subsystem="pcus",
                  doc="a kernel's PCUs side by side over lanes, over stages, square, or whichever is fastest"),
        Parameter("placement", PLACEMENTS, Choices(PLACEMENTS), "snake", subsystem="pcus",
                  doc="kernels along the rows of the mesh, turning back at their ends or starting anew"),
        Parameter("weight_residency", kept, Choices(RESIDENCIES), "prefetch", subsystem="memory",
                  doc="weights loaded a section ahead, as it starts, for every tile again, or once for all"),
        Parameter("weight_tier", tiers, Choices(tiers), tiers[0], subsystem="memory",
                  doc="off-chip memory that weights stream from"),
        Parameter("tp", sockets, Integers(1, scale.sockets), scale.sockets, "sockets", subsystem="parallelism",
                  doc="sockets that share every kernel (tensor parallelism)"),
        Parameter("pp", stages, Integers(1, scale.sockets), 1, "stages", subsystem="parallelism",
                  doc="groups of sockets that the layers are divided among (pipeline parallelism)"),
        *experts,
        Parameter("microbatches", batches, Integers(1, scale.batch), 1, subsystem="parallelism",
                  doc="parts of the batch that run one after another"),
        Parameter("looping", LOOPINGS, Choices(LOOPINGS), "off", subsystem="sections",
                  doc="a block of one section repeats without being started anew (kernel looping)"),
        *(Parameter(cut_name(part.graph, e), (0, 1), Integers(0, 1), 0, condition=cut, subsystem="sections",
                    doc=f"whether this edge{_each(part)} goes through off-chip memory, its consumer in a later section")
          for part in blocks for e in searched_edges(part.graph)),
        *(Parameter(f"share_{name}", SHARES, Integers(1, 65536), 8, condition=share, subsystem="pcus",
                    doc=f"part of the PCUs of its section{_each(part)}, relative to the other kernels'")
          for part in blocks for name in part.graph.names[1:]),
    ]  # fmt: skip


def _each(part: Part) -> str:
    return f" of each of {part.repeats} blocks" if part.repeats > 1 else ""


def searched_edges(graph: KernelGraph) -> list[int]:
    """List the edges that can be cut: all but those from the source, which is in memory anyway."""
    return [i for i, edge in enumerate(graph.edges) if edge.producer > 0]


def cut_name(graph: KernelGraph, edge: int) -> str:
    """Name the knob of an edge: `cut_<producer>__<consumer>`."""
    e = graph.edges[edge]
    return f"cut_{graph.names[e.producer]}__{graph.names[e.consumer]}"


def cut_knobs(blocks: Sequence[Part]) -> list[tuple[int, str]]:
    """List every edge that can be cut, by its number among those of all parts that are searched, and its knob."""
    out, first = [], 0
    for part in blocks:
        out += [(first + e, cut_name(part.graph, e)) for e in searched_edges(part.graph)]
        first += len(part.graph.edges)
    return out


def share_knobs(blocks: Sequence[Part]) -> list[tuple[int, str]]:
    """List every kernel that has PCUs, by its number among those of all parts that are searched, and its knob."""
    names = [name for part in blocks for name in (None, *part.graph.names[1:])]
    return [(i, f"share_{name}") for i, name in enumerate(names) if name is not None]

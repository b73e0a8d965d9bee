"""What binds a mapping: which resource holds up the sections that take the time, and the knobs that relieve it."""

from __future__ import annotations

from collections.abc import Mapping

from ..core import Breakdown, Design, Limit
from ..core.bottleneck import Bottleneck, Change, Remedy, shares
from .model.policies import PLACEMENTS

#: A bottleneck's words by the kind of section that it holds up.
_WORDS = {
    "compute": "computing", "fill": "filling pipelines", "hbm": "reading HBM", "ddr": "reading DDR",
    "link": "links between sockets", "noc": "the mesh", "setup": "loading weights", "sync": "starting sections",
}  # fmt: skip

# By kind: knob, change, values to try (best first), strength, why.
_Row = tuple[str, Change, tuple[str, ...], float, str]
_REMEDIES: Mapping[str, tuple[_Row, ...]] = {
    "compute": (
        ("pcu_allocation", "try", ("balanced", "work"), 0.3, "PCUs go where the work is"),
        ("pcu_split", "try", ("auto",), 0.2, "every kernel uses its PCUs in the way that is fastest"),
        ("tp", "raise", (), 0.8, "more sockets share every kernel"),
        ("pp", "raise", (), 0.4, "more sockets work at the same time, where there are microbatches"),
        ("ep", "raise", (), 0.4, "groups of sockets have sequences of their own"),
        ("pcus", "raise", (), 0.8, "more PCUs"),
        ("lanes", "raise", (), 0.8, "wider PCUs"),
        ("stages", "raise", (), 0.8, "deeper PCUs"),
        ("clock_ghz", "raise", (), 1.0, "every cycle is shorter"),
    ),
    "fill": (
        ("tile_rows", "lower", (), 0.6, "a pipeline of smaller tiles is full sooner"),
        ("fifo_depth", "try", ("matched", "double"), 0.4, "edges hold what the longer way round takes"),
        ("microbatches", "lower", (), 0.4, "pipelines are filled less often"),
        ("pcu_allocation", "try", ("balanced", "work"), 0.3, "stages of a pipeline take alike"),
        ("fusion", "try", ("layer",), 0.2, "shorter pipelines"),
        ("clock_ghz", "raise", (), 1.0, "every cycle is shorter"),
    ),
    "hbm": (
        ("weight_residency", "try", ("resident", "prefetch"), 0.7, "weights are read once, or while others compute"),
        ("fusion", "try", ("full", "layer"), 0.3, "results stay on the chip"),
        ("tp", "raise", (), 0.9, "each socket reads a part of the weights"),
        ("microbatches", "lower", (), 0.5, "weights are read for more sequences at a time"),
        ("pp", "raise", (), 0.3, "each socket has fewer layers' weights"),
        ("tile_rows", "raise", (), 0.2, "weights that stream are read for fewer tiles"),
        ("hbm_gbps", "raise", (), 1.0, "more arrives in a second"),
        ("pmu_kb", "raise", (), 0.2, "more stays on the chip"),
    ),
    "ddr": (
        ("weight_tier", "try", ("hbm",), 0.9, "weights come from the faster memory"),
        ("weight_residency", "try", ("resident", "prefetch"), 0.7, "weights are read once, or while others compute"),
        ("fusion", "try", ("full", "layer"), 0.3, "results stay on the chip"),
        ("tp", "raise", (), 0.9, "each socket reads a part of the weights"),
        ("microbatches", "lower", (), 0.5, "weights are read for more sequences at a time"),
        ("ddr_gbps", "raise", (), 1.0, "more arrives in a second"),
        ("pmu_kb", "raise", (), 0.2, "more stays on the chip"),
    ),
    "link": (
        ("tp", "lower", (), 0.7, "fewer sockets share a kernel and pass on its results"),
        ("pp", "raise", (), 0.5, "sockets divide layers rather than kernels"),
        ("link_gbps", "raise", (), 1.0, "more arrives in a second"),
    ),
    "noc": (
        ("placement", "try", PLACEMENTS, 0.3, "kernels that talk are nearer"),
        ("pcu_allocation", "try", ("work", "equal"), 0.2, "kernels stand otherwise"),
        ("tile_rows", "raise", (), 0.2, "fewer tiles cross the mesh"),
        ("fusion", "try", ("layer",), 0.3, "fewer kernels share the mesh"),
        ("noc_gbps", "raise", (), 1.0, "more crosses in a second"),
    ),
    "setup": (
        ("weight_residency", "try", ("resident", "prefetch"), 0.9, "weights are there when a section begins"),
        ("weight_tier", "try", ("hbm",), 0.6, "weights come from the faster memory"),
        ("tp", "raise", (), 0.9, "each socket loads a part of the weights"),
    ),
    "sync": (
        ("looping", "try", ("on",), 0.9, "a block repeats without being started anew"),
        ("fusion", "try", ("full", "layer"), 0.7, "fewer sections"),
        ("microbatches", "lower", (), 0.9, "sections are started less often"),
        ("pp", "lower", (), 0.3, "a stage has fewer starts to wait for"),
    ),
}  # fmt: skip

# By what is limited: knob, change, values, strength, why.
_LIMITED: Mapping[str, tuple[_Row, ...]] = {
    "sockets": (
        ("tp", "lower", (), 1.0, "fewer sockets share a kernel"),
        ("pp", "lower", (), 1.0, "fewer stages"),
        ("ep", "lower", (), 1.0, "fewer groups"),
    ),
    "stages": (("pp", "lower", (), 1.0, "fewer stages"),),
    "microbatches": (("microbatches", "lower", (), 1.0, "no more parts than sequences"),),
    "chip": (
        ("fusion", "try", ("layer", "none"), 0.7, "a section has fewer kernels"),
        ("tile_rows", "lower", (), 0.8, "a tile is smaller"),
        ("fifo_depth", "try", ("double", "single"), 0.4, "edges hold fewer tiles"),
        ("weight_residency", "try", ("prefetch", "section", "streamed"), 0.6, "fewer weights are held"),
        ("tp", "raise", (), 0.8, "each socket holds a part"),
        ("pcus", "raise", (), 1.0, "there are more"),
        ("pmus", "raise", (), 1.0, "there are more"),
        ("pmu_kb", "raise", (), 1.0, "they hold more"),
    ),
    "fifo_depth": (("fifo_depth", "try", ("matched",), 1.0, "edges hold what the longer way round takes"),),
    "off-chip": (
        ("tp", "raise", (), 1.0, "each socket keeps a part"),
        ("pp", "raise", (), 1.0, "each socket keeps fewer layers"),
        ("weight_tier", "try", ("ddr",), 0.9, "the larger memory keeps the weights"),
    ),
}
# What a limit's name begins with, and whose remedies it has.
_LIMIT_KINDS = (
    ("tp", "sockets"), ("sockets left over", "sockets"), ("pp", "stages"), ("microbatches", "microbatches"),
    ("pcus", "chip"), ("pmus", "chip"), ("sram", "chip"), ("shortfall of fifo_depth", "fifo_depth"),
    ("hbm", "off-chip"), ("ddr", "off-chip"),
)  # fmt: skip


def dataflow_limits(design: Design, limits: tuple[Limit, ...]) -> tuple[Bottleneck, ...]:
    """Return the limits that a design breaks."""
    out = []
    for limit in limits:
        kind = next((kind for start, kind in _LIMIT_KINDS if limit.name.startswith(start)), None)
        rows = _LIMITED[kind] if kind else ()
        beyond = limit.value / limit.limit - 1 if limit.limit else 1.0
        out.append(Bottleneck(limit.name, limit.name, beyond, "", _remedies(rows, design), broken=True))
    return tuple(out)


def dataflow_bottlenecks(
    design: Design, sections: Breakdown, starts: Mapping[str, tuple[float, float]], total: Mapping[str, float]
) -> tuple[Bottleneck, ...]:
    """Return what binds a mapping that can be built.

    Args:
        design: knobs by name.
        sections: of the whole run, as `evaluate_layers` tells them: their kinds are what holds them up.
        starts: by section the shares of its time that it loads weights, and that it is started, beside that.
        total: the run's metrics.
    """
    found: list[Bottleneck] = []
    decodes = any(name.startswith("decode") for name in sections.names)
    for metric, chosen in (("latency_s", ""), ("ttft_s", "prefill"), ("tpot_s", "decode")):
        parts: dict[str, float] = {}
        most: dict[str, tuple[float, str]] = {}
        for name, kind, seconds in zip(sections.names, sections.kinds, sections["latency_s"].tolist(), strict=True):
            if decodes and not name.startswith(chosen):
                continue
            setup, sync = starts.get(name, (0.0, 0.0))
            rest = max(1.0 - setup - sync, 0.0)
            for of, share in (("setup", setup), ("sync", sync), (kind, rest)):
                words = _WORDS[of]
                parts[words] = parts.get(words, 0.0) + share * seconds
                most[words] = max(most.get(words, (0.0, "")), (share * seconds, name))
        if total[metric] > 0:
            remedies = {_WORDS[kind]: _remedies(rows, design) for kind, rows in _REMEDIES.items()}
            found += shares(metric, parts, remedies, {words: name for words, (_, name) in most.items()})
    energies = {name.removesuffix("_energy_j"): amount for name, amount in total.items() if name.endswith("_energy_j")}
    return (*found, *shares("energy_j", energies, _energy_remedies(design)))


def _energy_remedies(design: Design) -> dict[str, tuple[Remedy, ...]]:
    """Return what lowers each part of the energy: traffic by what avoids it, rest by a shorter run or fewer sockets."""
    rest: tuple[_Row, ...] = (("looping", "try", ("on",), 0.2, "the run is over sooner"),)
    return {
        "hbm": _remedies(tuple(r for r in _REMEDIES["hbm"] if r[0] in ("weight_residency", "fusion", "microbatches")),
                         design),
        "ddr": _remedies(tuple(r for r in _REMEDIES["ddr"] if r[0] != "ddr_gbps"), design),
        "link": _remedies(_REMEDIES["link"][:2], design),
        "noc": _remedies(_REMEDIES["noc"][:1], design),
        "static": _remedies(rest, design),
        "standby": _remedies(rest, design),
    }  # fmt: skip


def _remedies(rows: tuple[_Row, ...], design: Design) -> tuple[Remedy, ...]:
    """Return the remedies of knobs that the design has, without the values that it has."""
    out = []
    for knob, change, values, strength, why in rows:
        if knob not in design:
            continue
        others = tuple(value for value in values if value != design[knob])
        if change != "try" or others:
            out.append(Remedy(knob, change, why, others, strength))
    return tuple(out)

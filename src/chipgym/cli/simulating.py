"""`chipgym simulate`: the metrics of one design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChipgymError, unknown
from . import output, parse
from .designs import tell_active
from .options import Json, SimulatorName, SimulatorOptions, WorkloadNames

if TYPE_CHECKING:
    from ..simulators import Breakdown, Metrics, MetricSpec, Simulator

# What a layer-by-layer table shows of the metrics that a simulator has, unless --metric says otherwise.
LAYER_METRICS = ("cycles", "stall_cycles", "latency_s", "energy_j", "utilization", "macs")

# The method of a simulator that tells the parts of a workload apart, by what one part is.
PARTS = {"layer": "evaluate_layers", "loop": "evaluate_loops"}


def simulate_design(
    simulator: SimulatorName,
    workload: WorkloadNames = None,
    knobs: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KNOB=VALUE",
            help="A knob of the design, such as rows=64; repeatable. A knob left out takes its default.",
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", metavar="NAME", help="Show this metric; repeatable. All where left out.", show_default=False
        ),
    ] = None,
    layers: Annotated[
        bool,
        typer.Option("--layers", help="Show the workload by layers too, a kernel by loops, a mapping by sections."),
    ] = False,
    option: SimulatorOptions = None,
    json: Json = False,
) -> None:
    """Evaluate one design."""
    from ..simulators import make_simulator
    from ..simulators.core.metrics import row_dict

    made = make_simulator(simulator, workload or None, **parse.simulator_settings(simulator, option or ()))
    columns, _ = made.space.columns(parse.design(made, knobs or ()))
    design = row_dict(columns, 0)  # complete, and of the types that the knobs have
    shown = _chosen(made.metrics, metrics or ())
    out = made.evaluate(design)
    part, parts = _parts(made, design, bool(out["feasible"][0])) if layers else ("", None)
    if json:
        output.as_json(_document(made, design, out, shown, part, parts))
        return
    _print_design(made, design)
    output.line("")
    if not out["feasible"][0]:
        why = output.why(made.broken_limits(design), out.reasons.get(0))
        output.line(f"This design cannot be built (violation {out['violation'][0]:.3g}){why}.")
    _print_metrics(out, shown)
    if parts is not None:
        named = _part_metrics(part, parts, shown)
        if part == "layer" and not metrics:
            named = [name for name in named if name in LAYER_METRICS] or named
        output.line("")
        rows = zip(parts.names, parts.kinds, *(parts[name].tolist() for name in named), strict=True)
        output.table([part, "kind", *named], list(rows), f"{part} by {part}")


def _chosen(metrics: Sequence[MetricSpec], names: Sequence[str]) -> list[MetricSpec]:
    known = {m.name: m for m in metrics}
    for name in names:
        if name not in known:
            raise unknown("metric", name, known)
    return [known[name] for name in names] if names else list(metrics)


def _parts(simulator: Simulator, design: dict[str, Any], feasible: bool) -> tuple[str, Breakdown | None]:
    """Name a part of the workload, and return the parts; None where a design that cannot be built has none."""
    from ..simulators.core.suite import SuiteSimulator

    part = next((part for part, method in PARTS.items() if hasattr(simulator, method)), None)
    if part is None and isinstance(simulator, SuiteSimulator):
        raise ChipgymError(f"--layers: {simulator.workload.name} are several workloads; give one --workload")
    if part is None:
        raise ChipgymError(f"--layers: the {simulator.name} simulator does not tell layers apart")
    try:
        return part, getattr(simulator, PARTS[part])(design)
    except ChipgymError:
        if feasible:
            raise
        return part, None  # why it cannot be built is told beside its metrics


def _part_metrics(part: str, parts: Breakdown, shown: Sequence[MetricSpec]) -> list[str]:
    """List of a layer the metrics shown that layers have; of other parts all that they have, which is their own."""
    own = [s.name for s in parts.metrics.specs]
    return [name for name in own if name in {m.name for m in shown}] or own if part == "layer" else own


def _print_design(simulator: Simulator, design: dict[str, Any]) -> None:
    units = {p.name: p.unit for p in simulator.space.parameters}
    active, inactive = tell_active(simulator.space, design)
    rows = [(name, design[name], units[name]) for name in active]
    output.table(("knob", "value", "unit"), rows, f"{simulator.name} running {simulator.workload.name}")
    for line in inactive:
        output.line(line)


def _print_metrics(out: Metrics, shown: Sequence[MetricSpec]) -> None:
    values = out.row(0)
    output.table(
        ("metric", "value", "unit", "about"), [(m.name, values.get(m.name), m.unit, m.doc) for m in shown], "metrics"
    )


def _document(
    simulator: Simulator,
    design: dict[str, Any],
    out: Metrics,
    shown: Sequence[MetricSpec],
    part: str,
    parts: Breakdown | None,
) -> dict[str, Any]:
    values = out.row(0)
    document: dict[str, Any] = {
        **simulator.identity(),
        "design": design,
        "feasible": bool(out["feasible"][0]),
        "violation": float(out["violation"][0]),
        "reason": out.reasons.get(0),
        "broken_limits": [asdict(limit) for limit in simulator.broken_limits(design)],
        "metrics": {m.name: values.get(m.name) for m in shown},
        "units": {m.name: m.unit for m in shown},
    }
    if parts is not None:
        named = _part_metrics(part, parts, shown)
        document[f"{part}s"] = [
            {"name": name, "kind": kind, "metrics": {metric: float(parts[metric][i]) for metric in named}}
            for i, (name, kind) in enumerate(zip(parts.names, parts.kinds, strict=True))
        ]
    return document

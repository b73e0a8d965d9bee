"""`chipgym simulate`: the metrics of one design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChipgymError, unknown
from . import output, parse
from .options import Json, SimulatorName, SimulatorOptions, WorkloadNames

if TYPE_CHECKING:
    from ..simulators import Breakdown, Metrics, MetricSpec, Simulator

# What a layer-by-layer table shows of the metrics that a simulator has, unless --metric says otherwise.
LAYER_METRICS = ("cycles", "stall_cycles", "latency_s", "energy_j", "utilization", "macs")


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
    layers: Annotated[bool, typer.Option("--layers", help="Show the workload layer by layer too.")] = False,
    option: SimulatorOptions = None,
    json: Json = False,
) -> None:
    """Evaluate one design."""
    from ..simulators import make_simulator
    from ..simulators.core.metrics import row_dict

    made = make_simulator(simulator, workload or None, **parse.simulator_settings(simulator, option or ()))
    columns, _ = made.space.columns(parse.design(made.space, knobs or ()))
    design = row_dict(columns, 0)  # complete, and of the types that the knobs have
    shown = _chosen(made.metrics, metrics or ())
    out = made.evaluate(design)
    parts = _layers(made, design) if layers else None
    if json:
        output.as_json(_document(made, design, out, shown, parts))
        return
    _print_design(made, design)
    output.line("")
    if not out["feasible"][0]:
        why = output.why(made.broken_limits(design))
        output.line(f"This design cannot be built (violation {out['violation'][0]:.3g}){why}.")
    _print_metrics(out, shown)
    if parts is not None:
        told = _told(parts, shown)
        named = [m for m in told if metrics or m.name in LAYER_METRICS] or told
        output.line("")
        headings = ["layer", "kind", *(m.name for m in named)]
        rows = zip(parts.names, parts.kinds, *(parts[m.name].tolist() for m in named), strict=True)
        output.table(headings, list(rows), "layer by layer")


def _chosen(metrics: Sequence[MetricSpec], names: Sequence[str]) -> list[MetricSpec]:
    known = {m.name: m for m in metrics}
    for name in names:
        if name not in known:
            raise unknown("metric", name, known)
    return [known[name] for name in names] if names else list(metrics)


def _layers(simulator: Simulator, design: dict[str, Any]) -> Breakdown:
    from ..simulators.core.suite import SuiteSimulator

    evaluate_layers = getattr(simulator, "evaluate_layers", None)
    if evaluate_layers is None and isinstance(simulator, SuiteSimulator):
        raise ChipgymError(f"--layers: {simulator.workload.name} are several workloads; give one --workload")
    if evaluate_layers is None:
        raise ChipgymError(f"--layers: the {simulator.name} simulator does not tell layers apart")
    parts: Breakdown = evaluate_layers(design)
    return parts


def _told(parts: Breakdown, shown: Sequence[MetricSpec]) -> list[MetricSpec]:
    """Of the metrics shown those that the parts have: some are of a whole run alone."""
    return [m for m in shown if m.name in parts.metrics]


def _print_design(simulator: Simulator, design: dict[str, Any]) -> None:
    rows = [(p.name, design[p.name], p.unit) for p in simulator.space.parameters]
    output.table(("knob", "value", "unit"), rows, f"{simulator.name} running {simulator.workload.name}")


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
    parts: Breakdown | None,
) -> dict[str, Any]:
    values = out.row(0)
    document: dict[str, Any] = {
        **simulator.identity(),
        "design": design,
        "feasible": bool(out["feasible"][0]),
        "violation": float(out["violation"][0]),
        "broken_limits": [asdict(limit) for limit in simulator.broken_limits(design)],
        "metrics": {m.name: values.get(m.name) for m in shown},
        "units": {m.name: m.unit for m in shown},
    }
    if parts is not None:
        document["layers"] = [
            {"name": name, "kind": kind, "metrics": {m.name: float(parts[m.name][i]) for m in _told(parts, shown)}}
            for i, (name, kind) in enumerate(zip(parts.names, parts.kinds, strict=True))
        ]
    return document

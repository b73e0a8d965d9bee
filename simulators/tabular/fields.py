"""A simulator's declarations as the header of a table, and back."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from ...datasets import KnobField, MetricField, TableHeader
from ...datasets.table.header import Kind
from ..core import Choices, Condition, DesignSpace, Integers, MetricSpec, Parameter, Reals, Simulator
from ..core.parameter import Value, domain_of
from ..core.sources import source_digest


def header_of(
    simulator: Simulator,
    space: DesignSpace,
    samples: int | None = None,
    seed: int | None = None,
    agents: tuple[str, ...] | None = None,
    searched: tuple[str, ...] | None = None,
) -> TableHeader:
    """Make the header of a table of a simulator's designs.

    Args:
        simulator: what evaluates them.
        space: the part of its space that they are taken from.
        samples: how many are drawn; None for every canonical design.
        seed: of the draw.
        agents: names of those that proposed the designs, if any did.
        searched: what they searched for; None for the default objective.

    Raises:
        ChipgymError: where a knob and a metric share a name.
    """
    return TableHeader(
        chipgym=version("chipgym"),
        simulator=simulator.name,
        version=simulator.version,
        sources=source_digest(type(simulator)),
        options=dict(simulator.options),
        workload=simulator.workload.name,
        workload_digest=simulator.workload.digest,
        features=simulator.workload.features(),
        default_objective=simulator.default_objective,
        objectives=dict(simulator.objectives),
        targets=dict(simulator.targets),
        knobs=tuple(map(_knob_field, space.parameters)),
        metrics=tuple(MetricField(m.name, m.unit, m.doc, m.goal, m.cost, m.signed) for m in simulator.metrics),
        samples=samples,
        seed=seed,
        agents=agents,
        searched=searched,
    )


def space_of(header: TableHeader) -> DesignSpace:
    """Make the space that a table's designs are taken from.

    The domain of a knob is the range of its grid, and of what other knobs' conditions ask of it: collected from a part
    of a space, a table need not have a design that meets them.

    Raises:
        ChipgymError: for a header that describes no space.
    """
    asked: dict[str, list[Value]] = {}
    for knob in header.knobs:
        for name, values in knob.condition:
            asked.setdefault(name, []).extend(values)
    return DesignSpace(tuple(_parameter(k, (*k.values, *asked.get(k.name, ()))) for k in header.knobs))


def metrics_of(header: TableHeader) -> tuple[MetricSpec, ...]:
    """Return what the simulator behind a table answers."""
    return tuple(MetricSpec(m.name, m.unit, m.doc, m.goal, m.cost, m.signed) for m in header.metrics)


_KINDS: Mapping[type, Kind] = {Integers: "integer", Reals: "real", Choices: "text"}


def _knob_field(p: Parameter) -> KnobField:
    assert p.default is not None
    return KnobField(
        name=p.name,
        kind=_KINDS[type(p.accepts)],
        values=p.values,
        default=p.default,
        unit=p.unit,
        ordinal=bool(p.ordinal),
        condition=p.condition.clauses if p.condition else (),
        subsystem=p.subsystem,
        doc=p.doc,
    )


def _parameter(k: KnobField, known: tuple[Value, ...]) -> Parameter:
    return Parameter(
        name=k.name,
        values=k.values,
        domain=_domain(k, known),
        default=k.default,
        unit=k.unit,
        ordinal=k.ordinal,
        condition=Condition(k.condition) if k.condition else None,
        subsystem=k.subsystem,
        doc=k.doc,
    )


def _domain(k: KnobField, known: tuple[Value, ...]) -> Integers | Reals | Choices:
    if k.kind == "real":  # also where all of its values are whole
        finite = [float(v) for v in known if np.isfinite(float(v))] or [0.0]
        return Reals(min(finite), max(finite), infinite=np.inf in known)
    return domain_of(k.name, tuple(dict.fromkeys(known)))

"""What binds a circuit of a network: the layers that take time and the device, and the knobs that they go with."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import Breakdown, Columns, Limit
from ..core.bottleneck import Bottleneck, Remedy, shares
from .space import LATENCY, PARALLEL, RESOURCE

#: How resources go with the width of an operand: multipliers in LUTs with both widths, DSPs in steps.
_WIDTH_POWERS = {"lut": 1.0, "ff": 0.7, "dsp": 0.5, "bram18": 0.7}
#: How resources go with the reuse factor: multipliers are shared in full, what surrounds them is not.
_REUSE_POWERS = {"lut": 0.6, "ff": 0.5, "dsp": 1.0, "bram18": 0.2}
#: Share of its latency that a layer loses with every multiplier of its own.
_UNSHARED = 0.3


def hls4ml_bottlenecks(
    columns: Columns, layers: Breakdown, suffixes: Sequence[str | None], limits: tuple[Limit, ...]
) -> tuple[Bottleneck, ...]:
    """Return what binds one design.

    Args:
        columns: the design, each of shape (1,).
        layers: metrics of its layers; resources are known of a design that does not fit too.
        suffixes: by layer what its knobs have behind their names; None of a layer without any.
        limits: that it breaks.
    """
    design = {name: column[0] for name, column in columns.items()}
    found: list[Bottleneck] = []
    for limit in limits:
        found.append(_limit(limit, layers, suffixes, design))
    found += shares("latency_s", *_time(layers, suffixes, design))
    worst = max(_WIDTH_POWERS, key=lambda name: float(layers[f"{name}_utilization"].sum()))
    for resource in _WIDTH_POWERS:
        parts, remedies = _resource(resource, layers, suffixes, design)
        found += shares(resource, parts, remedies)
        if resource == worst:
            found += shares("device_share", parts, remedies)
    return tuple(found)


def _named(layers: Breakdown) -> list[str]:
    """Name layers apart: several may share a name."""
    return [name if layers.names.count(name) == 1 else f"{name} #{i}" for i, name in enumerate(layers.names)]


def _limit(limit: Limit, layers: Breakdown, suffixes: Sequence[str | None], design: dict[str, object]) -> Bottleneck:
    remedies: list[Remedy] = []
    if limit.name in _WIDTH_POWERS:
        _, by_layer = _resource(limit.name, layers, suffixes, design)
        remedies = list(dict.fromkeys(remedy for each in by_layer.values() for remedy in each))
    else:
        if design["strategy"] == LATENCY and limit.name.startswith("multiplications"):
            why = "products take turns on a few multipliers"
            remedies.append(Remedy("strategy", "try", why, (RESOURCE,), 0.9))
        for name, suffix in zip(layers.names, suffixes, strict=True):
            if suffix is not None and limit.name.endswith(name):
                remedies.append(Remedy(f"reuse_factor{suffix}", "raise", "fewer multiplications side by side"))
            elif suffix is not None and f"of {name} in" in limit.name:
                remedies.append(Remedy(f"reuse_factor{suffix}", "lower", "less than the tool can partition arrays by"))
    return Bottleneck(limit.name, limit.name, limit.value / limit.limit - 1, "", tuple(remedies), broken=True)


def _time(
    layers: Breakdown, suffixes: Sequence[str | None], design: dict[str, object]
) -> tuple[dict[str, float], dict[str, tuple[Remedy, ...]]]:
    parts, remedies = {}, {}
    for i, name in enumerate(_named(layers)):
        parts[name] = float(layers["cycles"][i])
        out = []
        if (suffix := suffixes[i]) is not None:
            share = float(layers["initiation_interval"][i]) / max(parts[name], 1.0)
            out.append(Remedy(f"reuse_factor{suffix}", "lower", "a multiplier takes fewer turns",
                              strength=min(1.0, max(share, 0.1))))  # fmt: skip
            if design["strategy"] == RESOURCE:
                why = "every product has a multiplier of its own"
                out.append(Remedy("strategy", "try", why, (LATENCY,), _UNSHARED))
            why = "narrower adders and multipliers have fewer stages"
            out.append(Remedy(f"weight_bits{suffix}", "lower", why, strength=0.1))
        if design["io_type"] != PARALLEL:
            out.append(Remedy("io_type", "try", "arrays are handed over at once", (PARALLEL,), _UNSHARED))
        out.append(
            Remedy("activation_bits", "lower", "narrower adders and multipliers have fewer stages", strength=0.2)
        )
        remedies[name] = tuple(out)
    return parts, remedies


def _resource(
    resource: str, layers: Breakdown, suffixes: Sequence[str | None], design: dict[str, object]
) -> tuple[dict[str, float], dict[str, tuple[Remedy, ...]]]:
    parts, remedies = {}, {}
    for i, name in enumerate(_named(layers)):
        parts[name] = float(layers[resource][i])
        width, reuse = _WIDTH_POWERS[resource], _REUSE_POWERS[resource]
        out = []
        if (suffix := suffixes[i]) is not None:
            out += [
                Remedy(f"reuse_factor{suffix}", "raise", "products share multipliers", strength=reuse),
                Remedy(f"weight_bits{suffix}", "lower", "narrower multipliers", strength=width),
            ]
        out.append(Remedy("activation_bits", "lower", "narrower operands", strength=width))
        remedies[name] = tuple(out)
    return parts, remedies

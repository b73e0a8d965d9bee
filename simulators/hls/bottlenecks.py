"""What binds a kernel under its pragmas: the loops that take the cycles, and what takes up the device.

AutoDSE (Sohrabizadeh et al., ACM TODAES 27(4), 2022, section 5.2) turns the pragmas of the loops that take longest, and
of those around them; so do the remedies here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core import Breakdown, Columns, Limit
from ..core.bottleneck import Bottleneck, Remedy, shares
from .metrics import RESOURCES
from .space import PIPES

#: Share of a loop's cycles that another pragma on it, or on a loop around it, may do away with.
_PIPED, _AROUND = 0.8, 0.6
#: How cycles go with the copies of a loop, and of a loop around it, which are coarser and rarer in full.
_COPIED, _COPIED_AROUND = 0.9, 0.5
#: How resources go with the copies of a loop.
_GROWTH = 0.5


def hls_bottlenecks(
    columns: Columns,
    total: Mapping[str, float],
    loops: Breakdown,
    around: Sequence[Sequence[int]],
    limits: tuple[Limit, ...],
) -> tuple[Bottleneck, ...]:
    """Return what binds one design.

    Args:
        columns: the design, each of shape (1,).
        total: its metrics, those of a design that does not fit included.
        loops: `LOOP_METRICS` of its loops.
        around: by loop the places of those around it, innermost first.
        limits: that it breaks.
    """
    design = {name: column[0] for name, column in columns.items()}
    smaller = _smaller(loops, design)
    broken = [
        Bottleneck(limit.name, limit.name, limit.value / limit.limit - 1, "", smaller, broken=True) for limit in limits
    ]
    parts, remedies = {}, {}
    held = [0.0] * len(loops)
    for i, outer in enumerate(around):
        if outer:
            held[outer[0]] += float(loops["cycles"][i])
    for i, label in enumerate(loops.names):
        parts[f"loop {label}"] = max(float(loops["cycles"][i]) - held[i], 0.0)
        remedies[f"loop {label}"] = _of_loop(i, loops, around, design)
    outermost = sum(float(loops["cycles"][i]) for i, outer in enumerate(around) if not outer)
    parts["moving data"] = max(total["cycles"] - outermost, 0.0)
    remedies["moving data"] = tuple(
        Remedy(name, "raise", "more is cached together", strength=0.1) for name in design if name.startswith("tile_")
    )
    where = {f"loop {label}": label for label in loops.names}
    found = [*broken, *shares("latency_s", parts, remedies, where)]
    for resource in RESOURCES:
        if total[resource] > 0:
            found.append(Bottleneck("operators and memories side by side", resource, 1.0, "", smaller))
    return tuple(found)


def _of_loop(
    i: int, loops: Breakdown, around: Sequence[Sequence[int]], design: Mapping[str, object]
) -> tuple[Remedy, ...]:
    """Return what makes a loop take fewer cycles, its own pragmas first."""
    out = []
    label = loops.names[i]
    if f"para_{label}" in design and loops["iterations"][i] > 1:
        out.append(Remedy(f"para_{label}", "raise", f"iterations of {label} side by side", strength=_COPIED))
    if f"pipe_{label}" in design:
        values = tuple(pipe for pipe in reversed(PIPES) if pipe != design[f"pipe_{label}"])
        out.append(Remedy(f"pipe_{label}", "try", f"iterations of {label} overlap", values, _PIPED))
    for at in around[i]:
        outer = loops.names[at]
        if f"pipe_{outer}" in design and design[f"pipe_{outer}"] != "flatten":
            why = f"{label} is unrolled whole and iterations of {outer} overlap"
            out.append(Remedy(f"pipe_{outer}", "try", why, ("flatten",), _AROUND))
        if f"para_{outer}" in design and loops["iterations"][at] > 1:
            why = f"copies of {label}, one for each iteration of {outer} side by side"
            out.append(Remedy(f"para_{outer}", "raise", why, strength=_COPIED_AROUND))
    if f"tile_{label}" in design:
        out.append(Remedy(f"tile_{label}", "raise", f"data of {label} is cached a tile at a time", strength=0.1))
    return tuple(out)


def _smaller(loops: Breakdown, design: Mapping[str, object]) -> tuple[Remedy, ...]:
    """Return what leaves fewer operators and memories."""
    out = []
    order = sorted(range(len(loops)), key=lambda i: -float(loops["copies"][i]))
    for i in order:
        label = loops.names[i]
        if f"para_{label}" in design:
            out.append(Remedy(f"para_{label}", "lower", f"fewer copies of what {label} holds", strength=_GROWTH))
        if design.get(f"pipe_{label}") == "flatten":
            out.append(Remedy(f"pipe_{label}", "try", f"what {label} holds is not unrolled", ("cg", "off"), _AROUND))
    return tuple(out)

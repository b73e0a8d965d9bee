"""What binds a design, and which knobs loosen it: a breakdown put into words that a search can act on.

A metric is taken as a sum of parts, such as the latency of computing and of waiting for DRAM, and each machine says
beside its breakdown which knobs a part shrinks with. This is the interface between bottleneck models and search of
Explainable-DSE (Dave, Nowatzki and Shrivastava, ASPLOS 2023, section 4), with AutoDSE's focus on the parameters of the
loops that take longest (Sohrabizadeh et al., ACM TODAES 27(4), 2022, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from .parameter import Value
from .quantity import Product

Change = Literal["raise", "lower", "try"]

# Relative step of a metric by which the weight of a metric in a sum is measured.
_STEP = 1e-4
# Powers below this are as good as none: no knob changes by more than some hundred times.
_LEAST_POWER = 0.01


@dataclass(frozen=True, slots=True)
class Remedy:
    """A knob that loosens a bottleneck.

    Attributes:
        knob: its name.
        change: "raise" or "lower" a number, or "try" other values.
        why: one clause that says how the change helps.
        values: what to try, best first; empty where the knob is a number to raise or lower.
        strength: about how much the change helps. Of a number, the power of its ratio by which the part shrinks: at 1
            twice the knob is half the part. Of values to try, the share of the part that goes away.
    """

    knob: str
    change: Change
    why: str
    values: tuple[Value, ...] = ()
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """A part of a metric of one design, or a limit that the design breaks.

    Attributes:
        name: of the part, such as "waiting for DRAM"; of a limit, what is limited.
        metric: that it is a part of, such as `latency_s`; of a limit, the quantity that is limited.
        share: of the metric, 0 to 1; of a broken limit, how far beyond it the design is, as a fraction of the limit.
        where: the layer, section, loop or part of the machine that has most of it; empty for all of it.
        remedies: knobs that loosen it, most promising first.
        broken: whether it is a limit that the design breaks, which goes before any part.
    """

    name: str
    metric: str
    share: float
    where: str = ""
    remedies: tuple[Remedy, ...] = ()
    broken: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able data under the names of the attributes, `remedies` a list of such data."""
        return asdict(self)

    def __str__(self) -> str:
        where = f" (most in {self.where})" if self.where else ""
        if self.broken:
            return f"{self.name} is {self.share:.0%} beyond its limit{where}"
        return f"{self.name} is {self.share:.0%} of {self.metric}{where}"


def shares(
    metric: str, parts: Mapping[str, float], remedies: Mapping[str, tuple[Remedy, ...]], where: Mapping[str, str] = {}
) -> tuple[Bottleneck, ...]:
    """Return the parts of a metric as bottlenecks, largest first; those of no share are left out.

    Args:
        metric: that the parts add up to.
        parts: its amounts by name, ≥ 0.
        remedies: by part.
        where: by part, who has most of it.
    """
    whole = sum(parts.values())
    if not np.isfinite(whole) or whole <= 0:
        return ()
    found = [
        Bottleneck(name, metric, float(amount / whole), where.get(name, ""), remedies.get(name, ()))
        for name, amount in parts.items()
        if amount > 0
    ]
    return tuple(sorted(found, key=lambda b: -b.share))


def merged(each: Iterable[tuple[Bottleneck, ...]]) -> tuple[Bottleneck, ...]:
    """Return the bottlenecks of a design on several workloads as one: shares are means, broken limits the worst."""
    several = list(each)
    found: dict[tuple[str, str, bool], list[Bottleneck]] = {}
    for bottlenecks in several:
        for b in bottlenecks:
            found.setdefault((b.metric, b.name, b.broken), []).append(b)
    out = []
    for (*_, broken), same in found.items():
        worst = max(same, key=lambda b: b.share)
        out.append(worst if broken else replace(worst, share=sum(b.share for b in same) / len(several)))
    return tuple(sorted(out, key=lambda b: (not b.broken, -b.share)))


def powers_of(quantity: Any, values: Mapping[str, float]) -> dict[str, float]:
    """Return by metric the power to which a quantity grows with it at these values; of a product its own powers.

    Args:
        quantity: a product or a sum of products of metrics.
        values: by metric, > 0.
    """
    if isinstance(quantity, Product):
        return dict(quantity.terms)
    columns = {name: np.array([float(values[name])]) for name in quantity.names}
    base = float(quantity(columns)[0])
    out = {}
    for name in quantity.names:
        moved = columns | {name: columns[name] * (1 + _STEP)}
        with np.errstate(all="ignore"):
            slope = float(np.log(quantity(moved)[0] / base) / np.log1p(_STEP)) if base > 0 else 1.0
        out[name] = slope if np.isfinite(slope) else 0.0
    return out


def expanded(powers: Mapping[str, float], made_of: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return powers with metrics that are products of others replaced by those, such as power by energy over time."""
    out: dict[str, float] = {}
    for name, power in powers.items():
        for part, own in made_of.get(name, {name: 1.0}).items():
            out[part] = out.get(part, 0.0) + power * own
    return {name: power for name, power in out.items() if power}


def remedy_of(knob: str, power: float, why: str) -> tuple[Remedy, ...]:
    """Return the remedy for a part that goes with a knob to a power: lower what it grows with; none at a power of 0."""
    if abs(power) < _LEAST_POWER:
        return ()
    return (Remedy(knob, "lower" if power > 0 else "raise", why, strength=abs(power)),)

"""What a search minimises, and what it must stay within, as text over metric names.

Everything is minimised in the core and a constraint is met at ≤ 0; adapters to other libraries flip signs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ...errors import ChipgymError, shorten, unknown
from .metrics import Metrics, MetricSpec, spec_of
from .parameter import Column

# Products that the field has names for, usable wherever a simulator has the metrics.
COMMON: Mapping[str, str] = MappingProxyType({"edp": "energy_j * latency_s", "ed2p": "energy_j * latency_s**2"})

# Beyond this a product of any metrics leaves the range of floating-point numbers.
MOST_POWER = 100

_FACTOR = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:(?:\*\*|\^)\s*([-+]?\d+(?:\.\d+)?))?\s*")
_CONSTRAINT = re.compile(r"^(?P<left>[^<>=]+?)\s*(?P<sign><=|>=)\s*(?P<right>[^<>=]+)$")


@dataclass(frozen=True, slots=True)
class Product:
    """A product of metrics to powers, such as `energy_j * latency_s`."""

    text: str
    terms: tuple[tuple[str, float], ...]

    def __call__(self, metrics: Metrics) -> Column:
        """Value per design, shape (n,); NaN where a metric is."""
        (first, power), *rest = self.terms
        with np.errstate(all="ignore"):
            value = metrics[first] if power == 1 else metrics[first] ** power
            for name, power in rest:
                value = value * (metrics[name] if power == 1 else metrics[name] ** power)
        return value


@dataclass(frozen=True, slots=True)
class Objective:
    """A quantity to minimise. A metric of which more is better is minimised as its reciprocal."""

    name: str
    product: Product

    def __call__(self, metrics: Metrics) -> Column:
        """The minimised value per design, shape (n,)."""
        return self.product(metrics)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit on a product of metrics, as in `area_mm2 <= 10`."""

    text: str
    product: Product
    upper: bool
    limit: float

    def excess(self, metrics: Metrics) -> Column:
        """Signed distance beyond the limit as a fraction of it, shape (n,): ≤ 0 is met; NaN where a metric is."""
        with np.errstate(all="ignore"):
            gap = self.product(metrics) - self.limit
            return (gap if self.upper else -gap) / (abs(self.limit) or 1.0)


def parse_product(text: str, metrics: Sequence[MetricSpec], field: str) -> Product:
    """`a * b**2 / c` over metric names.

    Raises:
        ChipgymError: naming `field` and the first part that is not a metric or not in that form.
    """
    terms: dict[str, float] = {}
    at, sign = 0, 1.0
    while True:
        found = _FACTOR.match(text, at)
        if not found:
            raise ChipgymError(f"{field}: {shorten(text)} is not a product of metrics such as 'energy_j * latency_s'")
        name = spec_of(metrics, found[1]).name
        terms[name] = terms.get(name, 0.0) + sign * float(found[2] or 1)
        at = found.end()
        if at == len(text):
            for name, power in terms.items():
                if power == 0 or abs(power) > MOST_POWER:
                    raise ChipgymError(f"{field}: {shorten(text)} has {name} to the power {power:g}, expected 1 to 100")
            return Product(text.strip(), tuple(terms.items()))
        if text[at] not in "*/":
            raise ChipgymError(f"{field}: {shorten(text)} has {text[at]!r} where '*' or '/' was expected")
        sign = 1.0 if text[at] == "*" else -1.0
        at += 1


def parse_objectives(
    wanted: str | Sequence[str],
    metrics: Sequence[MetricSpec],
    presets: Mapping[str, str | tuple[str, ...]] = MappingProxyType({}),
) -> tuple[Objective, ...]:
    """One or several objectives from preset names, metric names, or products of metrics.

    Raises:
        ChipgymError: for anything else, with the nearest preset or metric.
    """
    known = {**COMMON, **presets}
    out: list[Objective] = []
    for text in _texts(wanted, "objective", "edp"):
        expression = known.get(text, text)
        if not isinstance(expression, str):
            out.extend(parse_objectives(expression, metrics, presets))
            continue
        names = [s.name for s in metrics]
        if re.fullmatch(r"\w+", text) and text not in known and text not in names:
            raise unknown("objective", text, [*known, *names])
        product = parse_product(expression, metrics, "objective")
        (name, power), *others = product.terms
        if not others and power == 1 and spec_of(metrics, name).goal == "max":
            product = Product(f"1 / {name}", ((name, -1.0),))
        out.append(Objective(text, product))
    if not out:
        raise ChipgymError("objective: an empty list; expected at least one, such as 'latency_s'")
    if len({o.name for o in out}) != len(out):
        raise ChipgymError(f"objective: {shorten([o.name for o in out])} names one twice")
    return tuple(out)


def parse_constraints(wanted: str | Sequence[str], metrics: Sequence[MetricSpec]) -> tuple[Constraint, ...]:
    """Constraints from texts such as `"area_mm2 <= 10"`.

    Raises:
        ChipgymError: naming the text and the form that was expected.
    """
    out = []
    for text in _texts(wanted, "constraint", "area_mm2 <= 10"):
        found = _CONSTRAINT.match(text.strip())
        if not found:
            raise ChipgymError(f"constraint: {shorten(text)} is not of the form 'area_mm2 <= 10' (or >=)")
        try:
            limit = float(found["right"])
        except ValueError:
            limit = math.nan
        if not math.isfinite(limit):
            raise ChipgymError(f"constraint: the limit {shorten(found['right'])} in {shorten(text)} is not a number")
        product = parse_product(found["left"], metrics, "constraint")
        out.append(Constraint(text.strip(), product, found["sign"] == "<=", limit))
    return tuple(out)


def _texts(wanted: object, field: str, example: str) -> list[str]:
    texts = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(texts, list | tuple):
        raise ChipgymError(f"{field}: {shorten(wanted)} is not text such as {example!r}, or a list of such texts")
    for text in texts:
        if not isinstance(text, str):
            raise ChipgymError(f"{field}: {shorten(text)} is not text such as {example!r}")
    return list(texts)


def total_excess(constraints: Sequence[Constraint], metrics: Metrics) -> Column:
    """Summed distance beyond all limits, shape (n,), ≥ 0; a metric that an infeasible design lacks counts nothing."""
    total = np.zeros(metrics.n)
    for c in constraints:
        total += np.nan_to_num(np.maximum(c.excess(metrics), 0.0), nan=0.0, posinf=1e300)
    return total

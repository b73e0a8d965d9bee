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
from .limit import Limit
from .metrics import FEASIBLE, VIOLATION, Metrics, MetricSpec, spec_of
from .parameter import Column

# Products that the field has names for, usable wherever a simulator has the metrics.
COMMON: Mapping[str, str] = MappingProxyType({"edp": "energy_j * latency_s", "ed2p": "energy_j * latency_s**2"})

# Beyond this a product of any metrics leaves the range of floating-point numbers.
MOST_POWER = 100

_FACTOR = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:(?:\*\*|\^)\s*([-+]?\d+(?:\.\d+)?))?\s*")
_CONSTRAINT = re.compile(r"^(?P<left>[^<>=]+?)\s*(?P<sign><=|>=)\s*(?P<right>[^<>=]+)$")


@dataclass(frozen=True, slots=True)
class Product:
    """A product of metrics to powers, such as `energy_j * latency_s`.

    Attributes:
        terms: metric and power, those multiplied before those divided by, each in the order of their names: however it
            was written, the same product has the same text and the same value to the last bit.
    """

    terms: tuple[tuple[str, float], ...]

    @staticmethod
    def of(powers: Mapping[str, float]) -> Product:
        """The product of metrics to these powers."""
        return Product(tuple(sorted(powers.items(), key=lambda term: (term[1] < 0, term[0]))))

    @property
    def text(self) -> str:
        """The product as it can be read and, but for a bare reciprocal, parsed again."""
        out = ""
        for name, power in self.terms:
            sign = (" * " if out else "") if power > 0 else (" / " if out else "1/")
            out += sign + name + ("" if abs(power) == 1 else f"**{number_text(abs(power))}")
        return out

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
    """A quantity to minimise.

    A metric of which more is better is minimised as its reciprocal, and the objective is then called that:
    `1/utilization`. So whoever reads a value under an objective's name reads what the name says.
    """

    name: str
    product: Product

    def __call__(self, metrics: Metrics) -> Column:
        """The minimised value per design, shape (n,)."""
        return self.product(metrics)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit on a product of metrics, as in `area_mm2 <= 10`."""

    product: Product
    upper: bool
    limit: float

    @property
    def text(self) -> str:
        """The constraint in the one form that all spellings of it share."""
        return f"{self.product.text} {'<=' if self.upper else '>='} {number_text(self.limit)}"

    def excess(self, metrics: Metrics) -> Column:
        """Signed distance beyond the limit as a fraction of it, shape (n,): ≤ 0 is met; NaN where a metric is."""
        with np.errstate(all="ignore"):
            gap = self.product(metrics) - self.limit
            return (gap if self.upper else -gap) / (abs(self.limit) or 1.0)

    def limit_of(self, metrics: Metrics) -> Limit:
        """What the first design of a batch has of what is limited; NaN where it lacks a metric of it."""
        (name, power), *others = self.product.terms
        unit = metrics.units.get(name, "") if not others and power == 1 else ""
        return Limit(self.product.text, self.product(metrics)[0], self.limit, self.upper, unit)


def number_text(value: float) -> str:
    """A number in its shortest form that gives every bit back; a whole one without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


Presets = Mapping[str, str | tuple[str, ...]]
NO_PRESETS: Presets = MappingProxyType({})


def parse_product(text: str, metrics: Sequence[MetricSpec], field: str, presets: Presets = NO_PRESETS) -> Product:
    """`a * b**2 / c` over names of metrics, and of presets that are products themselves.

    Raises:
        ChipgymError: naming `field` and the first part that is neither or not in that form.
    """
    terms: dict[str, float] = {}
    at, sign = 0, 1.0
    while True:
        found = _FACTOR.match(text, at)
        if not found:
            raise ChipgymError(f"{field}: {shorten(text)} is not a product of metrics such as 'energy_j * latency_s'")
        power = sign * float(found[2] or 1)
        for name, factor in _factor(found[1], metrics, field, presets).items():
            terms[name] = terms.get(name, 0.0) + power * factor
        at = found.end()
        if at == len(text):
            for name, power in terms.items():
                if power == 0 or abs(power) > MOST_POWER:
                    raise ChipgymError(f"{field}: {shorten(text)} has {name} to the power {power:g}, expected 1 to 100")
            return Product.of(terms)
        if text[at] not in "*/":
            several = "; give several as a list, on the command line by repeating the option" if text[at] == "," else ""
            raise ChipgymError(f"{field}: {shorten(text)} has {text[at]!r} where '*' or '/' was expected{several}")
        sign = 1.0 if text[at] == "*" else -1.0
        at += 1


def _factor(name: str, metrics: Sequence[MetricSpec], field: str, presets: Presets) -> Mapping[str, float]:
    """The powers of the metrics that a factor stands for: a metric itself, or those of a preset."""
    names = [s.name for s in metrics]
    if name not in presets or name in names:
        if name not in names and name not in (FEASIBLE.name, VIOLATION.name):
            raise unknown("metric", name, [*names, *presets])
        return {name: 1.0}
    expression = presets[name]
    if not isinstance(expression, str):
        raise ChipgymError(f"{field}: {name!r} is several objectives ({', '.join(expression)}) and no factor of one")
    others = {k: v for k, v in presets.items() if k != name}  # a preset that names itself is no metric
    return dict(parse_product(expression, metrics, field, others).terms)


def parse_objectives(
    wanted: str | Sequence[str], metrics: Sequence[MetricSpec], presets: Presets = NO_PRESETS
) -> tuple[Objective, ...]:
    """One or several objectives from preset names, metric names, or products of metrics.

    Raises:
        ChipgymError: for anything else, with the nearest preset or metric.
    """
    known = {**common_presets(metrics), **presets}
    out: list[Objective] = []
    for text in _texts(wanted, "objective", "edp"):
        if text in COMMON and text not in known:
            choices = ", ".join(sorted({*known, *(s.name for s in metrics)}))
            raise ChipgymError(
                f"objective: {text!r} is {COMMON[text]}, not all of which is answered here (known: {choices})"
            )
        expression = known.get(text, text)
        if not isinstance(expression, str):
            out.extend(parse_objectives(expression, metrics, presets))
            continue
        names = [s.name for s in metrics]
        if re.fullmatch(r"\w+", text) and text not in known and text not in names:
            raise unknown("objective", text, [*known, *names])
        product = parse_product(expression, metrics, "objective", known)
        (name, power), *others = product.terms
        if not others and power == 1 and spec_of(metrics, name).goal == "max":
            product = Product(((name, -1.0),))
            text = f"1/{text.strip()}"
        out.append(Objective(" ".join(text.split()), product))
    if not out:
        raise ChipgymError("objective: an empty list; expected at least one, such as 'latency_s'")
    if len({o.product for o in out}) != len(out):
        raise ChipgymError(f"objective: {shorten([o.name for o in out])} names one twice")
    return tuple(out)


def parse_constraints(
    wanted: str | Sequence[str], metrics: Sequence[MetricSpec], presets: Presets = NO_PRESETS
) -> tuple[Constraint, ...]:
    """Constraints from texts such as `"area_mm2 <= 10"`.

    Raises:
        ChipgymError: naming the text and the form that was expected, or why no design can meet it.
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
        product = parse_product(found["left"], metrics, "constraint", {**common_presets(metrics), **presets})
        constraint = Constraint(product, found["sign"] == "<=", limit)
        if constraint.upper and limit < 0 and all(spec_of(metrics, name).amount for name, _ in product.terms):
            raise ChipgymError(f"constraint: {shorten(text)} is met by no design: {product.text} is never below 0")
        out.append(constraint)
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


def common_presets(metrics: Sequence[MetricSpec]) -> dict[str, str]:
    """Those of `COMMON` that a simulator has the metrics for."""
    usable = {}
    for name, expression in COMMON.items():
        try:
            parse_product(expression, metrics, "objective")
        except ChipgymError:
            continue
        usable[name] = expression
    return usable


@dataclass(frozen=True)
class ListedPreset:
    """A preset as lists and pages show it.

    Attributes:
        name: of the preset.
        minimises: the metrics, or products of them.
        default: whether a problem that is not told otherwise minimises it, be it under another name.
    """

    name: str
    minimises: tuple[str, ...]
    default: bool


def list_presets(metrics: Sequence[MetricSpec], presets: Presets, default: str) -> list[ListedPreset]:
    """The presets that every simulator has and this one has the metrics for, then its own.

    Args:
        metrics: of the simulator.
        presets: its own.
        default: what it minimises where it is not told: a preset, or an expression that one may stand for.
    """
    known = {**common_presets(metrics), **presets}
    products = {name: tuple(o.product for o in parse_objectives(name, metrics, presets)) for name in (*known, default)}
    return [
        ListedPreset(
            name,
            tuple(product.text for product in products[name]),
            name == default if default in known else products[name] == products[default],
        )
        for name in known
    ]

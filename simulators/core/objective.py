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
from .metrics import Metrics, MetricSpec, spec_of
from .parameter import Choices, Column, Parameter
from .quantity import NO_PRESETS, Presets, Product, Quantity, Sum, number_text, parse_quantity

# Products that the field has names for, usable wherever a simulator has the metrics.
COMMON: Mapping[str, str] = MappingProxyType({"edp": "energy_j * latency_s", "ed2p": "energy_j * latency_s**2"})

_CONSTRAINT = re.compile(r"^(?P<left>[^<>=]+?)\s*(?P<sign><=|>=)\s*(?P<right>[^<>=]+)$")


@dataclass(frozen=True, slots=True)
class Objective:
    """A quantity to minimise.

    A metric of which more is better is minimised as its reciprocal, and the objective is then called that:
    `1/utilization`. So whoever reads a value under an objective's name reads what the name says.

    Attributes:
        name: as the user wrote it.
        quantity: what is minimised.
        unit: of its values; of a sum of different units their sum, as in J + 0.1 s.
    """

    name: str
    quantity: Quantity
    unit: str = ""

    def __call__(self, metrics: Metrics) -> Column:
        """Return the minimised value per design, shape (n,)."""
        return self.quantity(metrics)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit on a quantity of metrics and knobs, as in `area_mm2 <= 10` or `rows * cols <= 4096`."""

    quantity: Quantity
    upper: bool
    limit: float
    unit: str = ""

    @property
    def text(self) -> str:
        """The constraint in the one form that all spellings of it share."""
        return f"{self.quantity.text} {'<=' if self.upper else '>='} {number_text(self.limit)}"

    def excess(self, values: Mapping[str, Column]) -> Column:
        """Return the signed distance beyond the limit as a fraction of it, (n,): ≤ 0 is met; NaN where a metric is.

        Args:
            values: columns of shape (n,) by name of metrics, and of the knobs that are limited.
        """
        with np.errstate(all="ignore"):
            gap = self.quantity(values) - self.limit
            return (gap if self.upper else -gap) / (abs(self.limit) or 1.0)

    def limit_of(self, values: Mapping[str, Column]) -> Limit:
        """Return what the first design of a batch has of what is limited; NaN where it lacks a metric of it."""
        return Limit(self.quantity.text, self.quantity(values)[0], self.limit, self.upper, self.unit)


def parse_objectives(
    wanted: str | Sequence[str], metrics: Sequence[MetricSpec], presets: Presets = NO_PRESETS
) -> tuple[Objective, ...]:
    """Parse one or several objectives: preset names, metric names, products of metrics, or sums of products.

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
        quantity = parse_quantity(expression, names, "objective", known)
        if isinstance(quantity, Sum):
            _check_sum(quantity, text, metrics)
        elif len(quantity.terms) == 1 and quantity.terms[0][1] == 1:
            (name,) = quantity.names
            if spec_of(metrics, name).goal == "max":
                quantity = Product(((name, -1.0),))
                text = f"1/{text.strip()}"
        out.append(Objective(" ".join(text.split()), quantity, quantity.unit(_units(metrics))))
    if not out:
        raise ChipgymError("objective: an empty list; expected at least one, such as 'latency_s'")
    if len({o.quantity for o in out}) != len(out):
        raise ChipgymError(f"objective: {shorten([o.name for o in out])} names one twice")
    return tuple(out)


def _check_sum(found: Sum, text: str, metrics: Sequence[MetricSpec]) -> None:
    """Check that a reward can compare a sum to minimise by its ratio: all terms are amounts, less of each better.

    Raises:
        ChipgymError: naming the term that is subtracted, or of which more is better.
    """
    for factor, product in found.terms:
        if factor < 0:
            raise ChipgymError(
                f"objective: {shorten(text)} subtracts {product.text}; what is minimised is compared by ratios, "
                "expected terms that are added"
            )
        if len(product.terms) == 1 and product.terms[0][1] > 0 and spec_of(metrics, product.names[0]).goal == "max":
            raise ChipgymError(
                f"objective: {shorten(text)} adds {product.text}, of which more is better; nearest is 1/{product.text}"
            )


def _units(metrics: Sequence[MetricSpec], knobs: Sequence[Parameter] = ()) -> dict[str, str]:
    return {k.name: k.unit for k in knobs} | {s.name: s.unit for s in metrics}


def parse_constraints(
    wanted: str | Sequence[str],
    metrics: Sequence[MetricSpec],
    presets: Presets = NO_PRESETS,
    knobs: Sequence[Parameter] = (),
) -> tuple[Constraint, ...]:
    """Parse constraints such as `"area_mm2 <= 10"`, or `"rows * cols <= 4096"` where there are knobs.

    Raises:
        ChipgymError: naming the text and the form that was expected, or why no design can meet it.
    """
    out = []
    for text in _texts(wanted, "constraint", "area_mm2 <= 10"):
        found = _CONSTRAINT.match(text.strip())
        if not found:
            raise ChipgymError(f"constraint: {shorten(text)} is not of the form 'area_mm2 <= 10' (or >=)")
        left, right, upper = found["left"].strip(), found["right"].strip(), found["sign"] == "<="
        if _number(left) is not None:  # 10 >= area_mm2
            left, right, upper = right, left, not upper
        limit = _number(right)
        if limit is not None and not math.isfinite(limit):
            raise ChipgymError(f"constraint: the limit {shorten(right)} in {shorten(text)} is not a number")
        names = [*(s.name for s in metrics), *_numeric(knobs, text)]
        known = {**common_presets(metrics), **presets}
        # Of two quantities the difference is compared with 0.
        quantity = parse_quantity(left, names, "constraint", known, less=right if limit is None else None)
        unit = quantity.unit(_units(metrics, knobs))
        constraint = Constraint(quantity, upper, 0.0 if limit is None else limit, unit)
        _check_possible(constraint, text, metrics, knobs)
        out.append(constraint)
    return tuple(out)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _numeric(knobs: Sequence[Parameter], text: str) -> list[str]:
    """List the names of knobs that are numbers.

    Raises:
        ChipgymError: where the text names one that is not.
    """
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    for knob in knobs:
        if isinstance(knob.accepts, Choices) and knob.name in words:
            raise ChipgymError(
                f"constraint: {shorten(text)} compares {knob.name}, which is no number; "
                f"space={{{knob.name!r}: {list(knob.values[:1])}}} leaves some of its values"
            )
    return [knob.name for knob in knobs if not isinstance(knob.accepts, Choices)]


def _check_possible(
    constraint: Constraint, text: str, metrics: Sequence[MetricSpec], knobs: Sequence[Parameter]
) -> None:
    """Check that not every design breaks a constraint, as far as can be told without evaluating one."""
    quantity = constraint.quantity
    known = {s.name for s in metrics}
    amounts = all(name not in known or spec_of(metrics, name).amount for name in quantity.names)
    added = isinstance(quantity, Product) or all(factor > 0 for factor, _ in quantity.terms)
    if constraint.upper and constraint.limit < 0 and amounts and added and known.issuperset(quantity.names):
        raise ChipgymError(f"constraint: {shorten(text)} is met by no design: {quantity.text} is never below 0")
    alone = [k for k in knobs if quantity.names == (k.name,) and k.name not in known]
    for knob in alone:
        values = constraint.quantity({knob.name: knob.column_values.astype(np.float64)})
        if not (constraint.excess({knob.name: knob.column_values.astype(np.float64)}) <= 0).any():
            low, high = number_text(float(values.min())), number_text(float(values.max()))
            raise ChipgymError(
                f"constraint: {shorten(text)} is met by no design: {quantity.text} is from {low} to {high}"
            )


def _texts(wanted: object, field: str, example: str) -> list[str]:
    texts = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(texts, list | tuple):
        raise ChipgymError(f"{field}: {shorten(wanted)} is not text such as {example!r}, or a list of such texts")
    for text in texts:
        if not isinstance(text, str):
            raise ChipgymError(f"{field}: {shorten(text)} is not text such as {example!r}")
    return list(texts)


def limited_values(
    constraints: Sequence[Constraint], metrics: Metrics, columns: Mapping[str, Column]
) -> Mapping[str, Column]:
    """Return the metrics, and as float64 the limited knobs, as columns of shape (n,) by name. A metric goes first."""
    knobs = {name for c in constraints for name in c.quantity.names if name not in metrics}
    return {**metrics, **{name: columns[name].astype(np.float64) for name in knobs}} if knobs else metrics


def total_excess(
    constraints: Sequence[Constraint], metrics: Metrics, columns: Mapping[str, Column] = MappingProxyType({})
) -> Column:
    """Sum the distance beyond all limits, shape (n,), ≥ 0; a metric that an infeasible design lacks counts nothing.

    Args:
        constraints: on metrics and knobs.
        metrics: of n designs.
        columns: their values by knob, each (n,); may be left out where no knob is limited.
    """
    total = np.zeros(metrics.n)
    values = limited_values(constraints, metrics, columns)
    for c in constraints:
        total += np.nan_to_num(np.maximum(c.excess(values), 0.0), nan=0.0, posinf=1e300)
    return total


def common_presets(metrics: Sequence[MetricSpec]) -> dict[str, str]:
    """Return those of `COMMON` that a simulator has the metrics for."""
    usable = {}
    for name, expression in COMMON.items():
        try:
            parse_quantity(expression, [s.name for s in metrics], "objective")
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
    """List the presets that every simulator has and this one has the metrics for, then its own.

    Args:
        metrics: of the simulator.
        presets: its own.
        default: what it minimises where it is not told: a preset, or an expression that one may stand for.
    """
    known = {**common_presets(metrics), **presets}
    found = {name: tuple(o.quantity for o in parse_objectives(name, metrics, presets)) for name in (*known, default)}
    return [
        ListedPreset(
            name,
            tuple(quantity.text for quantity in found[name]),
            name == default if default in known else found[name] == found[default],
        )
        for name in known
    ]

"""Products of metrics, and sums of them: the text that objectives and constraints are written in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ...errors import ChipgymError, shorten, unknown
from .metrics import FEASIBLE, VIOLATION
from .parameter import Column

Presets = Mapping[str, str | tuple[str, ...]]
NO_PRESETS: Presets = MappingProxyType({})

# Beyond this a product of any metrics leaves the range of floating-point numbers.
MOST_POWER = 100

_FACTOR = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:(?:\*\*|\^)\s*([-+]?\d+(?:\.\d+)?))?\s*")
_NUMBER = re.compile(r"\s*((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*")
_SIGN = re.compile(r"\s*([-+])")

# A term while it is read: what each of its products is multiplied by, and the powers of metrics in it.
_Powers = dict[str, float]
_Terms = list[tuple[float, _Powers]]


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
        """Return the product of metrics to these powers."""
        return Product(tuple(sorted(powers.items(), key=lambda term: (term[1] < 0, term[0]))))

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics in it."""
        return tuple(name for name, _ in self.terms)

    @property
    def single(self) -> bool:
        """Whether it is one metric to some power."""
        return len(self.terms) == 1

    @property
    def text(self) -> str:
        """The product as it can be read and parsed again."""
        out = ""
        for name, power in self.terms:
            sign = (" * " if out else "") if power > 0 else (" / " if out else "1/")
            out += sign + name + ("" if abs(power) == 1 else f"**{number_text(abs(power))}")
        return out

    def unit(self, units: Mapping[str, str]) -> str:
        """Return its unit, as in J·s/mm2, from those of the metrics; empty for a plain number."""
        if len(self.terms) == 1 and self.terms[0][1] == 1:
            return units.get(self.terms[0][0], "")
        powers: dict[str, float] = {}
        for name, power in self.terms:
            unit = units.get(name, "")
            if unit.startswith("1/"):
                unit, power = unit[2:], -power
            if unit:
                powers[unit] = powers.get(unit, 0.0) + power
        above = "·".join(_unit_power(unit, p) for unit, p in powers.items() if p > 0)
        below = "·".join(_unit_power(unit, -p) for unit, p in powers.items() if p < 0)
        return f"{above or '1'}/{below}" if below else above

    def __call__(self, values: Mapping[str, Column]) -> Column:
        """Return the value per design, shape (n,), from columns by name; NaN where a metric is."""
        (first, power), *rest = self.terms
        with np.errstate(all="ignore"):
            value = values[first] if power == 1 else values[first] ** power
            for name, power in rest:
                value = value * (values[name] if power == 1 else values[name] ** power)
        return value


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of products, each times a number, such as `energy_j + 0.1 * latency_s`.

    Attributes:
        terms: factor and product, in the order of the products' texts. Of more than one, or of one whose factor is not
            1: anything else is a `Product`.
    """

    terms: tuple[tuple[float, Product], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics in it, each once."""
        return tuple(dict.fromkeys(name for _, product in self.terms for name in product.names))

    @property
    def single(self) -> bool:
        """Whether it is one metric to some power: never."""
        return False

    @property
    def text(self) -> str:
        """The sum as it can be read and parsed again."""
        out = ""
        for factor, product in self.terms:
            sign = (" - " if factor < 0 else " + ") if out else ("-" if factor < 0 else "")
            out += sign + _times(abs(factor), product)
        return out

    def unit(self, units: Mapping[str, str]) -> str:
        """Return the unit that all terms share, or else the sum of them with their factors, as in J + 0.1 s."""
        each = [(factor, product.unit(units)) for factor, product in self.terms]
        if len({unit for _, unit in each}) == 1:
            return each[0][1]
        return " + ".join(f"{'' if f == 1 else number_text(f) + ' '}{unit or '1'}" for f, unit in each)

    def __call__(self, values: Mapping[str, Column]) -> Column:
        """Return the value per design, shape (n,); NaN where a metric is."""
        with np.errstate(all="ignore"):
            (factor, product), *rest = self.terms
            total = factor * product(values)
            for factor, product in rest:
                total = total + factor * product(values)
        return total


Quantity = Product | Sum


def parse_quantity(
    text: str, names: Sequence[str], field: str, presets: Presets = NO_PRESETS, less: str | None = None
) -> Quantity:
    """Parse `a * b**2 / c + 0.1 * d` over names of metrics, and of presets that are written like that themselves.

    Args:
        text: what is parsed.
        names: of the metrics, and of knobs where those are meant too.
        field: what messages name.
        presets: texts by name.
        less: another text, which is subtracted.

    Raises:
        ChipgymError: naming `field` and the first part that is neither or not in that form.
    """
    terms: dict[Product, float] = {}
    for sign, part in ((1.0, text), (-1.0, less)):
        for factor, powers in _parse_sum(part, names, field, presets) if part is not None else ():
            product = Product.of(powers)
            terms[product] = terms.get(product, 0.0) + sign * factor
    found = sorted(((f, p) for p, f in terms.items() if f != 0), key=lambda term: term[1].text)
    if not found:
        raise ChipgymError(f"{field}: {shorten(text)} adds up to nothing")
    return found[0][1] if len(found) == 1 and found[0][0] == 1 else Sum(tuple(found))


def _parse_sum(text: str, names: Sequence[str], field: str, presets: Presets) -> _Terms:
    out: _Terms = []
    lead = _SIGN.match(text)
    sign, at = (1.0, 0) if lead is None else (float(lead[1] + "1"), lead.end())
    while True:
        term, at = _parse_term(text, at, names, field, presets)
        out += [(sign * factor, powers) for factor, powers in term]
        if at == len(text):
            return out
        sign = float(text[at] + "1")
        at += 1


def _parse_term(text: str, at: int, names: Sequence[str], field: str, presets: Presets) -> tuple[_Terms, int]:
    """Parse a product, and return it with the place where the sign behind it is or the text ends."""
    term: _Terms = [(1.0, {})]
    sign = 1.0
    while True:
        if number := _NUMBER.match(text, at):
            scale = float(number[1]) ** sign if float(number[1]) or sign > 0 else math.inf
            if not 0 < scale < math.inf:
                raise ChipgymError(f"{field}: {shorten(text)} has {number[1]} where a number above 0 was expected")
            term = [(factor * scale, powers) for factor, powers in term]
            at = number.end()
        elif found := _FACTOR.match(text, at):
            power = sign * float(found[2] or 1)
            term = _multiplied(term, _parse_name(found[1], names, field, presets), power, text, field)
            at = found.end()
        else:
            raise ChipgymError(
                f"{field}: {shorten(text)} is not a product of metrics such as 'energy_j * latency_s', or a sum of such"
            )
        if at == len(text) or text[at] in "+-":
            _check_term(term, text, field)
            return term, at
        if text[at] not in "*/":
            several = "; give several as a list, on the command line by repeating the option" if text[at] == "," else ""
            raise ChipgymError(f"{field}: {shorten(text)} has {text[at]!r} where '*', '/' or '+' was expected{several}")
        sign = 1.0 if text[at] == "*" else -1.0
        at += 1


def _multiplied(term: _Terms, by: Quantity, power: float, text: str, field: str) -> _Terms:
    if isinstance(by, Sum) and power != 1:
        raise ChipgymError(f"{field}: {shorten(text)} has a sum, {by.text}, to the power {power:g}, expected 1")
    parts = by.terms if isinstance(by, Sum) else ((1.0, by),)
    out: _Terms = []
    for factor, powers in term:
        for other, product in parts:
            joined = dict(powers)
            for name, p in product.terms:
                joined[name] = joined.get(name, 0.0) + power * p
            out.append((factor * other, joined))
    return out


def _check_term(term: _Terms, text: str, field: str) -> None:
    for _, powers in term:
        if not powers:
            raise ChipgymError(f"{field}: {shorten(text)} has a term without a metric")
        for name, power in powers.items():
            if power == 0 or abs(power) > MOST_POWER:
                raise ChipgymError(f"{field}: {shorten(text)} has {name} to the power {power:g}, expected 1 to 100")


def _parse_name(name: str, names: Sequence[str], field: str, presets: Presets) -> Quantity:
    """Return what a factor stands for: a metric itself, or a preset."""
    if name not in presets or name in names:
        if name not in names and name not in (FEASIBLE.name, VIOLATION.name):
            raise unknown("metric", name, [*names, *presets])
        return Product(((name, 1.0),))
    expression = presets[name]
    if not isinstance(expression, str):
        raise ChipgymError(f"{field}: {name!r} is several objectives ({', '.join(expression)}) and no factor of one")
    others = {k: v for k, v in presets.items() if k != name}  # a preset that names itself is no metric
    return parse_quantity(expression, names, field, others)


def number_text(value: float) -> str:
    """Write a number in its shortest form that gives every bit back; a whole one without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _times(factor: float, product: Product) -> str:
    """Write a product times a number above 0 as it can be parsed again."""
    if factor == 1:
        return product.text
    number = number_text(factor)
    # A reciprocal is 1/x: the number takes the place of the 1.
    return number + product.text[1:] if product.terms[0][1] < 0 else f"{number} * {product.text}"


def _unit_power(unit: str, power: float) -> str:
    if power == 1:
        return unit
    exponent = {2.0: "²", 3.0: "³"}.get(power, f"^{power:g}")
    return f"({unit}){exponent}" if unit[-1:].isdigit() else f"{unit}{exponent}"

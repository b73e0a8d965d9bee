"""Names and units for people: `latency_s` is "latency", its values a readable number of ms."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...errors import ChipgymError
from ...simulators.core.parameter import Column
from ...simulators.core.quantity import Quantity, parse_quantity

# The end of a metric's name that says its unit.
SUFFIXES = {"s": "_s", "J": "_j", "W": "_w", "mm2": "_mm2", "GB/s": "_gbps"}
# Units that take a prefix, and the prefixes that people read without thinking.
PREFIXED = frozenset({"s", "J", "W"})
PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
# Digits that a number in the file keeps.
DIGITS = 6


def plain_name(name: str, unit: str) -> str:
    """Write a metric's name without the unit that it ends in, in words."""
    return name.removesuffix(SUFFIXES.get(unit, "\0")).replace("_", " ")


def unit_text(unit: str) -> str:
    """Write a unit as it is written on paper."""
    return unit.replace("mm2", "mm²")


def titled(name: str, unit: str) -> str:
    """Write a name with its unit in brackets, where it has one."""
    return f"{name} ({unit})" if unit else name


def prefix(values: Column, unit: str) -> tuple[float, str]:
    """Return the factor and the unit in which the middle of some values is a number from 1 to 1000.

    1 and the unit itself where it takes no prefix, or there is no value.
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if unit not in PREFIXED or not len(sizes):
        return 1.0, unit_text(unit)
    decade = math.floor(math.log10(float(np.median(sizes))) / 3) * 3
    decade = min(max(decade, min(PREFIXES)), max(PREFIXES))
    return 10.0**-decade, PREFIXES[decade] + unit


def quantity_of(text: str, units: Mapping[str, str]) -> Quantity | None:
    """Parse an objective's text, as a problem's identity has it, as a product of metrics or a sum.

    None where it is none.
    """
    try:
        return parse_quantity(text, tuple(units), "objective")
    except ChipgymError:
        return None


def quantity_unit(quantity: Quantity | None, units: Mapping[str, str]) -> str:
    """Return the unit of a product of metrics, as in J·s/mm², or of a sum; empty for a plain number."""
    return unit_text(quantity.unit(units)) if quantity else ""


def rounded(values: Column) -> list[float | None]:
    """Round numbers to `DIGITS` significant digits, None for what is none or infinite, as JSON takes them."""
    return [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in np.asarray(values, float).tolist()]

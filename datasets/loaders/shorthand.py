"""Small networks in one line: "mlp:16-64-5" is a multilayer perceptron of those widths."""

from __future__ import annotations

import re

from ...errors import ChipgymError, shorten, unknown
from ..network import Network, NetworkBuilder

FORM = "mlp:IN-HIDDEN-...-OUT, e.g. mlp:16-64-5"
MAX_WIDTH = 2**20
MAX_LAYERS = 1000


def parse_shorthand(spec: str) -> Network:
    """Build a multilayer perceptron from its widths: a Linear between neighbours, relu after each but the last.

    Args:
        spec: "mlp:" and two or more positive widths joined by "-"; also the network's name.

    Raises:
        ChipgymError: the text has another form, or a width or their number is out of range.
    """
    kind, _, text = spec.partition(":")
    if kind.strip().lower() != "mlp":
        raise unknown("shorthand", kind, ("mlp",))
    fields = [field.strip() for field in text.split("-")]
    for field in fields:
        # isdecimal() accepts other scripts' digits and int() "1_000": neither is meant here.
        if not re.fullmatch(r"[0-9]+", field):
            raise ChipgymError(
                f"workload {shorten(spec)}: width {shorten(field)} is not a whole number, expected {FORM}"
            )
    if len(fields) < 2:
        raise ChipgymError(f"workload {shorten(spec)}: expected at least 2 widths, as in {FORM}")
    if len(fields) > MAX_LAYERS:
        raise ChipgymError(f"workload {shorten(spec)}: {len(fields)} widths, expected at most {MAX_LAYERS}")
    for field in fields:
        if len(field) > 9 or not 1 <= int(field) <= MAX_WIDTH:
            raise ChipgymError(f"workload {shorten(spec)}: width {shorten(field)} is not from 1 to {MAX_WIDTH}")
    widths = [int(field) for field in fields]
    b = NetworkBuilder("mlp:" + "-".join(map(str, widths)))
    x = b.input((widths[0],))
    for layer, width in enumerate(widths[1:], start=1):
        x = b.linear(x, width, name=f"fc{layer}")
        if layer < len(widths) - 1:
            x = b.relu(x, name=f"relu{layer}")
    return b.build()

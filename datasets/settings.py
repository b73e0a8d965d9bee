"""What may stand behind a workload's name: "llama-3-8b:seq=1,past=2048", "model.onnx:height=640,width=640"."""

from __future__ import annotations

import re

from ..errors import ChipgymError, shorten
from .network.operator import MAX_DIMENSION

#: A number, or the sizes of a shape, by name.
Settings = dict[str, int | tuple[int, ...]]

FORM = "NAME=NUMBER or NAME=1x3x224x224"


def split_settings(spec: str) -> tuple[str, Settings]:
    """Split a workload's name from the settings after its last colon; there are none without a "=" after it.

    Raises:
        ChipgymError: a setting has another form, is out of range, or comes twice.
    """
    name, colon, text = spec.rpartition(":")
    if not colon or "=" not in text:
        return spec, {}
    settings: Settings = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        sizes = value.split("x")
        if not key or not equals or not all(re.fullmatch(r"[0-9]{1,10}", size) for size in sizes):
            raise ChipgymError(f"workload {shorten(spec)}: {shorten(part)} is not of the form {FORM}")
        if key in settings:
            raise ChipgymError(f"workload {shorten(spec)}: {shorten(key)} is given twice")
        numbers = tuple(int(size) for size in sizes)
        if max(numbers) > MAX_DIMENSION:
            raise ChipgymError(f"workload {shorten(spec)}: {shorten(part)} is beyond {MAX_DIMENSION}")
        settings[key] = numbers if len(numbers) > 1 else numbers[0]
    return name, settings


def settings_text(settings: Settings) -> str:
    """Return settings as they stand behind a name, with the colon; empty without any."""
    parts = (f"{key}={'x'.join(map(str, v if isinstance(v, tuple) else (v,)))}" for key, v in settings.items())
    return ":" + ",".join(parts) if settings else ""

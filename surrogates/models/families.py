"""Which families of models there are, and how one is made by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...errors import ChipgymError, shorten, unknown
from .base import Family
from .gnn import Gnn
from .ridge import Ridge
from .trees import Boosting, Forest

FAMILIES: Mapping[str, type[Family]] = {"ridge": Ridge, "forest": Forest, "boosting": Boosting, "gnn": Gnn}


def settings_of(model: str) -> dict[str, int | float]:
    """Return the default by setting of a model.

    Raises:
        ChipgymError: naming the nearest where there is no such model.
    """
    if not isinstance(model, str) or model not in FAMILIES:
        raise unknown("model", model, FAMILIES)
    return dataclasses.asdict(FAMILIES[model]())


def family(model: str, settings: Mapping[str, Any]) -> Family:
    """Make a family by its name, with its settings.

    Raises:
        ChipgymError: for an unknown name or setting, and a value that is not a positive number of its kind.
    """
    known = settings_of(model)
    for setting, value in settings.items():
        if setting not in known:
            raise unknown(f"option of {model}:", setting, known)
        whole = isinstance(known[setting], int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not 0 < value < 1e6:
            expected = "a positive whole number" if whole else "a positive number"
            raise ChipgymError(f"{setting}: {shorten(value)} is not {expected}; default is {known[setting]}")
    if settings.get("share", 1) > 1:
        raise ChipgymError(f"share: {shorten(settings['share'])} is more than all features; nearest is 1.0")
    return FAMILIES[model](**settings)

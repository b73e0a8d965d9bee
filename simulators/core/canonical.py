"""Counting the different machines in a space whose inactive parameters are folded."""

from __future__ import annotations

import itertools
import math

from ...errors import ChipgymError
from .parameter import Parameter

# Settings of the controlling parameters of one group that are looked at before giving up.
MOST_SETTINGS = 20_000_000


def canonical_size(parameters: tuple[Parameter, ...]) -> int:
    """Exact number of canonical designs.

    Parameters linked by conditions form a group. Only the settings of those that control others are gone through;
    the rest of a group contributes its grid size where active and 1 where not, and groups multiply.

    Raises:
        ChipgymError: for a group whose controlling parameters have more settings than can be gone through.
    """
    return math.prod(_group_size(group) for group in _groups(parameters))


def _groups(parameters: tuple[Parameter, ...]) -> list[list[Parameter]]:
    """Parameters joined by conditions, each group in declaration order."""
    group_of = {p.name: {p.name} for p in parameters}
    for p in parameters:
        for name, _ in p.condition.clauses if p.condition else ():
            joined = group_of[p.name] | group_of[name]
            for member in joined:
                group_of[member] = joined
    unique = {id(g): g for g in group_of.values()}
    return [[p for p in parameters if p.name in g] for g in unique.values()]


def _group_size(group: list[Parameter]) -> int:
    controlling = {name for p in group if p.condition for name, _ in p.condition.clauses}
    heads = [p for p in group if p.name in controlling]
    rest = [p for p in group if p.name not in controlling]
    if math.prod(p.size for p in heads) > MOST_SETTINGS:
        raise ChipgymError(f"too many settings of {', '.join(p.name for p in heads)} to count canonical designs")
    total = 0
    for setting in itertools.product(*(range(p.size) for p in heads)):
        chosen = {p.name: p.values[i] for p, i in zip(heads, setting, strict=True)}
        if any(not _active(p, chosen) and i != p.default_index for p, i in zip(heads, setting, strict=True)):
            continue  # the same hardware as the setting with this inactive parameter at its default
        total += math.prod(p.size if _active(p, chosen) else 1 for p in rest)
    return total


def _active(p: Parameter, chosen: dict[str, int | float | str]) -> bool:
    return all(chosen[name] in values for name, values in p.condition.clauses) if p.condition else True


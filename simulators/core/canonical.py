"""Counting the different machines in a space whose inactive parameters are at their defaults."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from ...errors import ChipgymError
from .parameter import Parameter, Value

# Settings of the controlling parameters of one group that are looked at before giving up.
MOST_SETTINGS = 2_000_000


def canonical_size(parameters: tuple[Parameter, ...]) -> int:
    """Count the canonical designs exactly.

    Parameters linked by conditions form a group. Only the settings of those that control others are gone through,
    values that no condition tells apart together; the rest of a group contributes its grid size where active and 1
    where not, and groups multiply.

    Raises:
        ChipgymError: for a group whose controlling parameters have more settings than can be gone through.
    """
    return math.prod(_group_size(group) for group in _groups(parameters))


def _groups(parameters: tuple[Parameter, ...]) -> list[list[Parameter]]:
    """Group parameters joined by conditions, each group in declaration order."""
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
    classes = [_classes(p, group) for p in heads]
    if math.prod(len(c) for c in classes) > MOST_SETTINGS:
        raise ChipgymError(f"too many settings of {', '.join(p.name for p in heads)} to count canonical designs")
    total = 0
    for setting in itertools.product(*classes):
        chosen = {p.name: value for p, (value, _) in zip(heads, setting, strict=True)}
        if any(chosen[p.name] != p.default and not _active(p, chosen) for p in heads):
            continue  # the same hardware as the setting with this inactive parameter at its default
        total += math.prod(count for _, count in setting) * math.prod(p.size for p in rest if _active(p, chosen))
    return total


def _classes(p: Parameter, group: list[Parameter]) -> list[tuple[Value, int]]:
    """List values of `p` that no condition in its group tells apart: one of each class, and how many there are."""
    clauses = [values for q in group if q.condition for name, values in q.condition.clauses if name == p.name]
    kinds = {v: (v == p.default, *(v in values for values in clauses)) for v in p.values}
    one_of = {kind: v for v, kind in kinds.items()}
    return [(one_of[kind], count) for kind, count in Counter(kinds.values()).items()]


def _active(p: Parameter, chosen: dict[str, Value]) -> bool:
    return all(chosen[name] in values for name, values in p.condition.clauses) if p.condition else True

"""Numbers that describe a loop-nest kernel to an agent or a cost model, under one fixed set of keys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .loop import Array, Loop

#: Keys of `kernel_features`, in order, and what each is. Sums are over the whole run.
KERNEL_FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "loops": "number of loops",
        "nest_depth": "most loops inside one another",
        "log10_iterations": "log10(1 + iterations of innermost loops)",
        "log10_operations": "log10(1 + operations on data)",
        "log10_accesses": "log10(1 + loads and stores of arrays)",
        "log10_array_bytes": "log10(1 + bytes of the arrays that are used)",
        "float_fraction": "fraction of the operations on data that are floating-point",
        "division_fraction": "fraction that divide, take a root or a power",
        "indirect_fraction": "fraction of accesses whose index is itself data",
        "carried_fraction": "fraction of loops in which an iteration needs an earlier one",
        "reduction_fraction": "fraction of loops that add something up",
        "guarded_fraction": "fraction of loops whose statements stand under a condition",
        "log10_intensity": "log10 of operations on data per byte of the arrays",
    }
)
KERNEL_FEATURE_NAMES = tuple(KERNEL_FEATURES)


def kernel_features(arrays: Sequence[Array], root: Loop) -> dict[str, float]:
    """Compute the features of a kernel, all finite; `KERNEL_FEATURES` says what each is."""
    work: dict[str, float] = {}
    accesses = indirect = innermost = 0.0
    depth = 0

    def visit(loop: Loop, runs: float, level: int) -> None:
        nonlocal accesses, indirect, innermost, depth
        times = runs * loop.trip
        depth = max(depth, level)
        for name, count in loop.operations.items():
            work[name] = work.get(name, 0.0) + times * count
        accesses += times * len(loop.accesses)
        indirect += times * sum(a.indirect for a in loop.accesses)
        innermost += 0 if loop.loops else times
        for inner in loop.loops:
            visit(inner, times, level + 1)

    visit(root, 1, 0)
    loops = [loop for loop in root.walk() if loop is not root]
    data = sum(count for name, count in work.items() if not name.startswith("addr_"))
    floats = sum(count for name, count in work.items() if name[0] in "df" and name not in ("dneg", "fneg"))
    divisions = sum(work.get(name, 0.0) for name in ("ddiv", "dsqrt", "dpow", "fdiv", "fsqrt", "fpow", "idiv"))
    size = sum(a.size * a.bits / 8 for a in arrays if a.role != "unused")
    features = {
        "loops": float(len(loops)),
        "nest_depth": float(depth),
        "log10_iterations": math.log10(1 + innermost),
        "log10_operations": math.log10(1 + data),
        "log10_accesses": math.log10(1 + accesses),
        "log10_array_bytes": math.log10(1 + size),
        "float_fraction": floats / data if data else 0.0,
        "division_fraction": divisions / data if data else 0.0,
        "indirect_fraction": indirect / accesses if accesses else 0.0,
        "carried_fraction": sum(bool(loop.carried) for loop in loops) / len(loops),
        "reduction_fraction": sum(any(c.reduction for c in loop.carried) for loop in loops) / len(loops),
        "guarded_fraction": sum(bool(loop.guard) for loop in loops) / len(loops),
        "log10_intensity": math.log10((1 + data) / (1 + size)),
    }
    return {name: features[name] for name in KERNEL_FEATURE_NAMES}

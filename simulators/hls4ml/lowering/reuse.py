"""Which reuse factors a layer can have: how often each multiplier works for one result.

hls4ml (its FPGA backend's check of a reuse factor r) wants, for a product of n_in inputs by a matrix n_in × n_out, that

- r divides n_in · n_out, so that all multipliers are busy until the end;
- below n_in, the multipliers are a multiple of n_out: every output is summed by as many; and
- from n_in on, r is a multiple of n_in: a multiplier sees whole columns.

Below n_in, n_in · n_out / r is a multiple of n_out just where r divides n_in. From n_in on, r = k · n_in divides
n_in · n_out just where k divides n_out. That is all, and needs no search.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def legal_reuse_factors(n_in: int, n_out: int) -> tuple[int, ...]:
    """List reuse factors that hls4ml builds as asked for a product with a matrix n_in × n_out, ascending.

    A convolution is such a product at every place of its window: n_in = channels · window, n_out = filters.
    """
    return tuple(sorted({*divisors(n_in), *(n_in * k for k in divisors(n_out))}))


def common_reuse_factors(shapes: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """List the reuse factors that are legal for every matrix, ascending; (1,) where there is none."""
    sets = [set(legal_reuse_factors(n_in, n_out)) for n_in, n_out in shapes]
    return tuple(sorted(set.intersection(*sets))) if sets else (1,)


def divisors(n: int) -> tuple[int, ...]:
    """List the divisors of n ≥ 1, ascending."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return tuple(sorted({*small, *(n // d for d in small)}))

"""Seeded generators of memory traces, and the named traces that ship.

Every generator is a function of its arguments alone. A request is one 64-byte line; `gap` is the number of memory
cycles between arrivals, 1 for a requestor that the memory alone slows down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from ...errors import ChipgymError, shorten, unknown
from .trace import MAX_ADDRESS, MAX_CYCLE, MAX_REQUESTS, Trace

LINE = 64
#: Bytes that generated addresses lie in unless told otherwise: one rank of eight 1-Gbit devices.
SPAN = 2**30
MAX_SEED = 2**63 - 1

Ints = np.ndarray[Any, np.dtype[np.int64]]


def stream(n: int = 10_000, *, gap: int = 1, start: int = 0, name: str = "stream") -> Trace:
    """Generate reads of one line after another."""
    return strided(n, stride=LINE, gap=gap, start=start, name=name)


def strided(n: int = 10_000, *, stride: int = 8256, gap: int = 4, start: int = 0, name: str = "strided") -> Trace:
    """Generate reads `stride` bytes apart: by default a row of DDR3 and one line further, so that every bank is met."""
    _check(n=(n, 1, MAX_REQUESTS), stride=(stride, 1, SPAN), start=(start, 0, MAX_ADDRESS // 2))
    return _trace(name, n, gap, start + stride * np.arange(n, dtype=np.int64))


def random(n: int = 10_000, *, gap: int = 1, span: int = SPAN, seed: int = 0, name: str = "random") -> Trace:
    """Generate reads of lines drawn uniformly from `span` bytes."""
    _check(n=(n, 1, MAX_REQUESTS), span=(span, LINE, MAX_ADDRESS))
    rng = _rng(seed)
    return _trace(name, n, gap, LINE * rng.integers(0, span // LINE, n))


def pointer_chase(
    n: int = 2_000, *, gap: int = 60, span: int = 2**26, seed: int = 0, name: str = "pointer_chase"
) -> Trace:
    """Generate reads along a chain through distinct lines in random order.

    Each is made after the answer to the one before is used.

    A trace has arrival times of its own, so the dependence is a gap: by default somewhat longer than an idle memory
    takes to answer.
    """
    _check(n=(n, 1, MAX_REQUESTS), span=(span, LINE * n, MAX_ADDRESS))
    rng = _rng(seed)
    return _trace(name, n, gap, LINE * rng.choice(span // LINE, n, replace=False))


def cloud(
    n: int = 10_000, *, gap: int = 1, locality: float = 0.5, skew: float = 1.1, write_fraction: float = 0.0,
    span: int = SPAN, seed: int = 0, name: str = "cloud",
) -> Trace:  # fmt: skip
    """Generate a server's memory traffic: pages of Zipf popularity (4 KiB, rank^-skew), runs of lines within a page.

    Args:
        n: requests.
        gap: memory cycles between arrivals, from 0.
        locality: probability that a request is for the line after its predecessor's.
        skew: exponent of the popularity of pages, from 0 to 10; 0 makes all pages alike.
        write_fraction: probability that a request writes.
        span: bytes that the addresses lie in, from 4096 to 2**40.
        seed: of the random numbers, from 0.
        name: of the trace.
    """
    _check(n=(n, 1, MAX_REQUESTS), span=(span, 4096, 2**40))
    _fractions(locality=locality, write_fraction=write_fraction)
    if not 0 <= skew <= 10:
        raise ChipgymError(f"skew: {shorten(skew)} is not from 0 to 10")
    rng = _rng(seed)
    pages = min(span // 4096, 65_536)
    weight = np.arange(1, pages + 1, dtype=np.float64) ** -skew
    popular = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(n), side="right").clip(max=pages - 1)
    place = rng.choice(span // 4096, pages, replace=False)
    jump = rng.random(n) >= locality
    jump[0] = True
    first = 64 * place[popular] + rng.integers(0, 64, n)  # in lines
    last_jump = np.maximum.accumulate(np.where(jump, np.arange(n), 0))
    lines = (first[last_jump] + np.arange(n) - last_jump) % (span // LINE)
    return _trace(name, n, gap, LINE * lines, rng.random(n) < write_fraction)


def read_write_mix(
    n: int = 10_000, *, gap: int = 4, write_fraction: float = 0.3, run: int = 8, span: int = SPAN, seed: int = 0,
    name: str = "read_write_mix",
) -> Trace:  # fmt: skip
    """Generate runs of `run` neighbouring lines at random places, each run all reads or all writes."""
    _check(n=(n, 1, MAX_REQUESTS), run=(run, 1, 65_536), span=(span, LINE * run, MAX_ADDRESS))
    _fractions(write_fraction=write_fraction)
    rng = _rng(seed)
    runs = -(-n // run)
    base = np.repeat(run * rng.integers(0, span // (LINE * run), runs), run)[:n]
    writes = np.repeat(rng.random(runs) < write_fraction, run)[:n]
    return _trace(name, n, gap, LINE * (base + np.arange(n) % run), writes)


def gemm_tiled(
    m: int = 128,
    n: int = 128,
    k: int = 128,
    *,
    tile: int = 32,
    element: int = 4,
    gap: int = 2,
    name: str = "gemm_tiled",
) -> Trace:
    """Generate C += A·B on row-major matrices one after the other in memory, through a buffer of one tile of each.

    For each tile of C, the tiles of A and B along k are read, and then C's is written, line by line.

    Args:
        m: rows of A and C, from 1 to 65,536.
        n: columns of B and C, likewise.
        k: columns of A and rows of B, likewise.
        tile: rows and columns of a tile; must divide m, n and k.
        element: bytes of a matrix element, from 1 to 64.
        gap: memory cycles between arrivals, from 0.
        name: of the trace.
    """
    for field, value in (("m", m), ("n", n), ("k", k)):
        _check(**{field: (value, 1, 65_536)})
        if value % tile:
            raise ChipgymError(f"tile: {shorten(tile)} does not divide {field} = {value}")
    _check(element=(element, 1, LINE))
    if (m // tile) * (n // tile) * (2 * k // tile + 1) * tile * (tile * element // LINE + 2) > MAX_REQUESTS:
        raise ChipgymError(f"gemm: more than {MAX_REQUESTS} requests; expected smaller m, n, k or a larger tile")
    a, b, c = 0, m * k * element, (m * k + k * n) * element
    parts: list[Ints] = []
    writes: list[bool] = []
    for i in range(0, m, tile):
        for j in range(0, n, tile):
            for p in range(0, k, tile):
                parts += [_tile(a, i, p, k, tile, element), _tile(b, p, j, n, tile, element)]
                writes += [False, False]
            parts.append(_tile(c, i, j, n, tile, element))
            writes.append(True)
    flags = np.repeat(writes, [len(p) for p in parts])
    return _trace(name, len(flags), gap, np.concatenate(parts), flags)


def _tile(base: int, row: int, col: int, cols: int, tile: int, element: int) -> Ints:
    """Return the addresses of the lines that hold a tile of a row-major matrix, row by row."""
    rows = []
    for r in range(row, row + tile):
        first = base + (r * cols + col) * element
        rows.append(np.arange(first // LINE, (first + tile * element - 1) // LINE + 1, dtype=np.int64))
    return LINE * np.concatenate(rows)


def _trace(name: str, n: int, gap: int, address: Ints, is_write: Any = None) -> Trace:
    _check(gap=(gap, 0, MAX_CYCLE // n))
    writes = np.zeros(n, dtype=np.bool_) if is_write is None else is_write
    return Trace(name, gap * np.arange(n, dtype=np.int64), writes, address)


def _check(**values: tuple[int, int, int]) -> None:
    for field, (value, low, high) in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
            raise ChipgymError(f"{field}: {shorten(value)} is not a whole number from {low} to {high}")


def _rng(seed: int) -> np.random.Generator:
    _check(seed=(seed, 0, MAX_SEED))
    return np.random.default_rng(seed)


def _fractions(**values: float) -> None:
    for field, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ChipgymError(f"{field}: {shorten(value)} is not a fraction from 0 to 1")


#: Generators by name.
GENERATORS: Mapping[str, Callable[..., Trace]] = MappingProxyType({
    f.__name__: f for f in (stream, strided, random, pointer_chase, cloud, read_write_mix, gemm_tiled)
})  # fmt: skip

_NAMED: dict[str, Callable[[], Trace]] = {
    "stream": stream,
    "strided": strided,
    "random": random,
    "pointer_chase": pointer_chase,
    "cloud-1": partial(cloud, locality=0.5, seed=1, name="cloud-1"),
    "cloud-2": partial(cloud, locality=0.1, seed=2, name="cloud-2"),
    "read_write_mix": read_write_mix,
    "gemm_tiled": gemm_tiled,
}


def trace_names() -> tuple[str, ...]:
    """List the names that `build_trace` and `load_workload` know, sorted."""
    return tuple(sorted(_NAMED))


@cache
def build_trace(name: str) -> Trace:
    """Build the named trace that ships.

    Raises:
        ChipgymError: no trace has that name; the message has the nearest.
    """
    if name not in _NAMED:
        raise unknown("trace", name, _NAMED)
    return _NAMED[name]()

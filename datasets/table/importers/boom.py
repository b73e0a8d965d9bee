"""RISC-V BOOM cores of the ICCAD 2022 contest on microarchitecture design-space exploration, as a table.

Its `contest.csv` (Apache-2.0) has a row per core: 29 numbers of the microarchitecture, instructions per cycle, watts,
square micrometres, and the seconds that the flow took. The package's own description calls it a dummy dataset, to get
to know the platform with; the measured one stayed on the contest's server. Within a decode width from 2 on, its IPC,
power and area do not follow from the core: sums of effects of its units explain 1 % of their variance. It is a table to
try code on, and no evidence about cores or searches. The space is that of BOOM-Explorer (Bai et al., ICCAD 2021).

The 29 numbers are no grid: of some 10^19 combinations 15,633 are there, since the contest composes a core of units,
each of which has three or four variants that set several numbers at once, and another set of variants for every decode
width. Of these choices the rows are all combinations. They are the knobs here; the numbers are columns beside them.
"""

from __future__ import annotations

import hashlib
import math
from importlib.metadata import version as installed_version

import numpy as np

from ....errors import ChipgymError
from ..header import KnobField, MetricField, TableHeader
from ..table import Column, DesignTable

SIMULATOR = "iccad-boom"
#: Numbers of a core by the unit that sets them, in the file's order: name and what it is.
UNITS: dict[str, tuple[tuple[str, str], ...]] = {
    "issue": (
        ("mem_dispatch_width", "memory instructions dispatched in a cycle"),
        ("mem_issue_width", "memory instructions issued in a cycle"),
        ("mem_issue_entries", "entries of the memory issue queue"),
        ("int_dispatch_width", "integer instructions dispatched in a cycle"),
        ("int_issue_width", "integer instructions issued in a cycle"),
        ("int_issue_entries", "entries of the integer issue queue"),
        ("fp_dispatch_width", "floating-point instructions dispatched in a cycle"),
        ("fp_issue_width", "floating-point instructions issued in a cycle"),
        ("fp_issue_entries", "entries of the floating-point issue queue"),
    ),
    "front_end": (
        ("branch_tags", "branches in flight"),
        ("fetch_buffer_entries", "entries of the fetch buffer"),
        ("fetch_targets", "entries of the fetch-target queue"),
    ),
    "rob": (("rob_entries", "entries of the reorder buffer"),),
    "registers": (
        ("int_registers", "integer physical registers"),
        ("fp_registers", "floating-point physical registers"),
    ),
    "load_store": (
        ("load_queue_entries", "entries of the load queue"),
        ("store_queue_entries", "entries of the store queue"),
    ),
    "icache": (
        ("icache_sets", "sets of the instruction cache"),
        ("icache_ways", "ways of the instruction cache"),
        ("itlb_sets", "sets of the instruction TLB"),
        ("itlb_ways", "ways of the instruction TLB"),
    ),
    "dcache": (
        ("dcache_sets", "sets of the data cache"),
        ("dcache_ways", "ways of the data cache"),
        ("dcache_replacement", "replacement policy of the data cache, as the contest numbers them"),
        ("dcache_mshrs", "misses of the data cache in flight"),
        ("dtlb_sets", "sets of the data TLB"),
        ("dtlb_ways", "ways of the data TLB"),
    ),
}
_WHAT = {
    "issue": "issue queues", "front_end": "branch tags, fetch buffer and fetch targets", "rob": "reorder buffer",
    "registers": "physical registers", "load_store": "load and store queues",
    "icache": "instruction cache and TLB", "dcache": "data cache and TLB",
}  # fmt: skip
#: Columns of the file: fetch and decode width, the units' numbers, IPC, W, µm², s.
COLUMNS = 2 + sum(map(len, UNITS.values())) + 4
_DECODE = "decode_width"


def read_boom(content: bytes, label: str, version: str) -> DesignTable:
    """Make a table of a `contest.csv`.

    Args:
        content: of the file.
        label: what to call it in messages.
        version: of the package that it is from; empty where that is not known.

    Raises:
        ChipgymError: naming the line that is not 33 numbers, a figure that is no positive number, a core that is there
            twice, or a decode width whose cores are not all combinations of its units.
    """
    rows = _numbers(content, label)
    decode = rows[:, 1].astype(np.int64)
    widths = tuple(np.unique(decode).tolist())
    variants, counts = _variants(rows, decode, widths)
    for width in widths:
        expected = math.prod(counts[unit][width] for unit in UNITS)
        here = np.stack([variants[unit][decode == width] for unit in UNITS], axis=1)
        if len(np.unique(here, axis=0)) != len(here):
            raise ChipgymError(f"{label}: has a core of decode width {width} twice")
        if len(here) != expected:
            raise ChipgymError(
                f"{label}: has {len(here)} cores of decode width {width}, expected all {expected} combinations of units"
            )
    knobs, positions = _knobs(widths, decode, variants, counts)
    order = np.lexsort(positions.T[::-1])
    metrics = _metrics(rows[order])
    header = _header(content, version, tuple(knobs))
    return DesignTable(header, positions[order], metrics, np.zeros(len(rows)))


def _numbers(content: bytes, label: str) -> Column:
    """Return the file's numbers, (rows, COLUMNS)."""
    rows = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = [float(field) for field in line.replace(b",", b" ").split()]
        except ValueError:
            row = []
        if len(row) != COLUMNS or not all(map(math.isfinite, row)):
            raise ChipgymError(f"{label}: line {number} is not {COLUMNS} numbers: a core's 29, IPC, W, µm² and s")
        if min(row[-4:]) <= 0 or any(field != int(field) or not 0 <= field < 2**31 for field in row[:-4]):
            raise ChipgymError(
                f"{label}: line {number} has a figure that is not positive, or a core's that is not whole"
            )
        rows.append(row)
    if not rows:
        raise ChipgymError(f"{label}: has no cores")
    return np.array(rows)


def _variants(
    rows: Column, decode: Column, widths: tuple[int, ...]
) -> tuple[dict[str, Column], dict[str, dict[int, int]]]:
    """Return by unit each core's variant from 1, (rows,), and how many there are by decode width.

    Variants of a decode width are numbered by the sum of their numbers, the smallest first.
    """
    variants: dict[str, Column] = {}
    counts: dict[str, dict[int, int]] = {}
    start = 2
    for unit, fields in UNITS.items():
        numbers = rows[:, start : start + len(fields)]
        start += len(fields)
        chosen, counts[unit] = np.zeros(len(rows), dtype=np.int64), {}
        for width in widths:
            here = np.flatnonzero(decode == width)
            kinds, which = np.unique(numbers[here], axis=0, return_inverse=True)
            rank = np.empty(len(kinds), dtype=np.int64)
            rank[np.argsort(kinds.sum(axis=1), kind="stable")] = np.arange(len(kinds))
            chosen[here] = rank[which.reshape(-1)] + 1
            counts[unit][width] = len(kinds)
        variants[unit] = chosen
    return variants, counts


def _knobs(
    widths: tuple[int, ...], decode: Column, variants: dict[str, Column], counts: dict[str, dict[int, int]]
) -> tuple[list[KnobField], Column]:
    """Return the knobs, and each core's places in their values, (rows, knobs).

    A unit that has more variants at some decode widths than at others is a knob for each number of variants, of which
    one is active at a time.
    """
    knobs = [KnobField(_DECODE, "integer", widths, widths[0], "instructions", doc="instructions decoded in a cycle")]
    columns = [np.searchsorted(widths, decode)]
    for unit, by_width in counts.items():
        sizes = sorted(set(by_width.values()))
        for size in sizes:
            at = tuple(width for width in widths if by_width[width] == size)
            apart = len(sizes) > 1
            knobs.append(
                KnobField(
                    f"{unit}_of_{size}" if apart else unit, "integer", tuple(range(1, size + 1)), 1,
                    ordinal=unit not in ("icache", "dcache"),
                    condition=((_DECODE, at),) if apart else (),
                    subsystem=unit,
                    doc=f"variant of {_WHAT[unit]}, the smallest first; what it sets depends on the decode width",
                )
            )  # fmt: skip
            columns.append(np.where(np.isin(decode, at), variants[unit] - 1, 0))
    return knobs, np.stack(columns, axis=1).astype(np.int32)


def _metrics(rows: Column) -> dict[str, Column]:
    ipc, watts, square_um, seconds = rows[:, -4:].T
    out = {"ipc": ipc, "power_w": watts, "area_mm2": square_um * 1e-6, "flow_s": seconds, "fetch_width": rows[:, 0]}
    names = [name for fields in UNITS.values() for name, _ in fields]
    out |= {name: rows[:, 2 + j] for j, name in enumerate(names)}
    return {name: np.ascontiguousarray(column) for name, column in out.items()}


def _header(content: bytes, version: str, knobs: tuple[KnobField, ...]) -> TableHeader:
    digest = hashlib.sha256(content).hexdigest()
    numbers = [("fetch_width", "instructions fetched in a cycle"), *(f for fields in UNITS.values() for f in fields)]
    return TableHeader(
        chipgym=installed_version("chipgym"),
        simulator=SIMULATOR,
        version=version or "unknown",
        sources=digest,
        options={
            "source": "https://pypi.org/project/iccad-contest, contest-dataset/contest.csv",
            "licence": "Apache-2.0",
            "figures": "a dummy dataset by its own description, not the contest's measurements",
        },
        workload="iccad-2022",
        workload_digest=digest,
        features={},
        default_objective="power_per_ipc",
        objectives={"power_per_ipc": "power_w / ipc", "ppa": ("ipc", "power_w", "area_mm2")},
        targets={},
        knobs=knobs,
        metrics=(
            MetricField("ipc", "", "instructions per cycle", "max"),
            MetricField("power_w", "W", "power"),
            MetricField("area_mm2", "mm2", "area"),
            MetricField("flow_s", "s", "time that the VLSI flow took to evaluate the core", cost=False),
            *(MetricField(name, "", doc, cost=False) for name, doc in numbers),
        ),
    )

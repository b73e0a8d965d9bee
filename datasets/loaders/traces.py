"""Memory-trace files: DRAMSys `.stl` and `.rstl`, Ramulator's three forms, DRAMsim3's; as they are or gzipped.

One request a line; which form a file has is told by its first request.

| form | a line | time |
|---|---|---|
| DRAMSys `.stl` | `31: read 0x400140` (data after it is left aside) | cycle of arrival |
| DRAMSys `.rstl` | the same | cycles after the request before |
| DRAMsim3 | `0x400140 READ 31` | cycle of arrival |
| Ramulator memory | `0x400140 R` | none: one request a cycle |
| Ramulator 2 load-store | `LD 0x400140`, `ST 0x400140` | none: one request a cycle |
| Ramulator processor | `3 4194624 [4194688]`: instructions before, read, write-back | one instruction a cycle |
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...errors import ChipgymError, shorten
from ...files import open_unpacked, reading, regular_file_size
from ..trace.trace import MAX_ADDRESS, MAX_CYCLE, MAX_REQUESTS, Trace, join_traces

#: Most characters of a line: no form needs more than a hundred but for write data.
MAX_LINE = 4096
#: Largest file that is loaded as a whole, as it lies on disk, and unpacked.
MAX_BYTES = 2**30
#: Requests that `iterate_trace` hands over at a time.
CHUNK = 65_536

# One request of a form: (cycles, read address or -1, write address or -1).
Request = tuple[int, int, int]

_NUMBER = r"(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})"
_STL = re.compile(
    rf"^([0-9]{{1,19}})\s*:\s*(?:\(\s*[0-9]+\s*\)\s*)?(read|write)\s+{_NUMBER}(?:\s+(?:0x)?[0-9a-f]*)?$", re.I
)
_DRAMSIM3 = re.compile(r"^(?:0x)?([0-9a-f]{1,16})\s+(READ|WRITE|P_MEM_RD|P_MEM_WR|BOFF)\s+([0-9]{1,19})$", re.I)
_MEMORY = re.compile(rf"^{_NUMBER}\s+([RW])$", re.I)
_LOAD_STORE = re.compile(rf"^(LD|ST)\s+{_NUMBER}$", re.I)
_PROCESSOR = re.compile(rf"^([0-9]{{1,19}})\s+{_NUMBER}(?:\s+{_NUMBER})?$")


def _number(text: str) -> int:
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text)


def _stl(found: re.Match[str]) -> Request:
    address = _number(found[3])
    return (int(found[1]), -1, address) if found[2][0] in "wW" else (int(found[1]), address, -1)


def _dramsim3(found: re.Match[str]) -> Request:
    address = int(found[1], 16)
    write = found[2].upper() in ("WRITE", "P_MEM_WR", "BOFF")
    return (int(found[3]), -1, address) if write else (int(found[3]), address, -1)


def _memory(found: re.Match[str]) -> Request:
    address = _number(found[1])
    return (1, -1, address) if found[2] in "wW" else (1, address, -1)


def _load_store(found: re.Match[str]) -> Request:
    address = _number(found[2])
    return (1, -1, address) if found[1][0] in "sS" else (1, address, -1)


def _processor(found: re.Match[str]) -> Request:
    return int(found[1]) + 1, _number(found[2]), _number(found[3]) if found[3] else -1


#: Form, what a line of it matches, what the match says, whether times count from the request before.
_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Request], bool], ...] = (
    ("'31: read 0x400140'", _STL, _stl, False),
    ("'0x400140 READ 31'", _DRAMSIM3, _dramsim3, False),
    ("'0x400140 R'", _MEMORY, _memory, True),
    ("'LD 0x400140'", _LOAD_STORE, _load_store, True),
    ("'3 4194624'", _PROCESSOR, _processor, True),
)


def load_trace(path: str | os.PathLike[str]) -> Trace:
    """The requests of a trace file, named after it.

    Raises:
        ChipgymError: the file cannot be read, is too large, or a line of it is malformed; names the file and the line.
    """
    file = Path(path)
    regular_file_size(file, MAX_BYTES)
    parts = list(iterate_trace(file, most=MAX_REQUESTS, most_bytes=MAX_BYTES))
    return join_traces(_stem(file), parts)


def iterate_trace(
    path: str | os.PathLike[str], *, chunk: int = CHUNK, most: int | None = None, most_bytes: int | None = None
) -> Iterator[Trace]:
    """The requests of a trace file of any size, at most `chunk` at a time, times going on from part to part.

    Args:
        chunk: requests of each part but the last.
        most: requests beyond which the file is refused.
        most_bytes: unpacked bytes beyond which the file is refused.

    Raises:
        ChipgymError: as `load_trace`, when the part with the offending line is asked for.
    """
    file = Path(path)
    label = f"file {shorten(file.name)}"
    relative = ".rstl" in [s.lower() for s in file.suffixes]
    with open_unpacked(file, most_bytes) as lines, reading(f"{label}: cannot be read"):
        yield from _parts(lines, _stem(file), label, relative, chunk, most, most_bytes)


def _parts(
    lines: BinaryIO, name: str, label: str, relative: bool, chunk: int, most: int | None, most_bytes: int | None
) -> Iterator[Trace]:
    form = None
    clock, total, size, number = -1, 0, 0, 0
    cycles: list[int] = []
    addresses: list[int] = []
    writes: list[bool] = []
    while line := lines.readline(MAX_LINE + 2):
        number += 1
        size += len(line)
        if most_bytes is not None and size > most_bytes:
            raise ChipgymError(f"{label}: line {number}: more than {most_bytes // 2**20} MiB")
        if len(line) > MAX_LINE:
            raise ChipgymError(f"{label}: line {number}: is longer than {MAX_LINE} characters")
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").partition("#")[0].strip()
        if not text:
            continue
        if form is None:
            form = next((f for f in _FORMS if f[1].match(text)), None)
        found = form[1].match(text) if form else None
        if form is None or found is None:
            expected = form[0] if form else " or ".join(f[0] for f in _FORMS)
            raise ChipgymError(f"{label}: line {number}: {shorten(text)} is no request such as {expected}")
        when, read, write = form[2](found)
        if form[3] or relative:
            when = max(clock, 0) + when if relative else clock + when
        for address, is_write in ((read, False), (write, True)):
            if address > MAX_ADDRESS:
                raise ChipgymError(f"{label}: line {number}: address {shorten(address)} is beyond {MAX_ADDRESS:#x}")
            if address >= 0:
                cycles.append(when)
                addresses.append(address)
                writes.append(is_write)
        if when < clock:
            raise ChipgymError(f"{label}: line {number}: cycle {when} is before the {clock} of the request ahead of it")
        if when > MAX_CYCLE:
            raise ChipgymError(f"{label}: line {number}: cycle {when} is beyond {MAX_CYCLE}")
        clock = when
        if len(cycles) >= chunk:
            total += len(cycles)
            if most is not None and total > most:
                break
            yield _made(name, cycles, writes, addresses)
            cycles, addresses, writes = [], [], []
    total += len(cycles) if line == b"" else 0
    if most is not None and total > most:
        raise ChipgymError(f"{label}: more than {most} requests, which is as long as a trace can be")
    if not total:
        raise ChipgymError(f"{label}: has no requests")
    if cycles:
        yield _made(name, cycles, writes, addresses)


def _made(name: str, cycles: list[int], writes: list[bool], addresses: list[int]) -> Trace:
    return Trace(name, np.array(cycles, np.int64), np.array(writes, np.bool_), np.array(addresses, np.int64))


def _stem(file: Path) -> str:
    stem = file.name.removesuffix(".gz")
    return Path(stem).stem or file.name

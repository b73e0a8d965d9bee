"""Memory-trace files of DRAMSys, Ramulator, DRAMSim and USIMM; as they are or gzipped.

One request a line; which form a file has is told by its first request. `trace_forms.py` has the forms.

| form | a line | time |
|---|---|---|
| DRAMSys `.stl` | `31: read 0x400140`, `31: (256) write 400140` (data after it are left aside) | cycle of arrival |
| DRAMSys `.rstl` | the same | cycles since the request before was issued |
| DRAMSim2, DRAMsim3 | `0x400140 READ 31`, `0x400140 P_MEM_WR 31` | cycle of arrival |
| DRAMSim2 without time | `0x400140 write 00ff` | none: one request a cycle |
| Ramulator memory | `0x400140 R` | none: one request a cycle |
| Ramulator 2 load-store | `LD 0x400140`, `ST 4194624` | none: one request a cycle |
| Ramulator 2 read-write | `R 0,1,2,100,32`: channel, rank, bank, row, column | none: one request a cycle |
| Ramulator processor | `3 4194624 [4194688]`: instructions before, read, write-back | one instruction a cycle |
| USIMM | `3 R 0x400140 [0x0]`: instructions before | one instruction a cycle |

A cycle of arrival that falls back is sent at once, as DRAMSys and DRAMSim do: it is that of the request before.
"""

from __future__ import annotations

import itertools
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ...errors import ChipgymError, shorten
from ...files import open_unpacked, reading, regular_file_size
from ..trace.trace import MAX_ADDRESS, MAX_CYCLE, MAX_REQUESTS, MAX_SIZE, Trace, join_traces
from ..trace.vectors import MOST, PLACE_BITS, pack
from .trace_forms import FORMS, Form, Groups, form_of

#: Most characters of a line: no form needs more than a hundred but for write data.
MAX_LINE = 4096
#: Largest file that is loaded as a whole, as it lies on disk, and unpacked.
MAX_BYTES = 2**30
#: Requests that `iterate_trace` hands over at a time.
CHUNK = 65_536
# Bytes that are read at a time.
_BLOCK = 2**20
_BOM = b"\xef\xbb\xbf"
# Possessive, which is ten times as fast where lines are short.
_COMMENTS = re.compile(rb"#[^\n]*+(?:\s++#[^\n]*+)*+")
_BLANKS = re.compile(rb"\n\s+")

Ints = np.ndarray[Any, np.dtype[np.int64]]
#: Columns of some requests: cycle, is_write, address, size (None where no request has one).
Columns = tuple[Ints, Any, Ints, Ints | None]


def load_trace(path: str | os.PathLike[str]) -> Trace:
    """Load the requests of a trace file, named after it.

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
    """Yield the requests of a trace file of any size, at most `chunk` at a time, times going on from part to part.

    Args:
        path: of a `.stl`, `.rstl`, `.trace` or `.trc` file, also compressed (`.gz`).
        chunk: requests of each part but the last.
        most: requests beyond which the file is refused.
        most_bytes: bytes beyond which the file is refused, packed and unpacked.

    Raises:
        ChipgymError: as `load_trace`, when the part with the offending line is asked for.
    """
    file = Path(path)
    label = f"file {shorten(file.name)}"
    lines = _Lines(label, {s.lower() for s in file.suffixes})
    total = 0
    waiting: list[Columns] = []
    with open_unpacked(file, most_bytes) as source, reading(f"{label}: cannot be read"):
        for block in _blocks(source, label):
            found = lines.read(block)
            total += 0 if found is None else len(found[0])
            if most is not None and total > most:
                raise ChipgymError(f"{label}: more than {most} requests, which is as long as a trace can be")
            waiting += [] if found is None else [found]
            have = sum(len(columns[0]) for columns in waiting)
            if have >= chunk:
                columns, whole = _joined(waiting), have // chunk * chunk
                for start in range(0, whole, chunk):
                    yield lines.trace(_stem(file), _cut(columns, slice(start, start + chunk)))
                waiting = [_cut(columns, slice(whole, None))] if have > whole else []
    if not total:
        raise ChipgymError(f"{label}: has no requests")
    if waiting:
        yield lines.trace(_stem(file), _joined(waiting))


class _Lines:
    """Reads lines block by block: knows the form, the line and the time at which it is.

    Args:
        label: what errors call the file.
        extensions: in lower case; those of DRAMSys say of which form the lines may be, and since when stamps count.
    """

    def __init__(self, label: str, extensions: set[str]) -> None:
        self.label = label
        self.extensions = extensions
        self.form: Form | None = None
        self.levels = 0
        self.number = 0  # lines before the block
        self.clock = 0
        self.fell = False

    @property
    def relative(self) -> bool:
        """Whether stamps count from the request before."""
        return ".rstl" in self.extensions and self.form is not None and self.form.stamped

    def trace(self, name: str, columns: Columns) -> Trace:
        return Trace(name, *columns, relative=self.relative, levels=self.levels)

    def read(self, block: bytes) -> Columns | None:
        """Read the requests of a block of whole lines; None where there are none."""
        text = _BLANKS.sub(b"\n", b"\n" + (_COMMENTS.sub(b"", block) if b"#" in block else block))[1:]
        found: Groups = []
        if text:
            if self.form is None:
                first = text[: text.find(b"\n")] if b"\n" in text else text
                self.form = form_of(first, not self.extensions.isdisjoint((".stl", ".rstl")))
                self.clock = -1 if self.form is not None and not self.form.stamped else 0
                if self.form is None:
                    raise self._error(block, 0, f"{_shown(first)} is no request such as {_examples()}")
            found = self.form.pattern.findall(text)
        columns = self._columns(block, text, self.form, found) if self.form is not None and found else None
        self.number += block.count(b"\n")
        return columns

    def _columns(self, block: bytes, text: bytes, form: Form, found: Groups) -> Columns:
        for at, groups in enumerate(found):
            if groups[-1]:
                # The lines before it come first, should one of them say what cannot be.
                self._columns(block, text, form, found[:at]) if at else None
                raise self._error(block, at, f"{_shown(groups[-1])} is no request such as {form.example}")
        rows = form.rows(found)
        cycle = self._cycles(block, rows.stamps)
        address = self._vectors(block, rows.addresses) if form.vectors else self._addresses(block, rows.addresses)
        is_write = rows.is_write
        size = None
        if rows.sizes is not None:
            for at, bytes_ in enumerate(rows.sizes):
                if not 0 <= bytes_ <= MAX_SIZE:
                    given = max(bytes_, 0)
                    raise self._error(block, at, f"a request of {given} bytes, expected 1 to {MAX_SIZE}")
            size = np.array(rows.sizes, np.int64)
        if rows.written_back is not None:
            self._addresses(block, rows.written_back)
            back = np.array(rows.written_back, np.int64)
            place = np.flatnonzero(back >= 0) + 1
            cycle = np.insert(cycle, place, cycle[place - 1])
            address = np.insert(address, place, back[place - 1])
            is_write = np.insert(is_write, place, True)
        return cycle, is_write, address, size

    def _cycles(self, block: bytes, stamps: list[int]) -> Ints:
        """Return arrivals, int64 (n,), never falling, and move the clock to the last."""
        counted = self.relative or not (self.form is not None and self.form.stamped)
        if counted:
            if self.clock + sum(stamps) > MAX_CYCLE:
                arrivals = list(itertools.accumulate(stamps, initial=self.clock))[1:]
                self._beyond(block, arrivals)
            cycle = self.clock + np.cumsum(np.array(stamps, np.int64))
        else:
            if max(stamps) > MAX_CYCLE:
                self._beyond(block, stamps)
            given = np.array(stamps, np.int64)
            cycle = np.maximum.accumulate(np.maximum(given, self.clock))
            if not self.fell and (given < cycle).any():
                self.fell = True
                at = int(np.argmax(given < cycle))
                warnings.warn(
                    f"{self.label}: line {self._line(block, at)}: cycle {given[at]} is before the {cycle[at]} of the "
                    "request ahead of it, so that it is sent at once, as are others like it",
                    stacklevel=5,
                )
        self.clock = int(cycle[-1])
        return cast(Ints, cycle)

    def _beyond(self, block: bytes, cycles: list[int]) -> None:
        at = next(i for i, cycle in enumerate(cycles) if cycle > MAX_CYCLE)
        raise self._error(block, at, f"cycle {cycles[at]} is beyond {MAX_CYCLE}")

    def _addresses(self, block: bytes, addresses: Any) -> Ints:
        if max(addresses) > MAX_ADDRESS:
            at = next(i for i, address in enumerate(addresses) if address > MAX_ADDRESS)
            raise self._error(block, at, f"address {shorten(addresses[at])} is beyond {MAX_ADDRESS:#x}")
        return np.array(addresses, np.int64)

    def _vectors(self, block: bytes, vectors: Any) -> Ints:
        """Return packed vectors; a file's are of one length."""
        self.levels = self.levels or len(vectors[0])
        for at, vector in enumerate(vectors):
            if len(vector) != self.levels or self.levels > MOST:
                told = f"as in the first request, {self.levels}" if self.levels <= MOST else f"at most {MOST}"
                raise self._error(block, at, f"an address of {len(vector)} numbers, expected {told}")
        places = list(zip(*vectors, strict=True))
        for place, bits in zip(places, PLACE_BITS, strict=False):
            if max(place) >> bits:
                at = next(i for i, number in enumerate(place) if number >> bits)
                raise self._error(block, at, f"{place[at]} in an address is beyond {(1 << bits) - 1}")
        return pack([np.array(place, np.int64) for place in places])

    def _error(self, block: bytes, at: int, text: str) -> ChipgymError:
        return ChipgymError(f"{self.label}: line {self._line(block, at)}: {text}")

    def _line(self, block: bytes, at: int) -> int:
        """Return the number in the file of the block's line that has its request `at`."""
        for number, line in enumerate(block.split(b"\n"), start=1):
            if line.partition(b"#")[0].strip():
                if at == 0:
                    return self.number + number
                at -= 1
        raise AssertionError("a request that stands on no line")


def _blocks(source: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield blocks of whole lines, none of them longer than `MAX_LINE`."""
    lines, rest = 0, source.read(len(_BOM)).removeprefix(_BOM)
    while data := source.read(_BLOCK):
        data = rest + data
        end = data.rfind(b"\n") + 1
        block, rest = data[:end], data[end:]
        _check_lines(block, label, lines)
        lines += block.count(b"\n")
        if len(rest) > MAX_LINE:
            raise ChipgymError(f"{label}: line {lines + 1}: is longer than {MAX_LINE} characters")
        yield block
    if rest:
        yield rest


def _check_lines(block: bytes, label: str, before: int) -> None:
    start = 0
    while start < len(block):
        end = block.rfind(b"\n", start, start + MAX_LINE + 1)
        if end < 0:
            number = before + block.count(b"\n", 0, start) + 1
            raise ChipgymError(f"{label}: line {number}: is longer than {MAX_LINE} characters")
        start = end + 1


def _joined(parts: list[Columns]) -> Columns:
    cycles, writes, addresses, sizes = zip(*parts, strict=True)
    size = None
    if any(s is not None for s in sizes):
        size = np.concatenate(
            [np.zeros(len(c), np.int64) if s is None else s for c, s in zip(cycles, sizes, strict=True)]
        )
    return np.concatenate(cycles), np.concatenate(writes), np.concatenate(addresses), size


def _cut(columns: Columns, part: slice) -> Columns:
    cycle, is_write, address, size = columns
    return cycle[part], is_write[part], address[part], None if size is None else size[part]


def _shown(line: bytes) -> str:
    return shorten(line.decode("utf-8", "replace").strip())


def _examples() -> str:
    return " or ".join(form.example for form in FORMS)


def _stem(file: Path) -> str:
    stem = file.name.removesuffix(".gz")
    return Path(stem).stem or file.name

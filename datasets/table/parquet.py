"""Tables of evaluated designs as Parquet files: a column per knob and metric, units beside them, a checksum at the end.

The same rows under the same header give the same bytes (with the same version of pyarrow): no date, no order of
arrival, no row group of another size.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...errors import ChipgymError, shorten
from ...files import MAX_TEXT, in_file, named, open_file, reading
from .header import FEASIBLE, VIOLATION, KnobField, TableHeader
from .table import Column, ContentHash, DesignTable, check_costs

#: Bytes that a table may have in memory: larger ones are for a database.
MAX_BYTES = 8 * 2**30
#: Bytes that a file of any size may take in memory, and times its own size that a larger one may. The tables that ship
#: take up to 130 times theirs.
FREE_BYTES, MAX_EXPANSION = 2**30, 500
#: Rows of one row group: a few megabytes of metrics, so that writing takes little memory.
GROUP_ROWS = 65536

_MAGIC = b"PAR1"
_HEADER_KEY, _DIGEST_KEY = b"chipgym.table", b"chipgym.sha256"
_TYPES = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string()}


def decoded_bytes(header: TableHeader, rows: int) -> int:
    """Count the bytes that so many rows take in memory.

    A row is a position (int32) per knob, and a float64 per metric and violation.
    """
    return rows * (4 * len(header.knobs) + 8 * (len(header.metrics) + 1))


class TableWriter:
    """Writes a table in rising order of its rows to an open file, a row group at a time.

    Attributes:
        rows: how many were given.
        digest: the checksum, once the file is closed.
    """

    def __init__(self, file: BinaryIO, header: TableHeader) -> None:
        self.rows = 0
        self.digest = ""
        self._header = header
        self._hash = ContentHash(header)
        # Numbers repeat along the grid's order, which zstd finds by itself: a dictionary of floats is half as good.
        self._writer = pq.ParquetWriter(
            file,
            _schema(header),
            compression="zstd",
            compression_level=9,
            use_dictionary=[k.name for k in header.knobs],
        )
        self._waiting: list[tuple[Column, Column]] = []
        self._waiting_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            # Where anything failed the file is given up, and pyarrow must not try its footer when it is collected.
            self._writer.is_open = False

    def _finish(self) -> None:
        if self._waiting_rows:
            self._write(*self._take(self._waiting_rows))
        self.digest = self._hash.hexdigest()
        text = self._header.to_json().encode()
        self._writer.add_key_value_metadata({_HEADER_KEY: text, _DIGEST_KEY: self.digest.encode()})
        self._writer.close()

    def write(self, positions: Column, values: Column) -> None:
        """Add rows: positions (n, p), and metrics and violation in this order, (n, m + 1) float64."""
        self._waiting.append((positions, values))
        self._waiting_rows += len(positions)
        self.rows += len(positions)
        while self._waiting_rows >= GROUP_ROWS:
            self._write(*self._take(GROUP_ROWS))

    def _take(self, n: int) -> tuple[Column, Column]:
        positions = np.concatenate([part[0] for part in self._waiting])
        values = np.concatenate([part[1] for part in self._waiting])
        self._waiting = [(positions[n:], values[n:])]
        self._waiting_rows = len(positions) - n
        return positions[:n], values[:n]

    def _write(self, positions: Column, values: Column) -> None:
        names = [m.name for m in self._header.metrics]
        metrics = {name: np.ascontiguousarray(values[:, j]) for j, name in enumerate(names)}
        violation = np.ascontiguousarray(values[:, -1])
        self._hash.update(positions, metrics, violation)
        knobs = [
            pa.array(k.values, type=_TYPES[k.kind]).take(pa.array(positions[:, j]))
            for j, k in enumerate(self._header.knobs)
        ]
        columns = [*knobs, *map(pa.array, metrics.values()), pa.array(violation <= 0), pa.array(violation)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=_schema(self._header)), row_group_size=GROUP_ROWS)


def _schema(header: TableHeader) -> pa.Schema:
    """Return names, types, and unit and doc of each column as its metadata."""
    described: Iterable[tuple[str, pa.DataType, str, str]] = [
        *((k.name, _TYPES[k.kind], k.unit, k.doc) for k in header.knobs),
        *((m.name, pa.float64(), m.unit, m.doc) for m in header.metrics),
        (FEASIBLE, pa.bool_(), "", "whether the design can be built and run"),
        (VIOLATION, pa.float64(), "", "how far beyond the nearest limit, 0 where feasible"),
    ]
    fields = [pa.field(n, t, nullable=False, metadata={"unit": unit, "doc": doc}) for n, t, unit, doc in described]
    return pa.schema(fields)


def read_header(path: str | os.PathLike[str]) -> tuple[TableHeader, str, int]:
    """Read the header of a table file, its checksum (not compared with the content), and its number of rows.

    Raises:
        ChipgymError: the file is missing, cut off, or no table of evaluated designs of this format.
    """
    with _opened(path) as (label, _, file):
        return _checked_header(label, file)


def read_table(path: str | os.PathLike[str]) -> DesignTable:
    """Read a table from a file, with its checksum verified.

    Raises:
        ChipgymError: as `read_header`, and for a table too large or whose content is not what the checksum says.
    """
    with _opened(path) as (label, source, file):
        header, digest, rows = _checked_header(label, file)
        _check_size(label, header, rows, os.fstat(source.fileno()).st_size)
        # A text may be long; as numbers of a dictionary it is there once, however many rows have it.
        texts = [knob.name for knob in header.knobs if knob.kind == "text"]
        with pq.ParquetFile(source, metadata=file.metadata, read_dictionary=texts) as columns:
            table = _decoded(label, header, rows, columns)
        if table.digest != digest:
            raise ChipgymError(f"{label}: is damaged (its content has another checksum than it was written with)")
    with in_file(label):
        check_costs(table)
    return table


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[str, BinaryIO, pq.ParquetFile]]:
    """Yield what to call a file in messages, and the file, once it begins and ends as a Parquet file does."""
    label = named(path)
    with open_file(path) as source, reading(f"{label}: is damaged"):
        _check_ends(label, source)
        with pq.ParquetFile(source, thrift_string_size_limit=MAX_TEXT) as file:
            yield label, source, file


def _check_size(label: str, header: TableHeader, rows: int, packed: int) -> None:
    """Check that so many rows fit into memory, and are no more than a file of so many bytes can be meant to have."""
    size, most = decoded_bytes(header, rows), max(FREE_BYTES, MAX_EXPANSION * packed)
    if size > min(MAX_BYTES, most):
        of = "" if most > MAX_BYTES else f" of a file of {packed / 2**20:.1f} MiB"
        raise ChipgymError(
            f"{label}: {rows} designs take {size / 2**30:.3g} GiB, "
            f"at most {min(MAX_BYTES, most) / 2**30:.3g} are read{of}"
        )


def _check_ends(label: str, file: BinaryIO) -> None:
    head = file.read(len(_MAGIC))
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - len(_MAGIC), 0))
    tail = file.read(len(_MAGIC))
    file.seek(0)
    if not head:
        raise ChipgymError(f"{label}: is empty")
    if head != _MAGIC:
        raise ChipgymError(f"{label}: is not a Parquet file")
    if tail != _MAGIC or size < 12:  # both magic words and the length of the footer
        raise ChipgymError(f"{label}: is cut off (a Parquet file ends in PAR1)")


def _checked_header(label: str, file: pq.ParquetFile) -> tuple[TableHeader, str, int]:
    metadata = file.metadata.metadata or {}
    if _HEADER_KEY not in metadata or _DIGEST_KEY not in metadata:
        raise ChipgymError(f"{label}: is a Parquet file, but not a table that chipgym collect wrote")
    with in_file(label):
        header = TableHeader.from_json(metadata[_HEADER_KEY].decode(errors="replace"))
    found, expected = file.schema_arrow.remove_metadata(), _schema(header)
    for field in expected:
        if field.name not in found.names:
            raise ChipgymError(f"{label}: has no column {field.name}, which its header names")
    if found.names != expected.names or not found.equals(expected, check_metadata=True):
        raise ChipgymError(f"{label}: its columns are not those that its header names, or of other types or units")
    return header, metadata[_DIGEST_KEY].decode(errors="replace"), file.metadata.num_rows


def _decoded(label: str, header: TableHeader, rows: int, file: pq.ParquetFile) -> DesignTable:
    """Read the rows of a file, a column at a time, so that no other copy of all of them is made."""

    def column(name: str) -> pa.ChunkedArray:
        found = file.read(columns=[name])[name]
        if len(found) != rows or found.null_count:
            raise ChipgymError(f"{label}: {name} has rows without a value")
        return found

    positions = np.empty((rows, len(header.knobs)), dtype=np.int32)
    for j, knob in enumerate(header.knobs):
        positions[:, j] = _positions(label, knob, column(knob.name))
    metrics = {m.name: column(m.name).to_numpy() for m in header.metrics}
    violation = column(VIOLATION).to_numpy()
    if not np.array_equal(column(FEASIBLE).to_numpy(), violation <= 0) or np.isnan(violation).any():
        raise ChipgymError(f"{label}: is damaged (the columns {FEASIBLE} and {VIOLATION} contradict each other)")
    return DesignTable(header, positions, metrics, violation)


def _positions(label: str, knob: KnobField, column: pa.ChunkedArray) -> Column:
    """Return the places of a column's values in a knob's grid, (n,)."""
    grid = pa.array(knob.values, type=_TYPES[knob.kind])
    parts = [np.empty(0, np.int32)]
    for chunk in column.chunks:
        values = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
        places = pc.index_in(values, value_set=grid)
        if isinstance(chunk, pa.DictionaryArray):
            places = places.take(chunk.indices)
        if places.null_count:
            wrong = chunk.filter(pc.is_null(places))[0].as_py()
            raise ChipgymError(f"{label}: {knob.name} has {shorten(wrong)}, which is not on the grid of its header")
        parts.append(places.to_numpy())
    return np.concatenate(parts)

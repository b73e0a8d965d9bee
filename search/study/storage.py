"""A study's folder: which study it is, and the searches done so far, many to a file."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...durable import durable_file
from ...errors import ChipgymError
from ...files import reading
from ..difference import first_difference
from .searches import Searches, Task, Trace

if TYPE_CHECKING:
    import pyarrow as pa

#: What every file of a study's folder but its parts is called.
STUDY, SEARCHES, RUNS, REPORT = "study.json", "searches.parquet", "runs.parquet", "report.html"
_PARTS = "part-*.parquet"
_COLUMNS = ("problem", "configuration", "seed", "evaluations", "at", "incumbent")


def belongs(folder: Path, study: Mapping[str, Any]) -> bool:
    """Tell whether a folder is this study's; False where it is nobody's.

    Raises:
        ChipgymError: for a folder of another study, and one of something else.
    """
    path = folder / STUDY
    ours = json.loads(json.dumps(study))
    if not path.exists():
        if folder.is_dir() and any(folder.glob("*.parquet")):
            raise ChipgymError(f"folder: {folder} has tables and no {STUDY}; choose another folder")
        return False
    try:
        theirs = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ChipgymError(f"folder: {path} is damaged; choose another folder") from None
    if theirs != ours:
        where, has, this = _difference(theirs, ours)
        raise ChipgymError(f"{where}: study {folder} has {has}, this is {this}; choose another folder")
    return True


def _difference(theirs: Any, ours: Mapping[str, Any]) -> tuple[str, str, str]:
    """Find where two studies differ: names of problems and agents first, then what stands under them."""
    for field in ("problems", "agents") if isinstance(theirs, Mapping) else ():
        has, this = theirs.get(field), ours[field]
        if isinstance(has, Mapping) and list(has) != list(this):
            return field, _names(has, this), _names(this, has)
    return first_difference("", theirs, ours)


def _names(mine: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """List the names that only one study has, or all of them where only their order differs."""
    names = [name for name in mine if name not in other] or list(mine)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def claim(folder: Path, study: Mapping[str, Any]) -> None:
    """Make a folder this study's.

    Raises:
        OSError: where it cannot be written.
    """
    with durable_file(folder / STUDY) as file:
        file.write(json.dumps(study, indent=2).encode())


class Store:
    """The searches in a study's folder.

    New ones go to a part beside those that are there; `tidy` makes one file of all. Whichever of them a kill leaves
    behind, a search is in one or in two of them and never half.

    Attributes:
        done: searches by task.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: dict[Task, Trace] = {}
        self._waiting: list[tuple[Task, Trace]] = []
        self._files = [p for p in (folder / SEARCHES,) if p.exists()] + sorted(folder.glob(_PARTS))
        for partial in folder.glob(".*.partial"):
            partial.unlink(missing_ok=True)
        for path in self._files:
            for task, trace in _read(path).traces():
                self.done.setdefault(task, trace)

    def add(self, found: Iterable[tuple[Task, Trace]]) -> None:
        """Take searches, which are on disk after the next `flush`."""
        for task, trace in found:
            self.done[task] = trace
            self._waiting.append((task, trace))

    def flush(self) -> None:
        """Write what was added as a part.

        Raises:
            OSError: where the disk is full or cannot be written.
        """
        if self._waiting:
            path = self.folder / _PARTS.replace("*", f"{len(self._files):06}-{os.getpid()}-{secrets.token_hex(3)}")
            _write(path, Searches.of(self._waiting))
            self._files.append(path)
            self._waiting = []

    def tidy(self) -> Searches:
        """Make one file of all, and return them.

        Raises:
            OSError: where the disk is full or cannot be written.
        """
        self.flush()
        searches = Searches.of(self.done.items())
        if self._files != [self.folder / SEARCHES]:
            _write(self.folder / SEARCHES, searches)
            for path in self._files:
                if path.name != SEARCHES:
                    path.unlink(missing_ok=True)
            self._files = [self.folder / SEARCHES]
        return searches


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = (pa.int32(), pa.int32(), pa.int64(), pa.int64(), pa.list_(pa.int32()), pa.list_(pa.float64()))
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(_COLUMNS, kinds, strict=True)])


def _write(path: Path, searches: Searches) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    offsets = pa.array(searches.offsets.astype(np.int32))
    columns = [
        pa.array(searches.problem.astype(np.int32)),
        pa.array(searches.configuration.astype(np.int32)),
        pa.array(searches.seed),
        pa.array(searches.evaluations),
        pa.ListArray.from_arrays(offsets, pa.array(searches.at)),
        pa.ListArray.from_arrays(offsets, pa.array(searches.values)),
    ]
    table = pa.Table.from_arrays(columns, schema=_schema())
    with durable_file(path) as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def _read(path: Path) -> Searches:
    """Read searches from a file.

    Raises:
        ChipgymError: where it is damaged.
    """
    import pyarrow.parquet as pq

    with reading(f"folder: {path} is damaged; remove it and run the study again"):
        table = pq.read_table(path, page_checksum_verification=True, memory_map=False).combine_chunks()
        if table.schema.names != list(_COLUMNS) or table.schema.types != _schema().types:
            raise ValueError("it has other columns")
        problem, configuration, seed, evaluations = (table[name].to_numpy().astype(np.int64) for name in _COLUMNS[:4])
        lists = [table[name].combine_chunks() for name in _COLUMNS[4:]]
        at, values = (column.flatten().to_numpy(zero_copy_only=False) for column in lists)
        offsets = np.concatenate([[0], np.cumsum(lists[0].value_lengths().to_numpy(zero_copy_only=False))])
        if len(at) != len(values) or len(at) != offsets[-1]:
            raise ValueError("its columns do not fit one another")
    ends = offsets.astype(np.int64)
    return Searches(problem, configuration, seed, evaluations, ends, at.astype(np.int32), values.astype(np.float64))

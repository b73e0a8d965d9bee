"""The folder beside a table in the making: what has been evaluated so far, in files that are whole or not there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from ...datasets import TableHeader
from ...durable import durable_file
from ...errors import ChipgymError
from ...simulators.core.parameter import Column
from ..difference import first_difference
from ..folder_lock import NAME as LOCK
from ..folder_lock import folder_lock

Range = tuple[int, int]

# The numbers of a part's designs, and the beginning of a sha256 of them and its content: what is damaged is no part.
_PART = re.compile(r"(\d{1,19})-(\d{1,19})-([0-9a-f]{16})\.part")
_PLAN = "plan.json"


def parts_folder(out: str | os.PathLike[str]) -> Path:
    """Return where a table, or a folder of tables, is until it is whole."""
    path = Path(os.path.expanduser(out))
    return path.with_name(f"{path.name}.parts")


class Parts:
    """Parts of one collection. As a context manager it keeps other processes out of the folder.

    Attributes:
        folder: where they are.
        ranges: numbers of the plan that are evaluated, in order, without overlap.
        designs: how many designs they have.
    """

    def __init__(self, folder: Path, header: TableHeader) -> None:
        self.folder = folder
        self.ranges: list[Range] = []
        self.designs = 0
        self._header = header
        self._width = len(header.metrics) + 1
        self._names: dict[Range, str] = {}
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Make the folder, or go on with what is in it.

        Raises:
            ChipgymError: where another process is at it, or it belongs to another collection.
            OSError: where it cannot be written.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(folder_lock(self.folder, "collecting into"))
            self._enter()
            self._lock = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def _enter(self) -> None:
        self._check_plan()
        for path in self.folder.glob("*.partial"):
            path.unlink()
        self._find()

    def _check_plan(self) -> None:
        """Check that what is in the folder was evaluated by the same simulator for the same table."""
        path = self.folder / _PLAN
        ours = self._header.to_json()
        if not path.exists():
            if any(self.folder.glob("*.part")):
                raise ChipgymError(f"out: {self.folder} has no {_PLAN}; remove the folder or choose another file")
            with self._file(path) as file:
                file.write(ours.encode())
            return
        text = path.read_bytes().decode(errors="replace")
        if text == ours:
            return
        try:
            theirs = TableHeader.from_json(text)
        except ChipgymError as error:
            raise ChipgymError(f"out: {path} cannot be gone on from ({error}); remove the folder first") from None
        where, has, this = header_difference(theirs, self._header)
        raise ChipgymError(
            f"{where}: {self.folder} has {has}, this is {this}; remove the folder to begin anew, or choose another file"
        )

    def _find(self) -> None:
        """Read every part; those that are damaged, or overlap another, are removed and evaluated again."""
        found = sorted(
            (int(m[1]), int(m[2]), m[0]) for p in self.folder.glob("*.part") if (m := _PART.fullmatch(p.name))
        )
        end = 0
        for start, stop, name in found:
            content = (self.folder / name).read_bytes()
            if not end <= start < stop or name != _name((start, stop), content) or len(content) % (8 * self._width):
                (self.folder / name).unlink()
                continue
            self._add((start, stop), name, len(content))
            end = stop

    def _add(self, numbers: Range, name: str, size: int) -> None:
        self._names[numbers] = name
        self.ranges.append(numbers)
        self.designs += size // (8 * self._width)

    def missing(self, span: int) -> list[Range]:
        """List the ranges from 0 to `span` that no part has, in order."""
        edges = [0, *(edge for numbers in sorted(self.ranges) for edge in numbers), span]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]

    def write(self, numbers: Range, values: Column) -> None:
        """Make evaluated designs durable: metrics and violation, (n, m + 1) float64.

        Raises:
            OSError: where the disk is full or cannot be written.
        """
        content = np.ascontiguousarray(values, dtype="<f8").tobytes()
        name = _name(numbers, content)
        with self._file(self.folder / name) as file:
            file.write(content)
        self._add(numbers, name, len(content))

    def read(self) -> Iterator[tuple[Range, Column]]:
        """Read every part in order, as it was written.

        Raises:
            ChipgymError: where one was changed since it was found.
        """
        for numbers in sorted(self.ranges):
            content = (self.folder / self._names[numbers]).read_bytes()
            if self._names[numbers] != _name(numbers, content):
                raise ChipgymError(f"out: {self.folder / self._names[numbers]} was damaged meanwhile; run it again")
            yield numbers, np.frombuffer(content, dtype="<f8").reshape(-1, self._width)

    def _file(self, path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
        return durable_file(path, self.partial(path.name))

    def partial(self, name: str) -> Path:
        """Return where a file of that name is written before it takes its place."""
        return self.folder / f"{name}.{os.getpid()}.partial"

    def remove(self) -> None:
        """Remove what this class has written, and the folder where nothing else is in it."""
        for pattern in (
            "*.part",
            "*.partial",
            "*.db*",
            _PLAN,
            LOCK,
        ):  # the plan last: without it the parts mean nothing
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def header_difference(theirs: TableHeader, ours: TableHeader) -> tuple[str, str, str]:
    """Find where two headers differ, and what each has there."""
    if theirs.identity != ours.identity:
        return first_difference("", theirs.identity, ours.identity)
    return first_difference("header", json.loads(theirs.to_json()), json.loads(ours.to_json()))


def _name(numbers: Range, content: bytes) -> str:
    place = f"{numbers[0]:015}-{numbers[1]:015}"
    return f"{place}-{hashlib.sha256(place.encode() + content).hexdigest()[:16]}.part"

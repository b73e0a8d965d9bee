"""Files that are there whole or not at all, whenever a process is killed or a machine loses power."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import ChipgymError, shorten


def output_file(path: str | os.PathLike[str], example: str) -> Path:
    """Where a file is to be written; a `~` is one's home.

    Args:
        path: as the user gave it.
        example: a file's name, with the extension that is expected.

    Raises:
        ChipgymError: for what is not the path of such a file, and for a folder.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or "\0" in str(path):
        raise ChipgymError(f"out: {shorten(path)} is not the path of a file such as {example!r}")
    found = Path(os.path.expanduser(path))
    if found.is_dir():
        raise ChipgymError(f"out: {found} is a folder, expected a file such as {found / example}")
    suffix = Path(example).suffix
    if found.suffix.lower() != suffix:
        raise ChipgymError(f"out: {found} does not end in {suffix}; nearest is {found.name}{suffix}")
    return found


def output_folder(path: str | os.PathLike[str]) -> Path:
    """Where a folder of files is to be written; a `~` is one's home.

    Raises:
        ChipgymError: for what is not the path of a folder, for a file, and for a name that looks like a file's.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or "\0" in str(path):
        raise ChipgymError(f"out: {shorten(path)} is not the path of a folder such as 'tables'")
    found = Path(os.path.expanduser(path))
    if found.suffix.lower() == ".parquet":
        raise ChipgymError(f"out: {found} is one file; expected a folder for several, such as {found.with_suffix('')}")
    if found.exists() and not found.is_dir():
        raise ChipgymError(f"out: {found} is a file, expected a folder")
    if not found.name:
        raise ChipgymError(f"out: {found} has no name; expected a folder such as 'tables'")
    return found


@contextmanager
def durable_file(path: Path, partial: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its place at `path` once it is complete and on disk.

    Args:
        path: where it belongs; what is there is replaced.
        partial: where it is written, in the same file system. Removed where writing fails; a kill leaves it behind.

    Raises:
        OSError: where the disk is full or cannot be written; `path` is as it was.
    """
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Makes the names of a folder's files durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Files that are there whole or not at all, whenever a process is killed or a machine loses power."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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

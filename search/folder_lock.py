"""One process at a time in a folder of work in the making."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..durable import sync_folder
from ..errors import ChipgymError

try:
    import fcntl
except ImportError:  # not a POSIX system: two processes there are not told apart
    fcntl = None  # type: ignore[assignment]

NAME = "lock"


@contextmanager
def folder_lock(folder: Path, doing: str) -> Iterator[None]:
    """Make a folder where there is none, and keep other processes out of it; gone with the process, however it ends.

    Args:
        folder: the folder.
        doing: what another process is doing there, after "another process is" and before the folder's name.

    Raises:
        ChipgymError: where another process is at it.
        OSError: where the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sync_folder(folder.parent)
    with (folder / NAME).open("ab") as lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ChipgymError(f"out: another process is {doing} {folder}; wait for it") from None
        yield

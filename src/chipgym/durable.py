"""Files that are there whole or not at all, whenever a process is killed or a machine loses power."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import ChipgymError, printable, shorten
from .files import reason, status


def output_file(path: str | os.PathLike[str], example: str, field: str = "out", *, any_suffix: bool = False) -> Path:
    """Return where a file is to be written; a `~` is one's home.

    Args:
        path: as the user gave it.
        example: a file's name, with the extension that is expected.
        field: what to call it in messages.
        any_suffix: whether another extension will do.

    Raises:
        ChipgymError: for what is not the path of such a file, and for what is there and is no regular file: a device
            or a pipe would be replaced.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or "\0" in str(path):
        raise ChipgymError(f"{field}: {shorten(path)} is not the path of a file such as {example!r}")
    found = Path(os.path.expanduser(path))
    label = printable(str(found))
    there = status(found)
    if there is not None and stat.S_ISDIR(there.st_mode):
        raise ChipgymError(f"{field}: {label} is a folder, expected a file such as {found / example}")
    if there is not None and not stat.S_ISREG(there.st_mode):
        raise ChipgymError(f"{field}: {label} is there and is not a regular file, expected a new one or a regular file")
    suffix = Path(example).suffix
    if not any_suffix and found.suffix.lower() != suffix:
        raise ChipgymError(f"{field}: {label} does not end in {suffix}; nearest is {printable(found.name)}{suffix}")
    return found


def output_folder(path: str | os.PathLike[str]) -> Path:
    """Return where a folder of files is to be written; a `~` is one's home.

    Raises:
        ChipgymError: for what is not the path of a folder, for a file, and for a name that looks like a file's.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or "\0" in str(path):
        raise ChipgymError(f"out: {shorten(path)} is not the path of a folder such as 'tables'")
    found = Path(os.path.expanduser(path))
    label = printable(str(found))
    if found.suffix.lower() == ".parquet":
        raise ChipgymError(f"out: {label} is one file; expected a folder for several, such as {found.with_suffix('')}")
    there = status(found)
    if there is not None and not stat.S_ISDIR(there.st_mode):
        raise ChipgymError(f"out: {label} is a file, expected a folder")
    if not found.name:
        raise ChipgymError(f"out: {label} has no name; expected a folder such as 'tables'")
    return found


def check_writable(path: Path, field: str = "out") -> None:
    """Check that a file can be written at a path now: hours of work must not end at a result without a place.

    Its folders are made.

    Raises:
        ChipgymError: naming the field, the path and why not.
    """
    with writing(path, field):
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = os.access in os.supports_effective_ids
        if os.path.lexists(path) and not path.is_symlink() and not os.access(path, os.W_OK, effective_ids=mine):
            raise ChipgymError(f"{field}: {printable(str(path))} cannot be written (it is write-protected)")
        with tempfile.TemporaryFile(dir=path.parent):
            pass


@contextmanager
def writing(path: Path, field: str = "out", hint: str = "") -> Iterator[None]:
    """Turn a disk's errors into one line that names the output.

    Args:
        path: of the output.
        field: what to call it.
        hint: what is safe and how to go on, after a semicolon.

    Raises:
        ChipgymError: for any of them.
    """
    try:
        yield
    except ChipgymError:
        raise
    except (OSError, ValueError) as error:  # ValueError: letters that no file name has
        raise ChipgymError(f"{field}: {printable(str(path))} cannot be written ({reason(error)}){hint}") from error


def partial_of(path: Path) -> Path:
    """Return where a file is written before it takes its place.

    That is beside it, under a name that no other writer has.
    """
    # The beginning of its name alone: with all of a long one this would be longer than the system allows.
    return path.with_name(f".{path.name[:40]}.{os.getpid()}-{secrets.token_hex(4)}.partial")


@contextmanager
def durable_file(path: Path, partial: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file to write that takes its place at `path` once it is complete and on disk.

    Args:
        path: where it belongs; what is there is replaced.
        partial: where it is written, in the same file system; `partial_of` where None. Removed where writing fails; a
            kill leaves it behind.

    Raises:
        OSError: where the disk is full or cannot be written; `path` is as it was.
    """
    aside = partial_of(path) if partial is None else partial
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names of a folder's files durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

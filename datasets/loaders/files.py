"""Reading a small text file that a user named, with one clear line for whatever is wrong with it."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

from ...errors import ChipgymError, nearest, shorten

#: Larger than any table of layers; the size is checked before a byte is read.
MAX_BYTES = 16 * 2**20
#: Files of a folder that are looked at for one that a mistyped name may mean.
MAX_ENTRIES = 1000


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file (with or without byte order mark) of at most `MAX_BYTES`.

    Raises:
        ChipgymError: no such file, not a regular file, unreadable, empty, too large, binary, or not UTF-8.
    """
    label = shorten(os.fspath(path), 200)
    size = regular_file_size(path)
    if size > MAX_BYTES:
        raise ChipgymError(f"file {label}: is {size / 2**20:.1f} MiB, expected at most {MAX_BYTES // 2**20} MiB")
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(data) > MAX_BYTES:
        raise ChipgymError(f"file {label}: is larger than {MAX_BYTES // 2**20} MiB")
    if not data.strip():
        raise ChipgymError(f"file {label}: is empty")
    if b"\0" in data:
        raise ChipgymError(f"file {label}: is binary (it has NUL bytes), expected text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChipgymError(f"file {label}: is not UTF-8 text (byte {error.start})") from None


def regular_file_size(path: str | os.PathLike[str]) -> int:
    """Bytes of a file that can be opened without waiting for ever, as a pipe or a device might.

    Raises:
        ChipgymError: there is no such file, or it is a directory or no regular file.
    """
    label = shorten(os.fspath(path), 200)
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise ChipgymError(f"file {label}: is a directory, expected a file")
    if not stat.S_ISREG(status.st_mode):
        raise ChipgymError(f"file {label}: is not a regular file")
    return status.st_size


def _unreadable(path: str | os.PathLike[str], error: OSError | ValueError) -> ChipgymError:
    label = shorten(os.fspath(path), 200)
    if isinstance(error, FileNotFoundError):
        near = _neighbour(os.fspath(path))
        return ChipgymError(f"file {label}: does not exist{f'; did you mean {shorten(near, 200)}?' if near else ''}")
    reason = getattr(error, "strerror", None) or str(error)
    return ChipgymError(f"file {label}: cannot be read ({reason})")


def _neighbour(path: str | bytes) -> str | None:
    """The file beside one that there is not whose name is most like it; of the same extension."""
    place = Path(os.fsdecode(path))
    try:
        with os.scandir(place.parent) as entries:
            files = [entry.name for entry in islice(entries, MAX_ENTRIES) if entry.is_file()]
    except OSError:
        return None
    names = [name for name in files if Path(name).suffix == place.suffix]
    near = nearest(place.name, names) if place.suffix else None
    return None if near is None else str(place.with_name(near))

"""Reading a small text file that a user named, with one clear line for whatever is wrong with it."""

from __future__ import annotations

import os
import stat

from ...errors import ChipgymError, shorten

#: Larger than any table of layers; the size is checked before a byte is read.
MAX_BYTES = 16 * 2**20


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file (with or without byte order mark) of at most `MAX_BYTES`.

    Raises:
        ChipgymError: no such file, not a regular file, unreadable, empty, too large, binary, or not UTF-8.
    """
    label = shorten(os.fspath(path), 200)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ChipgymError(f"file {label}: is a directory, expected a file")
        # Opening a pipe or a device could wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise ChipgymError(f"file {label}: is not a regular file")
        if status.st_size > MAX_BYTES:
            size = status.st_size / 2**20
            raise ChipgymError(f"file {label}: is {size:.1f} MiB, expected at most {MAX_BYTES // 2**20} MiB")
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ChipgymError(f"file {label}: does not exist") from None
    except ChipgymError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ChipgymError(f"file {label}: cannot be read ({reason})") from None
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

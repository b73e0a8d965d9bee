"""Open the files that a user names, and say in one line what is wrong with one.

A file is a regular one of a bounded size before a byte of it is read. A pipe would be waited for, and a device has no
end. What is unpacked from it is bounded too. `reading` turns whatever a library says of bad content into one line.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from .errors import ChipgymError, nearest, shorten

#: Bytes of a text or JSON file: larger than any kernel or table of layers.
MAX_TEXT = 16 * 2**20
#: Files of a folder that are looked at for one that a mistyped name may mean.
MAX_ENTRIES = 1000
#: Bytes that any packed file may unpack to; a larger one may unpack to `MAX_EXPANSION` times its size.
FREE_EXPANSION = 256 * 2**20
#: Times its own size that a file may unpack to. Traces and models reach some dozens, a bomb of zeros 1,000.
MAX_EXPANSION = 100

# What libraries raise for content that they cannot read, beside exceptions of their own.
_BAD_CONTENT = (OSError, EOFError, MemoryError, ValueError, RecursionError, NotImplementedError, OverflowError)
# Libraries whose own exceptions are about content; found by name, so that none is imported for it.
_READERS = frozenset({"pyarrow", "sqlalchemy", "sqlite3", "zipfile", "zlib", "lzma", "_lzma", "struct", "google"})


def named(path: str | os.PathLike[str]) -> str:
    """Return what to call a file in messages."""
    return f"file {shorten(os.fspath(path), 200)}"


def reason(error: BaseException) -> str:
    """Return what an operating system or a library says, on one line."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    original = getattr(error, "orig", None) or error  # SQLAlchemy wraps the database's
    text = getattr(original, "strerror", None) or str(original) or type(original).__name__
    return " ".join(str(text).split())[:200]


@contextmanager
def reading(message: str) -> Iterator[None]:
    """Turn what a library raises for bad content into one line; other errors are faults of chipgym and pass.

    Args:
        message: the file and what is wrong with it; the library's words follow in brackets.

    Raises:
        ChipgymError: `message (reason)`.
    """
    try:
        yield
    except ChipgymError:
        raise
    except Exception as error:
        # zipfile raises a plain RuntimeError for an entry under a password, and for one that it reads while written.
        library = type(error).__module__.partition(".")[0] in _READERS or type(error) is RuntimeError
        if not library and not isinstance(error, _BAD_CONTENT):
            raise
        raise ChipgymError(f"{message} ({reason(error)})") from None


@contextmanager
def in_file(label: str) -> Iterator[None]:
    """Put a file's name before an error about what stands in it.

    Raises:
        ChipgymError: the same, with `label` before it.
    """
    try:
        yield
    except ChipgymError as error:
        raise ChipgymError(f"{label}: {error}") from None


def status(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Ask the system about a path; None where nothing is there.

    Raises:
        ChipgymError: where it cannot say: a name too long, a folder that may not be looked into, a NUL.
    """
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def is_file(path: str | os.PathLike[str]) -> bool:
    """Tell whether there is a regular file; False for a path that the system does not take."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Tell whether there is a folder; False for a path that the system does not take."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def regular_file_size(path: str | os.PathLike[str], most: int | None = None) -> int:
    """Return the size in bytes of a file that can be opened without waiting for ever, as a pipe or a device might.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ChipgymError: there is no such file, it is a directory or no regular file, or it is larger.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or letters that no file name has
        raise _unreadable(path, error) from None
    return _size(path, found, most)


@contextmanager
def open_file(path: str | os.PathLike[str], most: int | None = None) -> Iterator[BinaryIO]:
    """Open a regular file to read from; what reading it raises is told by `reading` of the caller.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ChipgymError: as `regular_file_size`, and where it cannot be opened.
    """
    regular_file_size(path, most)
    try:
        # Without waiting: what was a file a moment ago may have become a pipe.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    with os.fdopen(handle, "rb") as file:
        _size(path, os.fstat(file.fileno()), most)
        yield file


@contextmanager
def open_unpacked(path: str | os.PathLike[str], most: int | None = None) -> Iterator[BinaryIO]:
    """Open a regular file to read from, unpacked where its name ends in `.gz`.

    Args:
        path: of the file.
        most: bytes that it may have, packed and unpacked.

    Raises:
        ChipgymError: as `open_file`; while it is read, where it unpacks to more than `most` or than is allowed for its
            size (see `most_unpacked`).
    """
    with open_file(path, most) as file:
        if Path(path).suffix.lower() != ".gz":
            yield file
            return
        limit = most_unpacked(os.fstat(file.fileno()).st_size)
        limit = limit if most is None else min(limit, most)
        with gzip.GzipFile(fileobj=file) as packed:
            yield cast(BinaryIO, io.BufferedReader(_Bounded(cast(IO[bytes], packed), named(path), limit), 2**16))


def most_unpacked(size: int) -> int:
    """Return how many bytes a packed file of `size` bytes may unpack to."""
    return max(FREE_EXPANSION, MAX_EXPANSION * size)


class _Bounded(io.RawIOBase):
    """A stream that refuses to go on beyond a number of bytes."""

    def __init__(self, stream: IO[bytes], label: str, most: int) -> None:
        self._stream, self._label, self._most, self._left = stream, label, most, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer)
        data = self._stream.read(min(len(room), self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise ChipgymError(f"{self._label}: unpacks to more than {self._most / 2**20:.0f} MiB")
        room[: len(data)] = data
        return len(data)


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read the content of a regular file of at most `most` bytes.

    Raises:
        ChipgymError: as `open_file`, and where it cannot be read.
    """
    with open_file(path, most) as file, reading(f"{named(path)}: cannot be read"):
        data = file.read(most + 1)
    if len(data) > most:  # it grew
        raise _too_large(path, len(data), most)
    return data


def read_text(path: str | os.PathLike[str], most: int = MAX_TEXT) -> str:
    """Read the text of a UTF-8 file (with or without byte order mark) of at most `most` bytes.

    Raises:
        ChipgymError: as `read_bytes`; and for a file that is empty, binary, or not UTF-8.
    """
    data = read_bytes(path, most)
    if not data.strip():
        raise ChipgymError(f"{named(path)}: is empty")
    if b"\0" in data:
        raise ChipgymError(f"{named(path)}: is binary (it has NUL bytes), expected text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChipgymError(f"{named(path)}: is not UTF-8 text (byte {error.start})") from None


def read_json(path: str | os.PathLike[str], most: int = MAX_TEXT) -> Any:
    """Read what a JSON file of at most `most` bytes holds.

    Raises:
        ChipgymError: as `read_text`, and for text that is not JSON.
    """
    return parse_json(read_text(path, most), named(path))


def parse_json(text: str, label: str) -> Any:
    """Parse what a JSON text holds.

    Raises:
        ChipgymError: where it is not JSON, is nested too deeply, or has a whole number of thousands of digits.
    """
    with reading(f"{label}: is not JSON"):
        return json.loads(text)


def _size(path: str | os.PathLike[str], found: os.stat_result, most: int | None) -> int:
    if stat.S_ISDIR(found.st_mode):
        raise ChipgymError(f"{named(path)}: is a directory, expected a file")
    if not stat.S_ISREG(found.st_mode):
        raise ChipgymError(f"{named(path)}: is not a regular file")
    if most is not None and found.st_size > most:
        raise _too_large(path, found.st_size, most)
    return found.st_size


def _too_large(path: str | os.PathLike[str], size: int, most: int) -> ChipgymError:
    return ChipgymError(f"{named(path)}: is {size / 2**20:.1f} MiB, expected at most {most / 2**20:.0f} MiB")


def _unreadable(path: str | os.PathLike[str], error: OSError | ValueError) -> ChipgymError:
    if isinstance(error, FileNotFoundError):
        near = _neighbour(os.fspath(path))
        hint = f"; did you mean {shorten(near, 200)}?" if near else ""
        return ChipgymError(f"{named(path)}: does not exist{hint}")
    return ChipgymError(f"{named(path)}: cannot be read ({reason(error)})")


def _neighbour(path: str | bytes) -> str | None:
    """Find the file beside one that there is not whose name is most like it; of the same extension."""
    place = Path(os.fsdecode(path))
    try:
        with os.scandir(place.parent) as entries:
            files = [entry.name for entry in islice(entries, MAX_ENTRIES) if entry.is_file()]
    except OSError:
        return None
    names = [name for name in files if Path(name).suffix == place.suffix]
    near = nearest(place.name, names) if place.suffix else None
    return None if near is None else str(place.with_name(near))

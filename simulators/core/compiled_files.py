"""Keep Numba's compiled kernels in files that say whether they are whole.

Numba runs what it finds in its cache. A power cut leaves empty or torn files, which would end every later run. Here
each file ends with a digest of what it holds, and one that does not match is compiled anew.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from numba.core.caching import IndexDataCacheFile

LOG = logging.getLogger("chipgym")


class _Sealing:
    """A file to write that keeps the digest of what was written."""

    def __init__(self, file: BinaryIO, stamp: bytes) -> None:
        self.file, self.digest = file, hashlib.sha256(stamp)

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)


class SealedFiles(IndexDataCacheFile):
    """Numba's index and data files of one function, each with a digest of its content and of `stamp` at its end.

    The digest finds damage and other sources. It does not keep out somebody who may write in the folder: a compiled
    kernel is code, and as trusted as the package's own files beside it.
    """

    def __init__(self, files: IndexDataCacheFile, stamp: str) -> None:
        vars(self).update(vars(files))
        # Numba looks at the version before it reads the rest of an index: what the rest names may be gone.
        self._version = f"{self._version} {stamp}"

    def save(self, key: Any, data: Any) -> None:
        """Save a kernel; one that cannot be written is compiled again by the next process."""
        try:
            super().save(key, data)
        except OSError as error:
            LOG.debug("kernel not kept: %s", error)

    def _load_index(self) -> Any:
        return super()._load_index() if self._whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        return super()._load_data(name) if self._whole(self._data_path(name)) else None

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[_Sealing]:
        with super()._open_for_write(filepath) as file:
            sealing = _Sealing(file, self._version.encode())
            yield sealing
            file.write(sealing.digest.digest())

    def _whole(self, path: str) -> bool:
        """Tell whether there is a file of these sources as it was written; Numba ignores what follows a pickle."""
        try:
            data = Path(path).read_bytes()
        except OSError:
            return False
        digest = hashlib.sha256(self._version.encode())
        content, seal = data[: -digest.digest_size], data[-digest.digest_size :]
        digest.update(content)
        return seal == digest.digest()


def seal(cache: Any, stamp: str) -> None:
    """Make a function's cache end its files with digests that `stamp`, a hash of its sources, is part of.

    Raises:
        AttributeError: Numba keeps its files in another way.
    """
    if not isinstance(cache._cache_file, IndexDataCacheFile):
        raise AttributeError("Numba's cache has no IndexDataCacheFile")
    cache._cache_file = SealedFiles(cache._cache_file, stamp)

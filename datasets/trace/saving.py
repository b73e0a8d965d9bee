"""Traces as DRAMSys `.stl` files, the form of `loaders/traces.py` that keeps every time."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Iterator
from typing import BinaryIO

from ...durable import durable_file, output_file
from ...errors import ChipgymError
from .trace import Trace

# Requests that are one piece of text at a time, so that memory stays small.
_CHUNK = 65_536


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Writes a trace, a request a line such as `31: read 0x400140`; `load_workload` reads an equal one.

    The name of a trace that is read is its file's. The same trace is the same bytes.

    Args:
        trace: what to write.
        path: of a `.stl` file, or of a `.stl.gz` to be compressed; there whole or not at all.

    Raises:
        ChipgymError: for a path of another extension.
        OSError: where it cannot be written.
    """
    if not isinstance(trace, Trace):
        raise ChipgymError(f"trace: expected a Trace, got a {type(trace).__name__}")
    packed = isinstance(path, str | os.PathLike) and str(path).lower().endswith(".stl.gz")
    target = output_file(path, "trace.stl.gz" if packed else "trace.stl")
    with durable_file(target, target.with_name(f"{target.name}.partial")) as file, _packed(file, packed) as lines:
        for start in range(0, len(trace), _CHUNK):
            part = slice(start, start + _CHUNK)
            requests = zip(trace.cycle[part], trace.is_write[part], trace.address[part], strict=True)
            text = "".join(
                f"{cycle}: {'write' if write else 'read'} {address:#x}\n" for cycle, write, address in requests
            )
            lines.write(text.encode())


@contextlib.contextmanager
def _packed(file: BinaryIO, packed: bool) -> Iterator[BinaryIO]:
    if not packed:
        yield file
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as lines:  # without a date
        yield lines  # type: ignore[misc]

"""Traces as DRAMSys `.stl` and `.rstl` files, the forms of `loaders/traces.py` that keep every time and size."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ...durable import durable_file, output_file
from ...errors import ChipgymError, shorten
from .trace import Trace

# Requests that are one piece of text at a time, so that memory stays small.
_CHUNK = 65_536


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write a trace, a request a line such as `31: read 0x400140`; `load_workload` reads an equal one.

    The name of a trace that is read is its file's. The same trace is the same bytes.

    Args:
        trace: what to write; its addresses are bytes.
        path: of a `.stl` file, of a `.rstl` file for a relative trace, or of either with `.gz` behind it to be
            compressed; there whole or not at all.

    Raises:
        ChipgymError: for a path of another extension, or addresses that are vectors.
        OSError: where it cannot be written.
    """
    if not isinstance(trace, Trace):
        raise ChipgymError(f"trace: expected a Trace, got a {type(trace).__name__}")
    if trace.levels:
        raise ChipgymError(f"trace: {shorten(trace.name)} has vectors for addresses, which no .stl file holds")
    extension = ".rstl" if trace.relative else ".stl"
    packed = isinstance(path, str | os.PathLike) and str(path).lower().endswith(f"{extension}.gz")
    target = output_file(path, f"trace{extension}.gz" if packed else f"trace{extension}")
    stamps = np.diff(trace.cycle, prepend=0) if trace.relative else trace.cycle
    with durable_file(target, target.with_name(f"{target.name}.partial")) as file, _packed(file, packed) as lines:
        for start in range(0, len(trace), _CHUNK):
            part = slice(start, start + _CHUNK)
            sizes = [0] * len(stamps[part]) if trace.size is None else trace.size[part]
            requests = zip(stamps[part], trace.is_write[part], trace.address[part], sizes, strict=True)
            text = "".join(
                f"{stamp}: {f'({size}) ' if size else ''}{'write' if write else 'read'} {address:#x}\n"
                for stamp, write, address, size in requests
            )
            lines.write(text.encode())


@contextlib.contextmanager
def _packed(file: BinaryIO, packed: bool) -> Iterator[BinaryIO]:
    if not packed:
        yield file
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as lines:  # without a date
        yield lines  # type: ignore[misc]

"""Numba compilation whose disk cache knows every source file that a kernel is made of.

Numba's own cache looks only at the file that a function stands in. A kernel that calls functions of a neighbouring
module, or uses its constants, would go on running the old ones after that module was edited or updated.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import config, njit
from numba.core import event
from numba.core.cpu import CPUTargetOptions

F = TypeVar("F", bound=Callable[..., Any])

LOG = logging.getLogger("chipgym")


class _Announcer(event.Listener):
    """Says that a kernel is being compiled, which takes seconds, and which its pieces are part of."""

    def __init__(self) -> None:
        self.depth = 0

    def on_start(self, started: event.Event) -> None:
        module = started.data["dispatcher"].py_func.__module__
        if self.depth == 0 and module.startswith("chipgym."):
            LOG.info("compiling the %s kernel; once, as it is kept on disk", module.split(".")[-2])
        self.depth += 1

    def on_end(self, ended: event.Event) -> None:
        self.depth -= 1


event.register("numba:compile", _Announcer())  # type: ignore[no-untyped-call]


@cache
def folder_stamp(folder: Path) -> str:
    """A hash of all Python sources directly in `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def compiled(function: F) -> F:
    """Compiles `function` to machine code on its first call, without the GIL, and keeps it on disk.

    The copy on disk is used as long as no Python source in the function's folder has changed.
    """
    try:
        dispatcher: Any = njit(cache=True, nogil=True, error_model="numpy")(function)
        # Part of the version, which Numba looks at before it reads the rest: what the rest names may be gone.
        file = dispatcher._cache._cache_file
        file._version = f"{file._version} {folder_stamp(Path(inspect.getfile(function)).parent)}"
    except (AttributeError, RuntimeError):
        # Another Numba keeps it elsewhere, or no folder can be written: no copy is better than an old one, or none.
        dispatcher = njit(nogil=True, error_model="numpy")(function)
    return dispatcher  # type: ignore[no-any-return]


def inlined(function: F) -> F:
    """A piece of a compiled function, pasted into its callers; it may not make arrays.

    Pasting saves handing over many arrays. Not making any, it needs none of Numba's reference counts, whose atomic
    operations take half of the time of a loop over small pieces.
    """
    return _bare(function, forceinline=True)


def piece(function: F) -> F:
    """As `inlined`, for what is called too rarely, or is too large, to be pasted."""
    return _bare(function)


def _bare(function: F, **options: bool) -> F:
    if hasattr(CPUTargetOptions, "_nrt"):  # no public name; without it the answer is the same, only later
        options["_nrt"] = False
    return njit(nogil=True, error_model="numpy", **options)(function)  # type: ignore[no-any-return, call-overload]


def threads() -> int:
    """How many threads a kernel may use: as many as the process has cores, or the environment's NUMBA_NUM_THREADS."""
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def limit_threads(most: int) -> None:
    """Gives the kernels of this process fewer threads, as for one of several processes that share the cores."""
    config.NUMBA_NUM_THREADS = most  # type: ignore[attr-defined]

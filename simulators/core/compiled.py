"""Compile kernels with Numba, into a disk cache that knows every source file that a kernel is made of.

Numba's own cache looks only at the file that a function stands in. A kernel that calls functions of a neighbouring
module, or uses its constants, would go on running the old ones after that module was edited or updated.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ...errors import ChipgymError

try:
    from numba import config, njit
except ValueError as error:  # it reads its settings from the environment as it is imported
    given = os.environ.get("NUMBA_NUM_THREADS")
    raise ChipgymError(f"NUMBA_NUM_THREADS: {given!r} is not a whole number from 1 ({error})") from None
from numba.core import event
from numba.core.cpu import CPUTargetOptions

from .compiled_files import seal

F = TypeVar("F", bound=Callable[..., Any])

LOG = logging.getLogger("chipgym")


class _Announcer(event.Listener):
    """Says that a kernel is being compiled, which takes seconds, and which its pieces are part of."""

    def __init__(self) -> None:
        self.depth = 0

    def on_start(self, started: event.Event) -> None:
        module = started.data["dispatcher"].py_func.__module__
        if self.depth == 0 and module.startswith("chipgym."):
            LOG.info("compiling the %s kernel; once, as it is kept on disk", machine_of(module))
        self.depth += 1

    def on_end(self, ended: event.Event) -> None:
        self.depth -= 1


event.register("numba:compile", _Announcer())  # type: ignore[no-untyped-call]


def machine_of(module: str) -> str:
    """Name the machine whose kernel a module is part of: the folder below its room; outside chipgym, its own folder."""
    parts = module.split(".")
    return parts[2] if parts[0] == "chipgym" and len(parts) > 3 else parts[-2] if len(parts) > 1 else parts[0]


def sources_of(function: Callable[..., Any]) -> tuple[Path, ...]:
    """Return the folders whose sources may be part of a kernel: its machine's, and the simulators' core."""
    folder = Path(inspect.getfile(function)).parent
    parts = function.__module__.split(".")
    if parts[0] != "chipgym" or len(parts) < 4:
        return (folder,)
    return (folder.parents[len(parts) - 5] if len(parts) > 4 else folder, Path(__file__).parent)


@cache
def folder_stamp(*folders: Path) -> str:
    """Hash all Python sources in and below `folders`."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def compiled(function: F) -> F:
    """Compile `function` to machine code on its first call, without the GIL, and keep it on disk.

    The copy on disk is used as long as no Python source of the function's machine has changed. A damaged copy is
    discarded.
    """
    try:
        dispatcher: Any = njit(cache=True, nogil=True, error_model="numpy")(function)
        seal(dispatcher._cache, folder_stamp(*sources_of(function)))
    except (AttributeError, RuntimeError):
        # Another Numba keeps it elsewhere, or no folder can be written: no copy is better than an old one, or none.
        dispatcher = njit(nogil=True, error_model="numpy")(function)
    return dispatcher  # type: ignore[no-any-return]


def inlined(function: F) -> F:
    """Compile a piece of a function that is pasted into its callers; it may not make arrays.

    Pasting saves handing over many arrays. Not making any, it needs none of Numba's reference counts, whose atomic
    operations take half of the time of a loop over small pieces.
    """
    return _bare(function, forceinline=True)


def piece(function: F) -> F:
    """Compile as `inlined` does, for what is called too rarely, or is too large, to be pasted."""
    return _bare(function)


def _bare(function: F, **options: bool) -> F:
    if hasattr(CPUTargetOptions, "_nrt"):  # no public name; without it the answer is the same, only later
        options["_nrt"] = False
    return njit(nogil=True, error_model="numpy", **options)(function)  # type: ignore[no-any-return, call-overload]


def threads() -> int:
    """Count the threads a kernel may use: as many as the process has cores, or the environment's NUMBA_NUM_THREADS."""
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def limit_threads(most: int) -> None:
    """Give the kernels of this process fewer threads, as for one of several processes that share the cores."""
    config.NUMBA_NUM_THREADS = most  # type: ignore[attr-defined]

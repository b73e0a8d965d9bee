"""What a simulator's answers are made by: a hash of its source files, for the provenance of collected tables."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

from .simulator import Simulator

# Code, and the tables that constants are kept in.
SUFFIXES = frozenset({".py", ".csv", ".json", ".parquet"})


def source_digest(cls: type[Simulator]) -> str:
    """Return the sha256 in hex of the files that a simulator's folder holds, sub-folders included.

    For a class outside a package it is that of its one file; empty where the source cannot be had, as for a class
    that was typed into a notebook. The versions of libraries and of what simulators share are no part of it.
    """
    try:
        file = Path(inspect.getfile(cls))
        root = file.parent if (file.parent / "__init__.py").exists() else file
        files = [root] if root.is_file() else [p for p in root.rglob("*") if p.suffix in SUFFIXES and p.is_file()]
        digest = hashlib.sha256()
        for path in sorted(files):
            name = path.relative_to(root.parent).as_posix()
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    except (OSError, TypeError):
        return ""
    return digest.hexdigest()
